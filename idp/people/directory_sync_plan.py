"""What follows from a reading of a directory: for each linked person what changes here, and whether so many
may be shut out at once. Pure.

The directory's word counts for what it may say: names and addresses of who works for this municipality alone,
roles that its map names, whether its entry still signs anybody in. Never a personal code, an address that the
person confirmed, a role that somebody gave by hand, or the role of operators. Not here: reading
(`directory_sync_reading.py`), doing it (`directory_sync_applying.py`).
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from idp.effects import Instant
from idp.models.directory_sync import DirectoryLinkState, Presence, WhenGone
from idp.models.email_address import canonical_email
from idp.models.people import Employment, User
from idp.policy import OPERATOR

DATA: Final = ("given_name", "family_name", "email", "phone_number")
"""Of our names for attributes those that are taken over."""
NEVER_HELD: Final = 5
"""So many may always be shut out at once: people do leave."""
LINES_AT_MOST: Final = 200
_NAME_AT_MOST: Final = 100
_PHONE_AT_MOST: Final = 40
_CONFIRMABLE: Final = {"email": "email_verified", "phone_number": "phone_number_verified"}


class Gone(StrEnum):
    """Why an entry signs nobody in. Whoever must merely change the password is there."""

    DISABLED = "disabled"
    EXPIRED = "expired"
    ABSENT = "absent"


class Change(StrEnum):
    DATA = "data"
    ROLE_GIVEN = "role_given"
    ROLE_TAKEN = "role_taken"
    BLOCKED = "blocked"
    SUSPENDED = "suspended"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """`values`: None where they were not read this time. `groups`: of those that give roles."""

    presence: Presence
    expires_at: Instant | None = None
    values: Mapping[str, str] | None = field(default=None, repr=False)
    groups: frozenset[str] = frozenset()

    def gone(self, now: Instant) -> Gone | None:
        if self.presence is Presence.ABSENT:
            return Gone.ABSENT
        if self.presence is Presence.DISABLED:
            return Gone.DISABLED
        return Gone.EXPIRED if self.expires_at is not None and self.expires_at <= now else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A person as they are here. `posts`: current ones in this municipality; `given`: of their roles there,
    those that came of this directory, as (id of the post, role). `credential_id` empty: no longer linked.
    """

    user: User
    credential_id: str = ""
    state: DirectoryLinkState | None = None
    posts: tuple[Employment, ...] = ()
    works_elsewhere: bool = False
    given: frozenset[tuple[str, str]] = frozenset()

    @property
    def rule(self) -> str:
        """What was applied to them because they were gone."""
        return self.state.rule if self.state else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the directory's description says of it. `missing`: groups of the map that are not there, so that
    nothing is known of who has their roles.
    """

    roles: Mapping[str, str]
    when_gone: WhenGone
    missing: frozenset[str] = frozenset()

    def roles_of(self, groups: Iterable[str]) -> frozenset[str]:
        return frozenset(self.roles[group] for group in groups if group in self.roles) - {OPERATOR}

    @property
    def unknown_roles(self) -> frozenset[str]:
        return self.roles_of(self.missing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """All that changes about one person, at once. `rule`: what is applied to them from now on."""

    known: Known
    seen: Seen
    data: Mapping[str, str] = field(default_factory=dict, repr=False)
    give: tuple[tuple[str, str], ...] = ()
    take: tuple[tuple[str, str], ...] = ()
    rule: str = ""
    gone: Gone | None = None

    @property
    def leaves(self) -> bool:
        """Whether it shuts somebody out, or out of more than before."""
        return _WEIGHT[self.rule] > _WEIGHT[self.known.rule]

    @property
    def returns(self) -> bool:
        return _WEIGHT[self.rule] < _WEIGHT[self.known.rule]

    @property
    def changes(self) -> tuple[Change, ...]:
        changes = [Change.DATA] * bool(self.data)
        changes += [Change.ROLE_GIVEN] * len(self.give) + [Change.ROLE_TAKEN] * len(self.take)
        if self.leaves and not self.known.rule:
            changes.append(Change.BLOCKED)
        if self.leaves and self.rule == WhenGone.SUSPEND:
            changes.append(Change.SUSPENDED)
        if self.returns:
            changes.append(Change.RETURNED)
        return tuple(changes)


_WEIGHT: Final = {"": 0, WhenGone.THIS_METHOD.value: 1, WhenGone.SUSPEND.value: 2}


@dataclass(frozen=True, slots=True)
class Plan:
    """`steps`: of everybody about whom something changes. `people`: who was there before."""

    steps: tuple[Step, ...]
    people: int

    @property
    def leaving(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.leaves)

    @property
    def fingerprint(self) -> str:
        """Of whom it would shut out, why and how far: the same for the same, whoever asks and when."""
        told = sorted(f"{step.known.credential_id} {step.gone} {step.rule}" for step in self.leaving)
        return hashlib.sha256("\n".join(told).encode()).hexdigest() if told else ""

    def is_too_much(self, share: int) -> bool:
        """Whether it would shut out more than so many percent of who was there."""
        return len(self.leaving) > max(NEVER_HELD, self.people * share // 100)

    def without_leaving(self) -> "Plan":
        return Plan(tuple(step for step in self.steps if not step.leaves), self.people)


def plan(known: Iterable[tuple[Known, Seen]], terms: Terms, now: Instant) -> Plan:
    people = list(known)
    steps = (step_for(each, seen, terms, now) for each, seen in people)
    there = sum(1 for each, _ in people if each.credential_id and not each.rule)
    return Plan(tuple(step for step in steps if step.changes), there)


def step_for(known: Known, seen: Seen, terms: Terms, now: Instant) -> Step:
    gone = seen.gone(now) if known.credential_id else None
    give, take = _roles(known, seen, terms)
    return Step(
        known=known,
        seen=seen,
        data={} if gone else _data(known, seen),
        give=give if gone is None else (),
        take=take,
        rule=terms.when_gone.value if gone else "",
        gone=gone,
    )


def counts_of(steps: Iterable[Step]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for step in steps:
        for change in step.changes:
            counts[change.value] = counts.get(change.value, 0) + 1
    return counts


def lines_of(steps: Iterable[Step], held: Iterable[Step] = ()) -> list[dict[str, Any]]:
    """For people to read, bounded: who waits before what was done, by username; not the data itself."""
    waiting = [_line(step, _shut_out(step), step.gone or "") | {"held": True} for step in held]
    return [*waiting, *(line for step in steps for line in _lines(step))][:LINES_AT_MOST]


def _lines(step: Step) -> Iterable[dict[str, Any]]:
    if step.data:
        yield _line(step, Change.DATA, ", ".join(step.data))
    yield from (_line(step, Change.ROLE_GIVEN, role) for _, role in step.give)
    yield from (_line(step, Change.ROLE_TAKEN, role) for _, role in step.take)
    if step.leaves:
        yield _line(step, _shut_out(step), step.gone or "")
    if step.returns:
        yield _line(step, Change.RETURNED, step.gone or "")


def _line(step: Step, change: Change, told: str) -> dict[str, Any]:
    user = step.known.user
    return {"user_id": user.id, "username": user.username, "change": change.value, "told": str(told)}


def _shut_out(step: Step) -> Change:
    return Change.SUSPENDED if step.rule == WhenGone.SUSPEND else Change.BLOCKED


def _roles(
    known: Known, seen: Seen, terms: Terms
) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    """To give and to take. What this directory gave and its map no longer does, it takes; what it knows
    nothing of now, it leaves.
    """
    wanted = terms.roles_of(seen.groups) if known.credential_id else frozenset()
    give = tuple((post.id, role) for post in known.posts for role in sorted(wanted) if role not in post.roles)
    take = tuple(
        (post_id, role) for post_id, role in sorted(known.given) if role not in wanted | terms.unknown_roles
    )
    return give, take


def _data(known: Known, seen: Seen) -> dict[str, str]:
    """What is new, of who works for this municipality alone; an empty value says nothing."""
    if seen.values is None or known.works_elsewhere:
        return {}
    told = {name: _READERS[name](seen.values.get(name, "")) for name in DATA}
    return {
        name: value
        for name, value in told.items()
        if value
        and value != (getattr(known.user, name) or "")
        and not (name in _CONFIRMABLE and getattr(known.user, _CONFIRMABLE[name]))
    }


# One reader for each value: as it is kept; empty for what cannot be one. -----------------------------------


def _name(text: str) -> str:
    name = " ".join(text.split())
    return name if len(name) <= _NAME_AT_MOST and name.isprintable() else ""


def _email(text: str) -> str:
    try:
        return canonical_email(text)
    except ValueError:
        return ""


def _phone(text: str) -> str:
    number = " ".join(text.split())
    is_one = len(number) <= _PHONE_AT_MOST and set(number) <= set("+0123456789 ()-/.")
    return number if is_one else ""


_READERS: Final = {"given_name": _name, "family_name": _name, "email": _email, "phone_number": _phone}
