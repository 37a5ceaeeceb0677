"""People with enrolment letters: ordered by an administrator, read as printed, used in a browser."""

from dataclasses import dataclass

import httpx
import pyotp

from tests.support.actors import Browser, Employee, Hall
from tests.support.administrators import Api
from tests.support.pages import Page, Parsed


@dataclass(frozen=True)
class PrintedLetter:
    reply: httpx.Response
    content: Parsed

    @property
    def code(self) -> str:
        return self.content.ids["letter-code"]

    @property
    def id(self) -> str:
        return self.reply.headers["Location"].rpartition("/")[2]


def order(api: Api, who: Employee) -> httpx.Response:
    return api.ask("POST", "/enrolment-tickets", json={"user": who.username})


def letter_for(api: Api, who: Employee) -> PrintedLetter:
    reply = order(api, who)
    assert reply.status_code == 201, reply.text
    return PrintedLetter(reply, Parsed(reply.text))


def uses(browser: Browser, username: str, code: str) -> Page:
    browser.opens("/enrol")
    return browser.presses(username=username, code=code)


def chooses(browser: Browser, method: str) -> Page:
    return browser.follows(f"method-{method}")


def sets_up_authenticator(browser: Browser, who: Employee) -> Page:
    """Once the letter was right."""
    chooses(browser, "totp")
    secret = browser.page.content.ids["totp-key"].replace(" ", "")
    who.authenticator = pyotp.TOTP(secret)
    return browser.presses(code=who.code())


def newcomer(hall: Hall, username: str = "jauna", **options: object) -> Employee:
    """Somebody who has nothing to sign in with yet."""
    made = hall.employee(username, **options)  # type: ignore[arg-type]
    with hall.world.database.begin() as work:
        work.people.remove_credentials(made.user.id, None)
    return made
