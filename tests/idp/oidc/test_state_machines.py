"""Whatever two clients and two people do in whatever order: the grants keep to a model of a page.

Hypothesis draws the steps. Each machine has a house of its own and says before each step what must come of it.
"""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from idp.login.limits import Wait
from idp.models.people import User
from idp.oidc.authorize import Browser
from idp.oidc.device_approval import ConfirmationPage, Done
from tests.idp.oidc.confirming import pick, wrong_number
from tests.idp.oidc.house import House
from tests.support.builders import World
from tests.support.device import GRANT, Device, Shown
from tests.support.relying_party import ProviderError, Question, RelyingParty, Tokens

BOUNDS = settings(max_examples=50, stateful_step_count=40, deadline=None)
either = st.integers(0, 1)
which = st.integers(1, 2)
"""Counted from the latest: with more to choose from, nothing would get far."""
mostly = st.sampled_from([True, True, True, True, False])
mostly_right = st.sampled_from(["number", "number", "number", "wrong", "deny"])
seldom = mostly.map(lambda chosen: not chosen)
Step = tuple[str, tuple[Any, ...]]
ACCESS_SECONDS, RETRY_SECONDS, CODE_SECONDS, DEVICE_SECONDS = 300, 10, 60, 600


def one_of(*kinds: tuple[Any, ...]) -> st.SearchStrategy[Step]:
    """Each kind of step as likely as any other: as rules of their own, Hypothesis would leave out some of them
    in most runs, and a grant gets nowhere without all.
    """
    return st.one_of(*(st.tuples(st.just(name), st.tuples(*drawn)) for name, *drawn in kinds))


def attempt(act: Callable[[], Tokens]) -> Tokens | str:
    """The tokens, or the error."""
    try:
        return act()
    except ProviderError as error:
        return error.error


class Machine(RuleBasedStateMachine):
    """Two confidential clients of ours, two people, each signed in in a browser of their own."""

    def __init__(self, prepared: Path) -> None:
        super().__init__()
        self.home = tempfile.TemporaryDirectory(prefix="vv-machine-")
        path = Path(self.home.name) / "visvaris.sqlite3"
        shutil.copy(prepared, path)
        self.house = House(World(f"sqlite:///{path}"))
        grant_types = ["authorization_code", "refresh_token", GRANT]
        self.parties = [self.house.add_client(grant_types=grant_types) for _ in range(2)]
        self.people: list[User] = []
        for name in ("anna", "berta"):
            self.people.append(self.house.add_person(name))
            self.house.employ(self.people[-1])
        self.browsers: list[Browser] = [self.house.sign_in(user) for user in self.people]
        self.families = 0

    @property
    def now(self) -> float:
        return self.house.world.clock.at

    def take(self, step: Step) -> None:
        name, arguments = step
        getattr(self, name)(*arguments)

    def time_passes(self, seconds: int) -> None:
        self.house.world.clock.move(seconds)

    def session_of(self, index: int) -> str:
        signed_in = self.browsers[index].signed_in
        assert signed_in is not None
        return signed_in.session_id

    def end_session(self, index: int) -> str:
        """The id of what ended; the person is back at once."""
        ended = self.session_of(index)
        self.house.end_session(self.browsers[index])
        self.browsers[index] = self.house.sign_in(self.people[index])
        return ended

    @invariant()
    def families_are_as_many_as_codes_that_were_spent(self) -> None:
        with self.house.world.database.read() as work:
            counted = work.connection().execute(text("SELECT count(*) FROM token_families")).scalar_one()
        assert counted == self.families

    def teardown(self) -> None:
        self.house.world.database.dispose()
        self.home.cleanup()


# The device grant --------------------------------------------------------------------------------------


@dataclass
class Request:
    shown: Shown
    client: int
    offline: bool
    asked_at: float
    state: str = "pending"
    session: str = ""
    session_ended: bool = False
    interval: float = 5
    next_at: float = 0
    tokens: Tokens | None = None
    redeemed_at: float = 0

    def expected(self, client: int, now: float) -> str:
        """What a client is told that asks with this code now."""
        age = now - self.asked_at
        if client != self.client or self.state in {"redeemed", "replayed"} or age >= 2 * DEVICE_SECONDS:
            return "invalid_grant"
        if age >= DEVICE_SECONDS:
            return "expired_token"
        if self.state == "refused":
            return "access_denied"
        if self.state == "approved":
            return "invalid_grant" if self.session_ended else "tokens"
        return "authorization_pending" if now >= self.next_at - 1 else "slow_down"

    def works(self, now: float) -> bool:
        in_time = now < self.redeemed_at + ACCESS_SECONDS
        return self.state == "redeemed" and in_time and (self.offline or not self.session_ended)


class DeviceGrant(Machine):
    def __init__(self, prepared: Path) -> None:
        super().__init__(prepared)
        self.devices = [Device(party) for party in self.parties]
        self.asked: list[Request] = []

    def chosen(self, which: int) -> Request:
        return self.asked[-min(which, len(self.asked))]

    @rule(
        step=one_of(
            ("a_device_asks", either, st.booleans()),
            ("a_person_decides", which, either, mostly_right, seldom),
            ("a_client_asks_for_tokens", which, mostly),
            ("time_passes", st.sampled_from([1, 4, 5, 5, 11, 299, 600])),
            ("a_person_signs_out_and_in", either, seldom),
        )
    )
    def something_happens(self, step: Step) -> None:
        self.take(step)

    @initialize(client=either, offline=st.booleans())
    def one_has_asked(self, client: int, offline: bool) -> None:
        self._ask(client, offline=offline)

    def a_device_asks(self, client: int, offline: bool) -> None:
        if self.asked[-1].state != "pending" or self.now >= self.asked[-1].asked_at + DEVICE_SECONDS:
            self._ask(client, offline=offline)

    def _ask(self, client: int, *, offline: bool) -> None:
        scope = "openid offline_access" if offline else "openid"
        self.asked.append(Request(self.devices[client].asks(scope), client, offline, self.now))

    def a_person_decides(self, which: int, person: int, choice: str, again: bool) -> None:
        request, browser = self.chosen(which), self.browsers[person]
        if request.state != "pending" and not again:
            return
        entered = self.house.openid.device.enter(request.shown.user_code, browser)
        if isinstance(entered, Wait):
            return
        open_still = request.state == "pending" and self.now < request.asked_at + DEVICE_SECONDS
        assert (entered is not None) == open_still
        if entered is None:
            return
        page = self.house.openid.device.look(entered, browser)
        assert isinstance(page, ConfirmationPage)
        chosen = {"number": request.shown.number, "wrong": wrong_number(page, request.shown), "deny": "deny"}
        assert isinstance(pick(self.house, browser, page, chosen[choice]), Done)
        request.state = "approved" if choice == "number" else "refused"
        request.session = self.session_of(person)

    def a_client_asks_for_tokens(self, which: int, own: bool) -> None:
        request = self.chosen(which)
        client = request.client if own else 1 - request.client
        expected = request.expected(client, self.now)
        tokens = attempt(lambda: self.devices[client].polls(request.shown))
        if isinstance(tokens, str):
            assert tokens == expected
            self._after_refusal(request, expected)
            return
        assert expected == "tokens"
        assert (tokens.refresh_token is not None) == request.offline
        request.state, request.tokens, request.redeemed_at = "redeemed", tokens, self.now
        self.families += 1

    def _after_refusal(self, request: Request, told: str) -> None:
        if told == "slow_down":
            request.interval += 5
        if told in {"slow_down", "authorization_pending"}:
            request.next_at = self.now + request.interval
        if request.state == "redeemed":
            request.state = "replayed"  # by whichever client

    @invariant()
    def tokens_work_as_long_as_they_should(self) -> None:
        for request in self.asked[-2:]:
            if request.tokens is not None:
                party = self.parties[request.client]
                assert party.introspect(request.tokens.access_token)["active"] == request.works(self.now)

    def a_person_signs_out_and_in(self, person: int, really: bool) -> None:
        if not really:
            return
        ended = self.end_session(person)
        for request in self.asked:
            request.session_ended = request.session_ended or request.session == ended


# From a code to tokens, refreshed and revoked ----------------------------------------------------------


@dataclass
class Link:
    """One refresh token of a chain, and when it was used."""

    token: str
    used_at: float | None = None
    successor: str | None = None


@dataclass
class Flow:
    question: Question
    code: str
    client: int
    person: int
    session: str
    offline: bool
    began_at: float
    spent: bool = False
    session_ended: bool = False
    alive: bool = False
    access_token: str | None = None
    issued_at: float = 0
    chain: list[Link] = field(default_factory=list)

    def may_redeem(self, client: int, now: float, *, right_verifier: bool) -> bool:
        in_time = now < self.began_at + CODE_SECONDS
        mine = client == self.client and right_verifier
        return not self.spent and in_time and mine and not self.session_ended

    def may_retry(self, link: Link, now: float) -> bool:
        after = next((each for each in self.chain if each.token == link.successor), None)
        fresh = link.used_at is not None and now - link.used_at <= RETRY_SECONDS
        return fresh and after is not None and after.used_at is None


class CodeGrant(Machine):
    def __init__(self, prepared: Path) -> None:
        super().__init__(prepared)
        self.begun: list[Flow] = []

    def party(self, client: int) -> RelyingParty:
        return self.parties[client]

    def chosen(self, which: int) -> Flow:
        return self.begun[-min(which, len(self.begun))]

    @rule(
        step=one_of(
            ("a_person_signs_in", either, either, mostly),
            ("a_code_is_redeemed", which, mostly, mostly, seldom),
            ("a_refresh_token_is_used", which, mostly, st.sampled_from([1, 1, 1, 2, 3])),
            ("a_token_is_given_back", which, either, st.sampled_from(["access", "refresh"]), seldom),
            ("time_passes", st.sampled_from([1, 1, 9, 11, 59, 299])),
            ("a_person_signs_out_and_in", either, seldom),
        )
    )
    def something_happens(self, step: Step) -> None:
        self.take(step)

    @initialize(client=either, person=either)
    def one_has_signed_in(self, client: int, person: int) -> None:
        self._sign_in(client, person, offline=True)

    def a_person_signs_in(self, client: int, person: int, offline: bool) -> None:
        if self.begun[-1].spent or self.now >= self.begun[-1].began_at + CODE_SECONDS:
            self._sign_in(client, person, offline=offline)

    def _sign_in(self, client: int, person: int, *, offline: bool) -> None:
        scope = "openid offline_access" if offline else "openid"
        question, code = self.house.code_for(self.party(client), self.browsers[person], scope=scope)
        self.begun.append(Flow(question, code, client, person, self.session_of(person), offline, self.now))

    def a_code_is_redeemed(self, which: int, own: bool, right_verifier: bool, again: bool) -> None:
        flow = self.chosen(which)
        if flow.spent and not again:
            return
        client = flow.client if own else 1 - flow.client
        may = flow.may_redeem(client, self.now, right_verifier=right_verifier)
        changed = {} if right_verifier else {"code_verifier": "x" * 43}
        tokens = attempt(lambda: self.party(client).redeem(flow.question, flow.code, **changed))
        if isinstance(tokens, str):
            assert (tokens, may) == ("invalid_grant", False)
            flow.alive = False
            # A code shown by the wrong client or with the wrong verifier is destroyed; one whose session has
            # ended stays useless for ever.
            flow.spent = True
            return
        assert may
        assert tokens.claims["sub"] == self.people[flow.person].id
        assert (tokens.refresh_token is not None) == flow.offline
        flow.spent = flow.alive = True
        flow.access_token, flow.issued_at = tokens.access_token, self.now
        if tokens.refresh_token:
            flow.chain = [Link(tokens.refresh_token)]
        self.families += 1

    def a_refresh_token_is_used(self, which: int, own: bool, back: int) -> None:
        """The newest, or one of those before it."""
        flow = self.chosen(which)
        client = flow.client if own else 1 - flow.client
        if not flow.chain:
            return
        link = flow.chain[-min(back, len(flow.chain))]
        mine = client == flow.client
        may = flow.alive and mine and (link.used_at is None or flow.may_retry(link, self.now))
        tokens = attempt(lambda: self.party(client).refresh(link.token))
        if isinstance(tokens, str):
            assert (tokens, may) == ("invalid_grant", False)
            if mine:
                flow.alive = False  # an old one used again ends all; another client's attempt changes nothing
            return
        assert may
        if link.used_at is None:
            assert tokens.refresh_token is not None
            link.used_at, link.successor = self.now, tokens.refresh_token
            flow.chain.append(Link(tokens.refresh_token))
            flow.access_token, flow.issued_at = tokens.access_token, self.now
        assert tokens.refresh_token == link.successor

    def a_token_is_given_back(self, which: int, client: int, kind: str, really: bool) -> None:
        flow = self.chosen(which)
        if not really:
            return
        token = flow.access_token if kind == "access" else flow.chain[-1].token if flow.chain else None
        if token is None:
            return
        over = kind == "access" and self.now >= flow.issued_at + ACCESS_SECONDS
        reply = self.party(client).revoke(token)
        if over:
            assert reply.status_code == 200
        elif client == flow.client:
            assert reply.status_code == 200
            flow.alive = False
        else:
            assert reply.json()["error"] == "unauthorized_client"

    @invariant()
    def tokens_work_as_long_as_they_should(self) -> None:
        for flow in self.begun[-2:]:
            if flow.access_token is not None:
                told = self.parties[flow.client].introspect(flow.access_token)
                assert told["active"] == (flow.alive and self.now < flow.issued_at + ACCESS_SECONDS)

    def a_person_signs_out_and_in(self, person: int, really: bool) -> None:
        if not really:
            return
        ended = self.end_session(person)
        for flow in self.begun:
            if flow.session == ended:
                flow.session_ended = True
                flow.alive = flow.alive and flow.offline


@pytest.mark.parametrize("machine", [DeviceGrant, CodeGrant])
def test_the_grant_keeps_to_its_model(_prepared: Path, machine: type[Machine]) -> None:  # noqa: PT019
    """attacks 11, 12, 14, 22 and 30"""
    run_state_machine_as_test(lambda: machine(_prepared), settings=BOUNDS)
