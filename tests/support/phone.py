"""A phone that approves, and a computer that waits for it, as people use them."""

from tests.support.actors import EVERY_METHOD, Browser, Employee, Hall
from tests.support.builders import RIGA
from tests.support.pages import Page

WITH_PHONE = [*EVERY_METHOD, "phone_approval"]
PHONE_SAYS = "Mozilla/5.0 (Linux; Android 15; Pixel 8) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36"
APPROVER_COOKIE = "__Host-visvaris-approver"


def permit(hall: Hall, *scopes: str) -> None:
    for scope in scopes or ("national", RIGA):
        hall.rule(scope, methods=WITH_PHONE)


def phone_of(
    hall: Hall, who: Employee, label: str = "Mans tālrunis", address: str = "203.0.113.5"
) -> Browser:
    """Signed in with the authenticator, and allowed to approve."""
    phone = hall.browser(address, **{"User-Agent": PHONE_SAYS})
    phone.signs_in(who)
    assert allows_approving(phone, label).path == "/account"
    return phone


def allows_approving(phone: Browser, label: str = "") -> Page:
    phone.opens("/account/methods/phone_approval")
    return phone.presses(label=label)


def asks_phone(desk: Browser, who: Employee, path: str = "/") -> str:
    """Signs in up to the page with the number, and gives that."""
    desk.opens(path)
    desk.identifies(who)
    desk.follows("method-phone_approval")
    return shown_number(desk)


def shown_number(desk: Browser) -> str:
    return desk.page.content.ids["approval-number"]


def wrong_number(phone: Browser, right: str) -> str:
    return next(number for number in offered(phone) if number != right)


def offered(phone: Browser) -> list[str]:
    buttons = phone.page.form(button="approval-deny").buttons
    return [value for name, (_, value) in buttons.items() if name.startswith("number-")]


def opens_request(phone: Browser) -> Page:
    phone.opens("/approve")
    (link,) = [href for href in phone.page.content.links.values() if href.startswith("/approve/")]
    return phone.opens(link)


def confirms(phone: Browser, number: str) -> Page:
    opens_request(phone)
    return phone.presses(f"number-{number}")
