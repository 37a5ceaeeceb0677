"""What a person does at /device, without the pages: types the code, reads, picks a number."""

from idp.oidc.authorize import Browser
from idp.oidc.device_approval import ConfirmationPage, Done, Outcome
from idp.oidc.device_confirmations import Verdict
from tests.idp.oidc.house import House
from tests.support.device import Device, Shown


def type_code(house: House, browser: Browser, code: str) -> str:
    confirmation_id = house.openid.device.enter(code, browser)
    assert isinstance(confirmation_id, str), confirmation_id
    return confirmation_id


def read_page(house: House, browser: Browser, shown: Shown) -> ConfirmationPage:
    page = house.openid.device.look(type_code(house, browser, shown.user_code), browser)
    assert isinstance(page, ConfirmationPage), page
    return page


def pick(house: House, browser: Browser, page: ConfirmationPage, choice: object) -> Outcome:
    return house.openid.device.decide(page.confirmation_id, browser, choice=str(choice))


def confirm(house: House, browser: Browser, shown: Shown) -> None:
    outcome = pick(house, browser, read_page(house, browser, shown), shown.number)
    assert isinstance(outcome, Done), outcome
    assert outcome.verdict is Verdict.APPROVED


def refuse(house: House, browser: Browser, shown: Shown) -> None:
    outcome = pick(house, browser, read_page(house, browser, shown), "deny")
    assert isinstance(outcome, Done), outcome
    assert outcome.verdict is Verdict.REFUSED


def wrong_number(page: ConfirmationPage, shown: Shown) -> int:
    return next(number for number in page.request.choices if number != shown.number)


def approved(house: House, browser: Browser, device: Device, scope: str = "openid") -> Shown:
    shown = device.asks(scope)
    confirm(house, browser, shown)
    return shown
