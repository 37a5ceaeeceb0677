"""Where computers may say who works at them: on which municipality's networks, and in which sign-ins.

What municipalities set up and allow is read at most every half minute, for each request asks. That decides
what is offered; the keys, the person and the rules that hold for them are read anew when an answer comes.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from idp.effects import Effects, Instant
from idp.login.look import Look
from idp.login.places import Places
from idp.login.sessions import Visitor
from idp.login.steps import Identify, Offer
from idp.login.transaction import Transaction
from idp.methods.base import Method, Negotiating
from idp.policy import NATIONAL
from idp.storage.database import Database

READ_EVERY_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Workplace:
    """The browser is at a computer that may answer for itself. `automatic`: it is asked without a click."""

    method: Negotiating
    municipality: str
    automatic: bool


class Workplaces:
    def __init__(
        self, database: Database, methods: Mapping[str, Method], places: Places, effects: Effects
    ) -> None:
        self._database = database
        self._places = places
        self._effects = effects
        self._methods = tuple(each for each in methods.values() if isinstance(each, Negotiating))
        self._lock = threading.Lock()
        self._read_at: Instant | None = None
        self._known: Mapping[str, Workplace] = {}

    def find(self, look: Look, visitor: Visitor) -> Workplace | None:
        """Where it is and in this sign-in: while nobody is known, or for who must prove one thing more."""
        workplace = self._at(visitor.address)
        if workplace is None or look.transaction.requirements.not_before is not None:
            return None
        match look.step:
            case Identify():
                return workplace
            case Offer(methods) if workplace.method.facts.id in methods:
                return workplace
            case _:
                return None

    def find_automatic(self, look: Look, visitor: Visitor) -> Workplace | None:
        """Once in a sign-in, on the way to an application, where nothing says that somebody else is meant.

        Who has logged out and comes back to our own pages would otherwise never be out.
        """
        if not isinstance(look.step, Identify) or visitor.shared:
            return None
        workplace = self.find(look, visitor)
        if workplace is None or not workplace.automatic or not _is_open(look.transaction, workplace):
            return None
        return None if look.transaction.challenge_of(workplace.method.facts.id) else workplace

    def _at(self, address: str) -> Workplace | None:
        known = self._up_to_date()
        return known.get(self._places.municipality_of(address) or "") if known else None

    def _up_to_date(self) -> Mapping[str, Workplace]:
        now = self._effects.now()
        with self._lock:
            is_fresh = self._read_at is not None and 0 <= now - self._read_at < READ_EVERY_SECONDS
            if not is_fresh:
                self._known = self._read()
                self._read_at = now
            return self._known

    def _read(self) -> Mapping[str, Workplace]:
        """By municipality: those with keys whose rules, and the national ones, allow it to somebody."""
        found: dict[str, Workplace] = {}
        with self._database.read() as work:
            for method in self._methods:
                there = method.list_places(work)
                rules = work.rules.rules_for({NATIONAL, *there}) if there else []
                allowing = {rule.scope for rule in rules if method.facts.id in rule.methods}
                for municipality, automatic in there.items():
                    if {NATIONAL, municipality} <= allowing:
                        found.setdefault(municipality, Workplace(method, municipality, automatic))
        return found


def _is_open(transaction: Transaction, workplace: Workplace) -> bool:
    wanted = transaction.requirements
    return (
        transaction.application is not None
        and not transaction.account_confirmed
        and not wanted.fresh
        and not wanted.select_account
        and wanted.login_hint is None
        and wanted.expected_user is None
        and (not wanted.municipalities or workplace.municipality in wanted.municipalities)
    )
