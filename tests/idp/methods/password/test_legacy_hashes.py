import base64
import hashlib
import time

import bcrypt
import pytest
from werkzeug.security import generate_password_hash

from idp.methods.password import legacy_hashes

PASSWORD = "Vecais portāls 2009"


def _django(algorithm: str, digest: str, *, iterations: int) -> str:
    made = hashlib.pbkdf2_hmac(digest, PASSWORD.encode(), b"Zemgale", iterations)
    return f"{algorithm}${iterations}$Zemgale${base64.b64encode(made).decode()}"


def _ldap(scheme: str, digest: str) -> str:
    salt = b"\x01\x02salt\xff"
    return (
        f"{{{scheme}}}"
        + base64.b64encode(hashlib.new(digest, PASSWORD.encode() + salt).digest() + salt).decode()
    )


def _salted(digest: str) -> str:
    return f"{digest}$Zemgale$" + hashlib.new(digest, b"Zemgale" + PASSWORD.encode()).hexdigest()


HASHES = {
    "bcrypt": bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode(),
    "bcrypt of PHP": bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode().replace("$2b$", "$2y$"),
    "Django PBKDF2": _django("pbkdf2_sha256", "sha256", iterations=1000),
    "Django PBKDF2 with SHA-1": _django("pbkdf2_sha1", "sha1", iterations=1000),
    "Werkzeug": generate_password_hash(PASSWORD, "pbkdf2:sha256:1000"),
    "Werkzeug with SHA-512": generate_password_hash(PASSWORD, "pbkdf2:sha512:1000"),
    "LDAP SSHA": _ldap("SSHA", "sha1"),
    "LDAP SSHA256": _ldap("SSHA256", "sha256"),
    "salted SHA-1": _salted("sha1"),
    "salted SHA-256": _salted("sha256"),
}


@pytest.mark.parametrize("form", HASHES)
def test_the_right_password_fits_and_a_wrong_one_does_not(form: str) -> None:
    assert legacy_hashes.recognises(HASHES[form])
    assert legacy_hashes.verify(HASHES[form], PASSWORD)
    for wrong in (PASSWORD.lower(), PASSWORD + "x", "", "\x00", "x" * 256):
        assert not legacy_hashes.verify(HASHES[form], wrong)


def test_hashes_made_elsewhere_are_understood() -> None:
    """Examples from the documentation of Django, and of OpenLDAP's slappasswd format by hand."""
    assert legacy_hashes.verify(
        "pbkdf2_sha256$1$salt$"
        + base64.b64encode(hashlib.pbkdf2_hmac("sha256", b"secret", b"salt", 1)).decode(),
        "secret",
    )
    assert legacy_hashes.verify("sha1$abc$" + hashlib.sha1(b"abcsecret").hexdigest().upper(), "secret")  # noqa: S324  what the old portals had


@pytest.mark.parametrize("form", HASHES)
def test_no_stored_value_has_two_forms(form: str) -> None:
    assert sum(bool(each.pattern.fullmatch(HASHES[form])) for each in legacy_hashes.FORMS) == 1


def test_bcrypt_passwords_beyond_its_72_bytes_fit_as_they_did_before() -> None:
    long = "Ļ" * 50
    stored = bcrypt.hashpw(long.encode()[:72], bcrypt.gensalt(4)).decode()
    assert legacy_hashes.verify(stored, long)


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "plain text",
        PASSWORD,
        "{SSHA}" + base64.b64encode(hashlib.sha1(PASSWORD.encode()).digest()).decode(),  # without a salt  # noqa: S324  what the old portals had
        "{SSHA}%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%",
        "pbkdf2_sha256$0$salt$" + "A" * 43 + "=",
        "pbkdf2_sha256$1000$salt$AAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "pbkdf2_md5$1000$salt$" + "A" * 43 + "=",
        "$2b$03$" + "a" * 53,
        "md5$salt$" + "0" * 32,
    ],
)
def test_what_is_no_known_hash_fits_no_password(stored: str) -> None:
    assert not legacy_hashes.verify(stored, PASSWORD)
    assert not legacy_hashes.verify(stored, stored)


@pytest.mark.parametrize(
    "stored",
    [
        "$2b$31$" + "a" * 53,
        "pbkdf2_sha256$99999999$salt$" + "A" * 43 + "=",
        "pbkdf2:sha512:99999999$salt$" + "0" * 128,
    ],
)
def test_a_hash_that_would_take_minutes_is_not_checked(stored: str) -> None:
    """attack 43"""
    started = time.process_time()
    assert not legacy_hashes.verify(stored, PASSWORD)
    assert time.process_time() - started < 0.1
