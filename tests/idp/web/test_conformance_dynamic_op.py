"""The modules of the OpenID Foundation's Dynamic OP plan by their names, over the whole provider (conformance).

Each registers an application over HTTP, as the suite does, and looks at what the module looks at.
"""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, RSAKey

from tests.support.actors import ISSUER, Browser, Employee, Hall
from tests.support.authorization_requests import JWKS, claims_of, part, request_object, sent_as
from tests.support.certificates import Authority
from tests.support.provider_metadata import REGISTERED
from tests.support.registrant import Registered, register
from tests.support.relying_party import ProviderError, RelyingParty, Tokens
from tests.support.remote import Remote, Reply

CALLBACK = "https://suite.example.lv/callback"


@pytest.fixture
def hall(fresh_database: str, authority: Authority) -> Iterator[Hall]:
    outside = {"outbound_ca_file": authority.ca_file, "outbound_allow": "127.0.0.0/8,::1/128"}
    made = Hall(fresh_database, options={"registration": "open", **outside})
    yield made
    made.close()


@pytest.fixture
def http(hall: Hall) -> Iterator[httpx.Client]:
    with httpx.Client(transport=httpx.WSGITransport(app=hall.app), base_url=ISSUER) as client:
        yield client


def registered(http: httpx.Client, **metadata: Any) -> Registered:
    return register(http, **{"redirect_uris": [CALLBACK], "grant_types": ["authorization_code"], **metadata})


def sign_in(browser: Browser, anna: Employee, party: RelyingParty, **asked: str | None) -> Tokens:
    """Through the sign-in and consent pages, without PKCE, as the suite's plain clients do."""
    question = party.ask(**{"code_challenge": None, "code_challenge_method": None, **asked})
    browser.opens(question.url.removeprefix(ISSUER))
    if browser.left_for is None and browser.page.has("password"):
        browser.enters(anna)
    if browser.left_for is None:
        browser.presses("consent-allow")
    assert browser.left_for is not None, browser.page
    return party.redeem(question, party.read_answer(question, browser.left_for)["code"])


def error_page(browser: Browser, party: RelyingParty, **asked: str | None) -> str:
    """The code on the page, when the browser was sent nowhere."""
    browser.opens(party.ask(**asked).url.removeprefix(ISSUER))
    assert browser.left_for is None
    return browser.page.content.ids["error-code"]


def test_oidcc_idtoken_rs256(hall: Hall, browser: Browser, anna: Employee, http: httpx.Client) -> None:
    party = registered(http, id_token_signed_response_alg="RS256").party(now=hall.clock)
    header = jws.extract_compact((sign_in(browser, anna, party).id_token or "").encode()).headers()
    assert header["alg"] == "RS256"
    assert header["kid"] in {key.kid for key in party.keys().keys}


def test_oidcc_userinfo_rs256(hall: Hall, browser: Browser, anna: Employee, http: httpx.Client) -> None:
    party = registered(http, userinfo_signed_response_alg="RS256").party(now=hall.clock)
    tokens = sign_in(browser, anna, party)
    reply = http.get("/userinfo", headers={"Authorization": f"Bearer {tokens.access_token}"})
    assert reply.headers["Content-Type"] == "application/jwt"
    claims = jwt.decode(reply.text, party.keys(), algorithms=["RS256"]).claims
    assert (claims["sub"], claims["iss"], claims["aud"]) == (tokens.claims["sub"], ISSUER, party.client_id)


def test_oidcc_ensure_redirect_uri_in_authorization_request(browser: Browser, http: httpx.Client) -> None:
    party = registered(http).party()
    browser.opens(party.ask(redirect_uri=None).url.removeprefix(ISSUER))
    assert browser.left_for is None
    assert browser.page.content.ids["error-code"] == "invalid_request"


def test_oidcc_redirect_uri_query_ok(
    hall: Hall, browser: Browser, anna: Employee, http: httpx.Client
) -> None:
    party = registered(http, redirect_uris=[f"{CALLBACK}?dummy1=lorem&dummy2=ipsum"]).party(now=hall.clock)
    assert sign_in(browser, anna, party).claims["sub"] == anna.user.id


def test_oidcc_redirect_uri_query_mismatch(browser: Browser, http: httpx.Client) -> None:
    party = registered(http, redirect_uris=[f"{CALLBACK}?foo=bar"]).party()
    assert error_page(browser, party, redirect_uri=f"{CALLBACK}?foo=baz") == "invalid_request"


def test_oidcc_redirect_uri_query_added(browser: Browser, http: httpx.Client) -> None:
    party = registered(http).party()
    assert error_page(browser, party, redirect_uri=f"{CALLBACK}?foo=bar") == "invalid_request"


def test_oidcc_redirect_uri_regfrag(http: httpx.Client) -> None:
    with pytest.raises(ProviderError) as refused:
        registered(http, redirect_uris=[f"{CALLBACK}#fragment"])
    assert (refused.value.status, refused.value.error) == (400, "invalid_redirect_uri")


def test_oidcc_discovery_endpoint_verification(http: httpx.Client) -> None:
    """As the module looks at it for clients that register themselves: Core 15.2 names what must be there"""
    reply = http.get("/.well-known/openid-configuration")
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "application/json")
    said = reply.json()
    assert said["issuer"] == ISSUER
    response_types = [frozenset(each.split(" ")) for each in said["response_types_supported"]]
    assert {frozenset(each) for each in (["code"], ["id_token"], ["id_token", "token"])} <= set(
        response_types
    )
    assert {"authorization_code", "implicit"} <= set(said["grant_types_supported"])
    assert {"query", "fragment", "form_post"} <= set(said["response_modes_supported"])
    assert "RS256" in said["request_object_signing_alg_values_supported"]
    assert said["claims_parameter_supported"] is said["request_uri_parameter_supported"] is True
    assert said["registration_endpoint"] == f"{ISSUER}/register"
    assert all(said[name].startswith("https://") for name in said if name.endswith(("_endpoint", "_uri")))
    assert "RS256" in said["id_token_signing_alg_values_supported"]
    assert "openid" in said["scopes_supported"]
    assert {"public", "pairwise"} == set(said["subject_types_supported"])
    assert said["claims_supported"]
    assert set(said) <= REGISTERED
    keys = http.get(said["jwks_uri"]).json()["keys"]
    assert len({key["kid"] for key in keys}) == len(keys)


@pytest.mark.parametrize("member", ["logo_uri", "policy_uri", "tos_uri"])
def test_oidcc_registration_logo_policy_and_tos_uri(
    browser: Browser, http: httpx.Client, member: str
) -> None:
    """On the sign-in page, as plain HTML; nothing of another origin is loaded with the page"""
    uri = f"https://suite.example.lv/{member}?size=1&kind=2"
    party = registered(http, **{member: uri}).party()
    page = browser.opens(party.ask().url.removeprefix(ISSUER))
    assert page.has("password")
    assert uri in page.content.links.values()
    assert "img-src 'self'" in page.headers["content-security-policy"]


def test_our_own_applications_show_no_logo_link(hall: Hall, browser: Browser, http: httpx.Client) -> None:
    """It is theirs who are of another organisation"""
    mine = registered(http, logo_uri="https://suite.example.lv/logo")
    with hall.world.database.begin() as work:
        client = work.clients.get(mine.client_id)
        client.client_id, client.first_party = "ours", True
        work.clients.add(client)
    party = mine.party()
    party.client_id = "ours"
    page = browser.opens(party.ask().url.removeprefix(ISSUER))
    assert "https://suite.example.lv/logo" not in page.content.links.values()


def published(remote: Remote, *keys: ECKey | RSAKey) -> None:
    document = {"keys": [{**key.as_dict(private=False), "use": "sig"} for key in keys]}
    remote.answers["/jwks"] = Reply(json.dumps(document).encode())


def test_oidcc_registration_jwks_uri(
    hall: Hall, browser: Browser, anna: Employee, http: httpx.Client, remote: Remote
) -> None:
    key = RSAKey.generate_key(2048, {"kid": "rs"})
    published(remote, key)
    mine = registered(http, token_endpoint_auth_method="private_key_jwt", jwks_uri=remote.url("/jwks"))
    assert "client_secret" not in mine.told
    assert remote.received == [], "nothing is fetched before it is needed"
    party = mine.party(now=hall.clock, key=key)
    party.assertion = lambda **changed: RelyingParty.assertion(party, alg="RS256", **changed)  # type: ignore[method-assign]
    assert sign_in(browser, anna, party).claims["sub"] == anna.user.id
    assert len(remote.asked("/jwks")) == 1


def test_oidcc_registration_sector_uri(
    hall: Hall, browser: Browser, anna: Employee, http: httpx.Client, remote: Remote
) -> None:
    remote.answers["/sector"] = Reply(json.dumps([CALLBACK]).encode())
    sector = {"subject_type": "pairwise", "sector_identifier_uri": remote.url("/sector")}
    subjects = [
        sign_in(browser, anna, registered(http, **sector).party(now=hall.clock)).claims["sub"]
        for _ in range(2)
    ]
    assert subjects[0] == subjects[1] != anna.user.id


def test_oidcc_registration_sector_bad(http: httpx.Client, remote: Remote) -> None:
    remote.answers["/sector"] = Reply(json.dumps(["https://elsewhere.example/callback"]).encode())
    with pytest.raises(ProviderError) as refused:
        registered(http, subject_type="pairwise", sector_identifier_uri=remote.url("/sector"))
    assert (refused.value.status, refused.value.error) == (400, "invalid_client_metadata")
    assert remote.url("/sector") in str(refused.value)


def test_oidcc_server_rotate_keys(hall: Hall, browser: Browser, anna: Employee, http: httpx.Client) -> None:
    """Our keys change; what the old ones signed stays good"""
    party = registered(http).party(now=hall.clock)
    before, old = {key.kid for key in party.keys().keys}, sign_in(browser, anna, party)
    hall.provider.openid.keys.rotate()
    after, new = {key.kid for key in party.keys().keys}, sign_in(browser, anna, party)
    assert before < after
    kids = [jws.extract_compact((t.id_token or "").encode()).headers()["kid"] for t in (old, new)]
    assert kids[0] != kids[1]
    party.check_id_token(old.id_token or "", old.access_token, old.claims["nonce"])
    assert party.userinfo(old.access_token)["sub"] == party.userinfo(new.access_token)["sub"]


def test_oidcc_refresh_token_rp_key_rotation(
    hall: Hall, browser: Browser, anna: Employee, http: httpx.Client, remote: Remote
) -> None:
    """The client's keys change a moment after they were used; the new one is fetched on its unknown name"""
    old, new = ECKey.generate_key("P-256", {"kid": "old"}), ECKey.generate_key("P-256", {"kid": "new"})
    published(remote, old)
    mine = registered(
        http,
        grant_types=["authorization_code", "refresh_token"],
        token_endpoint_auth_method="private_key_jwt",
        jwks_uri=remote.url("/jwks"),
    )
    party = mine.party(now=hall.clock, key=old)
    tokens = sign_in(browser, anna, party, scope="openid offline_access")
    hall.clock.move(1)
    published(remote, new)
    party.key = new
    again = party.refresh(tokens.refresh_token or "")
    party.key = old
    with pytest.raises(ProviderError, match="invalid_client"):
        party.refresh(again.refresh_token or "")


def test_oidcc_ensure_client_assertion_with_iss_aud_succeeds(
    hall: Hall, browser: Browser, anna: Employee, http: httpx.Client
) -> None:
    """The issuer is an audience of the assertion"""
    key = ECKey.generate_key("P-256", {"kid": "k"})
    jwks = {"keys": [key.as_dict(private=False)]}
    mine = registered(http, token_endpoint_auth_method="private_key_jwt", jwks=jwks)
    party = mine.party(now=hall.clock, key=key)
    claims = jwt.decode(party.assertion(), key, algorithms=["ES256"]).claims
    assert claims["aud"] == ISSUER
    assert sign_in(browser, anna, party).claims["sub"] == anna.user.id


def publishing(http: httpx.Client, remote: Remote) -> Registered:
    """With a place of its own for request objects."""
    return registered(http, jwks=JWKS, request_uris=[remote.url("/request")])


def test_oidcc_request_uri_signed_rs256(
    hall: Hall, browser: Browser, anna: Employee, http: httpx.Client, remote: Remote
) -> None:
    mine = publishing(http, remote)
    party = mine.party(now=hall.clock)
    question = party.ask(code_challenge=None, code_challenge_method=None)
    remote.answers["/request"] = Reply(request_object(party, question, alg="RS256").encode())
    asked = sent_as(question, party, request_uri=remote.url("/request"), response_type="code", scope="openid")
    browser.opens(asked.url.removeprefix(ISSUER))
    browser.enters(anna)
    browser.presses("consent-allow")
    code = party.read_answer(question, browser.left_for or "")["code"]
    assert party.redeem(question, code).claims["sub"] == anna.user.id


def test_oidcc_request_uri_unsigned(hall: Hall, browser: Browser, http: httpx.Client, remote: Remote) -> None:
    """The module is passed over where discovery lists algorithms and `none` is not among them; an object that nobody signed is
    anybody's, so it is refused (attack 16)
    """
    offered = http.get("/.well-known/openid-configuration").json()[
        "request_object_signing_alg_values_supported"
    ]
    assert isinstance(offered, list)
    assert "none" not in offered
    party = publishing(http, remote).party(now=hall.clock)
    question = party.ask()
    remote.answers["/request"] = Reply(
        f"{part({'alg': 'none'})}.{part(claims_of(party, question))}.".encode()
    )
    outside = {"response_type": "code", "scope": "openid", "redirect_uri": CALLBACK, "state": question.state}
    asked = sent_as(question, party, request_uri=remote.url("/request"), **outside)
    browser.opens(asked.url.removeprefix(ISSUER))
    with pytest.raises(ProviderError, match="invalid_request_object"):
        party.read_answer(question, browser.left_for or "")


def test_the_registration_is_read_changed_and_removed(http: httpx.Client) -> None:
    """RFC 7592 over the whole provider"""
    mine = registered(http)
    assert mine.read()["redirect_uris"] == [CALLBACK]
    changed = mine.replace(redirect_uris=[f"{CALLBACK}/2"])
    assert changed.read()["redirect_uris"] == [f"{CALLBACK}/2"]
    assert changed.remove().status_code == 204
    assert changed.send("GET").status_code == 401


def test_sixty_clients_from_one_address_are_a_test_run_and_not_an_attack(http: httpx.Client) -> None:
    assert len({registered(http).client_id for _ in range(60)}) == 60
