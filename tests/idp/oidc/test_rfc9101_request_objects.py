"""Signed authorization requests, by value and by reference (RFC 9101, OpenID Connect Core 6)."""

import base64
import hashlib
import json
import threading
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey

from idp.gateways.outbound import Outbound
from idp.models.people import User
from idp.oidc import request_objects
from idp.oidc.authorization_request import Answer
from idp.oidc.authorize import Browser, SignIn
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.request_objects import is_registered
from idp.oidc.requests import Parameters
from tests.idp.oidc.house import CALLBACK, House
from tests.support.authorization_requests import (
    JWKS,
    KEYS,
    claims_of,
    part,
    request_object,
    sent_as,
    signed,
)
from tests.support.relying_party import ProviderError, Question, RelyingParty
from tests.support.remote import Remote, Reply

OBJECT = "/object.jwt"
EVIL = ECKey.generate_key("P-256", {"kid": "ec"})


@pytest.fixture
def party(house: House) -> RelyingParty:
    return house.add_client(jwks=JWKS)


def brought(party: RelyingParty, question: Question, token: str, **beside: str) -> Question:
    return sent_as(question, party, request=token, **beside)


def outside(party: RelyingParty) -> dict[str, str]:
    """What OpenID Connect Core 6.1 wants beside the object, and an address for errors."""
    return {"response_type": "code", "scope": "openid", "redirect_uri": party.redirect_uri}


def error_of(house: House, party: RelyingParty, question: Question, browser: Browser) -> str:
    outcome = house.visit(question, browser)
    assert isinstance(outcome, Answer)
    fields = dict(outcome.fields)
    assert fields["iss"] == party.issuer
    return fields["error"]


def refused(house: House, party: RelyingParty, browser: Browser, token: str) -> str:
    """Where the redirect URI stands outside, the error goes there; where it does not, on our page (attack 6)."""
    question = party.ask()
    with pytest.raises(ProtocolError) as page:
        house.visit(brought(party, question, token), browser)
    told = error_of(house, party, brought(party, question, token, **outside(party)), browser)
    assert told == page.value.error.value
    return told


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA"])
def test_a_signed_request_is_answered(house: House, browser: Browser, party: RelyingParty, alg: str) -> None:
    question = party.ask(scope="openid email")
    asked = brought(party, question, request_object(party, question, alg=alg))
    tokens = party.redeem(asked, house.code_in(party, asked, house.visit(asked, browser)))
    assert tokens.scope == {"openid", "email"}


@pytest.mark.parametrize(
    "typ", [None, "JWT", "jwt", "oauth-authz-req+jwt", "application/oauth-authz-req+jwt"]
)
def test_types_that_are_known(house: House, browser: Browser, party: RelyingParty, typ: str | None) -> None:
    question = party.ask()
    asked = brought(party, question, signed(claims_of(party, question), typ=typ))
    assert house.code_in(party, asked, house.visit(asked, browser))


def test_the_least_an_object_may_hold(house: House, browser: Browser, party: RelyingParty) -> None:
    """OpenID Connect Core 6.1: issuer, audience and times are not required of every client."""
    question = party.ask()
    asked = brought(party, question, signed(dict(question.parameters)))
    assert house.code_in(party, asked, house.visit(asked, browser))


def test_json_says_what_parameters_would(house: House, browser: Browser, anna: User) -> None:
    party = house.add_client(jwks=JWKS, own={"resources": ["https://a.example", "https://b.example"]})
    question = party.ask()
    content = claims_of(
        party,
        question,
        max_age=3600,
        claims={"id_token": {"email": None}},
        resource=["https://a.example", "https://b.example"],
        something_else={"of": [1, None, True]},
    )
    asked = brought(party, question, signed(content))
    tokens = party.redeem(asked, house.code_in(party, asked, house.visit(asked, browser)))
    assert tokens.claims["email"] == "anna@example.lv"
    house.world.clock.move(3601)
    later = brought(party, question, signed({**content, "exp": content["exp"] + 7200}))
    assert isinstance(house.visit(later, browser), SignIn)


def test_ensure_request_object_with_redirect_uri(house: House, browser: Browser, party: RelyingParty) -> None:
    """oidcc-ensure-request-object-with-redirect-uri: the one inside counts, whatever stands outside"""
    question = party.ask()
    token = request_object(party, question)
    for beside in ({}, {"redirect_uri": "https://evil.example/callback"}):
        asked = brought(party, question, token, response_type="code", scope="openid", **beside)
        outcome = house.visit(asked, browser)
        assert isinstance(outcome, Answer)
        assert outcome.redirect_uri == CALLBACK
        assert house.code_in(party, asked, outcome)


def test_nothing_beside_the_object_counts(house: House, browser: Browser, party: RelyingParty) -> None:
    """RFC 9101 section 6.3; a challenge only outside is no challenge (attack 13)"""
    question = party.ask()
    token = signed(claims_of(party, question, code_challenge=None, code_challenge_method=None, state=None))
    beside = {**outside(party), "code_challenge": "c" * 43, "code_challenge_method": "S256", "state": "s"}
    outcome = house.visit(brought(party, question, token, **beside), browser)
    assert isinstance(outcome, Answer)
    assert dict(outcome.fields)["error"] == "invalid_request"
    assert "state" not in dict(outcome.fields)


@pytest.mark.parametrize(
    "beside", [{"response_type": "token"}, {"scope": "openid phone"}, {"scope": "openid email profile"}]
)
def test_what_stands_outside_must_agree(
    house: House, browser: Browser, party: RelyingParty, beside: dict[str, str]
) -> None:
    question = party.ask(scope="openid email")
    asked = brought(party, question, request_object(party, question), **{**outside(party), **beside})
    assert error_of(house, party, asked, browser) == "invalid_request_object"


def test_unsigned_request_object_is_rejected(house: House, browser: Browser, party: RelyingParty) -> None:
    """oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported (attack 16: alg none)"""
    content = claims_of(party, party.ask())
    for alg in ("none", "None", "NONE", ""):
        token = f"{part({'alg': alg, 'typ': 'JWT'})}.{part(content)}."
        assert refused(house, party, browser, token) == "invalid_request_object"


def test_a_signature_by_another_key_is_refused(house: House, browser: Browser, party: RelyingParty) -> None:
    content = claims_of(party, party.ask())
    assert refused(house, party, browser, signed(content, key=EVIL)) == "invalid_request_object"
    other = house.add_client(jwks=JWKS)
    assert refused(house, other, browser, signed(content)) == "invalid_request_object"


def test_our_own_id_token_is_no_request(house: House, browser: Browser, party: RelyingParty) -> None:
    """attack 16: wrong typ, wrong signer"""
    id_token = house.tokens_for(party, browser).id_token or ""
    assert refused(house, party, browser, id_token) == "invalid_request_object"


def test_proof_of_the_client_is_no_request_and_the_reverse(
    house: House, browser: Browser, party: RelyingParty
) -> None:
    """RFC 9101 section 10.8, attack 17"""
    content = claims_of(party, party.ask(), sub=party.client_id)
    assert refused(house, party, browser, signed(content)) == "invalid_request_object"
    signing = house.add_client(jwks=JWKS, token_endpoint_auth_method="private_key_jwt")
    form = signing.assertion_form(request_object(signing, signing.ask(), jti="once"))
    reply = house.post("/par", {**form, "response_type": "code"})
    assert reply.json()["error"] == "invalid_client"


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "somebody-else"},
        {"client_id": "somebody-else"},
        {"aud": "https://other.example"},
        {"aud": ["https://other.example"]},
        {"aud": 7},
        {"exp": 1_759_999_000},
        {"exp": "soon"},
        {"exp": 10**400},
        {"nbf": 1_760_000_100},
        {"iat": 1_760_000_100},
        {"request": "x.y.z"},
        {"request_uri": "https://app.example.lv/object"},
        {"state": 5},
        {"state": "\ud800"},
        {"state": "a\0b"},
        {"scope": ["openid"]},
        {"max_age": True},
        {"max_age": 1.5},
        {"resource": [5]},
        {"redirect_uri": {}},
    ],
    ids=str,
)
def test_an_object_that_does_not_say_what_it_must_is_refused(
    house: House, browser: Browser, party: RelyingParty, changed: dict[str, Any]
) -> None:
    token = request_object(party, party.ask(), **changed)
    assert refused(house, party, browser, token) == "invalid_request_object"


def test_a_clock_may_be_a_little_off(house: House, browser: Browser, party: RelyingParty) -> None:
    """fapi2-…-request-object-with-nbf-8-seconds-in-the-future-is-accepted"""
    now = int(party.now())
    question = party.ask()
    for changed in ({"nbf": now + 8}, {"exp": now - 5}):
        asked = brought(party, question, request_object(party, question, **changed))
        assert house.code_in(party, asked, house.visit(asked, browser))


def test_a_number_too_large_to_write_is_refused_and_breaks_nothing(
    house: House, browser: Browser, party: RelyingParty
) -> None:
    """attack 43"""
    question = party.ask()
    asked = brought(party, question, request_object(party, question, max_age=10**3000))
    assert error_of(house, party, asked, browser) == "invalid_request"


def test_an_object_that_is_too_long_is_refused(house: House, browser: Browser, party: RelyingParty) -> None:
    """attack 43"""
    token = request_object(party, party.ask(), login_hint="x" * 9000)
    assert refused(house, party, browser, token) == "invalid_request_object"


def test_object_and_reference_together_are_refused(
    house: House, browser: Browser, party: RelyingParty
) -> None:
    question = party.ask()
    asked = brought(
        party,
        question,
        request_object(party, question),
        request_uri="https://app.example.lv/object",
        **outside(party),
    )
    assert error_of(house, party, asked, browser) == "invalid_request"


def test_an_algorithm_that_is_registered_is_the_only_one(house: House, browser: Browser) -> None:
    party = house.add_client(jwks=JWKS, request_object_signing_alg="PS256")
    content = claims_of(party, party.ask())
    assert refused(house, party, browser, signed(content, alg="ES256")) == "invalid_request_object"
    assert refused(house, party, browser, signed(content, alg="RS256")) == "invalid_request_object"
    question = party.ask()
    asked = brought(party, question, request_object(party, question, alg="PS256"))
    assert house.code_in(party, asked, house.visit(asked, browser))


def test_a_client_may_be_bound_to_signing(house: House, browser: Browser) -> None:
    """RFC 9101 section 10.5"""
    party = house.add_client(jwks=JWKS, require_signed_request_object=True)
    with pytest.raises(ProviderError, match="invalid_request"):
        house.code_for(party, browser)
    question = party.ask()
    asked = brought(party, question, request_object(party, question))
    assert house.code_in(party, asked, house.visit(asked, browser))


def test_an_error_inside_goes_to_the_address_inside(
    house: House, browser: Browser, party: RelyingParty
) -> None:
    """attack 7: with the state and the mode that were signed"""
    question = party.ask(scope="openid person_code", response_mode="form_post")
    asked = brought(party, question, request_object(party, question))
    outcome = house.visit(asked, browser)
    assert isinstance(outcome, Answer)
    assert outcome.response_mode.value == "form_post"
    with pytest.raises(ProviderError, match="invalid_scope"):
        party.check_answer(question, list(outcome.fields))


def test_no_error_is_sent_to_an_address_inside_that_nobody_registered(
    house: House, browser: Browser, party: RelyingParty
) -> None:
    """attack 6"""
    question = party.ask(redirect_uri="https://evil.example/callback")
    token = request_object(party, question)
    for beside in ({}, outside(party)):
        with pytest.raises(ProtocolError):
            house.visit(brought(party, question, token, **beside), browser)


# Headers -------------------------------------------------------------------------------------------------

ALLOWED = {"alg", "kid", "typ", "cty", "x5t", "x5t#S256"}
NAMES = st.sampled_from(
    [*sorted(ALLOWED), "jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "enc", "epk", "exp", "nonce"]
)
VALUES = st.one_of(
    st.booleans(),
    st.integers(),
    st.text(max_size=20),
    st.sampled_from(["none", "HS256", "ES256", "RS256", "oauth-authz-req+jwt", "logout+jwt", "at+jwt", "ec"]),
    st.lists(st.text(max_size=5), max_size=2),
    st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2),
)


HEADERS = st.dictionaries(NAMES, VALUES, max_size=5)
ANY_EXAMPLE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def read(house: House, party: RelyingParty, token: str) -> Parameters:
    """What the provider takes an object for, past the endpoint."""
    client = house.openid.clients.get(party.client_id)
    return house.openid.authorization._sources._objects.by_value(token, client)


@ANY_EXAMPLE
@given(header=HEADERS)
def test_no_header_makes_a_wrong_signature_right(
    house: House, party: RelyingParty, header: dict[str, Any]
) -> None:
    """attack 16"""
    signature = signed({}).rpartition(".")[2]
    whole = {"alg": "ES256", "kid": "ec", **header}
    with pytest.raises(ProtocolError) as refused:
        read(house, party, f"{part(whole)}.{part(dict(party.ask().parameters))}.{signature}")
    assert refused.value.error is ErrorCode.INVALID_REQUEST_OBJECT
    assert all(" " <= mark <= "~" and mark not in '"\\' for mark in refused.value.description)


@ANY_EXAMPLE
@given(header=HEADERS)
def test_a_header_has_only_members_that_cannot_matter(
    house: House, party: RelyingParty, header: dict[str, Any]
) -> None:
    """attack 16: embedded and remote keys, extensions, types of other tokens"""
    header = {**header, "alg": "ES256", "kid": "ec"}
    token = signed(dict(party.ask().parameters), **{"typ": None, **header})
    harmless = set(header) <= ALLOWED and all(isinstance(value, str) for value in header.values())
    if harmless and header.get("typ", "").lower().removeprefix("application/") in request_objects.TYPES:
        assert read(house, party, token).get("client_id") == party.client_id
    else:
        with pytest.raises(ProtocolError):
            read(house, party, token)


@ANY_EXAMPLE
@given(
    content=st.dictionaries(
        st.sampled_from(
            sorted({"iss", "aud", "exp", "nbf", "iat", "sub", "scope", "state", "claims", "resource"})
        ),
        st.recursive(
            st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
            lambda inner: st.one_of(
                st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)
            ),
            max_leaves=8,
        ),
    )
)
def test_content_of_any_shape_is_accepted_or_refused_and_breaks_nothing(
    house: House, party: RelyingParty, content: dict[str, Any]
) -> None:
    """attack 43"""
    token = signed({**party.ask().parameters, **content})
    try:
        pairs = read(house, party, token).pairs()
    except ProtocolError:
        return
    assert urlencode(pairs)


# By reference --------------------------------------------------------------------------------------------


@pytest.fixture
def reaching(house: House, outbound: Outbound) -> House:
    """A house that can reach the application's server."""
    return House(house.world, outbound=outbound)


def publishing(house: House, remote: Remote, *paths: str, **metadata: Any) -> RelyingParty:
    return house.add_client(
        jwks=JWKS, request_uris=[remote.url(path) for path in paths or (OBJECT,)], **metadata
    )


def hash_of(body: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode()


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256"])
def test_request_uri_signed(reaching: House, browser: Browser, remote: Remote, alg: str) -> None:
    """oidcc-request-uri-signed-rs256"""
    party = publishing(reaching, remote)
    question = party.ask(scope="openid email")
    remote.answers[OBJECT] = Reply(request_object(party, question, alg=alg).encode())
    asked = sent_as(
        question, party, request_uri=remote.url(OBJECT), response_type="code", scope="openid email"
    )
    tokens = party.redeem(asked, reaching.code_in(party, asked, reaching.visit(asked, browser)))
    assert tokens.scope == {"openid", "email"}
    assert "oauth-authz-req+jwt" in remote.asked(OBJECT)[0].headers["Accept"]


def test_request_uri_unsigned_is_rejected(reaching: House, browser: Browser, remote: Remote) -> None:
    """oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported"""
    party = publishing(reaching, remote)
    question = party.ask()
    token = f"{part({'alg': 'none'})}.{part(dict(question.parameters))}."
    remote.answers[OBJECT] = Reply(token.encode())
    asked = sent_as(question, party, request_uri=remote.url(OBJECT), **outside(party))
    assert error_of(reaching, party, asked, browser) == "invalid_request_object"


def test_a_hash_pins_what_is_fetched(reaching: House, browser: Browser, remote: Remote) -> None:
    """OpenID Connect Core 6.2"""
    party = publishing(reaching, remote)
    question = party.ask()
    body = request_object(party, question).encode()
    remote.answers[OBJECT] = Reply(body)
    right = sent_as(question, party, request_uri=f"{remote.url(OBJECT)}#{hash_of(body)}")
    assert reaching.code_in(party, right, reaching.visit(right, browser))
    wrong = sent_as(question, party, request_uri=f"{remote.url(OBJECT)}#{hash_of(b'x')}", **outside(party))
    assert error_of(reaching, party, wrong, browser) == "invalid_request_uri"


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/object",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "urn:example:something",
        "//app.example.lv/object.jwt",
        "https://app.example.lv/object.jwt/../other",
        "https://app.example.lv/object.jwt?x=1",
        "https://APP.example.lv/object.jwt",
        "https://app.example.lv/object.jwt ",
    ],
)
def test_only_what_is_registered_is_fetched(
    house: House, browser: Browser, monkeypatch: pytest.MonkeyPatch, uri: str
) -> None:
    """attack 9: no call leaves us"""
    party = house.add_client(jwks=JWKS, request_uris=["https://app.example.lv/object.jwt"])
    monkeypatch.setattr(Outbound, "fetch", lambda *_args, **_more: pytest.fail("fetched"))
    asked = sent_as(party.ask(), party, request_uri=uri, **outside(party))
    assert error_of(house, party, asked, browser) == "invalid_request_uri"


def test_which_address_is_a_registered_one() -> None:
    pinned = f"https://app.example.lv/a#{'h' * 43}"
    assert is_registered(pinned, [pinned])
    assert is_registered(pinned, ["https://app.example.lv/a"])
    assert not is_registered("https://app.example.lv/a", [pinned])
    assert not is_registered(f"https://app.example.lv/a#{'i' * 43}", [pinned])
    assert not is_registered("https://app.example.lv/ab", ["https://app.example.lv/a"])
    assert not is_registered("https://app.example.lv/a", [])


def test_what_cannot_be_fetched_is_named_with_the_reason(
    reaching: House, browser: Browser, remote: Remote
) -> None:
    party = publishing(reaching, remote)
    asked = sent_as(party.ask(), party, request_uri=remote.url(OBJECT), **outside(party))
    outcome = reaching.visit(asked, browser)
    assert isinstance(outcome, Answer)
    fields = dict(outcome.fields)
    assert fields["error"] == "invalid_request_uri"
    assert remote.url(OBJECT) in fields["error_description"]
    assert "404" in fields["error_description"]


def test_no_redirect_is_followed_and_nothing_endless_read(
    reaching: House, browser: Browser, remote: Remote
) -> None:
    """attack 9"""
    party = publishing(reaching, remote, OBJECT, "/large")
    remote.answers[OBJECT] = Reply(b"", 302, {"Location": remote.url("/other")})
    remote.answers["/large"] = Reply(b"x" * 9000)
    for path in (OBJECT, "/large"):
        asked = sent_as(party.ask(), party, request_uri=remote.url(path), **outside(party))
        assert error_of(reaching, party, asked, browser) == "invalid_request_uri"
    assert remote.asked("/other") == []


def test_slow_applications_cannot_keep_everybody_waiting(
    reaching: House, browser: Browser, remote: Remote
) -> None:
    """attack 43: only so many are fetched at once, and the next one is told so without waiting"""
    party = publishing(reaching, remote)
    question = party.ask()
    token = request_object(party, question).encode()
    busy, go_on = threading.Barrier(request_objects.FETCHES_AT_ONCE + 1), threading.Event()

    def slowly(_: object) -> Reply:
        busy.wait(10)
        go_on.wait(10)
        return Reply(token)

    remote.answers[OBJECT] = slowly
    asked = sent_as(question, party, request_uri=remote.url(OBJECT), **outside(party))
    outcomes: list[object] = []
    waiting = [
        threading.Thread(target=lambda: outcomes.append(reaching.visit(asked, browser)))
        for _ in range(request_objects.FETCHES_AT_ONCE)
    ]
    for thread in waiting:
        thread.start()
    busy.wait(10)
    assert error_of(reaching, party, asked, browser) == "invalid_request_uri"
    go_on.set()
    for thread in waiting:
        thread.join()
    assert all(reaching.code_in(party, asked, outcome) for outcome in outcomes)
    assert len(outcomes) == request_objects.FETCHES_AT_ONCE


def test_a_private_address_is_not_reached(house: House, browser: Browser, remote: Remote) -> None:
    """attack 9: registered, and still refused where the operator has not allowed the network"""
    party = publishing(house, remote)
    asked = sent_as(party.ask(), party, request_uri=remote.url(OBJECT), **outside(party))
    assert error_of(house, party, asked, browser) == "invalid_request_uri"
    assert remote.received == []


def test_keys_that_cannot_be_fetched_are_named_with_the_reason(
    reaching: House, browser: Browser, remote: Remote
) -> None:
    party = reaching.add_client(jwks=JWKS)
    with reaching.world.database.begin() as work:
        client = work.clients.get(party.client_id)
        registered = {**client.registered, "jwks_uri": remote.url("/keys")}
        work.clients.replace_registration(party.client_id, registered=registered, audience=None, resources=[])
    question = party.ask()
    asked = brought(party, question, request_object(party, question), **outside(party))
    outcome = reaching.visit(asked, browser)
    assert isinstance(outcome, Answer)
    fields = dict(outcome.fields)
    assert fields["error"] == "invalid_request_object"
    assert remote.url("/keys") in fields["error_description"]
    remote.answers["/keys"] = Reply(json.dumps({"keys": [JWKS["keys"][0]]}).encode())
    reaching.world.clock.move(11)
    again = brought(party, question, request_object(party, question), **outside(party))
    assert reaching.code_in(party, again, reaching.visit(again, browser))


# What may be registered ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "metadata",
    [
        {"request_uris": ["http://app.example.lv/object"]},
        {"request_uris": ["https://user@app.example.lv/object"]},
        {"request_uris": ["https://app.example.lv/object#part"]},
        {"request_uris": ["https://app.example.lv/" + "x" * 500]},
        {"request_uris": ["https://[app"]},
        {"request_uris": ['https://app.example.lv/"']},
        {"request_uris": [7]},
        {"request_object_signing_alg": "none"},
        {"request_object_signing_alg": "HS256"},
        {"require_signed_request_object": "yes"},
        {"require_signed_request_object": True, "jwks": None},
        {"request_object_encryption_alg": "RSA-OAEP"},
    ],
    ids=str,
)
def test_a_mistake_in_the_registration_is_refused(house: House, metadata: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError) as refused:
        house.add_client(**{"jwks": JWKS, **metadata})
    assert refused.value.error is ErrorCode.INVALID_CLIENT_METADATA


def test_keys_are_the_clients() -> None:
    assert {KEYS[alg].kid for alg in KEYS} == {key["kid"] for key in JWKS["keys"]}
