"""“It was not me”: what ends at once, who can go on after that, and what is left of it."""

import json

import pyotp
import pytest

from idp.login.sessions import Visitor
from idp.people.cases import steps_of
from idp.policy import Level
from idp.storage.cases import CaseState
from tests.support.actors import ISSUER, PASSWORD, WITH_KEYS, Browser, Employee, Hall
from tests.support.at_once import at_once
from tests.support.authenticator import Authenticator
from tests.support.builders import KEKAVA, RIGA
from tests.support.passkeys import sets_up, uses_key, uses_passkey
from tests.support.relying_party import ProviderError
from tests.support.reporting import arrives, asks_about, cases_of, party, proves, reports, seq_of

NEW_PASSWORD = "upe-akmens-vilnis"


@pytest.fixture
def thief(hall: Hall) -> Browser:
    """Somewhere else, in another browser."""
    return hall.browser("198.51.100.7", **{"User-Agent": "Mozilla/5.0 (Windows NT 10.0) Chrome/140.0"})


def enters_with_a_code(browser: Browser, who: Employee) -> None:
    """Where a key would be asked for first."""
    browser.identifies(who)
    browser.follows("method-totp")
    browser.presses(code=who.code())


# What ends at once --------------------------------------------------------------------------------------


def test_every_event_that_may_be_anothers_has_the_button_beside_it(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    browser.signs_in(anna)
    seq = seq_of(hall, anna, "sign_in.completed")
    assert f"/account/not-me?event={seq}" in browser.opens("/account").content.links.values()
    assert f"/account/not-me?event={seq}" in browser.opens("/account/activity").content.links.values()


def test_a_link_from_a_notice_leads_there_after_a_sign_in(
    hall: Hall, browser: Browser, anna: Employee, thief: Browser
) -> None:
    thief.signs_in(anna)
    seq = seq_of(hall, anna, "sign_in.completed")
    hall.clock.move(31)
    assert browser.opens(f"/account/not-me?event={seq}").path.startswith("/login/")
    browser.enters(anna)
    assert browser.page.path == f"/account/not-me?event={seq}"
    assert "198.51.100.7" in browser.page.words
    assert "Chrome, Windows" in browser.page.words
    assert cases_of(hall, anna) == []


def test_the_session_ends_with_all_that_came_of_it_and_applications_are_told(
    hall: Hall, browser: Browser, anna: Employee, thief: Browser
) -> None:
    """attack 34: also what was given to be used in the person's absence"""
    stolen, own = party(hall, path="/a"), party(hall, first_party=True, path="/b")
    tokens = arrives(thief, stolen, anna)
    seq = seq_of(hall, anna, "sign_in.completed")
    hall.clock.move(31)
    kept = arrives(browser, own, anna)
    reports(browser, seq)
    assert not thief.is_signed_in
    assert browser.is_signed_in
    assert stolen.introspect(tokens.access_token) == {"active": False}
    with pytest.raises(ProviderError, match="invalid_grant"):
        stolen.refresh(tokens.refresh_token or "")
    assert own.introspect(kept.access_token)["active"]
    with hall.world.database.read() as work:
        assert {each.client_id for each in work.notices.list_notices(now=hall.clock())} == {stolen.client_id}
        assert work.grants.consents_of(anna.user.id) == []


def test_a_session_that_ended_leaves_nothing_that_outlives_it(
    hall: Hall, browser: Browser, anna: Employee, thief: Browser
) -> None:
    stolen = party(hall, path="/a")
    tokens = arrives(thief, stolen, anna)
    thief.signs_out()
    seq = seq_of(hall, anna, "sign_in.completed")
    hall.clock.move(31)
    browser.signs_in(anna)
    assert stolen.introspect(tokens.access_token)["active"]
    reports(browser, seq)
    assert stolen.introspect(tokens.access_token) == {"active": False}


def test_a_code_from_before_opens_nothing_after(
    hall: Hall, browser: Browser, anna: Employee, thief: Browser
) -> None:
    """What was under way when the session froze."""
    stolen = party(hall, path="/a", first_party=True)
    question = stolen.ask(scope="openid offline_access")
    thief.opens(question.url.removeprefix(ISSUER))
    thief.enters(anna)
    code = stolen.read_answer(question, thief.left_for or "")["code"]
    seq = seq_of(hall, anna, "sign_in.completed")
    hall.clock.move(31)
    browser.signs_in(anna)
    reports(browser, seq)
    with pytest.raises(ProviderError, match="invalid_grant"):
        stolen.redeem(question, code)


def test_where_no_session_is_known_all_others_end(
    hall: Hall, browser: Browser, anna: Employee, thief: Browser
) -> None:
    thief.opens("/")
    thief.identifies(anna, password="wrong-wrong-wrong")
    seq = seq_of(hall, anna, "method.failed")
    thief.signs_in(anna)
    hall.clock.move(31)
    browser.signs_in(anna)
    asks_about(browser, seq)
    assert "visas Jūsu sesijas, izņemot šo" in browser.page.words
    browser.presses("not-me")
    assert browser.is_signed_in
    assert not thief.is_signed_in


def test_who_ended_a_session_did_it_in_another(
    hall: Hall, browser: Browser, anna: Employee, thief: Browser
) -> None:
    """The trail names the one that ended: neither is its browser that of who did it, nor does it freeze again."""
    browser.signs_in(anna)
    hall.clock.move(31)
    thief.signs_in(anna)
    thief.opens("/account")
    thief.presses("end-other-sessions")
    hall.clock.move(31)
    browser.signs_in(anna)
    asks_about(browser, seq_of(hall, anna, "session.ended"))
    assert "198.51.100.7" in browser.page.words
    assert "Firefox" not in browser.page.words
    browser.presses("not-me")
    assert not thief.is_signed_in


def test_of_a_permission_the_session_in_which_it_was_given_decides(
    hall: Hall, browser: Browser, anna: Employee, thief: Browser
) -> None:
    """What the person allowed elsewhere stays."""
    own, stolen = party(hall, path="/a"), party(hall, path="/b")
    arrives(browser, own, anna)
    hall.clock.move(31)
    arrives(thief, stolen, anna)
    reports(browser, seq_of(hall, anna, "consent.given"))
    with hall.world.database.read() as work:
        assert [each.client_id for each in work.grants.consents_of(anna.user.id)] == [own.client_id]


def test_the_session_that_asks_ends_too_when_it_is_the_one(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    browser.signs_in(anna)
    case_url = reports(browser, seq_of(hall, anna, "sign_in.completed"))
    assert case_url.startswith("/login/")
    assert not browser.is_signed_in
    hall.clock.move(31)
    browser.enters(anna)
    assert browser.page.path.startswith("/account/not-me/")
    assert browser.page.has("case-keep"), "who signed in after that has proved enough"


# Whose ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", ["", "x", "-1", "0", "99999", "9" * 30, "١"])
def test_what_is_no_event_is_not_there(hall: Hall, browser: Browser, anna: Employee, event: str) -> None:
    browser.signs_in(anna)
    assert browser.opens(f"/account/not-me?event={event}").status == 404
    token = browser.opens("/account/methods/password").form().fields["csrf_token"]
    assert browser.posts("/account/not-me", {"csrf_token": token, "event": event}).status == 404


def test_the_event_and_the_case_of_somebody_else_are_not_there(
    hall: Hall, browser: Browser, anna: Employee, thief: Browser
) -> None:
    """attack 42, and nothing tells them from what there never was"""
    other = hall.employee("otrs")
    thief.signs_in(other)
    theirs = seq_of(hall, other, "sign_in.completed")
    case_url = reports(thief, theirs)
    thief.opens("/")
    hall.clock.move(31)
    browser.signs_in(anna)
    nothing = browser.opens("/account/not-me?event=99999").words
    assert browser.opens(f"/account/not-me?event={theirs}").words.split("atsauces")[0][:80] == nothing[:80]
    assert browser.page.status == 404
    (case,) = cases_of(hall, other)
    for address in (f"/account/not-me/{case.id}", f"/account/not-me/{case.id}/proof"):
        assert browser.opens(address).status == 404
    token = browser.opens("/account/methods/password").form().fields["csrf_token"]
    for address in ("/account/not-me", f"/account/not-me/{case.id}"):
        assert browser.posts(address, {"csrf_token": token, "event": str(theirs)}).status == 404
    assert case_url.startswith("/login/")


def test_an_event_nobody_is_told_of_cannot_be_disputed(hall: Hall, browser: Browser, anna: Employee) -> None:
    browser.signs_in(anna)
    assert browser.opens(f"/account/not-me?event={seq_of(hall, anna, 'method.passed')}").status == 404


def test_another_site_cannot_say_it_for_the_person(hall: Hall, browser: Browser, anna: Employee) -> None:
    """attack 24"""
    browser.signs_in(anna)
    seq = seq_of(hall, anna, "sign_in.completed")
    assert browser.posts("/account/not-me", {"event": str(seq)}).status == 403
    asks_about(browser, seq)
    sent = browser.page.form(button="not-me").fields
    assert browser.posts("/account/not-me", sent, **{"Sec-Fetch-Site": "cross-site"}).status == 403
    assert cases_of(hall, anna) == []


def test_opening_the_page_does_nothing(hall: Hall, browser: Browser, anna: Employee) -> None:
    """Programs open the links in mails."""
    browser.signs_in(anna)
    asks_about(browser, seq_of(hall, anna, "sign_in.completed"))
    assert cases_of(hall, anna) == []
    assert browser.is_signed_in


# A thief ----------------------------------------------------------------------------------------------


def test_a_thief_who_presses_it_throws_out_the_owner_and_gets_no_further(
    hall: Hall, browser: Browser, anna: Employee, thief: Browser
) -> None:
    """attack 23: a session with all proofs of this very moment counts no more; the case is there all the same"""
    browser.signs_in(anna)
    own = seq_of(hall, anna, "sign_in.completed")
    hall.clock.move(31)
    thief.signs_in(anna)
    case_url = reports(thief, own)
    assert not browser.is_signed_in
    assert len(cases_of(hall, anna)) == 1
    assert thief.page.has("case-prove")
    token = thief.opens("/account").form().fields["csrf_token"]
    for answer in ("remove", "keep", "end", "finish"):
        page = thief.posts(case_url, {"csrf_token": token, "answer": answer, "about": "sessions"})
        assert page.path.startswith("/login/")
    for address in ("/account/methods/totp", "/account/methods/password", "/account/methods/recovery_code"):
        assert thief.opens(address).path.startswith("/login/")
    page = thief.posts("/account/methods/totp/remove", {"csrf_token": token})
    assert page.path.startswith("/login/")
    assert not {"method.removed", "case.step", "case.finished"} & set(hall.events(anna))


def test_a_level_below_the_highest_does_not_open_the_case(
    hall: Hall, browser: Browser, anna: Employee, thief: Browser
) -> None:
    """attack 34: recovery no weaker than sign-in. A password and a code do not remove somebody's passkey."""
    for scope in ("national", RIGA):
        hall.rule(scope, methods=WITH_KEYS)
    device = Authenticator(ISSUER)
    browser.signs_in(anna)
    sets_up(browser, device)
    own = seq_of(hall, anna, "sign_in.completed")
    hall.clock.move(31)
    thief.opens("/")
    enters_with_a_code(thief, anna)
    case_url = reports(thief, own)
    hall.clock.move(31)
    thief.follows("case-prove")
    assert "credential" in thief.page.form().fields, "a key is asked for"
    other = thief.opens("/").path
    assert other == "/", "still signed in"
    hall.clock.move(31)
    again = hall.browser("198.51.100.7")
    again.opens(case_url)
    enters_with_a_code(again, anna)
    assert again.page.has("case-prove"), "a new sign-in of that level is not enough either"


def test_while_a_case_is_open_further_reports_belong_to_it(
    hall: Hall, browser: Browser, anna: Employee, thief: Browser
) -> None:
    browser.signs_in(anna)
    own = seq_of(hall, anna, "sign_in.completed")
    hall.clock.move(31)
    thief.signs_in(anna)
    theirs = seq_of(hall, anna, "sign_in.completed")
    reports(thief, own)
    hall.clock.move(31)
    browser.signs_in(anna)
    assert browser.opens("/account").has("case-unfinished")
    reports(browser, theirs)
    assert not thief.is_signed_in
    (case,) = cases_of(hall, anna)
    with hall.world.database.read() as work:
        assert [each.event_seq for each in work.cases.reports_of(case.id)] == [own, theirs]


def test_saying_it_again_leads_to_the_same_case(hall: Hall, browser: Browser, anna: Employee) -> None:
    browser.signs_in(anna)
    seq = seq_of(hall, anna, "sign_in.completed")
    hall.clock.move(31)
    browser.signs_out()
    browser.signs_in(anna)
    asks_about(browser, seq)
    sent = browser.page.form(button="not-me").fields
    first = browser.posts("/account/not-me", sent).path
    assert browser.posts("/account/not-me", sent).path == first
    asks_about(browser, seq)
    assert browser.page.path == first
    assert hall.events(anna).count("case.opened") == 1


def test_a_hundred_at_once_open_one_case(hall: Hall, browser: Browser, anna: Employee) -> None:
    browser.signs_in(anna)
    signed_in = hall.provider.sessions.find(browser.session)
    assert signed_in is not None
    seq = seq_of(hall, anna, "sign_in.completed")
    visitor = Visitor(browser="a browser", address="192.0.2.1")
    found = at_once(100, lambda _: hall.provider.cases.report(signed_in, seq, visitor))
    assert len({case.id for case in found if case is not None}) == 1
    assert None not in found
    assert hall.events(anna).count("case.opened") == 1


# Going through it ---------------------------------------------------------------------------------------


def test_the_whole_way_from_the_report_to_the_end(
    hall: Hall, browser: Browser, anna: Employee, thief: Browser
) -> None:
    thief.signs_in(anna)
    seq = seq_of(hall, anna, "sign_in.completed")
    hall.clock.move(31)
    other = hall.browser("192.0.2.77")
    other.signs_in(anna)
    hall.clock.move(31)
    browser.signs_in(anna)
    case_url = reports(browser, seq)
    proves(hall, browser, anna)
    assert browser.page.path == case_url
    assert "192.0.2.77" in browser.page.words
    browser.presses("case-end")
    assert not other.is_signed_in
    assert browser.page.content.ids["page-title"] == "Vai šis ir Jūsu?"
    browser.presses("case-keep")
    assert browser.page.has("case-renew")
    browser.follows("case-renew")
    browser.presses(current_password=PASSWORD, new_password=NEW_PASSWORD, new_password_again=NEW_PASSWORD)
    assert browser.page.path == case_url
    browser.presses("case-finish")
    assert browser.page.has("case-steps")
    assert "Jūs to nomainījāt" in browser.page.words
    (case,) = cases_of(hall, anna)
    assert case.finished_at is not None
    assert [(each.step.value, each.about) for each in steps_of(case)][1::2] == [
        ("removed", "sessions"),
        ("changed", "password"),
    ]
    assert not browser.opens("/account").has("case-unfinished")


def test_a_key_that_is_not_theirs_is_removed_and_their_own_stays(
    hall: Hall, browser: Browser, thief: Browser
) -> None:
    for scope in ("national", RIGA):
        hall.rule(scope, methods=WITH_KEYS)
    employee, own, strange = hall.employee("viens"), Authenticator(ISSUER), Authenticator(ISSUER)
    browser.signs_in(employee)
    sets_up(browser, own, label="Mana atslēga")
    thief.opens("/")
    uses_passkey(thief, own)
    sets_up(thief, strange, label="Darba dators")
    hall.clock.move(31)
    case_url = reports(browser, seq_of(hall, employee, "method.enrolled"))
    hall.clock.move(31)
    browser.follows("case-prove")
    uses_key(browser, own)
    assert browser.page.path == case_url
    assert not thief.is_signed_in
    answers = []
    while browser.page.title == "Vai šis ir Jūsu?":
        answer = "case-keep" if "Mana atslēga" in browser.page.words else "case-remove"
        answers.append(answer)
        browser.presses(answer)
    assert sorted(answers) == ["case-keep", "case-remove"]
    with hall.world.database.read() as work:
        left = {each.label for each in work.people.credentials_of(employee.user.id) if each.key_id}
    assert left == {"Mana atslēga"}
    (case,) = cases_of(hall, employee)
    assert {(each.step.value, each.label.rpartition(": ")[2]) for each in steps_of(case)[1:]} == {
        ("kept", "Mana atslēga"),
        ("removed", "Darba dators"),
    }
    assert thief.opens("/").has("username")
    assert uses_passkey(thief, strange).status == 422


def test_the_last_way_in_is_left_and_said_to_be(hall: Hall, browser: Browser, anna: Employee) -> None:
    """attack 35"""
    hall.rule(RIGA, Level.MULTI_FACTOR)
    browser.signs_in(anna)
    hall.clock.move(31)
    other = hall.browser()
    other.signs_in(anna)
    case_url = reports(browser, seq_of(hall, anna, "sign_in.completed"))
    proves(hall, browser, anna)
    assert not browser.page.has("case-remove")
    about = browser.page.form(button="case-leave").fields
    browser.posts(case_url, {**about, "answer": "remove"})
    assert "method.removed" not in hall.events(anna)
    browser.presses("case-leave")
    browser.presses("case-keep")
    browser.presses("case-finish")
    assert "Joprojām ir iestatīts" in browser.page.words
    assert "left" in [each.step.value for each in steps_of(cases_of(hall, anna)[0])]


def test_whoever_closed_the_browser_goes_on_where_they_were(
    hall: Hall, browser: Browser, anna: Employee, thief: Browser
) -> None:
    thief.signs_in(anna)
    seq = seq_of(hall, anna, "sign_in.completed")
    hall.clock.move(31)
    browser.signs_in(anna)
    case_url = reports(browser, seq)
    proves(hall, browser, anna)
    browser.presses("case-keep")
    before = browser.page.title
    hall.clock.move(3600)
    elsewhere = hall.browser("192.0.2.44")
    elsewhere.signs_in(anna)
    elsewhere.opens("/account")
    elsewhere.follows("Turpināt pārbaudi")
    assert elsewhere.page.path == case_url
    assert elsewhere.page.title == before


def test_the_proof_is_asked_for_again_after_ten_minutes(
    hall: Hall, browser: Browser, anna: Employee, thief: Browser
) -> None:
    thief.signs_in(anna)
    seq = seq_of(hall, anna, "sign_in.completed")
    hall.clock.move(31)
    browser.signs_in(anna)
    case_url = reports(browser, seq)
    proves(hall, browser, anna)
    assert browser.page.has("case-keep")
    hall.clock.move(11 * 60)
    assert browser.opens(case_url).has("case-prove")


def test_an_answer_to_a_question_that_is_not_open_changes_nothing(
    hall: Hall, browser: Browser, anna: Employee, thief: Browser
) -> None:
    thief.signs_in(anna)
    seq = seq_of(hall, anna, "sign_in.completed")
    hall.clock.move(31)
    browser.signs_in(anna)
    case_url = reports(browser, seq)
    proves(hall, browser, anna)
    fields = browser.page.form(button="case-keep").fields
    for about, answer in (("password", "keep"), ("nonsense", "remove"), (fields["about"], "nonsense")):
        browser.posts(case_url, {**fields, "about": about, "answer": answer})
    assert [each.step.value for each in steps_of(cases_of(hall, anna)[0])] == ["proven"]


def test_new_codes_lead_back_to_the_questions(hall: Hall, browser: Browser, thief: Browser) -> None:
    employee = hall.employee("viens")
    browser.signs_in(employee)
    page = browser.opens("/account/methods/totp")
    employee.authenticator = pyotp.TOTP(page.content.ids["totp-key"].replace(" ", ""))
    browser.presses(code=employee.code())
    hall.clock.move(31)
    thief.signs_in(employee)
    case_url = reports(browser, seq_of(hall, employee, "sign_in.completed"))
    proves(hall, browser, employee)
    browser.presses("case-keep")
    browser.presses("case-keep")
    assert browser.page.title == "Vai kāds cits varēja tos redzēt?"
    browser.follows("case-renew")
    browser.presses()
    assert browser.page.has("recovery-codes")
    browser.presses()
    assert browser.page.path == case_url
    assert browser.page.has("case-finish")


def test_a_case_is_the_business_of_every_municipality_of_the_person(hall: Hall, browser: Browser) -> None:
    hall.rule(KEKAVA)
    who = hall.employee("divi", municipalities=[RIGA, KEKAVA])
    browser.signs_in(who)
    reports(browser, seq_of(hall, who, "sign_in.completed"))
    (case,) = cases_of(hall, who)
    with hall.world.database.read() as work:
        assert work.cases.municipalities_of(case.id) == [RIGA, KEKAVA]
        assert [each.id for each in work.cases.list_cases(CaseState.OPEN, municipality=KEKAVA)] == [case.id]


def test_the_trail_ties_everything_to_the_case(
    hall: Hall, browser: Browser, anna: Employee, thief: Browser
) -> None:
    arrives(thief, party(hall, path="/a"), anna)
    seq = seq_of(hall, anna, "sign_in.completed")
    hall.clock.move(31)
    browser.signs_in(anna)
    reports(browser, seq)
    proves(hall, browser, anna)
    browser.presses("case-keep")
    (case,) = cases_of(hall, anna)
    with hall.world.database.read() as work:
        events = work.audit.activity_of(anna.user.id, limit=100)
        assert work.audit.verify().ok
    tied = [event.type for event in reversed(events) if json.loads(event.detail).get("case") == case.id]
    assert tied == ["case.opened", "session.ended", "consent.withdrawn", "case.step", "case.step"]
