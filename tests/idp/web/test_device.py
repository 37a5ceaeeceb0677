"""The pages at /device, as the person with the phone: whole provider, no scripts. The device asks over HTTP."""

import httpx
import pytest

from idp.effects import Effects
from idp.oidc.client_metadata import register
from idp.policy import NATIONAL, Level
from tests.support.actors import Browser, Employee, Hall
from tests.support.builders import KEKAVA, RIGA
from tests.support.device import METADATA, Device, Shown
from tests.support.relying_party import RelyingParty

BOARD = "Rindu tablo"


def device_of(
    hall: Hall, address: str = "192.0.2.10", *, scope: str = "openid profile employment", **own: object
) -> Device:
    """A public client on a device at this address."""
    document = {
        "client_name": BOARD,
        "token_endpoint_auth_method": "none",
        "scope": scope,
        "policy_uri": "https://board.example.lv/privacy",
        "visvaris": own,
        **METADATA,
    }
    client = register(document, Effects()).client
    hall.add_client(client)
    http = httpx.Client(
        transport=httpx.WSGITransport(app=hall.app, remote_addr=address), base_url=hall.issuer
    )
    return Device(
        RelyingParty(
            issuer=hall.issuer,
            client_id=client.client_id,
            redirect_uri="",
            http=http,
            auth_method="none",
            now=hall.clock,
        )
    )


@pytest.fixture
def device(hall: Hall) -> Device:
    return device_of(hall)


def types(browser: Browser, shown: Shown) -> None:
    browser.opens("/device")
    browser.presses("login-submit", code=shown.user_code)


def reaches_confirmation(browser: Browser, who: Employee, shown: Shown) -> None:
    types(browser, shown)
    browser.enters(who)
    assert browser.page.has("device-deny")


def wrong_button(browser: Browser, shown: Shown) -> str:
    buttons = [name for name in browser.page.form(button="device-deny").buttons if name.startswith("number-")]
    return next(name for name in buttons if name != f"number-{shown.number}")


def test_a_code_a_sign_in_and_a_number_let_the_device_in(
    hall: Hall, browser: Browser, anna: Employee, device: Device
) -> None:
    shown = device.asks("openid profile employment")
    types(browser, shown)
    assert BOARD in browser.page.words, "whom one signs in for is said before"
    browser.enters(anna)
    words = browser.page.words
    for told in (
        BOARD,
        "Vārds un uzvārds",
        "Darba vieta un amats",
        "192.0.2.10",
        "tas pats tīkls",
        "Anna Bērziņa",
    ):
        assert told in words, told
    browser.presses(f"number-{shown.number}")
    assert browser.page.title == "Ierīcei atļauts pieslēgties"
    tokens = device.polls(shown)
    assert device.party.userinfo(tokens.access_token)["name"] == "Anna Bērziņa"


def test_who_is_signed_in_goes_straight_to_the_question(
    browser: Browser, anna: Employee, device: Device
) -> None:
    browser.signs_in(anna)
    types(browser, shown := device.asks())
    assert browser.page.has(f"number-{shown.number}")


def test_a_link_with_the_code_fills_it_in_and_skips_nothing(
    browser: Browser, anna: Employee, device: Device
) -> None:
    """attack 15, RFC 8628 section 3.3.1"""
    browser.signs_in(anna)
    shown = device.asks()
    browser.opens(shown.verification_uri_complete.removeprefix(device.party.issuer))
    assert browser.page.form("code").fields["code"] == shown.user_code
    assert "Salīdziniet" in browser.page.words
    assert device.is_told(shown) == "authorization_pending"
    browser.presses("login-submit")
    assert browser.page.has("device-deny"), "the number is still asked for"


@pytest.mark.parametrize("code", ["<script>", "AAAA-AAAA", "x" * 5000, "%00", ""])
def test_a_link_with_something_else_fills_in_nothing(browser: Browser, code: str) -> None:
    page = browser.opens(str(httpx.URL("/device", params={"user_code": code})))
    assert page.status == 200
    assert page.form("code").fields["code"] == ""


def test_a_wrong_number_ends_it_with_a_code_for_support(
    hall: Hall, browser: Browser, anna: Employee, device: Device
) -> None:
    """attack 15"""
    reaches_confirmation(browser, anna, shown := device.asks())
    browser.presses(wrong_button(browser, shown))
    assert browser.page.title == "Ierīcei piekļuve atteikta"
    assert browser.page.error_code == "device_number_mismatch"
    assert browser.page.content.ids["error-reference"]
    assert device.is_told(shown) == "access_denied"
    assert hall.events(anna)[-1] == "device.refused"
    browser.opens("/account")
    assert "Ierīcei tika atteikta piekļuve" in browser.page.words


def test_refusing_says_what_happens_now(browser: Browser, anna: Employee, device: Device) -> None:
    reaches_confirmation(browser, anna, shown := device.asks())
    browser.presses("device-deny")
    assert browser.page.title == "Ierīcei piekļuve atteikta"
    assert device.is_told(shown) == "access_denied"


def test_loading_the_last_page_again_decides_nothing(
    hall: Hall, browser: Browser, anna: Employee, device: Device
) -> None:
    reaches_confirmation(browser, anna, shown := device.asks())
    browser.presses(f"number-{shown.number}")
    path, events = browser.page.path, hall.events(anna)
    assert browser.opens(path).title == "Ierīcei atļauts pieslēgties"
    assert hall.events(anna) == events


def test_an_unknown_code_is_said_by_its_field(browser: Browser, device: Device) -> None:
    browser.opens("/device")
    page = browser.presses("login-submit", code="bcdf ghjk")
    assert page.status == 422
    assert "Kods nav derīgs" in page.content.ids["code-error"]
    assert page.form("code").fields["code"] == "bcdf ghjk"


def test_guesses_have_to_wait(hall: Hall, device: Device) -> None:
    """attack 29, RFC 8628 section 5.1"""
    browser = hall.browser("198.51.100.7")
    browser.opens("/device")
    for _ in range(5):
        assert browser.presses("login-submit", code="BCDF-GHJK").status == 422
    page = browser.presses("login-submit", code=device.asks().user_code)
    assert page.status == 429
    assert page.headers["retry-after"] == "6"
    assert "Pārāk daudz mēģinājumu" in page.words


def test_a_code_that_is_over_is_said_to_be_over(
    hall: Hall, browser: Browser, anna: Employee, device: Device
) -> None:
    browser.signs_in(anna)
    types(browser, device.asks())
    hall.clock.move(601)
    page = browser.opens(browser.page.path)
    assert (page.status, page.error_code) == (410, "device_code_expired")
    assert page.content.links["device-restart"] == "/device"
    assert browser.opens("/device/no-such-thing").status == 410


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
    browser: Browser, anna: Employee, device: Device, token: str | None, headers: dict[str, str]
) -> None:
    """attack 24: it might even know the number."""
    reaches_confirmation(browser, anna, shown := device.asks())
    path, form = browser.page.path, browser.page.form(button="device-deny")
    sent = form.fields["csrf_token"] if token is None else token
    assert browser.posts(path, {"csrf_token": sent, "choice": str(shown.number)}, **headers).status == 403
    assert browser.posts("/device", {"csrf_token": sent, "code": shown.user_code}, **headers).status == 403
    assert browser.opens(f"{path}?choice={shown.number}").has("device-deny"), "and asking changes nothing"
    assert device.is_told(shown) == "authorization_pending"


def test_another_browser_cannot_use_the_confirmations_address(
    hall: Hall, browser: Browser, anna: Employee, device: Device
) -> None:
    """attack 22"""
    reaches_confirmation(browser, anna, device.asks())
    other = hall.browser()
    other.signs_in(anna)
    assert other.opens(browser.page.path).status == 410


def test_the_municipalitys_and_the_applications_demands_are_met_by_signing_in(hall: Hall) -> None:
    """attack 23: a password alone opens no device of an application that wants two factors."""
    device, browser = device_of(hall, minimum_level="urn:visvaris:acr:mfa"), hall.browser()
    who = hall.employee("berta", totp=True)
    hall.rule(NATIONAL, Level.ONE_FACTOR)
    types(browser, shown := device.asks())
    browser.identifies(who)
    assert browser.page.has("code")
    assert not browser.page.has("device-deny")
    browser.presses(code=who.code())
    assert browser.page.has("device-deny")
    browser.presses(f"number-{shown.number}")
    assert device.polls(shown).claims["acr"] == "urn:visvaris:acr:mfa"


def test_who_may_not_use_the_application_is_told_so(hall: Hall, browser: Browser, anna: Employee) -> None:
    device = device_of(hall, municipalities=[KEKAVA])
    types(browser, shown := device.asks())
    browser.enters(anna)
    assert browser.page.status == 403
    assert browser.page.error_code == "client_not_allowed"
    assert device.is_told(shown) == "authorization_pending"


def test_who_has_two_posts_says_in_which_they_act(hall: Hall, browser: Browser) -> None:
    hall.rule(KEKAVA)
    device = device_of(hall, needs_employment=True)
    who = hall.employee("divi", municipalities=(RIGA, KEKAVA))
    types(browser, shown := device.asks("openid employment"))
    browser.enters(who)
    browser.presses(municipality=who.posts[1].id)
    assert "Jēkabpils novads" in browser.page.words
    browser.presses(f"number-{shown.number}")
    tokens = device.polls(shown)
    assert device.party.userinfo(tokens.access_token)["municipality"] == KEKAVA


def test_a_blocked_person_decides_nothing(
    hall: Hall, browser: Browser, anna: Employee, device: Device
) -> None:
    """attack 25"""
    reaches_confirmation(browser, anna, shown := device.asks())
    hall.block(anna)
    browser.presses(f"number-{shown.number}")
    assert browser.page.has("username"), "they are asked to sign in"
    assert device.is_told(shown) == "authorization_pending"


def test_the_device_at_another_address_is_said_to_be_elsewhere(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    reaches_confirmation(browser, anna, device_of(hall, "203.0.113.77").asks())
    assert "203.0.113.77" in browser.page.words
    assert "cits tīkls" in browser.page.words


def test_the_pages_speak_english_too(hall: Hall, browser: Browser, anna: Employee, device: Device) -> None:
    browser.opens("/language/en?back=/device")
    assert browser.page.title == "Connect a device"
    browser.presses("login-submit", code=(shown := device.asks()).user_code)
    browser.enters(anna)
    assert browser.page.title == "Let this device in?"
    browser.presses(f"number-{shown.number}")
    assert browser.page.title == "The device is let in"


def test_nothing_of_it_is_kept_by_browsers_or_framed(
    browser: Browser, anna: Employee, device: Device
) -> None:
    """attack 26"""
    reaches_confirmation(browser, anna, device.asks())
    assert browser.page.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in browser.page.headers["content-security-policy"]
    assert "form-action 'self'" in browser.page.headers["content-security-policy"]
