"""Getting back in by confirming the same identity again; and a first sign-in that goes on by confirming it."""

import pyotp
import pytest

from idp.login.sessions import Visitor
from idp.models.people import UserStatus
from idp.models.person_code import PersonCode
from idp.policy import Level
from tests.support.actors import EVERY_METHOD, WITH_KEYS, Browser, Employee
from tests.support.builders import RIGA
from tests.support.identity import ANNA_CODE, BERTA, IdentityRig, was_confirmed

GENERIC = "Jūsu identitāti neizdevās apstiprināt."


@pytest.fixture
def anna(rig: IdentityRig) -> Employee:
    """Confirmed, with a password and an authenticator."""
    anna = rig.hall.employee("anna", totp=True)
    was_confirmed(rig.hall, anna)
    return anna


@pytest.fixture
def browser(rig: IdentityRig) -> Browser:
    return rig.hall.browser()


def names(browser: Browser, username: str) -> None:
    """From the page where one signs in."""
    browser.opens("/account")
    browser.follows("recover")
    browser.presses(username=username)


def recovers(rig: IdentityRig, browser: Browser, username: str = "anna") -> None:
    """As far as to the question whether this is the account."""
    names(browser, username)
    browser.presses("identity-smart_id", consent="1")
    rig.scan()
    browser.opens(browser.page.path)


def set_up_totp(browser: Browser, anna: Employee) -> None:
    browser.opens(f"{browser.page.path.partition('?')[0]}?method=totp")
    key = browser.page.content.ids["totp-key"].replace(" ", "")
    anna.authenticator = pyotp.TOTP(key)
    browser.presses(code=anna.code())


# Lost phone, forgotten password ---------------------------------------------------------------------------


def test_the_same_person_sets_up_a_new_way_and_nothing_else(
    rig: IdentityRig, browser: Browser, anna: Employee
) -> None:
    elsewhere = rig.hall.browser()
    elsewhere.signs_in(anna)
    recovers(rig, browser)
    assert browser.page.content.ids["identity-account"] == "anna"
    page = browser.presses("identity-link")
    assert page.path.startswith("/enrol/")
    assert not browser.is_signed_in
    assert elsewhere.is_signed_in
    rig.hall.clock.move(31)
    set_up_totp(browser, anna)
    assert browser.page.has("recovery-codes")
    assert not browser.is_signed_in
    assert not elsewhere.is_signed_in
    assert rig.hall.events(anna)[-1] == "recovery.finished"
    rig.hall.clock.move(31)
    assert browser.signs_in(anna).path == "/"


def test_a_forgotten_password_is_set_anew_and_the_second_factor_stays(
    rig: IdentityRig, browser: Browser, anna: Employee
) -> None:
    """attack 23: no path skips the second factor."""
    recovers(rig, browser)
    browser.presses("identity-link")
    browser.opens(f"{browser.page.path}?method=password")
    assert not browser.page.has("current_password")
    browser.presses(new_password="upe-akmens-vilnis", new_password_again="upe-akmens-vilnis")
    fresh = rig.hall.browser()
    fresh.opens("/")
    page = fresh.identifies(anna, password="upe-akmens-vilnis")
    assert page.has("code")
    page = fresh.presses(code=anna.code())
    assert page.path == "/"


def test_the_sitting_is_good_for_one_way(rig: IdentityRig, browser: Browser, anna: Employee) -> None:
    """attack 34"""
    recovers(rig, browser)
    browser.presses("identity-link")
    path = browser.page.path
    set_up_totp(browser, anna)
    assert browser.opens(f"{path}?method=password").status == 410


def test_it_belongs_to_the_browser_and_ends(rig: IdentityRig, browser: Browser, anna: Employee) -> None:
    recovers(rig, browser)
    path = browser.page.path
    assert rig.hall.browser().opens(path).status == 410
    browser.presses("identity-link")
    sitting = browser.page.path
    assert rig.hall.browser().opens(sitting).status == 410
    rig.hall.clock.move(31 * 60)
    assert browser.opens(sitting).status == 410


@pytest.mark.parametrize("whose", ["nobody", "unconfirmed", "blocked", "another's"])
def test_whatever_is_wrong_with_the_account_is_said_in_one_sentence_at_the_end(
    rig: IdentityRig, browser: Browser, anna: Employee, whose: str
) -> None:
    """attack 28: who has an account, and whether it is confirmed, is not to be found out."""
    berta = rig.hall.employee("berta", totp=True)
    if whose == "another's":
        was_confirmed(rig.hall, berta, BERTA.identifier)
    if whose == "blocked":
        was_confirmed(rig.hall, berta, BERTA.identifier)
        with rig.hall.world.database.begin() as work:
            work.people.set_status(berta.user.id, UserStatus.BLOCKED, at=rig.hall.clock())
    names(browser, "nemana" if whose == "nobody" else "berta")
    assert browser.page.has("identity-smart_id")
    browser.presses("identity-smart_id", consent="1")
    assert browser.page.has("smart-id-qr")
    rig.scan(BERTA if whose == "blocked" else rig.service.accounts["PNOLV-320000-00015-TEST-Q"])
    page = browser.opens(browser.page.path)
    assert GENERIC in page.content.text
    assert page.has("identity-smart_id")


def test_an_account_that_needs_more_is_not_opened_by_less(
    rig: IdentityRig, browser: Browser, anna: Employee
) -> None:
    """No path is weaker than the account's usual level."""
    rig.hall.rule(RIGA, Level.PHISHING_RESISTANT, methods=WITH_KEYS)
    rig.hall.rule("national", methods=WITH_KEYS)
    recovers(rig, browser)
    assert not browser.page.has("identity-link")
    assert rig.reasons(anna) == ["identity_not_enough"]


def test_an_identity_that_is_no_longer_the_accounts_opens_nothing(
    rig: IdentityRig, browser: Browser, anna: Employee
) -> None:
    recovers(rig, browser)
    with rig.hall.world.database.begin() as work:
        work.people.set_person_code(anna.user.id, PersonCode.parse("320000-00023"), at=rig.hall.clock())
    browser.presses("identity-link")
    assert GENERIC in browser.page.content.text
    assert rig.reasons(anna) == ["identity_other"]


def test_a_stranger_elsewhere_does_not_keep_the_owner_from_getting_back(
    rig: IdentityRig, browser: Browser, anna: Employee
) -> None:
    for _ in range(7):
        stranger = rig.hall.browser("198.51.100.7")
        names(stranger, "anna")
        stranger.presses("identity-smart_id", consent="1")
    assert stranger.page.status == 429
    recovers(rig, browser)
    assert browser.page.has("identity-link")


def test_all_that_prove_nothing_before_are_bounded_together(rig: IdentityRig, anna: Employee) -> None:
    desk = rig.hall.provider.identity.desk
    for number in range(120):
        visitor = Visitor(browser=f"b{number}", address=f"198.51.{number}.7")
        sitting = desk.begin_for_name(f"vards{number}", visitor, language="lv")
        assert desk.limits.charge_start(sitting, visitor) is None
    stranger = rig.hall.browser("203.0.113.7")
    names(stranger, "anna")
    assert stranger.presses("identity-smart_id", consent="1").status == 429


def test_who_recovers_is_told_of_everywhere(rig: IdentityRig, browser: Browser, anna: Employee) -> None:
    recovers(rig, browser)
    browser.presses("identity-link")
    assert rig.hall.events(anna)[-1] == "recovery.begun"
    signed_in = rig.hall.browser()
    signed_in.signs_in(anna)
    assert "Kāds apstiprināja, ka ir Jūs" in signed_in.opens("/account").content.text


# A first sign-in ------------------------------------------------------------------------------------------


@pytest.fixture
def newcomer(rig: IdentityRig) -> Employee:
    """With a password from an old portal, where that alone does not suffice and sets nothing up."""
    rig.hall.rule(RIGA, Level.MULTI_FACTOR, first_enrolment=False, methods=EVERY_METHOD)
    return rig.hall.employee("jauna", given_name="Anna", family_name="Bērziņa")


def confirms_at_the_door(rig: IdentityRig, browser: Browser, who: Employee) -> None:
    browser.signs_in(who)
    browser.presses("confirm-identity")
    browser.presses("identity-smart_id", consent="1")
    rig.scan()
    browser.opens(browser.page.path)


def test_a_sign_in_that_cannot_go_on_goes_on_by_a_confirmed_identity(
    rig: IdentityRig, browser: Browser, newcomer: Employee
) -> None:
    confirms_at_the_door(rig, browser, newcomer)
    page = browser.presses("identity-link")
    assert page.path.startswith("/enrol/")
    assert rig.confirmed(newcomer) is not None
    set_up_totp(browser, newcomer)
    rig.hall.clock.move(31)
    assert browser.signs_in(newcomer).path == "/"


def test_a_stolen_password_does_not_link_the_thief(
    rig: IdentityRig, browser: Browser, newcomer: Employee
) -> None:
    """Nobody's code is on file there; the name is another's."""
    browser.signs_in(newcomer)
    browser.presses("confirm-identity")
    browser.presses("identity-smart_id", consent="1")
    rig.scan(BERTA)
    browser.opens(browser.page.path)
    assert rig.reasons(newcomer) == ["identity_names"]
    assert rig.confirmed(newcomer) is None


def test_a_code_on_file_counts_for_more_than_a_name(
    rig: IdentityRig, browser: Browser, newcomer: Employee
) -> None:
    with rig.hall.world.database.begin() as work:
        work.people.set_person_code(newcomer.user.id, PersonCode.parse("320000-00023"), at=rig.hall.clock())
    confirms_at_the_door(rig, browser, newcomer)
    assert rig.reasons(newcomer) == ["identity_mismatch"]


def test_without_a_proof_of_this_sign_in_it_begins_nothing(
    rig: IdentityRig, browser: Browser, newcomer: Employee
) -> None:
    """attack 23: a step left out"""
    page = browser.opens("/account")
    token = page.form().fields["csrf_token"]
    reply = browser.posts(f"{page.path}/identity", {"csrf_token": token})
    assert reply.status == 410


def test_who_has_a_second_factor_is_asked_for_it_and_not_for_an_identity(
    rig: IdentityRig, browser: Browser, anna: Employee
) -> None:
    browser.opens("/account")
    browser.identifies(anna)
    path = browser.page.path.partition("?")[0]
    token = browser.page.form().fields["csrf_token"]
    assert browser.posts(f"{path}/identity", {"csrf_token": token}).status == 410


def test_codes_are_never_whole_on_a_page(rig: IdentityRig, browser: Browser, anna: Employee) -> None:
    recovers(rig, browser)
    assert ANNA_CODE not in browser.page.content.text
    assert ANNA_CODE.replace("-", "") not in browser.page.content.text
