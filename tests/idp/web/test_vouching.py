"""Colleagues vouch for somebody who lost everything: asked, vouched for by two, time to stop it, one way set up."""

import pytest

from idp.models.municipality_rules import MunicipalityRules
from idp.models.people import UserStatus
from idp.models.vouching import VouchingRequest, VouchingState
from idp.policy import Level
from tests.support.actors import WITH_KEYS, Employee, Hall
from tests.support.builders import KEKAVA, RIGA, add_employment
from tests.support.letters import sets_up_authenticator
from tests.support.remembered import comes_again, has_it_remembered
from tests.support.reporting import reports, seq_of
from tests.support.vouching import (
    DAY,
    HOUR,
    STEP,
    Circle,
    allow,
    colleague,
    leaves,
    letters_to,
    stop_link_in,
    wrong_of,
)


@pytest.fixture
def circle(hall: Hall) -> Circle:
    return Circle(hall)


def state_of(circle: Circle, request: VouchingRequest) -> VouchingState:
    return circle.again(request).state(circle.hall.clock())


def reasons(hall: Hall, who: Employee) -> list[str | None]:
    """Why what was asked in this person's name was stopped."""
    with hall.world.database.read() as work:
        found = work.audit.activity_of(who.user.id)
    return [event.reason for event in reversed(found) if event.type == "recovery.stopped"]


# The whole way --------------------------------------------------------------------------------------------


def test_two_vouch_and_after_the_delay_one_way_to_sign_in_is_set_up(circle: Circle) -> None:
    """attack 34: not before the time to stop it is over, and each step is told."""
    page = circle.asks()
    request = circle.request()
    assert page.content.ids["vouching-number"] == str(request.shown)
    assert page.content.ids["vouching-request"].replace(" ", "") == request.number
    page = circle.vouches(circle.berta, request)
    assert page.has("vouching-take-back")
    page = circle.lost.opens(circle.lost.page.path)
    assert page.content.ids["vouching-count"] == "1 no 2"
    circle.vouches(circle.karlis, request)
    page = circle.lost.opens(page.path)
    assert page.has("vouching-ready-at")
    assert not page.has("vouching-go-on")
    ready_at = circle.again(request).ready_at
    assert ready_at == circle.hall.clock() + 24 * HOUR
    circle.hall.clock.at = ready_at
    page = circle.goes_on()
    assert page.path.startswith("/enrol/")
    sets_up_authenticator(circle.lost, circle.anna)
    circle.hall.clock.move(STEP)
    assert circle.hall.browser().signs_in(circle.anna).path == "/"
    told = ["vouching.asked", "vouching.vouched", "vouching.vouched", "recovery.begun", "recovery.finished"]
    assert [each for each in circle.hall.events(circle.anna) if each in told] == told
    assert "vouching.given" in circle.hall.events(circle.berta)


def test_every_older_session_ends_when_the_way_is_set_up(hall: Hall) -> None:
    """attack 34: recovery does not leave anybody in"""
    circle = Circle(hall)
    allow(hall, 1)
    circle.is_ready()
    old = hall.browser()
    hall.clock.move(STEP)
    old.signs_in(circle.anna)
    circle.goes_on()
    assert old.is_signed_in
    sets_up_authenticator(circle.lost, circle.anna)
    assert not old.is_signed_in


def test_exactly_one_way_is_set_up(circle: Circle) -> None:
    """attack 33: what let one in sets up nothing more."""
    circle.is_ready()
    path = circle.goes_on().path
    sets_up_authenticator(circle.lost, circle.anna)
    assert circle.lost.opens(path).status == 410
    assert not circle.lost.is_signed_in


def test_not_a_second_before_it_is_time(circle: Circle) -> None:
    """attack 23: by the form of the page that comes later, sent early"""
    request = circle.is_ready()
    circle.hall.clock.move(-1)
    page = circle.lost.opens(circle.lost.page.path)
    page = circle.lost.posts(page.path, {**page.form().fields, "answer": "go-on"})
    assert "/enrol" not in page.path
    assert state_of(circle, request) is VouchingState.COOLING
    circle.hall.clock.move(1)
    assert circle.goes_on().path.startswith("/enrol/")


def test_without_two_nobody_goes_on_however_long_they_wait(circle: Circle) -> None:
    """attack 23"""
    circle.asks()
    request = circle.request()
    circle.vouches(circle.berta, request)
    path = f"/recover/vouching/{request.id}"
    fields = circle.lost.opens(path).form().fields
    circle.hall.clock.move(23 * HOUR)
    assert "/enrol" not in circle.lost.posts(path, {**fields, "answer": "go-on"}).path
    circle.hall.clock.move(HOUR)
    assert circle.lost.posts(path, {**fields, "answer": "go-on"}).status == 410
    assert state_of(circle, request) is VouchingState.EXPIRED


def test_what_was_not_vouched_for_in_a_day_is_over(circle: Circle) -> None:
    circle.asks()
    request = circle.request()
    circle.vouches(circle.berta, request)
    circle.hall.clock.at = request.expires_at
    page = circle.finds(circle.karlis, request).page
    assert page.status == 422
    page = circle.comes(circle.karlis, f"/vouch/{request.id}").page
    assert page.error_code == "vouching_gone"


def test_after_the_delay_there_are_three_days(circle: Circle) -> None:
    request = circle.is_ready()
    circle.hall.clock.move(72 * HOUR - 1)
    page = circle.lost.opens(f"/recover/vouching/{request.id}")
    assert page.has("vouching-go-on")
    fields = page.form(button="vouching-go-on").fields
    circle.hall.clock.move(1)
    page = circle.lost.posts(page.path, {**fields, "answer": "go-on"})
    assert page.error_code == "vouching_over"
    assert "recovery.begun" not in circle.hall.events(circle.anna)


def test_only_in_the_browser_that_asked(circle: Circle) -> None:
    """attack 39: who knows the address of the page, and not the browser's cookie"""
    request = circle.is_ready()
    thief = circle.hall.browser()
    assert thief.opens(f"/recover/vouching/{request.id}").status == 410
    thief.opens("/recover")
    fields = thief.page.form().fields
    page = thief.posts(f"/recover/vouching/{request.id}", {**fields, "answer": "go-on"})
    assert page.status == 410
    assert state_of(circle, request) is VouchingState.READY


def test_the_browser_finds_its_request_again(circle: Circle) -> None:
    circle.asks()
    path = circle.lost.page.path
    circle.lost.opens("/recover")
    assert circle.lost.page.has("vouching-waiting")
    assert path in circle.lost.page.content.links.values()


def test_the_delay_is_what_the_municipality_says(hall: Hall) -> None:
    circle = Circle(hall)
    allow(hall, 168)
    circle.asks()
    request = circle.both(circle.request())
    assert request.second_at is not None
    assert request.ready_at == request.second_at + 168 * HOUR
    assert request.expires_at == request.ready_at + 72 * HOUR


# Who may be vouched for -----------------------------------------------------------------------------------


def asked_in_vain(circle: Circle, username: str) -> VouchingRequest:
    page = circle.asks(username)
    assert page.path.startswith("/recover/vouching/")
    assert page.has("vouching-number")
    request = circle.request()
    assert request.user_id is None
    browser = circle.finds(circle.berta, request)
    assert browser.page.status == 422
    browser = circle.comes(circle.berta, f"/vouch/{request.id}")
    assert browser.page.error_code == "vouching_gone"
    return request


def test_it_looks_the_same_whoever_is_named(circle: Circle) -> None:
    """attack 28: text, status and fields are those of a person that can be vouched for."""

    def seen(username: str) -> str:
        browser = circle.hall.browser()
        page = circle.asks(username, browser)
        request = circle.request(browser)
        markup = browser.http.get(page.path).text
        for mine in (
            request.id,
            f"{request.number[:4]} {request.number[4:]}",
            page.form().fields["csrf_token"],
        ):
            markup = markup.replace(mine, "X")
        return markup.replace(f">{request.shown}<", ">X<")

    circle.hall.employee("operators", totp=True, roles=["operator"])
    circle.hall.block(circle.hall.employee("slegta"))
    known = seen("anna")
    for username in ("nav-tada", "operators", "slegta"):
        assert seen(username) == known


def test_a_name_that_nobody_has_leads_nowhere(circle: Circle) -> None:
    asked_in_vain(circle, "nav-tada")


def test_an_operator_is_not_vouched_for(circle: Circle) -> None:
    circle.hall.employee("operators", totp=True, roles=["operator"])
    asked_in_vain(circle, "operators")


def test_who_is_blocked_is_not_vouched_for(circle: Circle) -> None:
    circle.hall.block(circle.anna)
    asked_in_vain(circle, "anna")


def test_who_works_for_two_municipalities_is_not_vouched_for(circle: Circle) -> None:
    """attack 40: the door of one opens with what another lets"""
    circle.hall.rule(KEKAVA)
    with circle.hall.world.database.begin() as work:
        add_employment(work, circle.anna.user.id, KEKAVA)
    asked_in_vain(circle, "anna")


def test_who_usually_needs_a_key_is_not_vouched_for(circle: Circle) -> None:
    """attack 34: recovery weaker than login"""
    circle.hall.rule("national", methods=WITH_KEYS)
    circle.hall.rule(RIGA, Level.PHISHING_RESISTANT, methods=WITH_KEYS)
    page = circle.asks("anna")
    assert page.has("vouching-number")
    assert circle.request().user_id is None


def test_nobody_is_vouched_for_where_the_municipality_did_not_say_so(circle: Circle) -> None:
    circle.hall.rule(KEKAVA)
    colleague(circle.hall, "dzintars", atvk=KEKAVA)
    asked_in_vain(circle, "dzintars")


def test_where_no_municipality_says_so_nobody_can_ask_for_it(hall: Hall) -> None:
    browser = hall.browser()
    assert not browser.opens("/recover").has("by-vouching")
    browser.opens("/")
    fields = browser.page.form().fields
    assert browser.posts("/recover", {**fields, "username": "anna", "by": "vouching"}).status == 404


@pytest.mark.parametrize("when", ["vouched", "used"])
def test_what_no_longer_holds_opens_nothing(circle: Circle, when: str) -> None:
    """attack 34: blocked meanwhile, switched off meanwhile: each step looks at everything again."""
    if when == "vouched":
        circle.asks()
        request = circle.request()
        allow(circle.hall, 0)
        assert circle.finds(circle.berta, request).page.status == 422
        return
    request = circle.is_ready()
    allow(circle.hall, 0)
    page = circle.goes_on()
    assert "/enrol" not in page.path
    assert state_of(circle, request) is VouchingState.STOPPED
    assert reasons(circle.hall, circle.anna) == ["rules"]


def test_who_was_blocked_while_the_time_ran_does_not_get_in(circle: Circle) -> None:
    circle.is_ready()
    circle.hall.block(circle.anna)
    assert "/enrol" not in circle.goes_on().path
    with circle.hall.world.database.begin() as work:
        work.people.set_status(circle.anna.user.id, UserStatus.ACTIVE, at=circle.hall.clock())
    circle.lost.opens(circle.lost.page.path)
    assert not circle.lost.page.has("vouching-go-on")


def test_at_a_computer_of_several_people_nobody_asks(circle: Circle) -> None:
    """attack 22: the next person at it would go on."""
    circle.lost.opens("/")
    circle.lost.presses("shared-on")
    page = circle.asks()
    assert page.status == 422
    with circle.hall.world.database.read() as work:
        assert work.vouchings.of_user(circle.anna.user.id, circle.hall.clock()) == []


# Who vouches ----------------------------------------------------------------------------------------------


def test_they_see_who_asks_when_and_from_where(circle: Circle) -> None:
    circle.lost.http._transport.remote_addr = "198.51.100.7"  # type: ignore[attr-defined]
    circle.asks()
    page = circle.finds(circle.berta, circle.request()).page
    assert page.content.ids["vouching-who"] == "Anna Bērziņa"
    for said in ("anna", "Juriste", "Juridiskā nodaļa", "198.51.100.7", "Firefox"):
        assert said in page.words


def test_the_username_finds_it_too(circle: Circle) -> None:
    circle.asks()
    browser = circle.comes(circle.berta)
    page = browser.presses("vouching-find", request=" ANNA ")
    assert page.path == f"/vouch/{circle.request().id}"


def test_of_several_requests_in_one_name_the_number_says_which(circle: Circle) -> None:
    """A stranger who names the account neither gets the word meant for its owner, nor blocks it."""
    stranger = circle.hall.browser("203.0.113.9")
    circle.asks("anna", stranger)
    circle.asks()
    browser = circle.comes(circle.berta)
    page = browser.presses("vouching-find", request="anna")
    assert page.status == 422
    page = browser.presses("vouching-find", request=circle.request().number)
    assert page.path == f"/vouch/{circle.request().id}"


def test_nobody_is_pushed_and_nothing_is_listed(circle: Circle) -> None:
    circle.asks()
    page = circle.comes(circle.berta).page
    assert "anna" not in page.words.lower()
    assert not any("/vouch/" in link for link in page.content.links.values())
    assert not circle.browsers["berta"].opens("/").has("vouching-1")


def test_a_wrong_number_ends_the_request(circle: Circle) -> None:
    circle.asks()
    request = circle.request()
    page = circle.vouches(circle.berta, request, wrong_of(request))
    assert page.title == "Pieprasījums ir beidzies"
    assert state_of(circle, request) is VouchingState.STOPPED
    assert reasons(circle.hall, circle.anna) == ["wrong_number"]
    assert circle.finds(circle.karlis, request).page.status == 422
    assert circle.lost.opens(circle.lost.page.path).error_code == "vouching_over"


def test_who_knows_nothing_of_it_ends_it(circle: Circle) -> None:
    circle.asks()
    request = circle.request()
    circle.finds(circle.berta, request).presses("vouching-deny")
    assert reasons(circle.hall, circle.anna) == ["voucher"]


def test_a_form_without_a_number_changes_nothing(circle: Circle) -> None:
    """attack 23: an empty POST"""
    circle.asks()
    request = circle.request()
    browser = circle.finds(circle.berta, request)
    fields = browser.page.form(button="vouching-deny").fields
    for choice in ({}, {"choice": ""}, {"choice": "100"}):
        page = browser.posts(browser.page.path, {**fields, **choice})
        assert page.has("vouching-question")
    assert state_of(circle, request) is VouchingState.WAITING
    assert circle.again(request).vouchers == ()


def test_each_counts_once(circle: Circle) -> None:
    circle.asks()
    request = circle.request()
    circle.vouches(circle.berta, request)
    browser = circle.browsers["berta"]
    fields = browser.page.form(button="vouching-take-back").fields
    browser.posts(f"/vouch/{request.id}", {**fields, "choice": str(request.shown)})
    assert circle.again(request).vouchers == (circle.berta.user.id,)


def test_nobody_vouches_for_themself(circle: Circle) -> None:
    circle.asks()
    request = circle.request()
    browser = circle.finds(circle.anna, request)
    assert browser.page.status == 422
    browser = circle.comes(circle.anna, f"/vouch/{request.id}")
    assert browser.page.error_code == "vouching_gone"


def test_who_works_elsewhere_does_not_vouch(circle: Circle) -> None:
    """attack 40: also not an administrator there"""
    circle.hall.rule(KEKAVA)
    allow(circle.hall, 24, KEKAVA)
    other = colleague(circle.hall, "cits", "administrator", atvk=KEKAVA)
    circle.asks()
    request = circle.request()
    assert circle.finds(other, request).page.status == 422
    assert circle.comes(other, f"/vouch/{request.id}").page.error_code == "vouching_gone"
    assert circle.browsers["cits"].opens("/vouch").status == 200


def test_two_plain_colleagues_are_not_enough(circle: Circle) -> None:
    dace = colleague(circle.hall, "dace")
    circle.asks()
    request = circle.request()
    circle.vouches(circle.karlis, request)
    page = circle.finds(dace, request).page
    assert page.error_code == "vouching_needs_leader"
    circle.vouches(circle.berta, request)
    assert state_of(circle, request) is VouchingState.COOLING


@pytest.mark.parametrize("roles", [("administrator",), ("manager",)])
def test_one_of_them_is_a_manager_or_an_administrator_whoever_comes_first(
    circle: Circle, roles: tuple[str, ...]
) -> None:
    leader = colleague(circle.hall, "vaditaja", *roles)
    circle.asks()
    request = circle.request()
    circle.vouches(leader, request)
    circle.vouches(circle.karlis, request)
    assert state_of(circle, request) is VouchingState.COOLING


def test_an_administrator_alone_gets_nobody_in(circle: Circle) -> None:
    """attack 34: starts a recovery, and cannot finish it, nor see or set anything of it."""
    boss = colleague(circle.hall, "parvaldnieks", "administrator")
    browser = circle.comes(boss)
    circle.asks("anna", browser)
    request = circle.request(browser)
    page = circle.finds(boss, request).page
    assert page.error_code == "vouching_same_browser"
    circle.browsers["parvaldnieks"] = circle.hall.browser()
    circle.vouches(boss, request)
    assert circle.again(request).vouchers == (boss.user.id,)
    circle.hall.clock.move(23 * HOUR)
    assert state_of(circle, request) is VouchingState.WAITING
    assert circle.again(request).ready_at is None


def test_who_vouches_has_two_factors_proved_in_the_last_ten_minutes(circle: Circle) -> None:
    """attack 23: a session that is only open, and one with a password alone"""
    circle.asks()
    request = circle.request()
    browser = circle.finds(circle.berta, request)
    fields = browser.page.form(button="vouching-deny").fields
    circle.hall.clock.move(601)
    page = browser.posts(browser.page.path, {**fields, "choice": str(request.shown)})
    assert page.path.startswith("/login/")
    weak = circle.hall.employee("vaja")
    other = circle.hall.browser()
    other.signs_in(weak)
    assert other.opens("/vouch").path.startswith("/login/")
    assert circle.again(request).vouchers == ()


def test_a_remembered_computer_does_not_vouch(hall: Hall) -> None:
    """attack 36: what stands in for the second factor in the office is no word for anybody."""
    circle = Circle(hall)
    with hall.world.database.begin() as work:
        work.municipality_rules.put(RIGA, MunicipalityRules(remember_days=14, vouching_hours=24))
    browser = hall.browser()
    has_it_remembered(browser, circle.berta)
    comes_again(browser, circle.berta)
    assert browser.is_signed_in
    page = browser.opens("/vouch")
    assert page.path.startswith("/login/")
    assert page.has("code")


def test_codes_on_paper_do_not_vouch(circle: Circle) -> None:
    """attack 34: a password and a code from a drawer are two factors elsewhere."""
    browser = circle.comes(circle.berta, "/account/methods/recovery_code")
    codes = browser.presses().content.ids["recovery-codes"].split()
    other = circle.hall.browser()
    other.opens("/")
    other.identifies(circle.berta)
    other.follows("method-recovery_code")
    other.presses(code=codes[0])
    assert other.is_signed_in
    page = other.opens("/vouch")
    assert page.path.startswith("/login/")
    assert "method-recovery_code" not in page.content.links


def test_who_was_vouched_in_does_not_vouch_for_thirty_days(circle: Circle) -> None:
    """One who got in does not let in the next."""
    request = circle.is_ready()
    circle.goes_on()
    sets_up_authenticator(circle.lost, circle.anna)
    finished_at = circle.again(request).finished_at
    assert finished_at is not None
    colleague(circle.hall, "zane")
    browser = circle.hall.browser()
    circle.asks("zane", browser)
    waiting = circle.request(browser)
    assert circle.finds(circle.anna, waiting).page.status == 422
    circle.hall.clock.at = finished_at + 30 * DAY
    circle.asks("zane", browser)
    page = circle.finds(circle.anna, circle.request(browser)).page
    assert page.has("vouching-question")


@pytest.mark.parametrize("gone", ["leaves", "blocked"])
@pytest.mark.parametrize("who", ["berta", "karlis"])
def test_both_still_work_there_when_it_is_used(circle: Circle, gone: str, who: str) -> None:
    request = circle.is_ready()
    voucher = getattr(circle, who)
    if gone == "leaves":
        leaves(circle.hall, voucher)
    else:
        circle.hall.block(voucher)
    page = circle.goes_on()
    assert "/enrol" not in page.path
    assert state_of(circle, request) is VouchingState.STOPPED
    assert reasons(circle.hall, circle.anna) == ["rules"]


def test_the_one_who_leads_still_does_when_it_is_used(circle: Circle) -> None:
    request = circle.is_ready()
    with circle.hall.world.database.begin() as work:
        work.connection().exec_driver_sql(
            "UPDATE employments SET roles = '[]' WHERE user_id = ?", (circle.berta.user.id,)
        )
    assert "/enrol" not in circle.goes_on().path
    assert state_of(circle, request) is VouchingState.STOPPED


def test_who_vouched_takes_it_back(circle: Circle) -> None:
    request = circle.is_ready()
    circle.comes(circle.karlis, f"/vouch/{request.id}").presses("vouching-take-back")
    assert state_of(circle, request) is VouchingState.STOPPED
    assert (
        "/enrol"
        not in circle.lost.posts(
            f"/recover/vouching/{request.id}",
            {**circle.lost.opens("/recover").form().fields, "answer": "go-on"},
        ).path
    )


def test_who_did_not_vouch_takes_nothing_back(circle: Circle) -> None:
    circle.asks()
    request = circle.request()
    browser = circle.finds(circle.karlis, request)
    fields = browser.page.form(button="vouching-deny").fields
    browser.posts(browser.page.path, {**fields, "choice": "take-back"})
    assert state_of(circle, request) is VouchingState.WAITING


def test_by_the_rules_of_that_municipality_the_proof_is_enough(circle: Circle) -> None:
    """attack 40: what another employer lets is no proof here"""
    circle.hall.rule("national", methods=WITH_KEYS)
    circle.hall.rule(KEKAVA)
    with circle.hall.world.database.begin() as work:
        there = add_employment(work, circle.karlis.user.id, KEKAVA)
    browser = circle.comes(circle.karlis, "/employment")
    browser.presses(municipality=there.id)
    circle.hall.rule(RIGA, methods=[method for method in WITH_KEYS if method != "totp"])
    circle.asks()
    request = circle.request()
    assert request.user_id is not None
    assert browser.opens(f"/vouch/{request.id}").error_code == "vouching_not_proved"
    circle.hall.rule(RIGA, methods=WITH_KEYS)
    assert browser.opens(f"/vouch/{request.id}").has("vouching-question")


# To stop it -----------------------------------------------------------------------------------------------


def test_the_link_in_the_mail_stops_it_without_signing_in(circle: Circle) -> None:
    """Opening it changes nothing; its button stops it, once."""
    circle.asks()
    request = circle.both(circle.request())
    (text, *_) = letters_to(circle.hall, circle.anna, "vouching.asked")
    anywhere = circle.hall.browser("203.0.113.50")
    page = anywhere.opens(stop_link_in(text))
    assert page.status == 200
    assert state_of(circle, request) is VouchingState.COOLING
    page = anywhere.presses("vouching-stop")
    assert page.title == "Tas ir apturēts"
    assert state_of(circle, request) is VouchingState.STOPPED
    assert reasons(circle.hall, circle.anna) == ["link"]
    assert not anywhere.is_signed_in
    again = anywhere.opens(stop_link_in(text))
    assert not again.has("vouching-stop")
    circle.hall.clock.move(DAY)
    assert circle.lost.opens(f"/recover/vouching/{request.id}").status == 410


def test_the_link_does_nothing_but_stop_that_one(circle: Circle) -> None:
    """attack 39: it opens neither the account nor another request."""
    circle.asks()
    mine = circle.request()
    stranger = circle.hall.browser("203.0.113.9")
    circle.asks("anna", stranger)
    other = circle.request(stranger)
    first, second = letters_to(circle.hall, circle.anna, "vouching.asked")
    assert stop_link_in(first) != stop_link_in(second)
    browser = circle.hall.browser()
    browser.opens(stop_link_in(second))
    browser.presses("vouching-stop")
    stopped = {state_of(circle, each) for each in (mine, other)}
    assert stopped == {VouchingState.WAITING, VouchingState.STOPPED}


@pytest.mark.parametrize("link", ["", "x", "A" * 43])
def test_a_link_that_is_none_stops_nothing(circle: Circle, link: str) -> None:
    circle.asks()
    browser = circle.hall.browser()
    assert browser.opens(f"/recover/stop?link={link}").status == 410
    fields = browser.opens("/recover").form().fields
    assert browser.posts("/recover/stop", {**fields, "link": link}).status == 410
    assert state_of(circle, circle.request()) is VouchingState.WAITING


def test_any_session_of_the_account_shows_it_and_stops_it(circle: Circle) -> None:
    own = circle.hall.browser()
    own.signs_in(circle.anna)
    circle.asks()
    request = circle.request()
    assert own.opens("/").has("vouching-stop-1")
    page = own.opens("/account")
    assert page.has("vouching-1")
    own.presses("vouching-stop-1")
    assert state_of(circle, request) is VouchingState.STOPPED
    assert reasons(circle.hall, circle.anna) == ["owner"]
    assert not own.opens("/account").has("vouching-1")


def test_nobody_elses_session_stops_it(circle: Circle) -> None:
    """attack 40: by its id in the address"""
    circle.asks()
    request = circle.request()
    browser = circle.hall.browser()
    circle.hall.clock.move(STEP)
    browser.signs_in(circle.karlis)
    fields = browser.opens("/account").form().fields
    browser.posts(f"/account/vouching/{request.id}/stop", fields)
    assert state_of(circle, request) is VouchingState.WAITING


def test_it_is_stopped_also_while_the_new_way_is_being_set_up(circle: Circle) -> None:
    circle.is_ready()
    path = circle.goes_on().path
    (text,) = letters_to(circle.hall, circle.anna, "recovery.begun")
    browser = circle.hall.browser()
    browser.opens(stop_link_in(text))
    assert browser.presses("vouching-stop").title == "Tas ir apturēts"
    assert circle.lost.opens(path).status == 410


def test_saying_that_it_was_not_me_stops_it(circle: Circle) -> None:
    own = circle.hall.browser()
    own.signs_in(circle.anna)
    circle.asks()
    request = circle.request()
    assert state_of(circle, request) is VouchingState.WAITING
    reports(own, seq_of(circle.hall, circle.anna, "vouching.asked"))
    assert state_of(circle, request) is VouchingState.STOPPED
    assert reasons(circle.hall, circle.anna) == ["not_me"]


def test_saying_that_it_was_not_me_stops_it_also_while_the_new_way_is_being_set_up(
    circle: Circle,
) -> None:
    allow(circle.hall, 1)
    circle.is_ready()
    own = circle.comes(circle.anna, "/account")
    path = circle.goes_on().path
    reports(own, seq_of(circle.hall, circle.anna, "recovery.begun"))
    assert circle.lost.opens(path).status == 410
    assert reasons(circle.hall, circle.anna) == ["not_me"]


def test_who_did_not_vouch_says_so_and_stops_it(circle: Circle) -> None:
    """Somebody at a manager's session vouched in their place."""
    circle.asks()
    request = circle.both(circle.request())
    own = circle.comes(circle.berta, "/account")
    reports(own, seq_of(circle.hall, circle.berta, "vouching.given"))
    assert state_of(circle, request) is VouchingState.STOPPED
    assert reasons(circle.hall, circle.anna) == ["not_me"]


def test_who_asked_gives_it_up(circle: Circle) -> None:
    circle.asks()
    request = circle.request()
    circle.lost.presses("vouching-cancel")
    assert state_of(circle, request) is VouchingState.STOPPED


# What is told ---------------------------------------------------------------------------------------------


def test_each_step_is_told_at_every_address_with_who_vouched_and_from_when(circle: Circle) -> None:
    circle.asks()
    circle.both(circle.request())
    asked = letters_to(circle.hall, circle.anna, "vouching.asked")
    first, second = letters_to(circle.hall, circle.anna, "vouching.vouched")
    assert len(asked) == 1
    assert "192.0.2.10" in asked[0]
    assert any("Berta Kalniņa" in each for each in (first, second))
    assert any("Kārlis Ozols" in each for each in (first, second))
    assert any("Iekļūt varēs no" in each for each in (first, second))
    for text in (*asked, first, second):
        assert "/recover/stop?link=" in text
        assert str(circle.request().shown) not in text.replace("203.0.113", "").split()


def test_who_vouched_is_told_too_for_whom(circle: Circle) -> None:
    """It may not have been them."""
    with circle.hall.world.database.begin() as work:
        work.connection().exec_driver_sql(
            "UPDATE users SET email = 'berta@pasvaldiba.example.lv' WHERE id = ?", (circle.berta.user.id,)
        )
    circle.asks()
    circle.vouches(circle.berta, circle.request())
    (text,) = letters_to(circle.hall, circle.berta, "vouching.given")
    assert "Anna Bērziņa" in text
    assert "/account/not-me?event=" in text
    assert "/recover/stop" not in text


def test_a_letter_about_what_was_stopped_has_no_link(circle: Circle) -> None:
    circle.asks()
    circle.lost.presses("vouching-cancel")
    (text,) = letters_to(circle.hall, circle.anna, "vouching.asked")
    assert "/recover/stop" not in text


def test_nothing_of_it_is_written_where_it_could_be_used(circle: Circle) -> None:
    """attack 44: neither the number to pick nor the link is in the trail; what a stranger typed is kept nowhere."""
    circle.asks("mana-parole-123")
    circle.lost = circle.hall.browser()  # type: ignore[misc]
    circle.asks()
    request = circle.request()
    text = stop_link_in(letters_to(circle.hall, circle.anna, "vouching.asked")[0])
    link = text.partition("link=")[2]
    with circle.hall.world.database.read() as work:
        rows = work.connection().exec_driver_sql("SELECT * FROM audit_events").fetchall()
        kept = work.connection().exec_driver_sql("SELECT * FROM vouching_requests").fetchall()
    trail = repr([tuple(row) for row in rows])
    assert link not in trail + repr([tuple(row) for row in kept])
    assert "mana-parole-123" not in trail + repr([tuple(row) for row in kept])
    assert f'"shown": {request.shown}' not in trail
    assert request.browser not in repr(request)
    assert f"shown={request.shown}" not in repr(request)


# How often ------------------------------------------------------------------------------------------------


def test_asking_again_in_the_same_browser_finds_the_same_request(circle: Circle) -> None:
    first = circle.asks().path
    assert circle.asks().path == first
    assert circle.hall.events(circle.anna).count("vouching.asked") == 1


def test_a_stranger_who_asks_too_often_waits_and_the_owner_does_not(circle: Circle) -> None:
    def asks_anew(address: str) -> int:
        browser = circle.hall.browser(address)
        return circle.asks("anna", browser).status

    assert [asks_anew("203.0.113.9") for _ in range(4)] == [200, 200, 200, 429]
    assert asks_anew("192.0.2.77") == 200


def test_one_address_asks_for_few_names(circle: Circle) -> None:
    def asks(number: int) -> int:
        return circle.asks(f"nav-{number}", circle.hall.browser("203.0.113.9")).status

    assert [asks(number) for number in range(11)] == [200] * 10 + [429]


def test_nobody_vouches_more_than_three_times_a_day(circle: Circle) -> None:
    names = ["pirmais", "otrais", "tresais", "ceturtais"]
    seen = []
    for number, name in enumerate(names):
        colleague(circle.hall, name)
        browser = circle.hall.browser(f"203.0.113.{number + 10}")
        circle.asks(name, browser)
        seen.append(circle.vouches(circle.berta, circle.request(browser)).status)
    assert seen == [200, 200, 200, 429]


def test_looking_for_names_is_bounded(circle: Circle) -> None:
    """attack 28: a colleague who tries names learns little and slowly."""
    browser = circle.comes(circle.karlis)
    seen = [browser.presses("vouching-find", request=f"nav-{number}").status for number in range(11)]
    assert seen == [422] * 10 + [429]


def test_a_page_of_the_account_leads_there_only_where_it_is_on(hall: Hall) -> None:
    circle = Circle(hall)
    assert circle.comes(circle.berta, "/account").page.has("vouch")
    allow(hall, 0)
    assert not circle.browsers["berta"].opens("/account").has("vouch")
