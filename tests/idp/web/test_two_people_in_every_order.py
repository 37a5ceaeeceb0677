"""Two people on one browser profile: whatever reaches it after the first is gone is read through for anything of theirs.

Heads and bodies, from the door over both applications to the account page, forwards and back through every address
the first was at (attack 22). What is compared claim by claim: `test_two_people_on_one_browser.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
import pytest

from tests.idp.web.test_two_people_on_one_browser import Counter, counter
from tests.support.actors import Employee, Hall
from tests.support.remembered import SESSION

__all__ = ["counter"]

OFFLINE = "openid profile offline_access"


@dataclass
class Turn:
    """The first before the second, at one browser."""

    counter: Counter
    first: Employee
    second: Employee
    received: list[str] = field(default_factory=list)
    """All that came since the second sat down."""
    secrets: dict[str, str] = field(default_factory=dict)
    """What is the first's, by what it is."""
    pages: list[str] = field(default_factory=list)
    """Where the first was."""

    def works(self) -> None:
        """Signs in, opens both applications, looks at the account, and leaves a code unused."""
        counter, hooks = self.counter, self.counter.browser.http.event_hooks["response"]
        hooks.append(self._note_page)
        ours = counter.arrives(counter.ours, self.first)
        theirs = counter.arrives(counter.theirs, self.first, scope=OFFLINE)
        question = counter.asks(counter.ours)
        code = counter.ours.read_answer(question, counter.browser.left_for or "")["code"]
        for path in ("/account", "/account/activity"):
            counter.browser.opens(path)
        hooks.remove(self._note_page)
        self.secrets = {
            "username": self.first.username,
            "name": self.first.user.display_name,
            "user id": self.first.user.id,
            "session token": counter.browser.session or "",
            "sid": ours.claims["sid"],
            "access token": ours.access_token,
            "other access token": theirs.access_token,
            "refresh token": theirs.refresh_token or "",
            "code": code,
        }
        assert all(self.secrets.values())

    def sits_down(self) -> None:
        self.counter.browser.http.event_hooks["response"].append(self._read)

    def presses_back(self) -> None:
        for path in reversed(self.pages):
            self.counter.browser.opens(path)

    def holds_nothing_of_the_first(self) -> None:
        everything = "\n".join(self.received)
        assert [what for what, secret in self.secrets.items() if secret in everything] == []

    def _note_page(self, response: httpx.Response) -> None:
        if response.request.method == "GET":
            self.pages.append(response.request.url.raw_path.decode())

    def _read(self, response: httpx.Response) -> None:
        response.read()
        self.received.append(f"{response.headers}\n{response.text}")


def signs_out(turn: Turn) -> None:
    turn.counter.browser.signs_out()


def waits_for_too_long(turn: Turn) -> None:
    turn.counter.hall.clock.move(61 * 60)


def loses_the_session(turn: Turn) -> None:
    turn.counter.browser.http.cookies.delete(SESSION)


def loses_every_cookie(turn: Turn) -> None:
    turn.counter.browser.http.cookies.clear()


LEAVING = [signs_out, waits_for_too_long, loses_the_session, loses_every_cookie]


@pytest.fixture(params=["anna, then berta", "berta, then anna"])
def turn(request: pytest.FixtureRequest, hall: Hall, counter: Counter) -> Turn:
    anna = hall.employee("anna", given_name="Anna", family_name="Pirmā")
    berta = hall.employee("berta", given_name="Berta", family_name="Otrā")
    made = Turn(counter, *((anna, berta) if request.param.startswith("anna") else (berta, anna)))
    made.works()
    return made


@pytest.mark.parametrize("leaves", LEAVING)
def test_nothing_of_the_first_reaches_the_second(turn: Turn, leaves: Callable[[Turn], None]) -> None:
    """attack 22: before the second signs in, while they work, and back through all that the first had open"""
    leaves(turn)
    turn.sits_down()
    turn.presses_back()
    second = turn.counter.arrives(turn.counter.ours, turn.second)
    turn.counter.arrives(turn.counter.theirs, turn.second, scope=OFFLINE)
    for path in ("/", "/account", "/account/activity"):
        turn.counter.browser.opens(path)
    turn.presses_back()
    turn.holds_nothing_of_the_first()
    assert turn.second.user.display_name in "\n".join(turn.received), "the second was there"
    assert second.claims["sub"] == turn.second.user.id
    assert second.claims["sid"] not in turn.secrets.values()
