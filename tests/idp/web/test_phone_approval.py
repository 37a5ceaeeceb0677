"""Signing in at a computer with a phone that approves: two browsers, the whole provider, no scripts in either."""

import json

import pytest

from idp.login.standing import Missing, NeedsSignIn, Satisfied
from idp.login.transaction import Requirements
from idp.methods.base import Waiting
from idp.models.people import UserStatus
from idp.policy import NATIONAL, Level
from tests.support.actors import Browser, Employee, Hall
from tests.support.builders import RIGA
from tests.support.phone import (
    APPROVER_COOKIE,
    WITH_PHONE,
    allows_approving,
    asks_phone,
    confirms,
    offered,
    opens_request,
    permit,
    phone_of,
    shown_number,
    wrong_number,
)
from tests.support.reporting import cases_of, reports, seq_of

OVER = "Šeit nav ko apstiprināt"


@pytest.fixture
def hall(hall: Hall) -> Hall:
    permit(hall)
    return hall


@pytest.fixture
def phone(hall: Hall, anna: Employee) -> Browser:
    return phone_of(hall, anna)


@pytest.fixture
def desk(browser: Browser) -> Browser:
    return browser


def presses_on(desk: Browser) -> None:
    """The button at the computer, for who has no scripts."""
    desk.presses("login-submit")


def state_at(browser: Browser, path: str) -> str:
    """What the page's script is told."""
    state: str = json.loads(browser.http.get(path).text)["state"]
    return state


def desk_state(desk: Browser) -> str:
    return state_at(desk, desk.page.path.replace("?", "/state?"))


# The way it goes ---------------------------------------------------------------------------------------------


def test_a_number_picked_on_the_phone_signs_in_at_the_computer(
    hall: Hall, desk: Browser, phone: Browser, anna: Employee
) -> None:
    number = asks_phone(desk, anna)
    assert desk_state(desk) == Waiting.WAITING
    opens_request(phone)
    for told in ("visvaris.lv", "192.0.2.10", "Firefox, Linux", "cits tīkls", "Anna Bērziņa"):
        assert told in phone.page.words, told
    assert number in offered(phone)
    assert len(set(offered(phone))) == 3
    assert phone.presses(f"number-{number}").title == "Pieslēgšanās apstiprināta"
    assert desk_state(desk) == Waiting.READY
    presses_on(desk)
    assert (desk.page.path, desk.is_signed_in) == ("/", True)
    assert {"approval.given", "method.passed", "sign_in.completed"} <= set(hall.events(anna)[-4:])


def test_the_phone_names_the_application(hall: Hall, desk: Browser, phone: Browser, anna: Employee) -> None:
    desk.opens("/")
    sign_in = hall.provider.login.start(
        Requirements(),
        return_to="/account",
        browser=desk.http.cookies["__Host-visvaris-browser"],
        application_name="Līgumu reģistrs",
    )
    number = asks_phone(desk, anna, f"/login/{sign_in}")
    assert "Līgumu reģistrs" in phone.opens("/approve").words
    assert "Līgumu reģistrs" in opens_request(phone).words
    assert "Līgumu reģistrs" in phone.presses(f"number-{number}").words
    presses_on(desk)
    assert desk.page.path == "/account"


def test_it_is_two_factors_over_two_channels_and_approves_nothing_itself(
    hall: Hall, desk: Browser, phone: Browser, anna: Employee
) -> None:
    confirms(phone, asks_phone(desk, anna))
    presses_on(desk)
    signed_in = hall.provider.sessions.find(desk.session)
    standing = hall.provider.login.standing(signed_in, Requirements())
    assert isinstance(standing, Satisfied)
    assert (standing.acr, standing.amr) == ("urn:visvaris:acr:mfa", ("pwd", "mca", "mfa"))
    approving = hall.provider.login.standing(signed_in, hall.provider.approvals.requirements)
    assert approving == NeedsSignIn(Missing.LEVEL)


def test_the_page_that_waits_says_the_same_however_often_it_is_opened(
    desk: Browser, phone: Browser, anna: Employee
) -> None:
    number, path = asks_phone(desk, anna), desk.page.path
    opens_request(phone)
    choices, link = offered(phone), phone.page.path
    for _ in range(5):
        assert desk.opens(path).content.ids["approval-number"] == number
        assert phone.opens(link).has("approval-deny")
        assert offered(phone) == choices, "numbers drawn anew would leave the right one alone"


def test_without_scripts_the_page_at_the_computer_loads_itself_again(
    desk: Browser, phone: Browser, anna: Employee
) -> None:
    asks_phone(desk, anna)
    markup = desk.page.content.markup
    assert f'<noscript><meta http-equiv="refresh" content="5; url={desk.page.path}"></noscript>' in markup
    assert phone.opens("/approve").content.links["look-again"] == "/approve"


def test_the_button_before_the_phone_has_confirmed_lets_nobody_in(
    hall: Hall, desk: Browser, phone: Browser, anna: Employee
) -> None:
    """attack 23: an out-of-band step that was not confirmed"""
    number = asks_phone(desk, anna)
    before = hall.events(anna)
    for _ in range(12):
        presses_on(desk)
        assert desk.page.status == 200
        assert "vēl nav apstiprināts" in desk.page.words
    assert shown_number(desk) == number
    assert not desk.is_signed_in
    assert hall.events(anna) == before
    confirms(phone, number)
    presses_on(desk)
    assert desk.is_signed_in


def test_the_page_may_ask_its_own_origin_and_no_other_page_may(
    desk: Browser, phone: Browser, anna: Employee
) -> None:
    asks_phone(desk, anna)
    assert "connect-src 'self'" in desk.page.headers["content-security-policy"]
    assert "connect-src" in phone.opens("/approve").headers["content-security-policy"]
    for path in ("/account", "/", "/account/methods/phone_approval"):
        assert "connect-src" not in phone.opens(path).headers["content-security-policy"]


def test_the_session_has_another_id_afterwards(
    hall: Hall, desk: Browser, phone: Browser, anna: Employee
) -> None:
    """attack 21: a step up by approval"""
    hall.rule(RIGA, methods=["password"])
    desk.signs_in(anna)
    before = desk.session
    permit(hall)
    desk.opens("/account/methods/totp")
    desk.follows("method-phone_approval")
    confirms(phone, shown_number(desk))
    presses_on(desk)
    assert desk.page.path == "/account/methods/totp"
    assert desk.session != before
    assert hall.provider.sessions.find(before) is None


def test_who_has_several_phones_confirms_on_any(
    hall: Hall, desk: Browser, phone: Browser, anna: Employee
) -> None:
    hall.clock.move(31)
    other = phone_of(hall, anna, "Otrs")
    number = asks_phone(desk, anna)
    confirms(other, number)
    assert phone.opens("/approve").title == "Pieprasījumi apstiprināšanai"
    assert "Neviens pieprasījums negaida" in phone.page.words
    presses_on(desk)
    assert desk.is_signed_in
    card = phone.opens("/account").content.ids["account-method-phone_approval"]
    assert "Mans tālrunis" in card
    assert "Otrs" in card


# Refusals ----------------------------------------------------------------------------------------------------


def test_it_was_not_me_ends_the_sign_in_whatever_else_could_be_proved(
    hall: Hall, desk: Browser, phone: Browser, anna: Employee
) -> None:
    asks_phone(desk, anna)
    path = desk.page.path
    opens_request(phone)
    assert phone.presses("approval-deny").title == "Pieslēgšanās noraidīta"
    assert desk_state(desk) == Waiting.OVER
    page = desk.opens(path)
    assert (page.status, page.error_code) == (403, "refused_elsewhere")
    assert "noraidīta tālrunī" in page.words
    other_way = path.replace("phone_approval", "totp")
    assert desk.opens(other_way).error_code == "refused_elsewhere"
    desk.posts(other_way, {"csrf_token": phone_token(desk), "code": anna.code()})
    assert not desk.is_signed_in
    assert hall.events(anna)[-1] == "approval.refused"
    assert "noraidīta tālrunī" in phone.opens("/account").words


def phone_token(browser: Browser) -> str:
    """The form token of this browser, from a page that has one."""
    return browser.opens("/device").form("code").fields["csrf_token"]


def test_a_wrong_number_ends_it_with_a_code_for_support(
    hall: Hall, desk: Browser, phone: Browser, anna: Employee
) -> None:
    number = asks_phone(desk, anna)
    path = desk.page.path
    opens_request(phone)
    link = phone.page.path
    phone.presses(f"number-{wrong_number(phone, number)}")
    assert phone.page.error_code == "approval_number_mismatch"
    page = desk.opens(path)
    assert (page.status, page.error_code) == (403, "wrong_number")
    assert phone.opens(link).title == "Pieslēgšanās noraidīta", "nothing is left to pick"
    assert desk.opens(page.content.links["login-restart"]).has("username"), "it can be begun again"


@pytest.mark.parametrize("choice", ["approval-deny", "a wrong number"])
def test_a_refusal_that_comes_too_late_says_so(
    hall: Hall, desk: Browser, phone: Browser, anna: Employee, choice: str
) -> None:
    """Who was let in by another way meanwhile is in: nobody is told that they are not."""
    number = asks_phone(desk, anna)
    opens_request(phone)
    hall.clock.move(31)
    desk.follows("method-totp")
    desk.presses(code=anna.code())
    assert desk.is_signed_in
    phone.presses(choice if choice == "approval-deny" else f"number-{wrong_number(phone, number)}")
    assert "pabeigta citā veidā" in phone.page.words
    assert "Neviens nav pieslēdzies" not in phone.page.words
    assert phone.page.content.links["end-sessions"] == "/account#sessions"


def test_after_a_refusal_nobody_is_asked_for_a_while(
    hall: Hall, desk: Browser, phone: Browser, anna: Employee
) -> None:
    """Tiring somebody out until they agree."""
    asks_phone(desk, anna)
    opens_request(phone)
    phone.presses("approval-deny")
    stranger = hall.browser("198.51.100.9")
    stranger.opens("/")
    stranger.identifies(anna)
    page = stranger.follows("method-phone_approval")
    assert (page.status, page.headers["retry-after"]) == (429, "901")
    assert "Neviens pieprasījums negaida" in phone.opens("/approve").words
    assert stranger.page.has("method-totp"), "other ways stay open"
    hall.clock.move(901)
    stranger.opens("/")
    stranger.identifies(anna)
    assert stranger.follows("method-phone_approval").has("approval-number")


def test_who_is_asked_in_vain_is_not_asked_without_end(hall: Hall, phone: Browser, anna: Employee) -> None:
    """Three wait at once, five a quarter of an hour go unanswered; from one's own browser one still asks."""
    own = hall.browser("192.0.2.77")
    hall.clock.move(31)
    own.signs_in(anna)
    own.signs_out()
    for turn in range(4):
        thief = hall.browser(f"198.51.100.{turn}")
        thief.opens("/")
        thief.identifies(anna)
        page = thief.follows("method-phone_approval")
        assert page.has("approval-number") == (turn < 3)
    assert page.status == 429
    hall.clock.move(121)
    for turn in range(4, 8):
        thief = hall.browser(f"198.51.100.{turn}")
        thief.opens("/")
        thief.identifies(anna)
        assert thief.follows("method-phone_approval").has("approval-number") == (turn < 6)
    assert len([each for each in phone.opens("/approve").content.links.values() if "/approve/" in each]) == 2
    hall.clock.move(121)
    asks_phone(own, anna)


def test_approvals_do_not_count_as_asking_in_vain(
    hall: Hall, desk: Browser, phone: Browser, anna: Employee
) -> None:
    for _ in range(8):
        asks_phone(desk, anna)
        confirms(phone, shown_number(desk))
        presses_on(desk)
        desk.signs_out()


# Time --------------------------------------------------------------------------------------------------------


def test_a_request_waits_two_minutes(hall: Hall, desk: Browser, phone: Browser, anna: Employee) -> None:
    """attack 30"""
    number, path = asks_phone(desk, anna), desk.page.path
    opens_request(phone)
    link, form = phone.page.path, phone.page.form(button="approval-deny")
    hall.clock.move(120)
    assert phone.opens(link).title == OVER
    page = phone.posts(link, {**form.fields, "choice": number})
    assert (page.status, page.error_code) == (410, "approval_gone")
    assert desk_state_of(desk, path) == Waiting.OVER
    desk.opens(path)
    assert not desk.page.has("approval-number")
    again = desk.follows("ask-again")
    assert shown_number(desk)
    assert desk.opens(again.path).content.ids["approval-number"] == again.content.ids["approval-number"]
    confirms(phone, shown_number(desk))
    presses_on(desk)
    assert desk.is_signed_in


def desk_state_of(desk: Browser, path: str) -> str:
    return state_at(desk, path.replace("?", "/state?"))


def test_an_approval_is_worth_nothing_after_two_minutes(
    hall: Hall, desk: Browser, phone: Browser, anna: Employee
) -> None:
    """attack 30"""
    confirms(phone, asks_phone(desk, anna))
    hall.clock.move(120)
    presses_on(desk)
    assert not desk.is_signed_in
    assert desk.page.status == 422
    assert "netika apstiprināts" in desk.page.words
    assert desk.page.has("approval-number"), "another request"


# Whose, and by what ------------------------------------------------------------------------------------------


def test_an_approval_serves_the_browser_that_asked(
    hall: Hall, desk: Browser, phone: Browser, anna: Employee
) -> None:
    """attack 22: whoever has the address of the sign-in, or another sign-in of the same person, gets nothing."""
    number, path = asks_phone(desk, anna), desk.page.path
    other = hall.browser("198.51.100.7")
    asks_phone(other, anna)
    link = next(
        href
        for href in phone.opens("/approve").content.links.values()
        if href.startswith("/approve/") and number in page_numbers(phone, href)
    )
    phone.opens(link)
    phone.presses(f"number-{number}")
    presses_on(other)
    assert not other.is_signed_in
    assert other.opens(path).status == 410
    assert state_at(other, path.replace("?", "/state?")) == Waiting.OVER
    presses_on(desk)
    assert desk.is_signed_in


def page_numbers(phone: Browser, link: str) -> list[str]:
    phone.opens(link)
    return offered(phone)


def test_an_approval_is_used_once(hall: Hall, desk: Browser, phone: Browser, anna: Employee) -> None:
    """attack 32: replay of an old confirmation"""
    confirms(phone, asks_phone(desk, anna))
    path, form = desk.page.path, desk.page.form()
    presses_on(desk)
    desk.signs_out()
    desk.posts(path, form.fields)
    assert not desk.is_signed_in
    asks_phone(desk, anna)
    presses_on(desk)
    assert not desk.is_signed_in, "the next sign-in has a request of its own"


def test_a_request_tells_somebody_else_nothing(
    hall: Hall, desk: Browser, phone: Browser, anna: Employee
) -> None:
    """attack 28: the same words, status and code as for a request that never was"""
    number = asks_phone(desk, anna)
    opens_request(phone)
    link = phone.page.path
    hall.clock.move(31)
    berta = hall.employee("berta", totp=True)
    hers = phone_of(hall, berta)
    theirs, nobodys = hers.opens(link), hers.opens("/approve/AAAAAAAAAAAAAAAAAAAAAA")
    reference = theirs.content.ids["error-reference"]
    assert theirs.words.replace(reference, "") == nobodys.words.replace(
        nobodys.content.ids["error-reference"], ""
    )
    assert (
        (theirs.status, theirs.error_code) == (nobodys.status, nobodys.error_code) == (410, "approval_gone")
    )
    token = phone_token(hers)
    assert hers.posts(link, {"csrf_token": token, "choice": number}).title == OVER
    assert hers.posts(link, {"csrf_token": token, "choice": "deny"}).title == OVER
    assert "Neviens pieprasījums negaida" in hers.opens("/approve").words
    stranger = hall.browser()
    assert stranger.opens(link).title == stranger.opens("/approve/x").title == "Pieslēgties"
    assert phone.opens(link).has("approval-deny"), "and it still waits for whom it asks"


def test_a_browser_that_was_not_allowed_to_approve_cannot(
    hall: Hall, desk: Browser, phone: Browser, anna: Employee
) -> None:
    """A session alone is not the phone."""
    number = asks_phone(desk, anna)
    opens_request(phone)
    link = phone.page.path
    hall.clock.move(31)
    other = hall.browser("203.0.113.9")
    other.signs_in(anna)
    for page in (other.opens("/approve"), other.opens(link)):
        assert (page.status, page.title) == (403, "Šajā tālrunī vēl nevar apstiprināt")
    assert other.posts(link, {"csrf_token": phone_token(other), "choice": number}).status == 403
    presses_on(desk)
    assert not desk.is_signed_in
    assert other.opens("/approve").content.links["allow-approving"] == "/account/methods/phone_approval"


def test_the_phones_token_without_a_session_approves_nothing(
    hall: Hall, desk: Browser, phone: Browser, anna: Employee
) -> None:
    number = asks_phone(desk, anna)
    opens_request(phone)
    link = phone.page.path
    phone.signs_out()
    assert phone.http.cookies.get(APPROVER_COOKIE)
    phone.posts(link, {"csrf_token": phone_token(phone), "choice": number})
    assert phone.page.has("username"), "they sign in first"
    presses_on(desk)
    assert not desk.is_signed_in
    hall.clock.move(31)
    phone.opens(link)
    phone.enters(anna)
    assert phone.page.path == link
    phone.presses(f"number-{number}")
    presses_on(desk)
    assert desk.is_signed_in


def test_a_phone_signs_in_with_something_else_than_such_an_approval(
    hall: Hall, desk: Browser, phone: Browser, anna: Employee
) -> None:
    """Nor does a session that another phone approved: else one phone would vouch for the next without end."""
    hall.clock.move(31)
    second = phone_of(hall, anna, "Otrs")
    second.signs_out()
    asks_phone(second, anna)
    confirms(phone, shown_number(second))
    presses_on(second)
    assert second.is_signed_in
    asks_phone(desk, anna)
    second.opens("/approve")
    assert second.page.has("code"), "the authenticator is asked for"
    assert not second.page.has("method-phone_approval")
    hall.clock.move(31)
    second.presses(code=anna.code())
    assert second.page.path == "/approve"


def test_with_the_password_alone_nothing_new_is_set_up_on_the_way_to_approve(
    hall: Hall, phone: Browser, anna: Employee
) -> None:
    """attack 33: setting approvals aside must not make the person look like one without a second factor."""
    with hall.world.database.begin() as work:
        work.people.remove_credentials(anna.user.id, "totp")
    thief = hall.browser("198.51.100.7")
    thief.opens("/approve")
    thief.identifies(anna)
    assert (thief.page.status, thief.page.error_code) == (403, "level_not_reachable")


def test_the_computer_itself_is_no_second_device(hall: Hall, phone: Browser, anna: Employee) -> None:
    """The same browser on both sides."""
    opened = phone.opens("/account").path
    assert opened == "/account"
    hall.clock.move(11 * 60)
    phone.opens("/account/methods/totp")
    phone.presses(password=anna.password)
    phone.follows("method-phone_approval")
    number = shown_number(phone)
    token = phone.page.form().fields["csrf_token"]
    hall.clock.move(1)
    waiting = hall.provider.approvals._requests.waiting_for(anna.user.id)
    page = phone.opens(f"/approve/{waiting[0].id}")
    assert "Pieslēdzas šī pati pārlūkprogramma" in page.words
    assert phone.posts(f"/approve/{waiting[0].id}", {"csrf_token": token, "choice": number}).status == 410
    assert "Neviens pieprasījums negaida" in phone.opens("/approve").words
    assert hall.provider.approvals._requests.find(waiting[0].id) is not None


def test_a_phone_that_is_removed_or_signed_out_in_between_approved_nothing(
    hall: Hall, desk: Browser, phone: Browser, anna: Employee
) -> None:
    """Both by which it was approved must still be there."""
    confirms(phone, asks_phone(desk, anna))
    phone.signs_out()
    presses_on(desk)
    assert not desk.is_signed_in
    hall.clock.move(31)
    phone.signs_in(anna)
    confirms(phone, shown_number(desk))
    with hall.world.database.begin() as work:
        work.people.remove_credentials(anna.user.id, "phone_approval")
    presses_on(desk)
    assert not desk.is_signed_in


@pytest.mark.parametrize("before", ["the number is picked", "the computer goes on"])
def test_who_is_blocked_meanwhile_gets_nowhere(
    hall: Hall, desk: Browser, phone: Browser, anna: Employee, before: str
) -> None:
    """attack 25"""
    number = asks_phone(desk, anna)
    opens_request(phone)
    if before == "the number is picked":
        hall.block(anna)
        phone.presses(f"number-{number}")
        assert phone.page.has("username")
    else:
        phone.presses(f"number-{number}")
        hall.block(anna)
    presses_on(desk)
    with hall.world.database.begin() as work:
        work.people.set_status(anna.user.id, UserStatus.ACTIVE, at=hall.clock())
    assert not desk.is_signed_in, "no session was begun that blocking only hid"


@pytest.mark.parametrize(
    ("token", "headers"),
    [
        ("", {}),
        ("another", {}),
        (None, {"Sec-Fetch-Site": "cross-site"}),
        (None, {"Origin": "https://evil.example"}),
    ],
)
def test_another_site_cannot_approve(
    hall: Hall, desk: Browser, phone: Browser, anna: Employee, token: str | None, headers: dict[str, str]
) -> None:
    """attack 24: it might even know the number, for the attacker sits at the computer."""
    number = asks_phone(desk, anna)
    opens_request(phone)
    path, form = phone.page.path, phone.page.form(button="approval-deny")
    sent = form.fields["csrf_token"] if token is None else token
    assert phone.posts(path, {"csrf_token": sent, "choice": number}, **headers).status == 403
    assert phone.opens(f"{path}?choice={number}").has("approval-deny"), "and asking changes nothing"
    presses_on(desk)
    assert not desk.is_signed_in


def test_what_the_page_posts_besides_its_token_is_not_looked_at(
    hall: Hall, desk: Browser, phone: Browser, anna: Employee
) -> None:
    """attack 23: the request, its number and its approval are the server's to remember."""
    asks_phone(desk, anna)
    opens_request(phone)
    request_id = phone.page.path.rpartition("/")[2]
    form = desk.page.form()
    desk.posts(
        desk.page.path,
        {**form.fields, "request": request_id, "number": "10", "choice": "10", "credential_id": "x"},
    )
    assert not desk.is_signed_in


# Allowing a phone --------------------------------------------------------------------------------------------


def test_allowing_a_phone_needs_all_that_the_person_can_prove_now(
    hall: Hall, anna: Employee, browser: Browser
) -> None:
    """attack 33"""
    browser.signs_in(anna)
    hall.clock.move(11 * 60)
    assert browser.opens("/account/methods/phone_approval").path.startswith("/login/")
    token = phone_token(browser)
    assert browser.posts("/account/methods/phone_approval", {"csrf_token": token}).path.startswith("/login/")
    assert browser.http.cookies.get(APPROVER_COOKIE) is None


def test_who_has_no_other_second_factor_cannot_allow_one(hall: Hall, browser: Browser) -> None:
    viens = hall.employee("viens")
    browser.signs_in(viens)
    assert browser.opens("/account/methods/phone_approval").status == 404
    assert "Apstiprināšana tālrunī" not in browser.opens("/account").words
    assert browser.opens("/approve").path.startswith("/login/"), "the second factor is set up first"


def test_allowing_a_phone_proves_nothing(hall: Hall, phone: Browser, anna: Employee) -> None:
    """The session is what it was: whoever allows their own browser has not been approved by it."""
    signed_in = hall.provider.sessions.find(phone.session)
    assert signed_in is not None
    assert {proof.method for proof in signed_in.proofs} == {"password", "totp"}


def test_the_token_is_kept_by_the_browser_and_its_hash_by_us(
    hall: Hall, phone: Browser, anna: Employee
) -> None:
    """attack 26, 44"""
    token = phone.http.cookies[APPROVER_COOKIE]
    with hall.world.database.read() as work:
        (kept,) = [c for c in work.people.credentials_of(anna.user.id) if c.method == "phone_approval"]
    assert token not in kept.secret
    assert token not in phone.opens("/account").content.markup
    sent = next(
        each
        for each in phone.http.get("/approve").headers.get_list("set-cookie")
        if each.startswith(APPROVER_COOKIE)
    )
    for flag in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=31536000"):
        assert flag in sent
    assert "Domain" not in sent


def test_allowing_the_same_phone_again_replaces_its_token(hall: Hall, phone: Browser, anna: Employee) -> None:
    before = phone.http.cookies[APPROVER_COOKIE]
    allows_approving(phone, "Jaunais vārds")
    card = phone.page.content.ids["account-method-phone_approval"]
    assert "Jaunais vārds" in card
    assert "Mans tālrunis" not in card
    assert "Šī pārlūkprogramma." in card
    copy = hall.browser("198.51.100.7")
    copy.http.cookies.set("__Host-visvaris-session", phone.session or "", domain="login.example.lv")
    copy.http.cookies.set(APPROVER_COOKIE, before, domain="login.example.lv")
    assert copy.opens("/approve").status == 403


def test_phones_are_named_by_their_browser_renamed_and_removed_one_by_one(
    hall: Hall, desk: Browser, phone: Browser, anna: Employee
) -> None:
    form = phone.opens("/account/methods/phone_approval").form("label")
    assert form.fields["label"] == "Chrome, Android"
    phone.opens("/account")
    with hall.world.database.read() as work:
        (kept,) = [c for c in work.people.credentials_of(anna.user.id) if c.method == "phone_approval"]
    phone.opens(f"/account/methods/phone_approval/{kept.id}")
    phone.presses(label="Darba tālrunis")
    assert "Darba tālrunis" in phone.page.content.ids["account-method-phone_approval"]
    phone.opens(f"/account/methods/phone_approval/{kept.id}/remove")
    phone.presses("remove-confirm")
    assert "Darba tālrunis" not in phone.opens("/account").words
    assert phone.opens("/approve").status == 403
    desk.opens("/")
    desk.identifies(anna)
    hall.clock.move(31)
    assert desk.page.has("code")
    assert not desk.page.has("method-phone_approval")


def test_a_phone_does_not_keep_an_account_signed_in_able_and_goes_with_the_last_way_that_does(
    hall: Hall, phone: Browser, anna: Employee
) -> None:
    """attack 35"""
    hall.rule(RIGA, Level.MULTI_FACTOR, methods=WITH_PHONE)
    assert phone.opens("/account/methods/totp/remove").status == 404
    permit(hall)
    phone.opens("/account/methods/totp/remove")
    phone.presses("remove-confirm")
    with hall.world.database.read() as work:
        assert {c.method for c in work.people.credentials_of(anna.user.id)} == {"password"}


def test_there_are_only_so_many_phones(hall: Hall, phone: Browser, anna: Employee) -> None:
    for _ in range(9):
        phone.http.cookies.delete(APPROVER_COOKIE)
        assert allows_approving(phone).path == "/account"
    phone.http.cookies.delete(APPROVER_COOKIE)
    page = allows_approving(phone)
    assert page.status == 422
    assert "tik daudz tālruņu" in page.words


def test_another_person_on_the_same_phone_is_not_taken_for_its_owner(
    hall: Hall, desk: Browser, phone: Browser, anna: Employee
) -> None:
    """attack 22"""
    hall.clock.move(31)
    berta = hall.employee("berta", totp=True)
    phone.signs_out()
    phone.signs_in(berta)
    asks_phone(desk, anna)
    assert phone.opens("/approve").status == 403
    assert "Anna" not in phone.page.words
    assert "Mans tālrunis" not in phone.opens("/account").words


# What rules say ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", [NATIONAL, RIGA])
def test_where_the_rules_do_not_name_it_it_is_neither_offered_nor_set_up(
    hall: Hall, desk: Browser, phone: Browser, anna: Employee, scope: str
) -> None:
    hall.rule(scope, methods=[method for method in WITH_PHONE if method != "phone_approval"])
    desk.opens("/")
    desk.identifies(anna)
    assert not desk.page.has("method-phone_approval")
    assert phone.opens("/account/methods/phone_approval").status == 404


def test_an_approval_counts_no_more_once_the_rules_forbid_it(
    hall: Hall, desk: Browser, phone: Browser, anna: Employee
) -> None:
    confirms(phone, asks_phone(desk, anna))
    hall.rule(NATIONAL, methods=["password", "totp"])
    presses_on(desk)
    assert not desk.is_signed_in


def test_it_is_possession_and_not_phishing_resistant(
    hall: Hall, desk: Browser, phone: Browser, anna: Employee
) -> None:
    confirms(phone, asks_phone(desk, anna))
    presses_on(desk)
    assert desk.is_signed_in
    hall.rule(RIGA, Level.PHISHING_RESISTANT, methods=WITH_PHONE)
    assert not desk.is_signed_in


def test_it_works_in_english_too(hall: Hall, desk: Browser, phone: Browser, anna: Employee) -> None:
    phone.opens("/language/en?back=/approve")
    assert phone.page.title == "Requests to confirm"
    number = asks_phone(desk, anna)
    assert opens_request(phone).title == "Is it you who logs in?"
    assert phone.presses(f"number-{number}").title == "The log-in is confirmed"


def test_the_open_list_is_told_when_it_has_changed(
    hall: Hall, desk: Browser, phone: Browser, anna: Employee
) -> None:
    before = state_at(phone, "/approve/state")
    assert state_at(phone, "/approve/state") == before
    asks_phone(desk, anna)
    after = state_at(phone, "/approve/state")
    assert after != before
    assert state_at(hall.browser(), "/approve/state") == ""


# "It was not me" -------------------------------------------------------------------------------------------


def test_a_report_of_an_approval_ends_what_was_approved(
    hall: Hall, desk: Browser, phone: Browser, anna: Employee
) -> None:
    """attack 21, attack 23: the session is at the desk, though the trail names the phone's"""
    confirms(phone, asks_phone(desk, anna))
    presses_on(desk)
    assert desk.is_signed_in
    hall.clock.move(31)
    reports(phone, seq_of(hall, anna, "approval.given"))
    assert not desk.is_signed_in


def test_who_checks_the_account_is_asked_about_each_phone(
    hall: Hall, desk: Browser, phone: Browser, anna: Employee
) -> None:
    """attack 34: a thief's phone must not outlast the walk"""
    confirms(phone, asks_phone(desk, anna))
    presses_on(desk)
    hall.clock.move(31)
    reports(phone, seq_of(hall, anna, "approval.given"))
    (case,) = cases_of(hall, anna)
    person = hall.provider.standings.find_person(anna.user.id)
    assert person is not None
    asked = list(hall.provider.walk._questions(person, elsewhere=0))
    phones = [question for question in asked if question.method_id == "phone_approval"]
    assert [question.about for question in phones] == [
        each.id for each in person.subject.of("phone_approval")
    ]
    assert all(question.may_remove for question in phones)
    assert case.finished_at is None
