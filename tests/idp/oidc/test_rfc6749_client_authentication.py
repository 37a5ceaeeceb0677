"""Client authentication (RFC 6749 section 2.3, OpenID Connect Core 9); assertions are in test_rfc7523_assertions.py."""

import base64
from typing import Any

import pytest
from joserfc.jwk import ECKey, Key

from idp.models.clients import Client
from idp.oidc import client_secrets
from idp.oidc.client_secrets import secret_record
from tests.idp.oidc.house import House
from tests.support.relying_party import RelyingParty, basic


def error_of(reply: Any) -> tuple[int, str]:
    return reply.status_code, reply.json().get("error", "")


REFUSED = (401, "invalid_client")
OWN = {"grant_type": "client_credentials"}


@pytest.fixture
def service(house: House) -> RelyingParty:
    return house.add_service()


@pytest.fixture
def by_post(house: House) -> RelyingParty:
    return house.add_service(token_endpoint_auth_method="client_secret_post")


@pytest.fixture
def by_key(house: House) -> RelyingParty:
    return keyed(house, ECKey.generate_key("P-256", {"kid": "one"}))


def keyed(house: House, key: Key, **metadata: Any) -> RelyingParty:
    jwks = {"keys": [{**key.as_dict(private=False), "kid": key.kid}]}
    party = house.add_service(token_endpoint_auth_method="private_key_jwt", jwks=jwks, **metadata)
    party.key = key
    return party


def test_each_in_its_own_way(service: RelyingParty, by_post: RelyingParty, by_key: RelyingParty) -> None:
    for party in (service, by_post, by_key):
        assert party.own_token().access_token


@pytest.mark.parametrize("path", ["/token", "/introspect", "/revoke"])
def test_nobody_gets_in_without(house: House, path: str) -> None:
    assert error_of(house.post(path, {**OWN, "token": "x"})) == REFUSED


def test_a_wrong_secret_and_an_unknown_client_are_told_the_same(house: House, service: RelyingParty) -> None:
    """attack 28"""
    wrong = house.post("/token", OWN, {"Authorization": basic(service.client_id, "wrong")})
    unknown = house.post("/token", OWN, {"Authorization": basic("nobody", service.secret or "")})
    assert error_of(wrong) == error_of(unknown) == REFUSED
    assert wrong.headers["WWW-Authenticate"].startswith("Basic ")
    assert wrong.json()["error_description"] == unknown.json()["error_description"]


def test_exactly_the_registered_way(
    house: House, service: RelyingParty, by_post: RelyingParty, by_key: RelyingParty
) -> None:
    """attack 17"""
    service.auth_method, by_post.auth_method = by_post.auth_method, service.auth_method
    for party in (service, by_post):
        assert error_of(party.post("/token", OWN)) == REFUSED
    for party in (service, by_post, by_key):
        assert error_of(house.post("/token", {**OWN, "client_id": party.client_id})) == REFUSED


def test_two_ways_at_once_are_refused(
    house: House, service: RelyingParty, by_post: RelyingParty, by_key: RelyingParty
) -> None:
    """attack 17"""
    ways = [party.credentials() for party in (service, by_post, by_key)]
    for first in range(3):
        for second in range(first + 1, 3):
            headers = {**ways[first][0], **ways[second][0]}
            form = {**OWN, **ways[first][1], **ways[second][1]}
            assert error_of(house.post("/token", form, headers)) == (400, "invalid_request")


def test_a_public_client_with_a_secret_is_refused(house: House) -> None:
    """attack 17"""
    public = house.add_client(token_endpoint_auth_method="none")
    with house.world.database.begin() as work:
        work.clients.replace_secrets(public.client_id, [secret_record("s" * 43, house.world.clock.at)])
    for auth_method in ("client_secret_basic", "client_secret_post"):
        party = house.relying_party(house.openid.clients.get(public.client_id), "s" * 43)
        party.auth_method = auth_method
        assert error_of(party.post("/revoke", {"token": "x"})) == REFUSED


def test_a_disabled_client_is_refused(
    house: House, service: RelyingParty, by_post: RelyingParty, by_key: RelyingParty
) -> None:
    """attack 17"""
    for party in (service, by_post, by_key):
        with house.world.database.begin() as work:
            work.clients.set_disabled(party.client_id, True)
        assert error_of(party.post("/token", OWN)) == REFUSED


def test_two_secrets_while_one_is_replaced_and_none_after_its_end(
    house: House, service: RelyingParty
) -> None:
    now = house.world.clock.at
    old = service.secret or ""
    secrets = [secret_record("n" * 43, now), secret_record(old, now, expires_at=now + 100)]
    with house.world.database.begin() as work:
        work.clients.replace_secrets(service.client_id, secrets)
    for secret in (old, "n" * 43):
        service.secret = secret
        assert service.own_token()
    house.world.clock.move(100)
    service.secret = old
    assert error_of(service.post("/token", OWN)) == REFUSED


def test_secrets_are_compared_in_constant_time(
    house: House, service: RelyingParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    """attack 17: every comparison is `compare_digest` of two hashes, for unknown clients too"""
    compared: list[tuple[int, int]] = []

    def compare(left: str, right: str) -> bool:
        compared.append((len(left), len(right)))
        return left == right

    monkeypatch.setattr(client_secrets.hmac, "compare_digest", compare)
    for client_id in (service.client_id, "nobody"):
        house.post("/token", OWN, {"Authorization": basic(client_id, "wrong")})
    assert compared == [(64, 64), (64, 64)]


@pytest.mark.parametrize(
    "header",
    [
        *(
            "",
            "Basic",
            "Basic ",
            "Basic !!!",
            "Bearer abc",
            "Digest x",
            "Basic " + base64.b64encode(b"no-colon").decode(),
        ),
        *(
            "Basic " + base64.b64encode(b"\xff:\xff").decode(),
            "Basic " + base64.b64encode(b"a%00:b").decode(),
        ),
    ],
)
def test_a_header_that_cannot_be_read_is_refused(house: House, header: str) -> None:
    assert error_of(house.post("/token", OWN, {"Authorization": header})) == REFUSED


def test_identifier_and_secret_are_form_encoded_in_the_header(house: House) -> None:
    """RFC 6749 section 2.3.1"""
    registered = {"grant_types": ["client_credentials"], "token_endpoint_auth_method": "client_secret_basic"}
    with house.world.database.begin() as work:
        record = secret_record("p:ss w+rd%", house.world.clock.at)
        work.clients.add(
            Client(client_id="a:b c", name="x", created_at=0.0, registered=registered, secrets=[record])
        )
    assert house.post("/token", OWN, {"Authorization": basic("a:b c", "p:ss w+rd%")}).status_code == 200


def test_the_form_must_not_name_another_client(house: House, service: RelyingParty) -> None:
    headers, _ = service.credentials()
    assert error_of(house.post("/token", {**OWN, "client_id": "another"}, headers)) == REFUSED
    assert house.post("/token", {**OWN, "client_id": service.client_id}, headers).status_code == 200


@pytest.mark.parametrize("name", ["client_secret", "client_assertion", "code", "refresh_token", "token"])
def test_secrets_are_not_taken_from_the_url(house: House, service: RelyingParty, name: str) -> None:
    """attack 44"""
    headers, _ = service.credentials()
    assert error_of(house.post(f"/token?{name}=x", OWN, headers)) == (400, "invalid_request")
