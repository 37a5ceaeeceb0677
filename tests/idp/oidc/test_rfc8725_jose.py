"""What our own verification of tokens refuses (RFC 8725), tried on a real access token (attack 16)."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws, jwt
from joserfc.jwk import ECKey, RSAKey

from idp.oidc import jose
from idp.oidc.authorize import Browser
from idp.oidc.jose import TokenError
from tests.idp.oidc.house import House
from tests.support.relying_party import RelyingParty

KEY = ECKey.generate_key("P-256", {"kid": "ours"})
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
EVIL = ECKey.generate_key("P-256", {"kid": "ours"})
CLAIMS = {"sub": "anna", "aud": "us"}


def find_key(kid: str | None, alg: str) -> ECKey | RSAKey | None:
    return {("ours", "ES256"): KEY, ("rsa", "RS256"): RSA}.get((kid or "", alg))


def verify(token: str, *, algorithms: frozenset[str] = frozenset({"ES256", "RS256"})) -> dict[str, Any]:
    return jose.verify(token, find_key=find_key, algorithms=algorithms, types=frozenset({"at+jwt"}))


def part(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(header: dict[str, Any], claims: object = CLAIMS, key: ECKey | RSAKey = KEY) -> str:
    """Any header at all, with a signature that is right for it."""
    alg = "RS256" if key is RSA else "ES256"
    message = f"{part(header)}.{part(claims)}".encode()
    registry = jws.JWSRegistry(algorithms=[alg])
    return f"{message.decode()}.{part(registry.get_alg(alg).sign(message, key))}"


GOOD = {"alg": "ES256", "kid": "ours", "typ": "at+jwt"}


def test_what_we_sign_a_library_verifies() -> None:
    token = jose.sign(CLAIMS, key=KEY, alg="ES256", kid="ours", typ="at+jwt")
    decoded = jwt.decode(token, KEY, algorithms=["ES256"])
    assert (decoded.claims, decoded.header) == (CLAIMS, GOOD)
    assert verify(token) == CLAIMS
    assert verify(signed(GOOD)) == CLAIMS


def hs256(header: dict[str, Any]) -> str:
    message = f"{part(header)}.{part(CLAIMS)}"
    mac = hmac.new(RSA.as_pem(private=False), message.encode(), hashlib.sha256).digest()
    return f"{message}.{part(mac)}"


FORGED: dict[str, Callable[[], str]] = {
    "alg none": lambda: f"{part({**GOOD, 'alg': 'none'})}.{part(CLAIMS)}.",
    "alg None": lambda: f"{part({**GOOD, 'alg': 'None'})}.{part(CLAIMS)}.",
    "no alg": lambda: signed({"kid": "ours", "typ": "at+jwt"}),
    "alg a number": lambda: signed({**GOOD, "alg": 5}),
    "RS256 as HS256": lambda: hs256({"alg": "HS256", "kid": "rsa", "typ": "at+jwt"}),
    "another algorithm's key": lambda: signed({**GOOD, "kid": "rsa"}),
    "another key": lambda: signed(GOOD, key=EVIL),
    "embedded jwk": lambda: signed({**GOOD, "jwk": EVIL.as_dict(private=False)}, key=EVIL),
    "jku": lambda: signed({**GOOD, "jku": "https://evil.example/keys"}),
    "x5u": lambda: signed({**GOOD, "x5u": "https://evil.example/cert"}),
    "x5c": lambda: signed({**GOOD, "x5c": ["x"]}),
    "unknown crit": lambda: signed({**GOOD, "crit": ["exp"], "exp": 1}),
    "empty crit": lambda: signed({**GOOD, "crit": []}),
    "b64": lambda: signed({**GOOD, "b64": False, "crit": ["b64"]}),
    "zip": lambda: signed({**GOOD, "zip": "DEF"}),
    "wrong typ": lambda: signed({**GOOD, "typ": "JWT"}),
    "logout typ": lambda: signed({**GOOD, "typ": "logout+jwt"}),
    "no typ": lambda: signed({"alg": "ES256", "kid": "ours"}),
    "typ a list": lambda: signed({**GOOD, "typ": ["at+jwt"]}),
    "kid of nobody": lambda: signed({**GOOD, "kid": "../../dev/null"}),
    "kid a number": lambda: signed({**GOOD, "kid": 1}),
    "no kid": lambda: signed({"alg": "ES256", "typ": "at+jwt"}),
    "claims no object": lambda: signed(GOOD, ["sub"]),
    "claims no JSON": lambda: signed(GOOD, b"{"),
    "a claim twice": lambda: signed(GOOD, b'{"sub":"anna","sub":"berta"}'),
    "NaN": lambda: signed(GOOD, b"\xff\xfe"),
    "deep": lambda: signed(GOOD, b"[" * 5000),
    "five parts": lambda: "a.b.c.d.e",
    "two parts": lambda: "a.b",
    "too long": lambda: signed(GOOD, {"x": "x" * 9000}),
    "no signature": lambda: signed(GOOD).rsplit(".", 1)[0] + ".",
    "signature of DER": lambda: signed(GOOD).rsplit(".", 1)[0] + "." + part(b"0" * 70),
}


@pytest.mark.parametrize("forged", FORGED)
def test_a_forged_token_is_refused(forged: str) -> None:
    """attack 16"""
    with pytest.raises(TokenError):
        verify(FORGED[forged]())


def test_an_algorithm_outside_the_callers_list_is_refused() -> None:
    """attack 16"""
    token = signed({"alg": "RS256", "kid": "rsa", "typ": "at+jwt"}, key=RSA)
    assert verify(token) == CLAIMS
    with pytest.raises(TokenError):
        verify(token, algorithms=frozenset({"ES256"}))


@given(st.integers(min_value=0), st.characters())
def test_a_token_with_one_changed_character_is_refused(position: int, character: str) -> None:
    """attack 16"""
    token = signed(GOOD)
    at = position % len(token)
    changed = token[:at] + character + token[at + 1 :]
    if changed == token or (at == len(token) - 1 and _same_bits(character, token[-1])):
        return
    with pytest.raises(TokenError):
        verify(changed)


def _same_bits(one: str, other: str) -> bool:
    """The last of 86 base64url characters carries four bits that mean nothing."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/"
    return one in alphabet or one in "=\n\r" or one not in alphabet


@given(st.text(max_size=200))
def test_anything_else_is_refused_and_nothing_breaks(text: str) -> None:
    with pytest.raises(TokenError):
        verify(text)


@pytest.mark.parametrize("value", [True, "5", [], {}, 10**400, float("nan"), float("inf"), -float("inf")])
def test_a_date_is_a_number(value: object) -> None:
    with pytest.raises(TokenError):
        jose.numeric_date({"exp": value}, "exp")


def test_forged_tokens_mean_nothing_at_the_endpoints(
    house: House, browser: Browser, app: RelyingParty
) -> None:
    """attack 16"""
    header, claims, signature = house.tokens_for(app, browser).access_token.split(".")
    for forged in (
        f"{part({'alg': 'none', 'typ': 'at+jwt'})}.{claims}.",
        f"{header}.{part({**json.loads(base64.urlsafe_b64decode(claims + '==')), 'scope': 'openid email'})}.{signature}",
    ):
        assert app.introspect(forged) == {"active": False}
        assert house.http.get("/userinfo", headers={"Authorization": f"Bearer {forged}"}).status_code == 401
