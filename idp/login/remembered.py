"""Computers that are remembered: asked for the password alone, for as long as the municipality says.

A cookie holds a series and its next token. Using it changes the token; whoever presents an older one has a
copy, or somebody else has: the series ends with every session that leaned on it, and its person is told. Each
token follows from the one before by a key of ours, so an answer that was lost can be given again without
being kept. Counts for the person who asked for it, in that browser, once they have proved something they know
in this sign-in.
What such a proof is worth is `policy.py`; whose rule allows it is `standing.py`; what ends all of them at
once is `storage/computers.py`. Not here: the cookie itself and the pages (`web/computers.py`).
"""

import base64
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from idp.crypto import LookupKey, token_hash
from idp.effects import Effects
from idp.events import Event, EventType
from idp.login.browsers import told_browser
from idp.login.look import Look, look_at
from idp.login.sessions import Sessions, SignedIn, Visitor
from idp.login.standing import Person, Standings
from idp.login.steps import Done, Offer
from idp.login.transaction import Transactions
from idp.methods.base import Method
from idp.models.computers import RememberedComputer
from idp.models.methods import Factor, Proof
from idp.policy import REMEMBERED, Level
from idp.storage.database import Database
from idp.storage.work import Work

PARALLEL_SECONDS: Final = 10
"""For so long the token before gets the same answer again: pages opened at once all send it, and answers
are lost on the way."""
_PURPOSE: Final = "remembered-computers"
_DAY: Final = 86400
_USER_AGENT_LENGTH: Final = 300
_KEPT = re.compile(r"([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class Kept:
    """What the browser keeps from now on, and for how many seconds."""

    value: str = field(repr=False)
    seconds: int


NOTHING: Final = Kept("", 0)


@dataclass(frozen=True, slots=True)
class Recalled:
    """The sign-in as it stands then. `kept` None: the browser keeps what it has."""

    look: Look
    kept: Kept | None = None


class RememberedComputers:
    def __init__(
        self,
        *,
        database: Database,
        methods: Mapping[str, Method],
        standings: Standings,
        transactions: Transactions,
        sessions: Sessions,
        effects: Effects,
    ) -> None:
        self._database = database
        self._known = {each.facts.id for each in methods.values() if each.facts.factor is Factor.KNOWLEDGE}
        self._standings = standings
        self._transactions = transactions
        self._sessions = sessions
        self._effects = effects

    def days_offered(self, look: Look, method: Method) -> int:
        """For how long this computer can be remembered if `method` is passed now; 0: not at all."""
        facts = method.facts
        if look.person is None or not isinstance(look.step, Offer) or facts.id not in look.step.methods:
            return 0
        if facts.backup or facts.factor is Factor.KNOWLEDGE or not self._knows_alone(look):
            return 0
        return look.person.days_to_remember(look.posts.acting)

    def remember(self, before: Look, after: Look, method: Method, visitor: Visitor) -> Kept | None:
        """After a second factor was passed. In one act with a last look at what it was passed with.

        None where it may not be, or something of the person's ways to sign in changed meanwhile.
        """
        if (
            visitor.shared
            or not self.days_offered(before, method)
            or before.person is None
            or after.decision is None
        ):
            return None
        proved = after.decision.counted
        passed = next((proof for proof in proved if proof.method == method.facts.id), None)
        if passed is None or after.person is None or after.person.user.id != before.person.user.id:
            return None
        with self._database.begin() as work:
            work.people.hold_user(before.person.user.id)
            person = self._standings.read_person(work, before.person.user.id)
            if person is None or person.still_proven(proved) != proved or passed.method in person.blocked:
                return None
            days = person.days_to_remember(after.posts.acting)
            if not days:
                return None
            return self._begin(work, person, passed, days=days, visitor=visitor)

    def recall(self, look: Look, visitor: Visitor, signed_in: SignedIn | None) -> Recalled:
        """After each answer that was accepted. Reads nothing unless the browser keeps something, and it
        would help.
        """
        person = look.person
        if visitor.shared or visitor.computer is None or person is None or not self._would_help(look):
            return Recalled(look)
        kept = _KEPT.fullmatch(visitor.computer)
        if kept is None:
            return Recalled(look, NOTHING)
        series, token = kept.groups()
        key = self._database.lookup_key(_PURPOSE)
        with self._database.begin() as work:
            computer = work.computers.find_by_series(token_hash(series))
            if computer is None:
                return Recalled(look, NOTHING)
            if not person.is_remembered(computer, look.posts.acting, self._effects.now()):
                return Recalled(look)
            anew = _following(key, computer, token)
            if not self._take(work, computer, presented=token, anew=anew, visitor=visitor):
                return Recalled(look, NOTHING)
            work.audit.append(_event(EventType.METHOD_PASSED, person.user.id, visitor))
        proof = Proof(REMEMBERED.id, computer.made_at, credential_id=computer.id)
        left = int(computer.expires_at - self._effects.now())
        return Recalled(self._go_on(look, person, proof, signed_in), Kept(f"{series}.{anew}", left))

    def forget(self, user_id: str, computer_id: str | None, visitor: Visitor) -> None:
        """One of a person's own, or all of them. Another's stays, without a word."""
        with self._database.begin() as work:
            if computer_id is None:
                forgotten = work.computers.forget_all(user_id) > 0
            else:
                forgotten = work.computers.forget(user_id, computer_id)
            if forgotten:
                work.audit.append(_event(EventType.COMPUTER_FORGOTTEN, user_id, visitor))

    def _begin(self, work: Work, person: Person, passed: Proof, *, days: int, visitor: Visitor) -> Kept:
        series, token = self._effects.new_token(), self._effects.new_token()
        browser = token_hash(visitor.browser)
        work.computers.forget_in_browser(person.user.id, browser)
        work.computers.add(
            RememberedComputer(
                id=self._effects.new_id(),
                user_id=person.user.id,
                series_hash=token_hash(series),
                token_hash=token_hash(token),
                browser_hash=browser,
                method=passed.method,
                credential_id=passed.credential_id or "",
                made_at=passed.at,
                last_used_at=passed.at,
                rotated_at=passed.at,
                expires_at=passed.at + days * _DAY,
                user_agent=visitor.user_agent[:_USER_AGENT_LENGTH],
            )
        )
        event = _event(EventType.COMPUTER_REMEMBERED, person.user.id, visitor)
        work.audit.append(replace(event, detail={**told_browser(visitor.user_agent), "days": days}))
        return Kept(f"{series}.{token}", days * _DAY)

    def _take(
        self, work: Work, computer: RememberedComputer, *, presented: str, anew: str, visitor: Visitor
    ) -> bool:
        """Whether the browser may keep `anew` in place of `presented`; if not, it ends: there is a copy."""
        now, following, browser = self._effects.now(), token_hash(anew), token_hash(visitor.browser)
        if work.computers.rotate(
            computer.id, presented=token_hash(presented), browser=browser, new=following, at=now
        ):
            return True
        left = work.computers.find(computer.id)
        if left is None:
            return False
        is_same_browser = hmac.compare_digest(left.browser_hash, browser)
        is_given_already = hmac.compare_digest(left.token_hash, following)
        if is_same_browser and is_given_already and abs(now - left.rotated_at) <= PARALLEL_SECONDS:
            return True
        if work.computers.forget(computer.user_id, computer.id):
            event = _event(EventType.COMPUTER_REPLAYED, computer.user_id, visitor)
            work.audit.append(replace(event, detail=told_browser(visitor.user_agent)))
            self._end_what_leaned_on(work, computer, visitor)
        return False

    def _end_what_leaned_on(self, work: Work, computer: RememberedComputer, visitor: Visitor) -> None:
        """Whoever has the copy may be in any of them, and may have been given something to outlast it."""
        for session_id in work.sessions.list_leaning_on(computer.user_id, computer.id):
            for ended in self._sessions.freeze(work, session_id):
                event = _event(EventType.SESSION_ENDED, computer.user_id, visitor)
                work.audit.append(replace(event, session_id=ended))

    def _go_on(self, look: Look, person: Person, proof: Proof, signed_in: SignedIn | None) -> Look:
        others = (each for each in look.transaction.proofs if each.method != proof.method)
        transaction = replace(look.transaction, proofs=(*others, proof))
        anew = look_at(
            transaction, signed_in, standings=self._standings, effects=self._effects, person=person
        )
        if not isinstance(anew.step, Done):
            self._transactions.put(anew.transaction)
        return anew

    def _would_help(self, look: Look) -> bool:
        """Something known was proved in this very sign-in, two factors are enough, and no matter when."""
        wanted, decision = look.transaction.requirements, look.decision
        return (
            isinstance(look.step, Offer)
            and decision is not None
            and decision.required == Level.MULTI_FACTOR
            and wanted.not_before is None
            and any(proof.method in self._known for proof in look.transaction.proofs)
            and self._knows_alone(look)
        )

    def _knows_alone(self, look: Look) -> bool:
        """What counts so far is something known and nothing else."""
        decision = look.decision
        return (
            decision is not None
            and decision.reached == Level.ONE_FACTOR
            and any(proof.method in self._known for proof in decision.counted)
        )


def _following(key: LookupKey, computer: RememberedComputer, token: str) -> str:
    """The token after this one, by what the browser holds and a key that it does not."""
    mac = bytes.fromhex(key.index(f"{computer.id}\x1f{token}"))
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def _event(kind: EventType, user_id: str, visitor: Visitor) -> Event:
    return Event(type=kind, user_id=user_id, actor_id=user_id, method=REMEMBERED.id, address=visitor.address)
