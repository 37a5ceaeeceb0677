"""However slowly an upstream answers, and whatever it is asked for: one request of ours waits three seconds in all."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from idp.effects import Effects
from idp.gateways.outbound import Fetched, Outbound
from idp.gateways.patience import SECONDS_AT_MOST, Patience
from idp.oidc.client_keys import ClientKeys, KeysUnavailableError
from idp.oidc.upstream_metadata import MetadataError, Metadatas
from tests.support.actors import Browser, Employee
from tests.support.certificates import Authority
from tests.support.remote import Reply
from tests.support.upstream.place import Place, place_of

STALE_SECONDS = 600
DOCUMENT, TOKEN, KEYS = "/.well-known/openid-configuration", "/token", "/keys"
ISSUER = "https://silent.example"


@pytest.fixture
def place(fresh_database: str, authority: Authority) -> Iterator[Place]:
    with place_of(fresh_database, authority) as made:
        made.add()
        yield made


@pytest.fixture
def anna(place: Place) -> Employee:
    made = place.hall.employee("anna")
    place.link(made)
    return made


@pytest.fixture
def browser(place: Place) -> Browser:
    return place.hall.browser()


@dataclass
class Slow:
    """Every answer takes so long, by a clock of ours; given how much time it was asked for is written down."""

    takes: float = 0.0
    now: float = 0.0
    given: list[tuple[str, float]] = field(default_factory=list)

    def clock(self) -> float:
        return self.now


@pytest.fixture
def slow(place: Place, monkeypatch: pytest.MonkeyPatch) -> Slow:
    slow, asks = Slow(), Outbound._ask

    def takes_its_time(
        self: Outbound, method: str, url: str, *rest: Any, seconds: float, **more: Any
    ) -> Fetched:
        slow.given.append((url.removeprefix(place.op.issuer), round(seconds, 6)))
        slow.now += slow.takes
        return asks(self, method, url, *rest, seconds=60.0 if seconds else 0.0, **more)

    place.has_patience(SECONDS_AT_MOST, slow.clock)
    monkeypatch.setattr(Outbound, "_ask", takes_its_time)
    return slow


def leaves_for_long(place: Place, browser: Browser) -> str:
    """The way back. What was known of the upstream has grown old meanwhile, so that all three are fetched."""
    place.leaves(browser)
    place.hall.clock.move(STALE_SECONDS - 10)
    back = place.op.visit(place.leaves(browser))
    place.hall.clock.move(20)
    return back


def comes_back(place: Place, browser: Browser, slow: Slow, *, takes: float) -> None:
    back = leaves_for_long(place, browser)
    slow.given, slow.takes = [], takes
    browser.opens(back)
    slow.takes = 0.0


def test_it_is_three_seconds():
    assert Patience().seconds == 3.0


def test_each_fetch_has_what_the_ones_before_it_left_over(
    place: Place, anna: Employee, browser: Browser, slow: Slow
) -> None:
    comes_back(place, browser, slow, takes=0.9)
    assert slow.given == [(DOCUMENT, 3.0), (TOKEN, 2.1), (KEYS, 1.2)]
    assert browser.is_signed_in


def test_who_is_not_asked_any_more_is_not_to_blame(
    place: Place, anna: Employee, browser: Browser, slow: Slow
) -> None:
    """No time was left for the keys; whoever comes next has them asked at once."""
    comes_back(place, browser, slow, takes=1.5)
    assert slow.given == [(DOCUMENT, 3.0), (TOKEN, 1.5)]
    assert place.reasons() == ["upstream_unreachable"]
    assert not browser.is_signed_in
    place.signs_in(browser)
    assert browser.is_signed_in


def test_a_code_for_which_no_time_is_left_is_not_sent(
    place: Place, anna: Employee, browser: Browser, slow: Slow
) -> None:
    comes_back(place, browser, slow, takes=3.0)
    assert slow.given[0] == (DOCUMENT, 3.0)
    assert place.op.remote.asked(f"{place.op.base}{TOKEN}") == []
    assert place.reasons() == ["upstream_unreachable"]


def test_a_logout_token_has_one_deadline_too(
    place: Place, anna: Employee, browser: Browser, slow: Slow
) -> None:
    token = place.op.logout_token()
    slow.takes = 1.0
    browser.posts("/login/upstream/backchannel-logout", {"logout_token": token})
    assert slow.given == [(DOCUMENT, 3.0), (KEYS, 2.0)]


@pytest.mark.parametrize("path", [DOCUMENT, TOKEN, KEYS])
def test_whichever_drips_the_person_is_told_and_the_other_ways_work(
    place: Place, anna: Employee, browser: Browser, path: str
) -> None:
    """Each byte in time, and the whole never: a limit for each read would not see that."""
    stop = threading.Event()
    back = leaves_for_long(place, browser)
    place.has_patience(0.7)
    place.op.remote.answers[f"{place.op.base}{path}"] = Reply(b"", drips_until=stop)
    try:
        page = browser.opens(back)
    finally:
        stop.set()
    assert place.reasons() == ["upstream_unreachable"]
    assert page.status == 422
    browser.presses(username="anna", password=anna.password)
    assert browser.is_signed_in


# Behind somebody else who waits ---------------------------------------------------------------------------


@dataclass
class Silent(Outbound):
    """Asked once, it says nothing until it is let go."""

    entered: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)

    def fetch(self, url: str, **_: object) -> Fetched:
        self.entered.set()
        self.release.wait(60)
        return Fetched(200, "application/json", b"[]")


@pytest.mark.parametrize("what", ["the document", "the keys"])
def test_who_waits_for_somebody_else_s_fetch_waits_no_longer_than_for_an_own_one(what: str) -> None:
    silent = Silent()
    metadatas, keys = Metadatas(silent, Effects()), ClientKeys(silent, Effects())

    def asks(seconds: float) -> None:
        deadline = Patience(seconds).begin()
        if what == "the document":
            with pytest.raises(MetadataError):
                metadatas.get(ISSUER, deadline)
        else:
            with pytest.raises(KeysUnavailableError):
                keys.find_published(f"{ISSUER}/keys", lambda _: None, deadline)

    first = threading.Thread(target=asks, args=(60.0,))
    first.start()
    try:
        assert silent.entered.wait(60)
        asks(0.05)
        assert first.is_alive(), "it was not the first that let the second go"
    finally:
        silent.release.set()
        first.join()
