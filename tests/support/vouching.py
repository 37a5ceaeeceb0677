"""A town hall whose people vouch for one another: who lost everything, a manager, colleagues, and their browsers."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from idp.models.municipality_rules import MunicipalityRules
from idp.models.vouching import VouchingRequest
from tests.support.actors import Browser, Employee, Hall
from tests.support.builders import RIGA, add_employment
from tests.support.pages import Page

HOUR, DAY = 3600.0, 86400.0
STEP = 30.0
"""After so long an authenticator shows another code."""


def allow(hall: Hall, hours: int = 24, atvk: str = RIGA) -> None:
    with hall.world.database.begin() as work:
        work.municipality_rules.put(atvk, MunicipalityRules(vouching_hours=hours))
    hall.clock.move(STEP)


def colleague(hall: Hall, username: str, *roles: str, atvk: str = RIGA, **columns: Any) -> Employee:
    """With a second factor."""
    made = hall.employee(username, totp=True, municipalities=(), **columns)
    with hall.world.database.begin() as work:
        made.posts.append(add_employment(work, made.user.id, atvk, roles=list(roles)))
    return made


@dataclass
class Circle:
    """Anna lost everything; Berta leads, Kārlis and Dace work beside her. All have a browser of their own."""

    hall: Hall
    anna: Employee = field(init=False)
    berta: Employee = field(init=False)
    karlis: Employee = field(init=False)
    browsers: dict[str, Browser] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.hall.rule(RIGA)
        allow(self.hall)
        self.anna = self.hall.employee("anna", totp=True, email="anna@pasvaldiba.example.lv")
        self.berta = colleague(self.hall, "berta", "manager", given_name="Berta", family_name="Kalniņa")
        self.karlis = colleague(self.hall, "karlis", given_name="Kārlis", family_name="Ozols")

    @cached_property
    def lost(self) -> Browser:
        """Anna's new computer."""
        return self.hall.browser()

    def asks(self, username: str = "anna", browser: Browser | None = None) -> Page:
        browser = browser or self.lost
        browser.opens("/recover")
        return browser.presses("by-vouching", username=username)

    def request(self, browser: Browser | None = None) -> VouchingRequest:
        """The one that this browser looks at."""
        request_id = (browser or self.lost).page.path.rpartition("/")[2]
        with self.hall.world.database.read() as work:
            found = work.vouchings.find(request_id)
        assert found is not None
        return found

    def again(self, request: VouchingRequest) -> VouchingRequest:
        """As it is now."""
        with self.hall.world.database.read() as work:
            found = work.vouchings.find(request.id)
        assert found is not None
        return found

    def comes(self, who: Employee, path: str = "/vouch") -> Browser:
        """Signed in just now, on a browser of theirs."""
        browser = self.browsers.setdefault(who.username, self.hall.browser())
        self.hall.clock.move(STEP)
        browser.opens(path)
        if browser.page.has("password"):
            browser.enters(who)
        elif browser.page.has("code"):
            browser.presses(code=who.code())
        return browser

    def finds(self, who: Employee, request: VouchingRequest) -> Browser:
        browser = self.comes(who)
        browser.presses("vouching-find", request=request.number)
        return browser

    def vouches(self, who: Employee, request: VouchingRequest, number: int | None = None) -> Page:
        browser = self.finds(who, request)
        return browser.presses(f"number-{number or request.shown}")

    def both(self, request: VouchingRequest) -> VouchingRequest:
        self.vouches(self.berta, request)
        self.vouches(self.karlis, request)
        return self.again(request)

    def is_ready(self) -> VouchingRequest:
        """Asked, vouched for by both, and the time to stop it is over."""
        self.asks()
        request = self.both(self.request())
        assert request.ready_at is not None
        self.hall.clock.at = request.ready_at
        return request

    def goes_on(self) -> Page:
        self.lost.opens(self.lost.page.path)
        return self.lost.presses("vouching-go-on")


def wrong_of(request: VouchingRequest) -> int:
    return next(each for each in request.choices if each != request.shown)


def letters_to(hall: Hall, who: Employee, about: str) -> list[str]:
    """The texts of what was mailed to this person about such events."""
    with hall.world.database.read() as work:
        mails = work.mails.list_mails(now=hall.clock())
    wanted = [mail for mail in mails if mail.user_id == who.user.id and mail.about == about]
    return [hall.provider.letters.write(mail, hall.clock()).text for mail in wanted]


def stop_link_in(text: str) -> str:
    """The path of the link that stops it."""
    link = next(word for word in text.split() if "/recover/stop" in word)
    return link[link.index("/recover/stop") :]


def leaves(hall: Hall, who: Employee) -> None:
    """They work nowhere from now on."""
    with hall.world.database.begin() as work:
        work.connection().exec_driver_sql(
            "UPDATE employments SET ends_at = 1 WHERE user_id = ?", (who.user.id,)
        )
