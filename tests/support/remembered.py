"""People who have their computer remembered, and thieves of what it keeps."""

from idp.models.computers import RememberedComputer
from idp.models.municipality_rules import MunicipalityRules
from tests.support.actors import Browser, Employee, Hall
from tests.support.builders import RIGA
from tests.support.pages import Page

KEPT = "__Host-visvaris-computer"
SESSION = "__Host-visvaris-session"
DAY = 86400.0
STEP = 30.0
"""After so long the authenticator shows another code."""


def allow(hall: Hall, days: int = 14, atvk: str = RIGA) -> None:
    with hall.world.database.begin() as work:
        work.municipality_rules.put(atvk, MunicipalityRules(remember_days=days))


def kept_by(browser: Browser) -> str | None:
    return browser.http.cookies.get(KEPT)


def keeps(browser: Browser, value: str) -> None:
    """From now on, in place of what it kept."""
    if kept_by(browser) is not None:
        browser.http.cookies.delete(KEPT)
    browser.http.cookies.set(KEPT, value, domain="login.example.lv", path="/")


def computers_of(hall: Hall, who: Employee) -> list[RememberedComputer]:
    with hall.world.database.read() as work:
        return work.computers.list_of(who.user.id, hall.clock())


def has_it_remembered(browser: Browser, who: Employee, path: str = "/") -> Page:
    """Signs in with both factors, and ticks the box."""
    browser.opens(path)
    browser.identifies(who)
    return browser.presses(code=who.code(), remember="1")


def comes_again(browser: Browser, who: Employee, path: str = "/", *, after: float = DAY) -> Page:
    """A day later, if nothing else is said: without the session of before, and with the password alone."""
    who.clock.move(after)
    if browser.session is not None:
        browser.http.cookies.delete(SESSION)
    browser.opens(path)
    return browser.identifies(who)
