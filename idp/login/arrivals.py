"""Whose account a first arrival is: by the rule that the municipality chose, or a new one of its own.

The same for every source outside. Nobody is found by a name or an address, and nobody whom a source must not
vouch for alone. Not here: the link itself, who waits, and what the source said.
"""

from dataclasses import dataclass, replace
from typing import Final

from idp.effects import Effects
from idp.errors import AlreadyExistsError
from idp.events import Event
from idp.methods.base import Arrived, label_from
from idp.models.arrivals import Match, acts_only_for, is_number, personnel_source
from idp.models.people import Employment, Identity, User
from idp.models.person_code import PersonCode
from idp.models.usernames import canonical_username
from idp.policy import ADMINISTRATOR, NATIONAL
from idp.storage.work import Work

_NAME_AT_MOST: Final = 60
_NAMELESS: Final = "persona"
_SUFFIX: Final = 6
_ALPHABET: Final = "23456789abcdefghjkmnpqrstvwxyz"


@dataclass(frozen=True, slots=True)
class Rule:
    """`roles`: what the source itself may give. `creates_accounts`: for whom nobody is found."""

    municipality: str
    match: Match
    roles: frozenset[str] = frozenset()
    creates_accounts: bool = False


def is_allowed(work: Work, municipality: str, method: str) -> bool:
    """Whether anybody of that municipality may sign in by it: nobody is linked to what opens nothing."""
    rules = work.rules.rules_for({NATIONAL, municipality})
    return all(
        any(rule.scope == scope and method in rule.methods for rule in rules)
        for scope in (NATIONAL, municipality)
    )


def find_account(work: Work, rule: Rule, value: str) -> User | None:
    """Whoever has here what the source said, whether or not they may be linked by it."""
    match rule.match:
        case Match.PERSON_CODE:
            try:
                return work.people.find_user_by_person_code(PersonCode.parse(value))
            except ValueError:
                return None
        case Match.EMPLOYEE_NUMBER:
            return work.people.find_user_by_identity(personnel_source(rule.municipality), value)
        case Match.NOTHING | Match.INVITATION:
            return None


def may_be_matched(work: Work, rule: Rule, user: User, effects: Effects) -> bool:
    """Without an administrator's look: only who acts for that municipality alone, with no role that the
    source could not give as well, and looks after nobody.
    """
    posts = work.people.employments_of(user.id, now=effects.now())
    roles = {role for post in posts for role in post.roles}
    return acts_only_for(user, posts, rule.municipality) and roles <= rule.roles - {ADMINISTRATOR}


def may_be_created(work: Work, rule: Rule, arrived: Arrived, effects: Effects) -> bool:
    """Only for whom the rule could have found, and did not. Not where somebody is called the same, who may be
    the same: that is for an administrator to say.
    """
    return (
        rule.creates_accounts
        and rule.match.reads_a_value
        and _is_well_formed(rule.match, arrived.matched)
        and not any(_is_called(work, name, rule.municipality, effects) for name in arrived.names)
    )


def create_account(work: Work, rule: Rule, arrived: Arrived, effects: Effects, *, event: Event) -> User:
    """A post without roles, and nothing else that the source says but the name: no address, and no personal
    code, for a municipality's word does not make anybody the owner of one. `event`: how it came about.

    Raises AlreadyExistsError, and the unit of work is lost, where another request did the same.
    """
    now = effects.now()
    user = User(
        id=effects.new_id(),
        username=_new_username(work, arrived, effects),
        created_at=now,
        updated_at=now,
        given_name=label_from(arrived.given_name),
        family_name=label_from(arrived.family_name),
    )
    work.people.add_user(user)
    work.people.add_employment(
        Employment(id=effects.new_id(), user_id=user.id, municipality=rule.municipality)
    )
    if rule.match is Match.EMPLOYEE_NUMBER:
        work.people.add_identity(
            Identity(
                id=effects.new_id(),
                user_id=user.id,
                source=personnel_source(rule.municipality),
                subject=arrived.matched,
                created_at=now,
            )
        )
    work.audit.append(replace(event, user_id=user.id))
    return user


def _is_well_formed(match: Match, value: str) -> bool:
    if match is Match.EMPLOYEE_NUMBER:
        return is_number(value)
    try:
        PersonCode.parse(value)
    except ValueError:
        return False
    return True


def _is_called(work: Work, name: str, municipality: str, effects: Effects) -> bool:
    """Whole names, such as UPNs, are nobody's twice; short ones within one municipality."""
    try:
        user = work.people.find_user_by_username(canonical_username(name))
    except ValueError:
        return False
    if user is None:
        return False
    posts = work.people.employments_of(user.id, now=effects.now())
    return "@" in name or not posts or any(post.municipality == municipality for post in posts)


def _new_username(work: Work, arrived: Arrived, effects: Effects) -> str:
    """Like the name there, and never equal to one: a name that somebody has there, or will have, must go on
    leading to that entry. Raises AlreadyExistsError.
    """
    short = arrived.names[0] if arrived.names else ""
    kept = "".join(mark for mark in short.partition("@")[0].casefold() if mark.isalnum() or mark in "._-")
    suffix = "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in effects.random(_SUFFIX))
    username = canonical_username(f"{kept[:_NAME_AT_MOST] or _NAMELESS}-{suffix}")
    if work.people.find_user_by_username(username) is not None:
        raise AlreadyExistsError("username")
    return username
