"""The device authorization grant (RFC 8628), as the device: what it may ask, what it is told, what it gets."""

import json
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import text

from idp.login.limits import Wait
from idp.models.people import User, UserStatus
from idp.oidc.authorize import Browser, SignIn
from idp.oidc.consent import Decider
from idp.oidc.device_approval import ConfirmationPage, Done, Gone
from idp.oidc.device_confirmations import Verdict
from tests.idp.oidc.confirming import approved, confirm, pick, read_page, refuse, type_code, wrong_number
from tests.idp.oidc.house import EVERYTHING, ISSUER, House
from tests.support.builders import KEKAVA, RIGA
from tests.support.device import GRANT, METADATA, Device
from tests.support.relying_party import ProviderError, RelyingParty

Ending = Callable[[House, User, Browser, Device], None]
FINES = "https://fines.example.lv"


@pytest.fixture
def device(house: House) -> Device:
    """A public client of ours, as a device mostly is."""
    return Device(house.add_client(token_endpoint_auth_method="none", **METADATA))


@pytest.fixture
def service(house: House) -> RelyingParty:
    """Who may introspect."""
    return house.add_service(own={"audience": FINES})


def alive(device: Device, access_token: str) -> bool:
    try:
        return bool(device.party.userinfo(access_token))
    except ProviderError:
        return False


# Asking ------------------------------------------------------------------------------------------------


def test_discovery_says_where_to_ask(device: Device) -> None:
    said = device.party.metadata()
    assert said["device_authorization_endpoint"] == f"{ISSUER}/device_authorization"
    assert GRANT in said["grant_types_supported"]


def test_the_answer_has_all_that_is_shown(device: Device) -> None:
    shown = device.asks()
    assert (shown.verification_uri, shown.expires_in, shown.interval) == (f"{ISSUER}/device", 600, 5)
    assert parse_qs(urlsplit(shown.verification_uri_complete).query) == {"user_code": [shown.user_code]}
    assert 10 <= shown.number <= 99


def test_no_two_answers_share_a_code(device: Device) -> None:
    answers = [device.asks() for _ in range(20)]
    assert len({shown.device_code for shown in answers} | {shown.user_code for shown in answers}) == 40


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
def test_the_client_authenticates_as_at_the_token_endpoint(
    house: House, method: str, browser: Browser
) -> None:
    """attack 17"""
    device = Device(house.add_client(token_endpoint_auth_method=method, **METADATA))
    tokens = device.polls(approved(house, browser, device))
    assert tokens.claims["sub"]
    if method != "none":
        device.party.secret = "another"
        with pytest.raises(ProviderError, match="invalid_client"):
            device.asks()


def test_a_client_that_is_not_registered_for_it_may_not_ask(app: RelyingParty) -> None:
    with pytest.raises(ProviderError, match="unauthorized_client"):
        Device(app).asks()


@pytest.mark.parametrize("scope", ["openid person_code", "person_code", None, "unheard-of"])
def test_a_scope_it_is_not_registered_for_is_refused(device: Device, scope: str | None) -> None:
    """attack 15"""
    with pytest.raises(ProviderError, match="invalid_scope"):
        device.asks(scope)


def test_a_resource_it_is_not_registered_for_is_refused(device: Device) -> None:
    with pytest.raises(ProviderError, match="invalid_target"):
        device.asks(resource=FINES)


def test_authorization_details_are_refused_rather_than_passed_over(device: Device) -> None:
    """RFC 9396 section 5: a device must not believe it has what nobody was shown"""
    with pytest.raises(ProviderError, match="invalid_authorization_details"):
        device.asks(authorization_details='[{"type":"lv.visvaris.vehicle_lookup"}]')


def test_only_by_post_once_each_and_with_no_secret_in_the_url(house: House, device: Device) -> None:
    assert house.http.get("/device_authorization").status_code == 405
    twice = f"client_id={device.party.client_id}&scope=openid&scope=email"
    assert house.post_raw("/device_authorization", twice, {}).json()["error"] == "invalid_request"
    form = {"client_id": device.party.client_id, "grant_type": GRANT}
    assert house.post("/token?device_code=x", form).json()["error"] == "invalid_request"


# Waiting -----------------------------------------------------------------------------------------------


def test_it_is_told_to_wait_until_somebody_decides(house: House, device: Device, browser: Browser) -> None:
    shown = device.asks()
    for _ in range(3):
        assert device.is_told(shown) == "authorization_pending"
        house.world.clock.move(5)
    confirm(house, browser, shown)
    assert device.is_told(shown) == "tokens"


def test_who_asks_too_soon_must_wait_longer_each_time(house: House, device: Device) -> None:
    """Section 3.5: five seconds more "for this and all subsequent requests"."""
    shown, clock = device.asks(), house.world.clock
    assert device.is_told(shown) == "authorization_pending"
    clock.move(2)
    assert device.is_told(shown) == "slow_down"
    clock.move(6)
    assert device.is_told(shown) == "slow_down", "ten seconds it is now"
    clock.move(10)
    assert device.is_told(shown) == "slow_down", "fifteen it is now"
    for _ in range(2):
        clock.move(20)
        assert device.is_told(shown) == "authorization_pending"
    clock.move(10)
    assert device.is_told(shown) == "slow_down", "and stays"


def test_another_process_knows_how_long_it_must_wait(house: House, device: Device) -> None:
    shown = device.asks()
    assert device.is_told(shown) == "authorization_pending"
    elsewhere = Device(replace(device.party, http=House(house.world).http))
    assert elsewhere.is_told(shown) == "slow_down"


def test_once_decided_it_need_not_wait(house: House, device: Device, browser: Browser) -> None:
    shown = device.asks()
    device.is_told(shown)
    confirm(house, browser, shown)
    assert device.is_told(shown) == "tokens"


def test_it_is_told_that_the_person_refused(
    house: House, device: Device, browser: Browser, anna: User
) -> None:
    shown = device.asks()
    refuse(house, browser, shown)
    assert [device.is_told(shown), device.is_told(shown)] == ["access_denied"] * 2
    assert house.events(anna)[0] == "device.refused"


def test_a_code_expires_and_is_told_to_be_expired(house: House, device: Device, browser: Browser) -> None:
    """attack 30: nobody has cleaned up."""
    shown = device.asks()
    page = read_page(house, browser, shown)
    house.world.clock.move(600)
    assert device.is_told(shown) == "expired_token"
    assert pick(house, browser, page, shown.number) == Gone()
    assert house.openid.device.enter(shown.user_code, browser) is None
    house.world.clock.move(601)
    assert device.is_told(shown) == "invalid_grant", "forgotten by now"


def test_what_was_approved_expires_too(house: House, device: Device, browser: Browser) -> None:
    shown = approved(house, browser, device)
    house.world.clock.move(600)
    assert device.is_told(shown) == "expired_token"


# Getting -----------------------------------------------------------------------------------------------


def test_the_tokens_are_the_persons(house: House, device: Device, browser: Browser, anna: User) -> None:
    shown = approved(house, browser, device, EVERYTHING)
    house.world.clock.move(60)
    tokens = device.polls(shown)
    assert browser.signed_in is not None
    assert tokens.claims["sub"] == anna.id
    assert tokens.claims["sid"] == browser.signed_in.session_id
    assert tokens.claims["auth_time"] == int(house.world.clock.at) - 60
    assert (tokens.claims["acr"], tokens.claims["amr"]) == ("urn:visvaris:acr:1fa", ["pwd"])
    assert "nonce" not in tokens.claims
    assert device.party.userinfo(tokens.access_token)["municipality"] == RIGA
    assert house.events(anna)[:2] == ["tokens.issued", "device.approved"]


def test_refresh_and_id_token_come_only_with_their_scopes(
    house: House, browser: Browser, device: Device
) -> None:
    plain = device.polls(approved(house, browser, device, "profile"))
    assert (plain.id_token, plain.refresh_token) == (None, None)
    tokens = device.polls(approved(house, browser, device, "openid offline_access"))
    assert tokens.id_token
    assert device.party.refresh(tokens.refresh_token or "").access_token


def test_without_the_refresh_grant_there_is_no_refresh_token(house: House, browser: Browser) -> None:
    device = Device(house.add_client(**{**METADATA, "grant_types": [GRANT]}))
    tokens = device.polls(approved(house, browser, device, "openid offline_access"))
    assert tokens.refresh_token is None
    assert tokens.scope == {"openid"}


def test_it_gets_a_token_for_the_resource_it_named(
    house: House, browser: Browser, service: RelyingParty
) -> None:
    device = Device(house.add_client(own={"resources": [FINES]}, **METADATA))
    shown = device.asks(resource=FINES)
    confirm(house, browser, shown)
    assert device.is_told(shown, resource="https://other.example.lv") == "invalid_target"
    assert service.introspect(device.polls(shown).access_token)["aud"] == FINES


def test_a_code_is_good_once_and_used_again_ends_what_came_of_it(
    house: House, device: Device, browser: Browser, anna: User
) -> None:
    """attack 11"""
    shown = approved(house, browser, device, "openid offline_access")
    tokens = device.polls(shown)
    assert alive(device, tokens.access_token)
    assert device.is_told(shown) == "invalid_grant"
    assert not alive(device, tokens.access_token)
    with pytest.raises(ProviderError, match="invalid_grant"):
        device.party.refresh(tokens.refresh_token or "")
    assert house.events(anna)[0] == "code.replayed"


def test_a_code_is_good_for_the_client_that_asked(house: House, device: Device, browser: Browser) -> None:
    """attack 12"""
    other = Device(house.add_client(token_endpoint_auth_method="none", **METADATA))
    shown = device.asks()
    assert other.is_told(shown) == "invalid_grant"
    confirm(house, browser, shown)
    assert other.is_told(shown) == "invalid_grant"
    assert device.is_told(shown) == "tokens"


@pytest.mark.parametrize("name", ["user_code", "verification_uri_complete"])
def test_what_the_person_sees_opens_nothing(
    house: House, device: Device, browser: Browser, name: str
) -> None:
    """attack 12"""
    shown = approved(house, browser, device)
    assert device.is_told(replace(shown, device_code=getattr(shown, name))) == "invalid_grant"


def test_a_device_code_is_no_authorization_code_nor_the_other_way(house: House, browser: Browser) -> None:
    """attack 12: no shared key space."""
    both = house.add_client(grant_types=["authorization_code", GRANT])
    shown = approved(house, browser, Device(both))
    question, code = house.code_for(both, browser)
    with pytest.raises(ProviderError, match="invalid_grant"):
        both.redeem(question, shown.device_code)
    assert Device(both).is_told(replace(shown, device_code=code)) == "invalid_grant"
    assert both.redeem(question, code).access_token
    assert Device(both).is_told(shown) == "tokens"


def test_a_code_is_needed(device: Device) -> None:
    with pytest.raises(ProviderError, match="invalid_request"):
        device.party._tokens({"grant_type": GRANT}, nonce=None)


# What may end between the decision and the tokens ------------------------------------------------------


def _block(house: House, user: User, _browser: Browser, _device: Device) -> None:
    with house.world.database.begin() as work:
        work.people.set_status(user.id, UserStatus.BLOCKED, at=house.world.clock())


def _sign_out(house: House, _user: User, browser: Browser, _device: Device) -> None:
    house.end_session(browser)


def _lose_post(house: House, user: User, _browser: Browser, _device: Device) -> None:
    with house.world.database.begin() as work:
        work.connection().execute(text("UPDATE employments SET ends_at = :at"), {"at": house.world.clock()})


def _lose_scopes(house: House, _user: User, _browser: Browser, device: Device) -> None:
    keep_scope_email(house, device)


def keep_scope_email(house: House, device: Device) -> None:
    client = house.openid.clients.get(device.party.client_id)
    registered = {**client.registered, "scope": "email"}
    with house.world.database.begin() as work:
        work.clients.replace_registration(
            client.client_id, registered=registered, audience=client.audience, resources=client.resources
        )


def _is_disabled(house: House, _user: User, _browser: Browser, device: Device) -> None:
    disable(house, device)


def disable(house: House, device: Device) -> None:
    with house.world.database.begin() as work:
        work.clients.set_disabled(device.party.client_id, True)


@pytest.mark.parametrize(
    ("ends", "told"),
    [
        (_block, "invalid_grant"),
        (_sign_out, "invalid_grant"),
        (_lose_post, "invalid_grant"),
        (_lose_scopes, "invalid_grant"),
        (_is_disabled, "invalid_client"),
    ],
)
def test_what_has_ended_since_gives_nothing(
    house: House, device: Device, browser: Browser, anna: User, ends: Ending, told: str
) -> None:
    """attack 25"""
    shown = approved(house, browser, device, "openid employment offline_access")
    ends(house, anna, browser, device)
    assert device.is_told(shown) == told
    assert house.rows_in_all_tables()["token_families"] == 0


def test_a_scope_taken_from_the_registration_since_is_not_given(
    house: House, device: Device, browser: Browser
) -> None:
    """attack 15"""
    shown = approved(house, browser, device, "openid email")
    keep_scope_email(house, device)
    assert device.polls(shown).scope == {"email"}


def test_signing_out_on_the_phone_ends_what_is_not_for_the_persons_absence(
    house: House, device: Device, browser: Browser
) -> None:
    """attack 22"""
    online = device.polls(approved(house, browser, device, "openid"))
    offline = device.polls(approved(house, browser, device, "openid offline_access"))
    house.end_session(browser)
    assert not alive(device, online.access_token)
    assert alive(device, offline.access_token)


# The person's side -------------------------------------------------------------------------------------


def test_the_page_says_what_asks_from_where_and_when(house: House, device: Device, browser: Browser) -> None:
    page = read_page(house, browser, device.asks("openid email"))
    assert page.client.client_id == device.party.client_id
    assert page.request.consent_scopes == ("openid", "email")
    assert (page.request.address, page.same_network) == ("127.0.0.1", False)
    assert page.request.requested_at == house.world.clock.at
    near = read_page(house, replace(browser, address="127.0.0.1"), device.asks())
    assert near.same_network


def test_there_are_three_numbers_and_they_stay_the_same(
    house: House, device: Device, browser: Browser
) -> None:
    """Of decoys made anew each time only the right number would stay."""
    shown = device.asks()
    pages = [read_page(house, browser, shown) for _ in range(5)]
    assert {page.request.choices for page in pages} == {pages[0].request.choices}
    assert len(set(pages[0].request.choices)) == 3
    assert shown.number in pages[0].request.choices


def test_the_right_number_stands_anywhere(house: House, device: Device, browser: Browser) -> None:
    asked = [device.asks() for _ in range(60)]
    places = [read_page(house, browser, shown).request.choices.index(shown.number) for shown in asked]
    assert all(places.count(place) > 5 for place in range(3)), places


def test_a_wrong_number_refuses_at_once_and_is_written_down(
    house: House, device: Device, browser: Browser, anna: User
) -> None:
    """attack 15: somebody was sent a code and never saw the device."""
    shown = device.asks()
    page = read_page(house, browser, shown)
    outcome = pick(house, browser, page, wrong_number(page, shown))
    assert isinstance(outcome, Done)
    assert outcome.verdict is Verdict.WRONG_NUMBER
    assert device.is_told(shown) == "access_denied"
    assert pick(house, browser, page, shown.number) == outcome, "there is no second try"
    assert device.is_told(shown) == "access_denied"
    with house.world.database.read() as work:
        event = work.audit.activity_of(anna.id)[0]
    assert (event.type, event.reason) == ("device.refused", "wrong_number")
    assert json.loads(event.detail)["device_address"] == "127.0.0.1"


@pytest.mark.parametrize("choice", ["", "allow", "true", "9", "123", "٤٧", "deny"])
def test_anything_but_the_number_is_a_refusal(
    house: House, device: Device, browser: Browser, choice: str
) -> None:
    shown = device.asks()
    outcome = pick(house, browser, read_page(house, browser, shown), choice)
    assert isinstance(outcome, Done)
    assert outcome.verdict is Verdict.REFUSED
    assert device.is_told(shown) == "access_denied"


def test_what_is_decided_stays_decided(house: House, device: Device, browser: Browser) -> None:
    shown = device.asks()
    first, second = (read_page(house, browser, shown) for _ in range(2))
    assert isinstance(pick(house, browser, first, "deny"), Done)
    assert pick(house, browser, second, shown.number) == Gone()
    assert house.openid.device.enter(shown.user_code, browser) is None
    assert device.is_told(shown) == "access_denied"


def test_a_confirmation_is_for_the_browser_that_typed_the_code(
    house: House, device: Device, browser: Browser, anna: User
) -> None:
    """attack 22"""
    page = read_page(house, browser, shown := device.asks())
    other = house.sign_in(anna)
    assert house.openid.device.look(page.confirmation_id, other) == Gone()
    assert pick(house, other, page, shown.number) == Gone()
    assert device.is_told(shown) == "authorization_pending"


def test_a_confirmation_is_for_the_person_who_saw_the_page(
    house: House, device: Device, browser: Browser
) -> None:
    """attack 22: the next person on the same browser is shown it first."""
    page = read_page(house, browser, shown := device.asks())
    berta = house.add_person("berta")
    house.employ(berta)
    same_browser = replace(browser, signed_in=house.sign_in(berta).signed_in)
    outcome = pick(house, same_browser, page, shown.number)
    assert isinstance(outcome, ConfirmationPage)
    assert device.is_told(shown) == "authorization_pending"
    assert isinstance(pick(house, same_browser, outcome, shown.number), Done)
    assert device.polls(shown).claims["sub"] == berta.id


def test_who_is_not_signed_in_signs_in_first(house: House, device: Device, anna: User) -> None:
    """attack 23"""
    stranger, shown = house.stranger(), device.asks()
    confirmation_id = type_code(house, stranger, shown.user_code)
    for outcome in (
        house.openid.device.look(confirmation_id, stranger),
        house.openid.device.decide(confirmation_id, stranger, choice=str(shown.number)),
    ):
        assert isinstance(outcome, SignIn)
        transaction = house.login.find(outcome.transaction_id, browser=stranger.id)
        assert transaction is not None
        assert transaction.return_to == f"/device/{confirmation_id}"
        assert transaction.client_id == device.party.client_id
    assert device.is_told(shown) == "authorization_pending"
    back = replace(stranger, signed_in=house.sign_in(anna).signed_in)
    assert isinstance(house.openid.device.look(confirmation_id, back), ConfirmationPage)


@pytest.mark.parametrize(
    "own",
    [
        {"minimum_level": "urn:visvaris:acr:mfa"},
        {"municipalities": [KEKAVA]},
        {"roles": ["grāmatvedis"]},
    ],
)
def test_what_the_application_demands_holds_here_too(
    house: House, browser: Browser, own: dict[str, object]
) -> None:
    """attack 23"""
    device = Device(house.add_client(own=own, **METADATA))
    shown = device.asks()
    confirmation_id = type_code(house, browser, shown.user_code)
    assert isinstance(house.openid.device.look(confirmation_id, browser), SignIn)
    outcome = house.openid.device.decide(confirmation_id, browser, choice=str(shown.number))
    assert isinstance(outcome, SignIn)
    assert device.is_told(shown) == "authorization_pending"


def test_a_registered_default_max_age_counts_from_when_the_device_asked(
    house: House, browser: Browser
) -> None:
    device = Device(house.add_client(default_max_age=60, **METADATA))
    house.world.clock.move(50)
    early = device.asks()
    house.world.clock.move(50)
    assert isinstance(
        house.openid.device.look(type_code(house, browser, early.user_code), browser), ConfirmationPage
    )
    late = device.asks()
    assert isinstance(house.openid.device.look(type_code(house, browser, late.user_code), browser), SignIn)


def test_an_application_that_was_disabled_is_not_confirmed(
    house: House, device: Device, browser: Browser
) -> None:
    shown = device.asks()
    page = read_page(house, browser, shown)
    disable(house, device)
    assert pick(house, browser, page, shown.number) == Gone()
    assert house.openid.device.enter(shown.user_code, browser) is None


def test_approving_a_stranger_is_consent_that_can_be_withdrawn(
    house: House, browser: Browser, anna: User
) -> None:
    device = Device(house.add_client(own={"first_party": False}, **METADATA))
    tokens = device.polls(approved(house, browser, device, "openid email"))
    with house.world.database.read() as work:
        consent = work.grants.find_consent(anna.id, device.party.client_id)
    assert consent is not None
    assert consent.scopes == ["openid", "email"]
    assert browser.signed_in is not None
    decider = Decider(anna.id, browser.signed_in.session_id, browser.address)
    waiting = approved(house, browser, device, "openid email")
    assert house.openid.consents.withdraw(device.party.client_id, decider)
    assert not alive(device, tokens.access_token)
    assert device.is_told(waiting) == "invalid_grant", "also what was approved and not yet fetched"


def test_consent_given_before_does_not_spare_the_number(house: House, browser: Browser) -> None:
    """attack 15: what is confirmed is the device, not the application."""
    for first_party in (True, False):
        device = Device(house.add_client(own={"first_party": first_party}, **METADATA))
        device.polls(approved(house, browser, device))
        shown = device.asks()
        read_page(house, browser, shown)
        assert device.is_told(shown) == "authorization_pending"


# Guessing ----------------------------------------------------------------------------------------------


def test_guesses_of_one_browser_soon_have_to_wait(house: House, device: Device, browser: Browser) -> None:
    """attack 29, RFC 8628 section 5.1"""
    shown = device.asks()
    for guess in ("BCDF-GHJK", "bcdf ghjl", "BCDFGHJM", "BCDF-GHJN", "BCDF-GHJP"):
        assert house.openid.device.enter(guess, browser) is None
    waiting = house.openid.device.enter(shown.user_code, browser)
    assert waiting == Wait(5.0), "also with the right code"
    house.world.clock.move(5)
    assert isinstance(house.openid.device.enter(shown.user_code, browser), str)


def test_a_new_browser_for_each_guess_does_not_help(house: House, device: Device) -> None:
    """attack 29"""
    counted = [house.openid.device.enter("BCDF-GHJK", house.stranger()) for _ in range(25)]
    assert counted[:20] == [None] * 20
    assert all(isinstance(each, Wait) for each in counted[20:])
    elsewhere = replace(house.stranger(), address="198.51.100.9")
    assert isinstance(house.openid.device.enter(device.asks().user_code, elsewhere), str)


def test_a_right_code_between_wrong_ones_forgives_none(
    house: House, device: Device, browser: Browser
) -> None:
    """attack 29: an attacker has a device, too."""
    for guess in ("BCDF-GHJK", "BCDF-GHJL", "BCDF-GHJM", "BCDF-GHJN"):
        assert isinstance(house.openid.device.enter(device.asks().user_code, browser), str)
        assert house.openid.device.enter(guess, browser) is None
    assert house.openid.device.enter("BCDF-GHJP", browser) is None
    assert isinstance(house.openid.device.enter("BCDF-GHJR", browser), Wait)


def test_right_codes_never_wait(house: House, device: Device, browser: Browser) -> None:
    assert all(
        isinstance(house.openid.device.enter(device.asks().user_code, browser), str) for _ in range(30)
    )
