"""How an access token may be shown, and what one that is not good is told (RFC 6750), at the userinfo endpoint."""

import pytest

from idp.oidc.authorize import Browser
from tests.idp.oidc.house import ISSUER, House
from tests.support.relying_party import ProviderError, RelyingParty


def test_the_token_may_come_by_get_or_post(house: House, browser: Browser, app: RelyingParty) -> None:
    token = house.tokens_for(app, browser).access_token
    bearer = {"Authorization": f"Bearer {token}"}
    by_get = house.http.get("/userinfo", headers=bearer)
    by_post = house.http.post("/userinfo", headers=bearer)
    by_form = house.post("/userinfo", {"access_token": token})
    assert by_get.json() == by_post.json() == by_form.json()
    assert by_get.headers["Cache-Control"] == "no-store"


def test_the_token_must_not_come_in_the_url_or_twice(
    house: House, browser: Browser, app: RelyingParty
) -> None:
    """attack 44"""
    token = house.tokens_for(app, browser).access_token
    bearer = {"Authorization": f"Bearer {token}"}
    in_url = house.http.get(f"/userinfo?access_token={token}")
    twice = house.post("/userinfo", {"access_token": token}, bearer)
    assert (in_url.status_code, twice.status_code) == (400, 400)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic eDp5", "DPoP", "DPoP "])
def test_who_shows_no_token_learns_only_that_one_is_needed(house: House, header: str | None) -> None:
    """RFC 6750 section 3.1"""
    reply = house.http.get("/userinfo", headers={"Authorization": header} if header is not None else {})
    assert reply.status_code == 401
    assert reply.headers.get_list("WWW-Authenticate") == [
        'Bearer realm="visvaris"',
        'DPoP realm="visvaris", algs="ES256 PS256 EdDSA"',
    ]


def test_a_token_that_is_not_good_is_told_so(house: House) -> None:
    reply = house.http.get("/userinfo", headers={"Authorization": "Bearer x.y.z"})
    assert reply.status_code == 401
    assert 'error="invalid_token"' in reply.headers["WWW-Authenticate"]
    assert reply.json()["error"] == "invalid_token"


def test_a_token_without_openid_has_not_the_scope(house: House, browser: Browser) -> None:
    app = house.add_client(scope="profile")
    token = house.tokens_for(app, browser, scope="profile", nonce=None).access_token
    with pytest.raises(ProviderError) as refused:
        app.userinfo(token)
    assert (refused.value.status, refused.value.error) == (403, "insufficient_scope")


def test_an_id_token_is_not_an_access_token(house: House, browser: Browser, app: RelyingParty) -> None:
    """attack 16: wrong typ"""
    with pytest.raises(ProviderError, match="invalid_token"):
        app.userinfo(house.tokens_for(app, browser).id_token or "")


def test_a_token_for_another_resource_is_not_for_us(house: House, browser: Browser) -> None:
    app = house.add_client(own={"resources": ["https://fines.example.lv"]})
    question, code = house.code_for(app, browser, resource="https://fines.example.lv")
    with pytest.raises(ProviderError, match="invalid_token"):
        app.userinfo(app.redeem(question, code).access_token)
    question, code = house.code_for(app, browser, resource="https://fines.example.lv")
    assert app.userinfo(app.redeem(question, code, resource=ISSUER).access_token)["sub"]


def test_an_expired_token_is_refused(house: House, browser: Browser, app: RelyingParty) -> None:
    """attack 30"""
    token = house.tokens_for(app, browser).access_token
    assert app.userinfo(token)
    house.world.clock.move(300)
    with pytest.raises(ProviderError, match="invalid_token"):
        app.userinfo(token)
