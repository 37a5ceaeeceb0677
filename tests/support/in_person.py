"""Documents looked at face to face, over the API, and the people who then type their code."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from idp.models.confirmations import Confirmed
from idp.policy import NATIONAL, OPERATOR
from tests.support.actors import WITH_KEYS, Browser, Employee, Hall
from tests.support.administrators import Api, administrator, program, token_of
from tests.support.builders import KEKAVA, RIGA
from tests.support.pages import Page, Parsed
from tests.support.relying_party import RelyingParty

CODE = "320000-00015"
PAPER = {
    "personal_code": CODE,
    "given_name": "Anna",
    "family_name": "Bērziņa",
    "document": "passport",
}


@dataclass
class TownHall:
    """Riga with two administrators, Ķekava with one, and an operator; each with a token of just now."""

    hall: Hall
    console: RelyingParty = field(init=False)
    people: dict[str, Employee] = field(init=False)
    apis: dict[str, Api] = field(init=False)

    def __post_init__(self) -> None:
        for scope in (NATIONAL, RIGA, KEKAVA, OPERATOR):
            self.hall.rule(scope, methods=WITH_KEYS)
        self.console = program(self.hall)
        self.people = {
            "first": administrator(self.hall, "pirmais", RIGA),
            "second": administrator(self.hall, "otrais", RIGA),
            "kekava": administrator(self.hall, "kekavas", KEKAVA),
            "operator": self.hall.employee("operators", totp=True, roles=[OPERATOR], municipalities=[]),
        }
        self.apis = {name: self.as_(who) for name, who in self.people.items()}

    def as_(self, who: Employee) -> Api:
        return Api(self.hall, token_of(self.hall, self.console, who))

    def __getitem__(self, name: str) -> Api:
        return self.apis[name]

    def states(self, who: Employee, by: str = "first", **changed: Any) -> httpx.Response:
        return self[by].ask("POST", "/identity-checks", json={"user": who.username, **PAPER, **changed})

    def approves(self, check: str, by: str = "second", **options: Any) -> httpx.Response:
        return self[by].ask("POST", f"/identity-checks/{check}/approval", **options)

    def check_of(self, who: Employee, by: str = "first", **changed: Any) -> str:
        made = self.states(who, by, **changed)
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    def code_for(self, who: Employee, *, approver: str = "second", **changed: Any) -> str:
        """As it stands on the letter."""
        given = self.approves(self.check_of(who, **changed), approver)
        assert given.status_code == 201, given.text
        return Parsed(given.text).ids["letter-code"]

    def state(self, check: str) -> str:
        return str(self["operator"].get(f"/identity-checks/{check}").json()["state"])

    def confirmed(self, who: Employee) -> Confirmed | None:
        with self.hall.world.database.read() as work:
            return work.confirmations.find(who.user.id)

    def trail(self, who: Employee) -> list[tuple[str, str | None]]:
        with self.hall.world.database.read() as work:
            return [(event.type, event.reason) for event in reversed(work.audit.activity_of(who.user.id))]


@contextmanager
def town_hall(url: str) -> Iterator[TownHall]:
    hall = Hall(url)
    try:
        yield TownHall(hall)
    finally:
        hall.close()


def asks_for_field(browser: Browser, path: str = "/account/identity") -> Page:
    """Agrees, and chooses to confirm in person."""
    browser.opens(path)
    return browser.presses("identity-in_person", consent="1")


def types(browser: Browser, code: str) -> Page:
    return browser.presses("in-person-enter", code=code)


def confirms(browser: Browser, code: str) -> Page:
    """Everything, up to the page after it was linked."""
    asks_for_field(browser)
    types(browser, code)
    return browser.presses("identity-link")


def recovers(browser: Browser, username: str) -> Page:
    """By the name alone, up to the field for the code."""
    browser.opens("/recover")
    browser.presses(username=username)
    return browser.presses("identity-in_person", consent="1")
