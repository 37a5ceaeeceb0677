"""Token revocation (RFC 7009)."""

import pytest

from idp.events import EventType
from idp.models.people import User
from idp.oidc.authorize import Browser
from tests.idp.oidc.house import EVERYTHING, House
from tests.support.relying_party import ProviderError, RelyingParty, Tokens


@pytest.fixture
def tokens(house: House, browser: Browser, app: RelyingParty) -> Tokens:
    return house.tokens_for(app, browser, scope=EVERYTHING)


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense"])
def test_giving_back_one_token_gives_back_the_family(
    app: RelyingParty, tokens: Tokens, which: str, hint: str
) -> None:
    """The hint is a hint: RFC 7009 section 2.1"""
    assert app.revoke(getattr(tokens, which), token_type_hint=hint).status_code == 200
    assert app.introspect(tokens.access_token) == {"active": False}
    with pytest.raises(ProviderError, match="invalid_token"):
        app.userinfo(tokens.access_token)
    with pytest.raises(ProviderError, match="invalid_grant"):
        app.refresh(tokens.refresh_token or "")


def test_it_is_written_down_once(house: House, app: RelyingParty, tokens: Tokens, anna: User) -> None:
    for _ in range(2):
        assert app.revoke(tokens.access_token).status_code == 200
    assert house.events(anna).count(EventType.TOKENS_REVOKED.value) == 1


def test_a_services_token_can_be_revoked_alone(house: House) -> None:
    service = house.add_service()
    first, second = service.own_token(), service.own_token()
    assert service.introspect(first.access_token)["active"]
    assert service.revoke(first.access_token).status_code == 200
    assert service.introspect(first.access_token) == {"active": False}
    assert service.introspect(second.access_token)["active"]


@pytest.mark.parametrize("token", ["x", "x.y.z", "x" * 43])
def test_an_unknown_token_is_as_good_as_revoked(app: RelyingParty, token: str) -> None:
    """RFC 7009 section 2.2"""
    assert app.revoke(token).status_code == 200


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_nobody_revokes_anothers_tokens(house: House, app: RelyingParty, tokens: Tokens, which: str) -> None:
    assert house.add_client().revoke(getattr(tokens, which)).status_code == 400
    assert app.introspect(tokens.access_token)["active"]


def test_an_installed_application_gives_back_its_own(house: House, browser: Browser) -> None:
    public = house.add_client(token_endpoint_auth_method="none")
    tokens = house.tokens_for(public, browser, scope=EVERYTHING)
    assert public.revoke(tokens.refresh_token or "").status_code == 200
    with pytest.raises(ProviderError, match="invalid_grant"):
        public.refresh(tokens.refresh_token or "")
