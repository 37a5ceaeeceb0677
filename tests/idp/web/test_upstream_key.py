"""Showing an upstream by a key that it is us (RFC 7523): fetched from an address of ours, or uploaded there."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding

from idp.models.upstreams import ClientAuth
from idp.oidc.upstream_assertion import make_key, published
from tests.support.actors import Browser, Employee
from tests.support.certificates import Authority
from tests.support.upstream.place import Place, place_of
from tests.support.upstream.provider import CLIENT_ID, Shape


@pytest.fixture(params=list(Shape), ids=lambda shape: shape.value)
def place(request: pytest.FixtureRequest, fresh_database: str, authority: Authority) -> Iterator[Place]:
    with place_of(fresh_database, authority, request.param) as made:
        row = made.add(auth="private_key_jwt")
        made.op.client_keys = lambda: fetched(made.hall.browser(), row.id).json()
        yield made


@pytest.fixture
def anna(place: Place) -> Employee:
    made = place.hall.employee("anna")
    place.link(made)
    return made


@pytest.fixture
def browser(place: Place) -> Browser:
    return place.hall.browser()


def fetched(browser: Browser, upstream_id: str) -> httpx.Response:
    return browser.http.get(f"/login/upstream/keys/{upstream_id}")


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2])
    return header, claims


def test_a_key_that_it_fetches_from_us_is_enough(place: Place, anna: Employee, browser: Browser) -> None:
    place.signs_in(browser)
    assert browser.is_signed_in


def test_what_is_shown_is_good_once_for_a_moment_and_nowhere_else(
    place: Place, anna: Employee, browser: Browser
) -> None:
    for _ in range(2):
        place.signs_in(place.hall.browser())
    first, second = (parts(token) for token in place.op.assertions.values())
    header, claims = first
    assert (claims["iss"], claims["sub"]) == (CLIENT_ID, CLIENT_ID)
    assert claims["aud"] == f"{place.op.issuer}/token"
    assert claims["exp"] - claims["iat"] <= 300
    assert claims["jti"] != second[1]["jti"]
    certificate = x509.load_pem_x509_certificate(place.row.certificate.encode())
    thumbprint = base64.urlsafe_b64encode(certificate.fingerprint(SHA1())).rstrip(b"=").decode()  # noqa: S303
    assert (header["typ"], header["alg"], header["x5t"]) == ("JWT", "RS256", thumbprint)


def test_where_only_pss_is_taken_it_is_used(place: Place, anna: Employee, browser: Browser) -> None:
    place.op.takes = ["PS256", "ES256"]
    place.signs_in(browser)
    assert browser.is_signed_in
    assert [parts(token)[0]["alg"] for token in place.op.assertions.values()] == ["PS256"]


def test_the_address_of_the_keys_shows_what_is_public_and_nothing_else(
    place: Place, browser: Browser
) -> None:
    answer = fetched(browser, place.row.id)
    (key,) = answer.json()["keys"]
    assert {"n", "e", "kid", "use", "kty"} <= set(key)
    assert not {"d", "p", "q", "dp", "dq", "qi"} & set(key)
    certificate = x509.load_pem_x509_certificate(place.row.certificate.encode())
    assert base64.b64decode(key["x5c"][0]) == certificate.public_bytes(Encoding.DER)
    assert answer.headers["cache-control"] == "public, max-age=600"
    assert "set-cookie" not in answer.headers
    assert fetched(browser, "nobody").status_code == 404


def test_of_one_that_has_a_secret_there_is_no_key(place: Place, browser: Browser) -> None:
    other = place.add(client_id="another", domains=())
    assert fetched(browser, other.id).json() == {"keys": []}


def test_each_has_a_key_of_its_own(place: Place, browser: Browser) -> None:
    """attack 17: what one is shown must open no other"""
    first = place.row
    other = place.add(client_id="another", domains=(), auth="private_key_jwt")
    assert first.id != other.id
    one, two = (fetched(browser, each.id).json()["keys"][0] for each in (first, other))
    assert one["n"] != two["n"]
    assert published(other)["keys"] == [two]


def test_with_another_key_nobody_gets_in(place: Place, anna: Employee, browser: Browser) -> None:
    key = make_key("other", place.hall.world.effects)
    with place.hall.world.database.begin() as work:
        work.upstreams.renew(place.row.id, key.private, ClientAuth.PRIVATE_KEY_JWT, place.row.certificate)
    place.signs_in(browser)
    assert not browser.is_signed_in
    assert place.reasons() == ["upstream_answer_broken"]


def test_after_renewal_the_new_key_is_used_and_shown(place: Place, anna: Employee, browser: Browser) -> None:
    before = fetched(browser, place.row.id).json()
    key = make_key(place.row.id, place.hall.world.effects)
    with place.hall.world.database.begin() as work:
        assert work.upstreams.renew(place.row.id, key.private, ClientAuth.PRIVATE_KEY_JWT, key.certificate)
    assert fetched(browser, place.row.id).json() != before
    place.signs_in(browser)
    assert browser.is_signed_in
