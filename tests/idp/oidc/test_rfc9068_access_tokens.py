"""Access tokens of ours as another process sees them first: by a short way that believes no more than the long one."""

import base64
import hashlib
import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from joserfc.jwk import ECKey

from idp.models.keys import KeyState
from idp.oidc import jose
from idp.oidc.authorize import Browser
from idp.oidc.issued_tokens import AMONG_WORKERS, IssuedTokens
from idp.oidc.jose import TokenError
from idp.oidc.keys import LOOK_AGAIN_SECONDS, KeyRing, Signer
from idp.oidc.subjects import Subjects
from idp.oidc.tokens import AccessTokens
from tests.idp.oidc.house import ISSUER, House
from tests.support.relying_party import RelyingParty

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
EVIL = ECKey.generate_key("P-256")


@pytest.fixture
def token(house: House, browser: Browser, app: RelyingParty) -> str:
    return house.tokens_for(app, browser).access_token


@pytest.fixture
def keys(house: House) -> KeyRing:
    """Of a process that issued nothing."""
    world = house.world
    return KeyRing(world.database, world.vault, world.effects)


@pytest.fixture
def elsewhere(house: House, keys: KeyRing) -> AccessTokens:
    """A server that shares no memory with the one that issued."""
    return tokens_of(house, keys, IssuedTokens())


def tokens_of(house: House, keys: KeyRing, issued: IssuedTokens) -> AccessTokens:
    world = house.world
    return AccessTokens(
        issuer=ISSUER,
        keys=keys,
        clients=house.openid.clients,
        subjects=Subjects(world.database, world.vault),
        storage=world.storage,
        effects=world.effects,
        issued=issued,
    )


@pytest.fixture
def only_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("went the long way")

    monkeypatch.setattr(jose, "read", refuse)


def part(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "==")


def signed(signer: Signer, header: str, claims: str) -> str:
    """By that key, whatever the header says."""
    signature = jose._es256(f"{header}.{claims}".encode(), signer.key)  # type: ignore[arg-type]
    return f"{header}.{claims}.{part(signature)}"


def flipped(signature: str, at: int) -> str:
    changed = bytearray(raw(signature))
    changed[at] ^= 1
    return part(bytes(changed))


def respelled(signature: str) -> str:
    """The same 64 bytes: the last of 86 characters carries four bits that mean nothing."""
    last = ALPHABET[ALPHABET.index(signature[-1]) | 1]
    assert raw(signature[:-1] + last) == raw(signature)
    return signature[:-1] + last


SIGNATURES: dict[str, Callable[[str], str]] = {
    "r altered": lambda signature: flipped(signature, 0),
    "r altered at its end": lambda signature: flipped(signature, 31),
    "s altered": lambda signature: flipped(signature, 32),
    "s altered at its end": lambda signature: flipped(signature, 63),
    "spelled another way": respelled,
    "padded": lambda signature: signature + "==",
    "a newline after it": lambda signature: signature + "\n",
    "a letter less": lambda signature: signature[:-1],
    "63 bytes": lambda signature: part(raw(signature)[:63]),
    "65 bytes": lambda signature: part(raw(signature) + b"\0"),
    "65 bytes, zero first": lambda signature: part(b"\0" + raw(signature)),
    "65 bytes, zero in between": lambda signature: part(raw(signature)[:32] + b"\0" + raw(signature)[32:]),
    "86 characters of nothing": lambda _: "!" * 86,
    "86 characters of another alphabet": lambda _: "ā" * 86,
    "all zero": lambda _: part(bytes(64)),
    "all ones": lambda _: part(b"\xff" * 64),
    "r twice": lambda signature: part(raw(signature)[:32] * 2),
    "none": lambda _: "",
    "one part more": lambda signature: f"x.{signature}",
    "another part after it": lambda signature: f"{signature}.x",
}


@pytest.mark.usefixtures("only_the_short_way")
def test_a_token_of_another_process_is_read_the_short_way(token: str, elsewhere: AccessTokens) -> None:
    found = elsewhere.verify(token)
    assert found.claims == jose.peek(token)[1]
    assert found.kid == jose.peek(token)[0]["kid"]


@pytest.mark.usefixtures("only_the_short_way")
@pytest.mark.parametrize("how", SIGNATURES)
def test_no_signature_but_the_one_made_holds(how: str, token: str, elsewhere: AccessTokens) -> None:
    """attack 16"""
    start, _, signature = token.rpartition(".")
    with pytest.raises(TokenError):
        elsewhere.verify(f"{start}.{SIGNATURES[how](signature)}")
    assert elsewhere.verify(token)


@pytest.mark.parametrize("length", [0, 32, 62, 63, 65, 66, 128])
def test_a_signature_has_64_bytes(length: int) -> None:
    """attack 16: whatever letter it ends with"""
    for last in range(256):
        with pytest.raises(ValueError, match="not 64 bytes"):
            jose._as_der(part(bytes(length)[:-1] + bytes([last])) if length else "")
    assert jose._as_der(part(bytes([1]) * 64))


@pytest.mark.usefixtures("only_the_short_way")
def test_a_signature_in_the_letters_of_base64_is_refused(
    token: str, keys: KeyRing, elsewhere: AccessTokens
) -> None:
    """attack 16: `+` and `/` stand for the same bits as `-` and `_`"""
    header, claims, signature = token.split(".")
    while "-" not in signature and "_" not in signature:
        signature = signed(keys.signer("ES256"), header, claims).rpartition(".")[2]
    with pytest.raises(TokenError, match="signature does not verify"):
        elsewhere.verify(f"{header}.{claims}.{signature.replace('-', '+').replace('_', '/')}")
    assert elsewhere.verify(f"{header}.{claims}.{signature}")


@pytest.mark.usefixtures("only_the_short_way")
def test_claims_that_were_not_signed_are_refused(token: str, elsewhere: AccessTokens) -> None:
    """attack 16: also those that could not be read, which nobody tries before the signature holds"""
    header, claims, signature = token.split(".")
    told: dict[str, Any] = json.loads(raw(claims))
    for altered in (
        part({**told, "scope": "openid email address"}),
        part(raw(claims)[:-1] + b',"sub":"berta"}'),
        part(told),
        claims + "=",
        claims[:-1],
        "",
        part(b"{"),
    ):
        assert altered != claims
        with pytest.raises(TokenError, match="signature does not verify"):
            elsewhere.verify(f"{header}.{altered}.{signature}")


@pytest.mark.usefixtures("only_the_short_way")
def test_our_header_over_a_strangers_signature_is_refused(token: str, elsewhere: AccessTokens) -> None:
    """attack 16"""
    header, claims, _ = token.split(".")
    stranger = Signer("stranger", "ES256", EVIL)
    with pytest.raises(TokenError, match="signature does not verify"):
        elsewhere.verify(signed(stranger, header, claims))


@pytest.mark.usefixtures("only_the_short_way")
def test_each_header_goes_with_its_own_key(token: str, keys: KeyRing, elsewhere: AccessTokens) -> None:
    """attack 16: the key that signs next is published too"""
    _, claims, signature = token.split(".")
    signer = keys.signer("ES256")
    waiting = [
        kid for kid, (alg, _) in keys.current().verifiers.items() if alg == "ES256" and kid != signer.kid
    ]
    assert waiting
    for kid in waiting:
        header = jose.own_header(kid=kid, typ="at+jwt")
        for forged in (f"{header}.{claims}.{signature}", signed(signer, header, claims)):
            with pytest.raises(TokenError, match="signature does not verify"):
                elsewhere.verify(forged)


def test_any_other_header_goes_the_long_way(token: str, keys: KeyRing, elsewhere: AccessTokens) -> None:
    """attack 16: what `read` refuses stays refused, for the reason it gives"""
    header, claims, signature = token.split(".")
    signer = keys.signer("ES256")
    told: dict[str, str] = json.loads(raw(header))
    refused = {
        "the type is another one": part({**told, "typ": "JWT"}),
        "the algorithm is not in the list": part({**told, "alg": "none"}),
        "no such key": part({**told, "kid": "nobody"}),
        "the header has members that are not allowed": part({**told, "jwk": EVIL.as_dict(private=False)}),
        "a name comes twice": part(b'{"alg":"none",' + raw(header)[1:]),
        "a part is not base64url of JSON": header + "=",
    }
    for why, altered in refused.items():
        with pytest.raises(TokenError, match=why):
            elsewhere.verify(signed(signer, altered, claims))
    spaced = part(told)
    assert spaced != header
    with pytest.raises(TokenError, match="signature does not verify"):
        elsewhere.verify(f"{spaced}.{claims}.{signature}")
    assert elsewhere.verify(signed(signer, spaced, claims)).claims == jose.peek(token)[1]


def test_a_claim_twice_under_another_header_is_refused(
    token: str, keys: KeyRing, elsewhere: AccessTokens
) -> None:
    header, claims, _ = token.split(".")
    twice = part(raw(claims)[:-1] + b',"sub":"berta"}')
    with pytest.raises(TokenError, match="a name comes twice"):
        elsewhere.verify(signed(keys.signer("ES256"), part(json.loads(raw(header))), twice))


def test_a_key_no_longer_published_has_no_header(
    house: House, token: str, keys: KeyRing, elsewhere: AccessTokens
) -> None:
    """attack 16: neither for a token seen before nor for one that was not"""
    world, signer = house.world, keys.signer("ES256")
    header, claims, _ = token.split(".")
    unseen = signed(signer, header, claims)
    assert elsewhere.verify(token)
    house.openid.keys.rotate()
    with world.database.begin() as work:
        work.keys.set_state(signer.kid, KeyState.RETIRED, at=world.clock.at - 10)
        work.keys.remove_retired_before(world.clock.at)
    keys.reload()
    for one in (token, unseen):
        with pytest.raises(TokenError, match="no such key"):
            elsewhere.verify(one)


def test_a_key_made_since_is_learnt_of(house: House, keys: KeyRing, elsewhere: AccessTokens) -> None:
    """A header nobody here has seen makes the ring look again; from then on the short way knows it."""
    assert keys.current()
    house.openid.keys.rotate()
    house.openid.keys.rotate()
    signer = house.openid.keys.signer("ES256")
    assert signer.kid not in keys.current().verifiers
    house.world.clock.move(LOOK_AGAIN_SECONDS + 1)
    now = int(house.world.clock.at)
    claims = part({"iss": ISSUER, "exp": now + 60, "jti": "x"})
    header = jose.own_header(kid=signer.kid, typ="at+jwt")
    assert elsewhere.verify(signed(signer, header, claims)).kid == signer.kid
    assert header in elsewhere._own_headers()


@pytest.mark.usefixtures("only_the_short_way")
def test_of_another_issuer_too_long_or_over(house: House, keys: KeyRing, elsewhere: AccessTokens) -> None:
    signer, now = keys.signer("ES256"), int(house.world.clock.at)
    header = jose.own_header(kid=signer.kid, typ="at+jwt")
    told = {"iss": ISSUER, "exp": now + 60, "jti": "x"}
    assert elsewhere.verify(signed(signer, header, part(told))).id == "x"
    for why, claims in {
        "of another issuer": {**told, "iss": "https://login.example.com"},
        "too long": {**told, "x": "x" * jose.CHARACTERS_AT_MOST},
        "expired": {**told, "exp": now},
    }.items():
        with pytest.raises(TokenError, match=why):
            elsewhere.verify(signed(signer, header, part(claims)))


# Workers side by side ----------------------------------------------------------------------------------


@pytest.fixture
def never_verifies(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_signature: str) -> bytes:
        raise AssertionError("verified a signature")

    monkeypatch.setattr(jose, "_as_der", refuse)


def test_what_a_worker_issued_another_need_not_verify(
    house: House, keys: KeyRing, token: str, never_verifies: None
):
    assert tokens_of(house, keys, AMONG_WORKERS).verify(token).claims["iss"] == ISSUER


def test_what_a_worker_verified_another_need_not(
    house: House, keys: KeyRing, elsewhere: AccessTokens, token: str
):
    digest = hashlib.sha256(token.encode()).digest()
    assert digest not in elsewhere._issued
    elsewhere.verify(token)
    assert digest in elsewhere._issued


@pytest.mark.parametrize("change", SIGNATURES.values(), ids=SIGNATURES)
def test_a_known_token_with_another_signature_is_another_token(
    house: House, keys: KeyRing, token: str, change: Callable[[str], str]
):
    """attack 16"""
    signed_part, _, signature = token.rpartition(".")
    with pytest.raises(TokenError):
        tokens_of(house, keys, AMONG_WORKERS).verify(f"{signed_part}.{change(signature)}")


def test_a_known_token_still_ends(house: House, keys: KeyRing, token: str):
    """attack 30"""
    house.world.clock.move(301)
    with pytest.raises(TokenError, match="expired"):
        tokens_of(house, keys, AMONG_WORKERS).verify(token)


def test_a_known_token_whose_key_is_no_longer_published_is_refused(house: House, keys: KeyRing, token: str):
    with house.world.database.begin() as work:
        for key in work.keys.signing_keys():
            work.keys.set_state(key.kid, KeyState.RETIRED, at=0.0)
        work.keys.remove_retired_before(1.0)
    keys.reload()
    with pytest.raises(TokenError):
        tokens_of(house, keys, AMONG_WORKERS).verify(token)


def test_a_forked_process_shares_what_it_knows():
    issued, digest = IssuedTokens(), hashlib.sha256(b"made in the child").digest()
    child = os.fork()
    if child == 0:
        issued.add(digest)
        os._exit(0)
    assert os.waitpid(child, 0) == (child, 0)
    assert digest in issued
    issued.forget()
    assert digest not in issued


def test_newer_digests_take_the_place_of_older_ones():
    issued = IssuedTokens(slots=1)
    older, newer = (hashlib.sha256(text).digest() for text in (b"older", b"newer"))
    issued.add(older)
    issued.add(newer)
    assert (older in issued, newer in issued) == (False, True)


def test_half_a_digest_is_none():
    issued = IssuedTokens(slots=1)
    older, newer = (hashlib.sha256(text).digest() for text in (b"older", b"newer"))
    issued.add(newer[:16] + older[16:])
    assert (older in issued, newer in issued) == (False, False)
