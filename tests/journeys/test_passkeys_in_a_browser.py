"""Passkeys and security keys as employees use them: Chromium with authenticators of its own, against the running
provider.

What no honest browser does is in `tests/idp/methods/test_passkey.py`.
"""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import DESK, PHONE, OpenPage, another_browser, open_pages
from tests.support.builders import RIGA
from tests.support.looks import looks_right
from tests.support.running_server import Resident, RunningServer
from tests.support.virtual_authenticators import Plug, VirtualAuthenticator

pytestmark = pytest.mark.browser

LOOK_ALIKE = "localhost.visvaris-lv.test"
TRY_A_PIN = "mēģiniet vēlreiz; ja pirksta nospiedums vai seja nedarbojas, izmantojiet PIN"
REGISTERED = "Šī atslēga jau ir reģistrēta."


@pytest.fixture
def plug(desk: Page) -> Plug:
    return Plug(desk)


def identify(page: Page, who: Resident) -> None:
    page.locator("#username").fill(who.username)
    page.locator("#password").fill(who.password)
    page.locator("#login-submit").click()


def sign_in(page: Page, server: RunningServer, who: Resident, path: str = "/") -> None:
    page.goto(f"{server.issuer}{path}")
    identify(page, who)


def set_up(page: Page, server: RunningServer, who: Resident, method: str, label: str = "") -> None:
    """On a first visit, up to the recovery codes that come with it."""
    sign_in(page, server, who, f"/account/methods/{method}")
    page.locator("#label").fill(label)
    page.locator("#login-submit").click()
    expect(page.locator("#recovery-codes li")).to_have_count(10)
    page.locator("#login-submit").click()
    expect(page).to_have_url(f"{server.issuer}/account")


def forget_session(page: Page) -> None:
    page.context.clear_cookies()


def says(page: Page, words: str) -> None:
    """Aloud, for whoever does not see it."""
    expect(page.get_by_role("alert").filter(has_text=words)).to_be_visible()


def modal(page: Page, server: RunningServer, authenticator: VirtualAuthenticator) -> None:
    """By the button. Nobody touches anything while the page loads, or its suggestions would sign in before."""
    authenticator.is_at_hand(touched=False)
    page.goto(server.issuer)
    expect(page.locator("#method-passkey")).to_be_visible()
    authenticator.is_at_hand(touched=True)
    page.locator("#method-passkey").click()


# Passkeys ----------------------------------------------------------------------------------------------------


def test_a_passkey_is_made_and_offered_in_the_username_field(
    server: RunningServer, desk: Page, plug: Plug
) -> None:
    """Conditional mediation: the page opens, the person takes the browser's suggestion, and is in."""
    laptop, who = plug.laptop(), server.hire(RIGA)
    set_up(desk, server, who, "passkey", "Darba dators")
    card = desk.locator("#account-method-passkey")
    expect(card).to_contain_text("Darba dators")
    expect(card).to_contain_text("Paliek vienā ierīcē.")
    (credential,) = laptop.credentials
    assert credential["isResidentCredential"]
    assert credential["rpId"] == "localhost"
    assert credential["userName"] == who.username
    forget_session(desk)
    desk.goto(server.issuer)
    expect(desk).to_have_url(f"{server.issuer}/")
    expect(desk.locator("#page-title")).to_have_text("Lietojumprogrammas")


def test_a_passkey_signs_in_by_the_button(server: RunningServer, desk: Page, plug: Plug) -> None:
    laptop, who = plug.laptop(), server.hire(RIGA)
    set_up(desk, server, who, "passkey")
    forget_session(desk)
    modal(desk, server, laptop)
    expect(desk).to_have_url(f"{server.issuer}/")
    desk.goto(f"{server.issuer}/account")
    expect(desk.locator("#account-method-passkey")).not_to_contain_text("vēl nav bijusi")


def test_the_username_still_works_beside_it(server: RunningServer, desk: Page, plug: Plug) -> None:
    plug.laptop()
    sign_in(desk, server, server.hire(RIGA))
    expect(desk).to_have_url(f"{server.issuer}/")


def test_a_computer_that_does_not_recognise_the_person_says_what_helps(
    server: RunningServer, desk: Page, plug: Plug
) -> None:
    laptop, who = plug.laptop(), server.hire(RIGA)
    set_up(desk, server, who, "passkey")
    forget_session(desk)
    laptop.verifies(user=False)
    desk.goto(server.issuer)
    door = desk.url
    desk.locator("#method-passkey").click()
    says(desk, TRY_A_PIN)
    expect(desk).to_have_url(door)
    laptop.verifies(user=True)
    desk.locator("#method-passkey").click()
    expect(desk).to_have_url(f"{server.issuer}/")


def test_a_passkey_is_not_made_without_recognising_the_person(
    server: RunningServer, desk: Page, plug: Plug
) -> None:
    laptop, who = plug.laptop(isUserVerified=False), server.hire(RIGA)
    sign_in(desk, server, who, "/account/methods/passkey")
    desk.locator("#login-submit").click()
    says(desk, TRY_A_PIN)
    assert laptop.credentials == []
    desk.goto(f"{server.issuer}/account")
    expect(desk.locator("#account-method-passkey")).to_contain_text("Iestatīt")


def test_an_authenticator_that_cannot_recognise_anybody_makes_no_passkey(
    server: RunningServer, desk: Page, plug: Plug
) -> None:
    plug.key_fob()
    sign_in(desk, server, server.hire(RIGA), "/account/methods/passkey")
    desk.locator("#login-submit").click()
    says(desk, "PIN")


def test_the_same_computer_twice_is_said_to_be_registered(
    server: RunningServer, desk: Page, plug: Plug
) -> None:
    laptop, who = plug.laptop(), server.hire(RIGA)
    set_up(desk, server, who, "passkey")
    desk.goto(f"{server.issuer}/account/methods/passkey")
    desk.locator("#login-submit").click()
    says(desk, REGISTERED)
    assert len(laptop.credentials) == 1


def test_two_authenticators_and_either_signs_in(server: RunningServer, desk: Page, plug: Plug) -> None:
    laptop, who = plug.laptop(), server.hire(RIGA)
    set_up(desk, server, who, "passkey", "Dators")
    kept = laptop.credentials[0]
    laptop.remove()
    second = plug.laptop(defaultBackupEligibility=True, defaultBackupState=True)
    desk.goto(f"{server.issuer}/account/methods/passkey")
    desk.locator("#label").fill("Tālrunis")
    desk.locator("#login-submit").click()
    expect(desk).to_have_url(f"{server.issuer}/account")
    expect(desk.locator("#account-method-passkey .key")).to_have_count(2)
    expect(desk.locator("#account-method-passkey")).to_contain_text("Sinhronizēta starp ierīcēm.")
    forget_session(desk)
    modal(desk, server, second)
    expect(desk).to_have_url(f"{server.issuer}/")
    second.remove()
    forget_session(desk)
    back = plug.laptop()
    back.takes(kept)
    modal(desk, server, back)
    expect(desk).to_have_url(f"{server.issuer}/")


def test_a_synced_passkey_works_on_the_other_device_whatever_that_counts(
    server: RunningServer, desk: Page, plug: Plug, open_page: OpenPage
) -> None:
    synced = {"defaultBackupEligibility": True, "defaultBackupState": True}
    phone, who = plug.laptop(**synced), server.hire(RIGA)
    set_up(desk, server, who, "passkey")
    (credential,) = phone.credentials
    for _ in range(2):
        forget_session(desk)
        modal(desk, server, phone)
        expect(desk).to_have_url(f"{server.issuer}/")
    other = open_page()
    tablet = Plug(other).laptop(**synced)
    tablet.takes(credential | {"signCount": 0})
    modal(other, server, tablet)
    expect(other).to_have_url(f"{server.issuer}/")


def test_a_copied_passkey_of_one_device_is_blocked(
    server: RunningServer, desk: Page, plug: Plug, open_page: OpenPage
) -> None:
    laptop, who = plug.laptop(), server.hire(RIGA)
    set_up(desk, server, who, "passkey")
    (credential,) = laptop.credentials
    for _ in range(2):
        forget_session(desk)
        modal(desk, server, laptop)
        expect(desk).to_have_url(f"{server.issuer}/")
    thief = open_page()
    copy = Plug(thief).laptop()
    copy.takes(credential | {"signCount": 0})
    modal(thief, server, copy)
    says(thief, "neizdevās izmantot")
    desk.goto(f"{server.issuer}/account")
    expect(desk.locator("#account-method-passkey")).to_contain_text("Bloķēta")


def test_a_passkey_is_renamed_and_removed_by_its_owner(server: RunningServer, desk: Page, plug: Plug) -> None:
    plug.laptop()
    who = server.hire(RIGA)
    set_up(desk, server, who, "passkey")
    card = desk.locator("#account-method-passkey")
    card.get_by_role("link", name="Pārdēvēt").click()
    expect(desk.locator("#label")).to_be_focused()
    desk.locator("#label").fill("Dators mājās")
    desk.locator("#login-submit").click()
    expect(card).to_contain_text("Dators mājās")
    card.get_by_role("link", name="Noņemt Dators mājās").click()
    expect(desk.locator("#main")).to_contain_text("tiks pabeigta arī šī sesija")
    desk.locator("#remove-confirm").click()
    identify(desk, who)
    expect(card).to_contain_text("Iestatīt")


# Security keys -----------------------------------------------------------------------------------------------


def test_a_security_key_is_asked_for_after_the_password(
    server: RunningServer, desk: Page, plug: Plug
) -> None:
    fob, who = plug.key_fob(), server.hire(RIGA)
    set_up(desk, server, who, "security_key", "Pie atslēgām")
    assert not fob.credentials[0]["isResidentCredential"]
    forget_session(desk)
    sign_in(desk, server, who)
    expect(desk.locator("#page-title")).to_have_text("Apstipriniet, ka tas esat Jūs")
    desk.locator("#login-submit").click()
    expect(desk).to_have_url(f"{server.issuer}/")


def test_the_key_of_another_person_does_nothing(
    server: RunningServer, desk: Page, plug: Plug, open_page: OpenPage
) -> None:
    fob, owner = plug.key_fob(), server.hire(RIGA)
    set_up(desk, server, owner, "security_key")
    other, somebody = open_page(), server.hire(RIGA)
    hers = Plug(other).key_fob()
    set_up(other, server, somebody, "security_key")
    hers.remove()
    stolen = Plug(other).key_fob()
    stolen.takes(fob.credentials[0])
    forget_session(other)
    sign_in(other, server, somebody)
    door = other.url
    other.locator("#login-submit").click()
    says(other, TRY_A_PIN)
    expect(other).to_have_url(door)


def test_the_same_key_twice_is_said_to_be_registered(server: RunningServer, desk: Page, plug: Plug) -> None:
    fob, who = plug.key_fob(), server.hire(RIGA)
    set_up(desk, server, who, "security_key")
    desk.goto(f"{server.issuer}/account/methods/security_key")
    desk.locator("#login-submit").click()
    says(desk, REGISTERED)
    assert len(fob.credentials) == 1


def test_the_button_is_itself_again_when_the_person_gave_up(
    server: RunningServer, desk: Page, plug: Plug
) -> None:
    """A page that says "please wait" for good would keep somebody from another way."""
    fob, who = plug.key_fob(), server.hire(RIGA, totp=True)
    sign_in(desk, server, who, "/account/methods/security_key")
    desk.locator("#code").fill(who.code())
    desk.locator("#login-submit").click()
    desk.locator("#login-submit").click()
    expect(desk.locator("#recovery-codes")).to_be_visible()
    forget_session(desk)
    fob.remove()
    sign_in(desk, server, who)
    button = desk.locator("#login-submit")
    expect(button).to_have_text("Apstiprināt")
    button.click()
    expect(button).to_have_text("Apstiprināt")
    desk.locator("#method-totp").click()
    desk.locator("#code").fill(who.code())
    desk.locator("#login-submit").click()
    expect(desk).to_have_url(f"{server.issuer}/")


# Look-alikes -------------------------------------------------------------------------------------------------


def test_a_look_alike_page_gets_nothing_from_a_passkey(
    server: RunningServer, browser: Browser, desk: Page, plug: Plug
) -> None:
    """attack 32: exact origin. A page of ours passed on by a stranger, under the stranger's name."""
    laptop, who = plug.laptop(), server.hire(RIGA)
    set_up(desk, server, who, "passkey")
    (credential,) = laptop.credentials
    port = urlsplit(server.issuer).port
    there = f"http://{LOOK_ALIKE}:{port}"
    flags = (
        f"--host-resolver-rules=MAP {LOOK_ALIKE} 127.0.0.1",
        f"--unsafely-treat-insecure-origin-as-secure={there}",
    )
    with another_browser(browser, *flags) as deceived, open_pages(deceived) as open_page:
        page = open_page()
        authenticator = Plug(page).laptop()
        authenticator.takes(credential)
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.post_data or ""))
        page.goto(there)
        door = page.url
        assert page.evaluate("window.isSecureContext")
        page.locator("#method-passkey").click()
        says(page, "Pārbaudiet adresi.")
        expect(page).to_have_url(door)
        assert not any("signature" in body for body in sent)
        answer = page.evaluate(
            """(id) => navigator.credentials.get({ publicKey: { challenge: new Uint8Array(32), rpId: id } })
                 .then(() => "a signature", (error) => error.name)""",
            LOOK_ALIKE,
        )
        assert answer == "NotAllowedError", "asked for in the stranger's own name, there is no such key"
        identify(page, who)
        expect(page.locator("#error-code")).to_have_text("form_not_accepted")


# Every page --------------------------------------------------------------------------------------------------


def _passkey_enrolment(page: Page, server: RunningServer) -> None:
    sign_in(page, server, server.hire(RIGA), "/account/methods/passkey")


def _security_key_enrolment(page: Page, server: RunningServer) -> None:
    sign_in(page, server, server.hire(RIGA), "/account/methods/security_key")


def _choice_of_methods(page: Page, server: RunningServer) -> None:
    question = server.application("demo-web").ask(scope="openid", acr_values="urn:visvaris:acr:mfa")
    sign_in(page, server, server.hire(RIGA), question.url.removeprefix(server.issuer))
    expect(page.locator("#method-security_key")).to_be_visible()


def _security_key_step(page: Page, server: RunningServer) -> None:
    who = server.hire(RIGA, totp=True)
    Plug(page).key_fob()
    sign_in(page, server, who, "/account/methods/security_key")
    page.locator("#code").fill(who.code())
    page.locator("#login-submit").click()
    page.locator("#login-submit").click()
    expect(page.locator("#recovery-codes")).to_be_visible()
    forget_session(page)
    sign_in(page, server, who)


def _passkey_step(page: Page, server: RunningServer) -> None:
    laptop, who = Plug(page).laptop(), server.hire(RIGA)
    set_up(page, server, who, "passkey")
    laptop.is_at_hand(touched=False)
    forget_session(page)
    sign_in(page, server, who)


def _trouble_beside_the_username(page: Page, server: RunningServer) -> None:
    page.goto(server.issuer)
    Plug(page).laptop(isUserVerified=False)
    page.locator("#method-passkey").click()
    says(page, TRY_A_PIN)


def _failed_passkey(page: Page, server: RunningServer) -> None:
    """Of somebody whose key is not known here any more."""
    laptop, who = Plug(page).laptop(), server.hire(RIGA)
    set_up(page, server, who, "passkey")
    kept = laptop.credentials[0]
    page.locator("#account-method-passkey").get_by_role("link", name="Noņemt").click()
    laptop.is_at_hand(touched=False)  # or it would answer the page to which the removal leads
    page.locator("#remove-confirm").click()
    expect(page.locator("#username")).to_be_visible()
    forget_session(page)
    laptop.takes(kept) if not laptop.credentials else None
    modal(page, server, laptop)
    says(page, "neizdevās izmantot")


def _account_with_keys(page: Page, server: RunningServer) -> None:
    plug, who = Plug(page), server.hire(RIGA)
    laptop = plug.laptop()
    set_up(page, server, who, "passkey", "Darba dators")
    laptop.remove()
    plug.key_fob()
    page.goto(f"{server.issuer}/account/methods/security_key")
    page.locator("#label").fill("Atslēga pie mājas atslēgām, kuras nosaukums ir ļoti garš")
    page.locator("#login-submit").click()
    expect(page).to_have_url(f"{server.issuer}/account")
    expect(page.locator(".key")).to_have_count(2)


def _rename(page: Page, server: RunningServer) -> None:
    _account_with_keys(page, server)
    page.locator("#account-method-passkey").get_by_role("link", name="Pārdēvēt").click()


def _removal(page: Page, server: RunningServer) -> None:
    plug, who = Plug(page), server.hire(RIGA)
    plug.laptop()
    set_up(page, server, who, "passkey", "Darba dators")
    page.locator("#account-method-passkey").get_by_role("link", name="Noņemt").click()


EVERY_PAGE: dict[str, Callable[[Page, RunningServer], None]] = {
    "passkey-enrolment": _passkey_enrolment,
    "security-key-enrolment": _security_key_enrolment,
    "choice-of-methods": _choice_of_methods,
    "security-key-step": _security_key_step,
    "passkey-step": _passkey_step,
    "failed-passkey": _failed_passkey,
    "account-with-keys": _account_with_keys,
    "rename": _rename,
    "removal": _removal,
}


@pytest.mark.parametrize("name", EVERY_PAGE)
def test_every_page_with_keys_is_accessible_in_both_themes_and_fits_a_phone(
    server: RunningServer, open_page: OpenPage, name: str
) -> None:
    page = open_page(viewport=PHONE)
    EVERY_PAGE[name](page, server)
    looks_right(page, name)


def test_what_went_wrong_is_accessible_too(server: RunningServer, open_page: OpenPage) -> None:
    page = open_page(viewport=DESK)
    _trouble_beside_the_username(page, server)
    looks_right(page, "trouble beside the username")


def test_with_scripts_off_the_button_says_what_it_needs(server: RunningServer, open_page: OpenPage) -> None:
    page = open_page(java_script_enabled=False)
    page.goto(server.issuer)
    page.locator("#method-passkey").click()
    expect(page.get_by_role("alert").first).to_contain_text("skriptiem")
    identify(page, server.hire(RIGA))
    expect(page).to_have_url(f"{server.issuer}/")
