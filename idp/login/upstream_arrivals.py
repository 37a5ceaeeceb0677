"""Whose account somebody is whom an upstream vouches for: linked before, by its municipality's rule, or new.

Who is found by no rule waits for an administrator; never is anybody known by an e-mail address or a name. The
rule itself is every source's (`arrivals.py`). Not here: the way there and back (`upstreams.py`).
"""

from dataclasses import replace

from idp.effects import Effects
from idp.errors import AlreadyExistsError, Reason, Refused
from idp.events import Event, EventType
from idp.login.arrivals import Rule, create_account, find_account, may_be_created, may_be_matched
from idp.login.sessions import Visitor
from idp.login.upstream_links import credential_of, is_open, link, rule_of
from idp.methods.base import Arrived, LeavesBrowser
from idp.models.arrivals import Match
from idp.models.people import Identity, User
from idp.models.upstreams import Assertion, Upstream, UpstreamArrival, may_vouch_for
from idp.storage.database import Database
from idp.storage.work import Work


class UpstreamAccounts:
    def __init__(self, database: Database, method: LeavesBrowser, effects: Effects) -> None:
        self._database = database
        self._method = method
        self._effects = effects

    def account_of(self, upstream: Upstream, arrived: Assertion, visitor: Visitor) -> User | Reason:
        """`upstream`: as it was when `arrived` was read."""
        try:
            with self._database.begin() as work:
                return self._find(work, upstream, arrived, visitor)
        except AlreadyExistsError:  # another request linked, or made, the same at once
            with self._database.begin() as work:
                return self._find(work, upstream, arrived, visitor)

    def _find(self, work: Work, upstream: Upstream, arrived: Assertion, visitor: Visitor) -> User | Reason:
        identity = work.upstreams.find_identity(upstream.id, arrived.subject)
        if identity is None:
            return self._first(work, upstream, arrived, visitor)
        return self._known(work, upstream, arrived, identity, visitor)

    def _known(
        self, work: Work, upstream: Upstream, arrived: Assertion, identity: Identity, visitor: Visitor
    ) -> User | Reason:
        user = work.people.find_user(identity.user_id)
        held = credential_of(work, self._method, identity)
        if held is not None and held.blocked_at is not None:
            return Reason.UPSTREAM_BLOCKED_USER
        if user is not None and not user.is_active:
            return Reason.UPSTREAM_BLOCKED_USER
        if user is None or held is None:
            return self._queue(work, upstream, arrived, visitor)
        posts = work.people.employments_of(user.id, now=self._effects.now())
        return user if may_vouch_for(upstream, user, posts) else Reason.UPSTREAM_NOT_ITS_PERSON

    def _first(self, work: Work, read: Upstream, arrived: Assertion, visitor: Visitor) -> User | Reason:
        """By the rule as it is now, in the very act that links."""
        upstream = work.upstreams.find(read.id)
        if upstream is None or not is_open(work, upstream, self._method.facts.id):
            return Reason.UPSTREAM_OFF
        rule = _rule_now(upstream, read)
        user = find_account(work, rule, arrived.matched)
        if user is not None:
            work.people.hold_user(user.id)
            identity = work.upstreams.find_identity(upstream.id, arrived.subject)
            if identity is not None:  # by another request, until we held them
                return self._known(work, upstream, arrived, identity, visitor)
            user = work.people.get_user(user.id)
            if not user.is_active:
                return Reason.UPSTREAM_BLOCKED_USER
            if not self._may_link(work, upstream, rule, user):
                return self._queue(work, upstream, arrived, visitor)
        else:
            known = self._as_arrived(upstream, arrived)
            if not may_be_created(work, rule, known, self._effects):
                return self._queue(work, upstream, arrived, visitor)
            made = _made(upstream, arrived.subject, visitor)
            user = create_account(work, rule, known, self._effects, event=made)
        return self._linked(work, upstream, arrived, user, visitor)

    def _linked(
        self, work: Work, upstream: Upstream, arrived: Assertion, user: User, visitor: Visitor
    ) -> User | Reason:
        event = Event(type=EventType.METHOD_ENROLLED, actor_id=user.id, address=visitor.address)
        try:
            link(work, self._method, upstream, arrived.subject, user, event, replaces=False)
        except Refused as refusal:
            self._queue(work, upstream, arrived, visitor)
            return refusal.reason
        return user

    def _may_link(self, work: Work, upstream: Upstream, rule: Rule, user: User) -> bool:
        """By a rule alone. Whoever looks after others is an administrator's to link. `user` is held."""
        posts = work.people.employments_of(user.id, now=self._effects.now())
        has_roles = may_vouch_for(upstream, user, posts) and not may_be_matched(
            work, rule, user, self._effects
        )
        return not has_roles

    def _as_arrived(self, upstream: Upstream, arrived: Assertion) -> Arrived:
        short = arrived.username.rpartition("\\")[2].partition("@")[0]
        return Arrived(
            source=upstream.id,
            subject=arrived.subject,
            method=self._method.facts.id,
            rule=upstream.match_by,
            matched=arrived.matched,
            given_name=arrived.given_name,
            family_name=arrived.family_name,
            names=tuple(name for name in (short, arrived.username) if name),
        )

    def _queue(self, work: Work, upstream: Upstream, arrived: Assertion, visitor: Visitor) -> Reason:
        now = self._effects.now()
        work.upstreams.queue(
            UpstreamArrival(
                id=self._effects.new_id(),
                upstream_id=upstream.id,
                subject=arrived.subject,
                name=arrived.name,
                username=arrived.username,
                first_at=now,
                last_at=now,
            )
        )
        work.audit.append(
            Event(
                type=EventType.UPSTREAM_ARRIVED,
                municipality=upstream.municipality,
                method=self._method.facts.id,
                address=visitor.address,
                detail={"upstream": upstream.id},
            )
        )
        return Reason.UPSTREAM_NOT_LINKED


def _rule_now(upstream: Upstream, read: Upstream) -> Rule:
    """What was read by another rule, which was changed meanwhile, is compared by none."""
    rule = rule_of(upstream)
    is_same = (upstream.match_by, upstream.match_claim) == (read.match_by, read.match_claim)
    return rule if is_same else replace(rule, match=Match.NOTHING)


def _made(upstream: Upstream, subject: str, visitor: Visitor) -> Event:
    return Event(
        type=EventType.USER_ADDED,
        actor_id=upstream.id,
        municipality=upstream.municipality,
        address=visitor.address,
        detail={"upstream": upstream.id, "entry": subject},
    )
