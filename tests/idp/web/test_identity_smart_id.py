"""Confirming by Smart-ID on the account page: agreed to, scanned or on the same device, shown, linked; or refused,
with nothing changed and one sentence for everybody.
"""

import base64
import io
import re
from dataclasses import replace

import pytest
import segno

from idp.events import TOLD_BY_MAIL, EventType
from idp.login.advice import NUDGE_EVERY_SECONDS
from idp.models.person_code import PersonCode
from tests.support.actors import WITH_KEYS, Browser, Employee, Hall
from tests.support.at_once import at_once
from tests.support.builders import RIGA
from tests.support.identity import (
    ANNA,
    ANNA_CODE,
    BERTA,
    IdentityRig,
    asks,
    confirms,
    was_confirmed,
)
from tests.support.smart_id.accounts import Behaviour
from tests.support.smart_id.authority import Variant

GENERIC = "Jūsu identitāti neizdevās apstiprināt."


@pytest.fixture
def anna(rig: IdentityRig) -> Employee:
    return rig.hall.employee("anna", totp=True)


@pytest.fixture
def browser(rig: IdentityRig, anna: Employee) -> Browser:
    browser = rig.hall.browser()
    browser.signs_in(anna)
    return browser


def looks(browser: Browser) -> None:
    """At the page that waits, as a browser without scripts does."""
    browser.opens(browser.page.path.partition("?")[0])


def drawn(link: str) -> str:
    image = io.BytesIO()
    code = segno.make_qr(link, error="l")
    code.save(
        image,
        kind="svg",
        xmldecl=False,
        lineclass=None,
        svgclass=None,
        border=4,
        dark="#000",
        light="#fff",
        omitsize=True,
    )
    return image.getvalue().decode()


# The whole way --------------------------------------------------------------------------------------------


def test_scanned_shown_and_linked(rig: IdentityRig, browser: Browser, anna: Employee) -> None:
    page = browser.opens("/account")
    browser.follows("confirm-identity")
    page = browser.presses("identity-smart_id", consent="1")
    assert page.has("smart-id-qr")
    rig.scan()
    looks(browser)
    assert browser.page.content.ids["identity-name"] == "ANNA BĒRZIŅA"
    assert browser.page.content.ids["identity-account"] == "anna"
    assert rig.confirmed(anna) is None
    page = browser.presses("identity-link")
    assert page.path.startswith("/account")
    confirmed = rig.confirmed(anna)
    assert confirmed is not None
    row = confirmed.confirmation
    assert (row.confirmed_by, row.assurance, row.flow, row.consent_language) == (
        "smart_id",
        "high",
        "QR",
        "lv",
    )
    assert re.fullmatch("[0-9a-f]{64}", row.certificate_fingerprint)
    assert re.fullmatch("[0-9a-f]{64}", row.evidence)
    assert rig.hall.events(anna)[-1] == "identity.confirmed"
    page = browser.opens("/account")
    assert "ANNA BĒRZIŅA" in page.content.ids["confirmed-as"]


def test_on_the_same_device_the_app_brings_the_person_back(
    rig: IdentityRig, browser: Browser, anna: Employee
) -> None:
    asks(browser)
    assert rig.session.callback_url.startswith("https://login.example.lv/identity/")
    assert browser.page.content.links["open-app"] == rig.link("Web2App")
    page = browser.opens(rig.open_app())
    assert "?" not in page.path
    assert page.content.ids["identity-name"] == "ANNA BĒRZIŅA"
    browser.presses("identity-link")
    confirmed = rig.confirmed(anna)
    assert confirmed is not None
    assert confirmed.confirmation.flow == "Web2App"


def test_the_code_on_the_page_is_that_of_this_very_second(rig: IdentityRig, browser: Browser) -> None:
    """attack 37: it is as the service's own description makes it, and three seconds later another."""
    asks(browser)
    seen = []
    for elapsed in (0, 1, 7):
        rig.hall.clock.at = rig.session.created_at + elapsed
        image = browser.http.get(f"{browser.page.path}/qr")
        assert image.headers["Content-Type"].startswith("image/svg+xml")
        assert image.text == drawn(rig.link(seconds=elapsed))
        seen.append(image.text)
    assert len(set(seen)) == 3


def test_the_app_names_the_account_and_says_that_nothing_is_signed(
    rig: IdentityRig, browser: Browser
) -> None:
    asks(browser)
    shown = base64.b64decode(rig.session.request["interactions"]).decode()
    assert "“anna” vietnē visvaris.lv" in shown
    assert "neko neparakstāt" in shown


def test_a_name_that_its_owner_could_have_written_a_lie_into_is_not_shown_in_the_app(
    rig: IdentityRig,
) -> None:
    """attack 37: free text inside a screen that people trust."""
    who = rig.hall.employee("jūs vinnējāt! spiediet pin")
    browser = rig.hall.browser()
    browser.signs_in(who)
    asks(browser)
    shown = base64.b64decode(rig.session.request["interactions"]).decode()
    assert "vinnējāt" not in shown
    number = re.search(r"“(nr\. [0-9]{4})”", shown)
    assert number is not None
    assert number[1] in browser.page.content.text


def test_the_session_rotates_and_a_factor_is_set_up_in_the_same_sitting(rig: IdentityRig) -> None:
    """attack 21"""
    who = rig.hall.employee("dace", given_name="Anna")
    browser = rig.hall.browser()
    browser.signs_in(who)
    before = browser.session
    page = confirms(rig, browser)
    assert page.path == "/account/choose?confirmed=1"
    assert browser.session != before
    thief = rig.hall.browser()
    thief.http.cookies.set("__Host-visvaris-session", before or "", domain="login.example.lv")
    assert not thief.is_signed_in
    rig.hall.clock.move(12 * 60)  # longer ago than the sign-in may be otherwise
    page = browser.opens("/account/methods/totp")
    assert page.has("totp-key")


def test_after_a_quarter_of_an_hour_it_is_leave_to_set_up_no_more(rig: IdentityRig) -> None:
    who = rig.hall.employee("dace")
    browser = rig.hall.browser()
    browser.signs_in(who)
    confirms(rig, browser)
    rig.hall.clock.move(15 * 60 + 1)
    assert browser.opens("/account/methods/totp").has("password")


def test_a_confirmation_that_was_taken_back_is_leave_to_set_up_nothing(rig: IdentityRig) -> None:
    who = rig.hall.employee("dace")
    browser = rig.hall.browser()
    browser.signs_in(who)
    confirms(rig, browser)
    browser.opens("/account/identity")
    browser.presses("identity-remove")
    rig.hall.clock.move(11 * 60)
    assert browser.opens("/account/methods/totp").has("password")


def test_everybody_is_told_at_every_address(rig: IdentityRig, browser: Browser, anna: Employee) -> None:
    assert {
        EventType.IDENTITY_CONFIRMED,
        EventType.RECOVERY_BEGUN,
        EventType.RECOVERED,
    } <= TOLD_BY_MAIL.keys()


# Refused --------------------------------------------------------------------------------------------------


def test_nothing_leaves_without_consent(rig: IdentityRig, browser: Browser) -> None:
    browser.opens("/account/identity")
    asked = len(rig.service.asked)
    page = browser.presses("identity-smart_id")
    assert page.status == 422
    assert page.has("consent-error")
    assert len(rig.service.asked) == asked


@pytest.mark.parametrize(
    ("end_result", "reason", "words"),
    [
        ("USER_REFUSED", "smart_id_cancelled", "Jūs atcēlāt"),
        ("TIMEOUT", None, ""),
        ("WRONG_VC", "smart_id_wrong_code", ""),
        ("PROTOCOL_FAILURE", "smart_id_protocol_failure", GENERIC),
        ("DOCUMENT_UNUSABLE", "smart_id_document_unusable", "Jūsu Smart-ID"),
    ],
)
def test_whatever_the_phone_ends_it_with_changes_nothing(
    rig: IdentityRig, browser: Browser, anna: Employee, end_result: str, reason: str | None, words: str
) -> None:
    account = rig.service.add(
        replace(ANNA, document_number="PNOLV-320000-00015-ENDS-Q", behaviour=Behaviour(end_result))
    )
    asks(browser)
    rig.scan(account)
    if end_result == "TIMEOUT":
        rig.hall.clock.move(151)
    looks(browser)
    assert browser.page.has("identity-smart_id")
    assert words in browser.page.content.text
    assert rig.confirmed(anna) is None
    assert rig.reasons(anna) == [reason or "smart_id_timeout"]
    assert ("identity.alarm" in rig.hall.events(anna)) == (end_result in {"WRONG_VC", "PROTOCOL_FAILURE"})


@pytest.mark.parametrize(
    "variant", sorted(set(Variant) - {Variant.USUAL, Variant.OLD_PROFILE, Variant.NO_DATE_OF_BIRTH}, key=str)
)
def test_a_certificate_in_which_something_is_wrong_is_refused_in_general_words(
    rig: IdentityRig, browser: Browser, anna: Employee, variant: Variant
) -> None:
    """attack 37"""
    account = rig.service.add(
        replace(ANNA, document_number="PNOLV-320000-00015-WRNG-Q").with_variant(variant)
    )
    asks(browser)
    rig.scan(account)
    looks(browser)
    assert rig.confirmed(anna) is None
    (reason,) = rig.reasons(anna)
    assert reason.startswith("smart_id_")
    assert reason not in browser.page.content.text
    assert GENERIC in browser.page.content.text


def test_another_code_on_file_stops_it_and_is_not_told(
    rig: IdentityRig, browser: Browser, anna: Employee
) -> None:
    """attack 37: another person's confirmation"""
    with rig.hall.world.database.begin() as work:
        work.people.set_person_code(anna.user.id, PersonCode.parse(ANNA_CODE), at=rig.hall.clock())
    asks(browser)
    rig.scan(BERTA)
    looks(browser)
    assert "cits personas kods" in browser.page.content.text
    assert not re.search(r"\d{3}-?\d{5}|\*\*\d{3}", browser.page.content.text)
    assert rig.reasons(anna) == ["identity_mismatch"]
    assert rig.confirmed(anna) is None


def test_an_identity_of_another_account_is_not_linked_and_the_account_not_named(
    rig: IdentityRig, browser: Browser, anna: Employee
) -> None:
    """attack 39"""
    other = rig.hall.employee("citskonts")
    was_confirmed(rig.hall, other)
    asks(browser)
    rig.scan()
    looks(browser)
    assert "citam kontam" in browser.page.content.text
    assert "citskonts" not in browser.page.content.text
    assert rig.reasons(anna) == ["identity_taken"]


def test_an_identity_that_was_taken_between_the_page_and_the_button_is_not_linked(
    rig: IdentityRig, browser: Browser, anna: Employee
) -> None:
    asks(browser)
    rig.scan()
    looks(browser)
    was_confirmed(rig.hall, rig.hall.employee("citskonts"))
    browser.presses("identity-link")
    assert rig.confirmed(anna) is None
    assert rig.reasons(anna) == ["identity_taken"]


def test_who_says_that_it_is_not_them_links_nothing(
    rig: IdentityRig, browser: Browser, anna: Employee
) -> None:
    asks(browser)
    rig.scan()
    looks(browser)
    page = browser.presses("identity-decline")
    assert page.has("identity-smart_id")
    assert rig.confirmed(anna) is None
    assert rig.reasons(anna) == ["identity_declined"]


def test_of_a_hundred_buttons_at_once_one_links(rig: IdentityRig, browser: Browser, anna: Employee) -> None:
    """attack 36"""
    asks(browser)
    rig.scan()
    looks(browser)
    path, form = browser.page.path, browser.page.form(button="identity-link")

    def press(_: int) -> bool:
        own = rig.hall.browser()
        own.http.cookies.update(browser.http.cookies)
        own.posts(path, {**form.fields, "answer": "link"})
        return own.trail[-1].startswith("/account")

    assert at_once(20, press).count(True) == 1
    assert rig.hall.events(anna).count("identity.confirmed") == 1


# The way back ---------------------------------------------------------------------------------------------


def test_an_answer_on_the_same_device_waits_for_the_person_to_come_back(
    rig: IdentityRig, browser: Browser, anna: Employee
) -> None:
    """attack 37: the service's answer alone signs nobody in."""
    asks(browser)
    waiting = browser.page.path
    rig.open_app()
    page = browser.opens(waiting)
    assert not page.has("identity-link")
    assert browser.http.get(f"{waiting}/state").json() == {"state": "returning"}
    assert rig.confirmed(anna) is None


def test_a_callback_counts_once(rig: IdentityRig, browser: Browser, anna: Employee) -> None:
    """attack 37: replay"""
    asks(browser)
    callback = rig.open_app()
    browser.http.get(callback)
    browser.http.get(callback)
    assert rig.reasons(anna) == ["smart_id_callback_replayed"]
    assert browser.http.get(f"{browser.page.path}/state").json() == {"state": "over"}
    assert "identity.alarm" in rig.hall.events(anna)


def test_a_callback_in_another_browser_confirms_nothing_and_uses_nothing_up(
    rig: IdentityRig, browser: Browser, anna: Employee
) -> None:
    """attack 33"""
    asks(browser)
    callback = rig.open_app()
    other = rig.hall.browser()
    page = other.opens(callback)
    assert page.status == 409
    assert rig.hall.events(anna)[-1] == "identity.alarm"
    page = browser.opens(callback)
    assert page.has("identity-link")


def test_a_callback_of_somebody_else_does_not_give_their_identity_to_me(
    rig: IdentityRig, browser: Browser, anna: Employee
) -> None:
    """attack 33: the victim's browser is led to the attacker's finished callback."""
    attacker = rig.hall.browser()
    attacker.signs_in(rig.hall.employee("uzbrucejs", totp=True))
    asks(attacker)
    callback = rig.open_app(BERTA)
    page = browser.opens(callback)
    assert page.status == 409
    asks(browser)
    query = callback.partition("?")[2]
    browser.opens(f"{browser.page.path}/callback?{query}")
    assert rig.confirmed(anna) is None
    assert rig.reasons(anna) == ["smart_id_callback_value"]


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        ("value", "smart_id_callback_value"),
        ("sessionSecretDigest", "smart_id_callback_secret"),
        ("userChallengeVerifier", "smart_id_callback_verifier"),
    ],
)
def test_each_field_of_the_callback_altered_alone_is_refused(
    rig: IdentityRig, browser: Browser, anna: Employee, member: str, reason: str
) -> None:
    asks(browser)
    callback = rig.open_app()
    altered = re.sub(rf"({member}=)(.)", lambda m: m[1] + ("A" if m[2] != "A" else "B"), callback)
    assert altered != callback
    page = browser.opens(altered)
    assert GENERIC in page.content.text
    assert rig.reasons(anna) == [reason]
    assert rig.confirmed(anna) is None


def test_the_address_of_the_callback_is_left_at_once_and_goes_nowhere(
    rig: IdentityRig, browser: Browser
) -> None:
    asks(browser)
    response = browser.http.get(rig.open_app())
    assert response.status_code == 303
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert "?" not in response.headers["Location"]


# Whose, where, how often ----------------------------------------------------------------------------------


def test_a_sitting_belongs_to_its_session(rig: IdentityRig, browser: Browser, anna: Employee) -> None:
    """attack 22"""
    asks(browser)
    path = browser.page.path
    browser.signs_out()
    browser.signs_in(rig.hall.employee("berta", totp=True))
    assert browser.opens(path).status == 410
    assert rig.hall.browser().opens(path).status == 410


def test_a_second_confirmation_of_the_same_account_ends_the_first(
    rig: IdentityRig, browser: Browser, anna: Employee
) -> None:
    asks(browser)
    first = browser.page.path
    asks(browser)
    assert browser.opens(first).status == 410


def test_a_fresh_sign_in_with_everything_is_asked_for(rig: IdentityRig, browser: Browser) -> None:
    rig.hall.clock.move(11 * 60)
    assert browser.opens("/account/identity").has("password")


def test_five_starts_in_an_hour_and_no_more(rig: IdentityRig, browser: Browser) -> None:
    for _ in range(5):
        asks(browser)
        assert browser.page.has("smart-id-qr")
        browser.presses("identity-cancel")
    page = asks(browser)
    assert page.status == 429
    assert "retry-after" in page.headers


def test_three_refusals_make_the_account_wait_and_a_timeout_does_not(
    rig: IdentityRig, browser: Browser, anna: Employee
) -> None:
    for _ in range(3):
        asks(browser)
        rig.hall.clock.move(151)
        looks(browser)
    refuses = rig.service.add(
        replace(ANNA, document_number="PNOLV-320000-00015-REFS-Q", behaviour=Behaviour("USER_REFUSED"))
    )
    rig.hall.clock.move(3601)
    browser = rig.hall.browser()
    browser.signs_in(anna)
    for _ in range(3):
        page = asks(browser)
        assert page.status == 200
        rig.scan(refuses)
        looks(browser)
    page = asks(browser)
    assert page.status == 429
    assert int(page.headers["retry-after"]) > 800


def test_when_the_service_is_down_the_page_says_so_and_the_account_is_as_it_was(
    rig: IdentityRig, browser: Browser, anna: Employee
) -> None:
    rig.service.faults.status = 580
    page = asks(browser)
    assert page.has("identity-smart_id")
    assert "Smart-ID pašlaik neatbild" in page.content.text
    assert rig.reasons(anna) == ["smart_id_maintenance"]
    rig.service.faults.status = None
    assert asks(browser).has("smart-id-qr")


def test_a_confirmation_can_be_taken_back(rig: IdentityRig, browser: Browser, anna: Employee) -> None:
    confirms(rig, browser)
    browser.opens("/account")
    browser.follows("identity-more")
    browser.presses("identity-remove")
    assert rig.confirmed(anna) is None
    assert rig.hall.events(anna)[-1] == "identity.removed"


def test_where_smart_id_is_not_set_up_it_is_not_offered(hall: Hall) -> None:
    """There is still the way in person (test_identity_in_person.py)."""
    browser = hall.browser()
    browser.signs_in(hall.employee("vienkarss"))
    browser.opens("/account")
    page = browser.follows("confirm-identity")
    assert page.has("identity-in_person")
    assert not page.has("identity-smart_id")
    assert browser.opens("/recover").has("username")


# Being reminded -------------------------------------------------------------------------------------------


def test_who_has_not_confirmed_is_reminded_once_a_week(
    rig: IdentityRig, browser: Browser, anna: Employee
) -> None:
    fresh = rig.hall.browser()
    rig.hall.clock.move(NUDGE_EVERY_SECONDS)
    assert fresh.signs_in(anna).has("nudge-identity")
    assert not fresh.opens("/").has("nudge-identity")


def test_who_has_confirmed_is_not_reminded(rig: IdentityRig, anna: Employee) -> None:
    was_confirmed(rig.hall, anna)
    assert not rig.hall.browser().signs_in(anna).has("nudge-identity")


def test_two_reminders_come_in_turn(rig: IdentityRig, anna: Employee) -> None:
    for scope in ("national", RIGA):
        rig.hall.rule(scope, methods=WITH_KEYS)
    seen = []
    for _ in range(4):
        page = rig.hall.browser().signs_in(anna)
        seen.append((page.has("nudge"), page.has("nudge-identity")))
        rig.hall.clock.move(NUDGE_EVERY_SECONDS)
    assert seen[:2] == seen[2:]
    assert sorted(seen[:2]) == [(False, True), (True, False)]
