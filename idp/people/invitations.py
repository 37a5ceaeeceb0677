"""Invitations: leave for one person to say who they are in a directory or at an upstream, by proving it.

Made by an administrator, told once, known by hash alone; good for a week, once. For a directory the code, the
username it was made for and the password come in one request, and the entry that was proved in it is the one
that is linked: nothing stands between the proof and the link that anybody could change.
Not here: the way to an upstream and back (`upstream_invitations.py`), the page (`web/invited.py`), whom an
administrator may link (`invitation_origins.py`).
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from idp.crypto import token_hash
from idp.effects import Effects
from idp.errors import AlreadyExistsError, Reason
from idp.events import Event, EventType
from idp.login.arrivals import is_allowed
from idp.login.limits import Limits, Wait, charge_all, network_of
from idp.login.sessions import Visitor
from idp.login.ticket_codes import canonical_ticket_code, new_ticket_code
from idp.login.tickets import Maker
from idp.methods.base import Arrived, Challenge, Delegated, Method, Outcome, Rejected, Verified
from idp.models.arrivals import Invitation, Match
from idp.models.directories import Directory
from idp.models.people import User
from idp.models.usernames import canonical_username
from idp.people import directories
from idp.people.directory_links import NotLinked
from idp.people.invitation_origins import (
    Origin,
    find_origin,
    is_by_invitation,
    linked_before,
    not_linkable,
    told_of,
)
from idp.storage.database import Database
from idp.storage.throttle import Bucket, Throttle
from idp.storage.work import Work

INVITATION_SECONDS: Final = 7 * 24 * 3600
GUESSES_OF_BROWSER: Final = Bucket(
    "invitation-browser", free=5, base_seconds=5, cap_seconds=900, forget_seconds=24 * 3600
)
GUESSES_OF_ADDRESS: Final = Bucket(
    "invitation-address", free=20, base_seconds=2, cap_seconds=60, forget_seconds=900
)
GUESSES_WITH_CODE: Final = Bucket(
    "invitation-code", free=5, base_seconds=60, cap_seconds=3600, forget_seconds=INVITATION_SECONDS
)
"""Whoever found one guesses at whose it is, from however many browsers."""
_BUSY_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class Made:
    """What is told once. `code` is kept nowhere."""

    invitation: Invitation
    code: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """As typed: `username` is that of the account here, `name` that of the entry."""

    username: str
    code: str = field(repr=False)
    name: str
    password: str = field(repr=False)


class NotMade(StrEnum):
    NOT_BY_INVITATION = "not_by_invitation"
    """The rule there is another."""


@dataclass(frozen=True, slots=True)
class Found:
    """One that is good now, with what it depends on."""

    invitation: Invitation
    origin: Origin
    user: User


class Invitations:
    def __init__(
        self,
        *,
        database: Database,
        throttle: Throttle,
        limits: Limits,
        methods: Mapping[str, Method],
        effects: Effects,
    ) -> None:
        self._database = database
        self._throttle = throttle
        self._limits = limits
        self._methods = tuple(each for each in methods.values() if isinstance(each, Delegated))
        self._effects = effects

    # Administrators ----------------------------------------------------------------------------------------

    def make(self, origin: Origin, user_id: str, maker: Maker) -> Made | NotLinked | NotMade:
        """One that was open for this person and the same origin is revoked."""
        now, code = self._effects.now(), new_ticket_code(self._effects)
        if not is_by_invitation(origin):
            return NotMade.NOT_BY_INVITATION
        with self._database.begin() as work:
            work.people.hold_user(user_id)
            user = work.people.get_user(user_id)
            if refused := not_linkable(work, origin, user, maker, self._effects):
                return refused
            if refused := linked_before(work, origin, user_id):
                return refused
            work.invitations.revoke_of_person(user_id, origin.id, now)
            invitation = Invitation(
                id=self._effects.new_id(),
                code_hash=token_hash(code),
                user_id=user_id,
                source=origin.id,
                maker_municipality=maker.municipality,
                made_by=maker.actor_id,
                made_at=now,
                expires_at=now + INVITATION_SECONDS,
            )
            work.invitations.add(invitation)
            work.audit.append(_did(EventType.INVITATION_MADE, origin, invitation, maker))
        return Made(invitation, code)

    def revoke(self, origin: Origin, invitation_id: str, maker: Maker) -> bool:
        """False when it opened nothing any more, or is for another origin."""
        with self._database.begin() as work:
            found = work.invitations.find(invitation_id)
            if found is None or found.source != origin.id:
                return False
            if not work.invitations.revoke(invitation_id, self._effects.now()):
                return False
            work.audit.append(_did(EventType.INVITATION_REVOKED, origin, found, maker))
            return True

    # Whoever has one ---------------------------------------------------------------------------------------

    def accept(self, asked: Asked, visitor: Visitor) -> Rejected | Wait | None:
        """None: the entry is linked. A guess at the code, and one at the password, are paid for each."""
        found = self.redeem(username=asked.username, typed_code=asked.code, visitor=visitor)
        if not isinstance(found, Found):
            return found
        if not isinstance(found.origin, Directory):
            return Rejected(Reason.INVITATION_WRONG)
        arrived = self._prove(asked, visitor)
        return self._link(found, arrived, visitor) if isinstance(arrived, Arrived) else arrived

    def redeem(self, *, username: str, typed_code: str, visitor: Visitor) -> Found | Rejected | Wait:
        """Uses nothing up. Each guess is paid for."""
        code = canonical_ticket_code(typed_code)
        if code is None:
            return Rejected(Reason.INVITATION_WRONG)
        price = (
            (GUESSES_OF_ADDRESS, network_of(visitor.address)),
            (GUESSES_OF_BROWSER, visitor.browser),
            (GUESSES_WITH_CODE, token_hash(code)),
        )
        seconds = charge_all(self._throttle, price)
        if seconds > 0:
            return Wait(seconds)
        with self._database.read() as work:
            found = self._examine(work, work.invitations.find_by_code(token_hash(code)))
        if found is None or not _is_name_of(username, found.user.username):
            return Rejected(Reason.INVITATION_WRONG)
        for bucket, key in price:
            self._throttle.refund(bucket, key)
        return found

    def examine(self, work: Work, invitation_id: str) -> Found | None:
        """One that was redeemed, as it stands now; the person is held. To be used in the same act."""
        invitation = work.invitations.find(invitation_id)
        if invitation is not None:
            work.people.hold_user(invitation.user_id)
        return self._examine(work, work.invitations.find(invitation_id))

    def _prove(self, asked: Asked, visitor: Visitor) -> Arrived | Rejected | Wait:
        name = _canonical(asked.name)
        method = next((each for each in self._methods if each.knows(name)), None)
        if method is None:
            return Rejected(Reason.INVITATION_NAME)
        charge = self._limits.charge(username=name, method=method.facts, visitor=visitor, first=True)
        if isinstance(charge, Wait):
            return charge
        with self._database.begin() as work:
            proved = method.verify(work, None, Challenge(), {"username": name, "password": asked.password})
            if not isinstance(proved, Arrived):
                work.audit.append(_failed(method, proved, visitor))
        match proved:
            case Arrived():
                self._limits.passed(charge)
                return proved
            case Rejected(Reason.THROTTLED):
                self._limits.give_back(charge)
                return Wait(_BUSY_SECONDS)
            case Rejected():
                if not proved.counted:
                    self._limits.give_back(charge)
                return proved
            case _:  # somebody's already, maybe of who asks
                self._limits.passed(charge)
                return Rejected(Reason.INVITATION_TAKEN)

    def _link(self, found: Found, arrived: Arrived, visitor: Visitor) -> Rejected | None:
        """Everything is looked at again in the act that links."""
        if arrived.source != found.origin.id:
            return Rejected(Reason.INVITATION_NAME)
        try:
            with self._database.begin() as work:
                return self._link_in(work, found.invitation, arrived, visitor)
        except AlreadyExistsError:  # somebody was first, with the entry or with the account
            return Rejected(Reason.INVITATION_TAKEN)

    def _link_in(
        self, work: Work, invitation: Invitation, arrived: Arrived, visitor: Visitor
    ) -> Rejected | None:
        found = self.examine(work, invitation.id)
        if found is None or not isinstance(found.origin, Directory):
            return Rejected(Reason.INVITATION_WRONG)
        directory, user = found.origin, found.user
        if not is_allowed(work, directory.municipality, arrived.method):
            return Rejected(Reason.METHOD_NOT_OFFERED)
        if work.directories.find_link_of_entry(directory.id, arrived.subject) is not None:
            return Rejected(Reason.INVITATION_TAKEN)
        if linked_before(work, directory, user.id) is not None:
            return Rejected(Reason.INVITATION_TAKEN)
        if not work.invitations.use(invitation.id, self._effects.now()):
            return Rejected(Reason.INVITATION_WRONG)
        directories.link(work, directory, user, arrived.subject, self._effects, by=Match.INVITATION.value)
        work.audit.append(used(found, arrived.subject, visitor))
        return None

    def _examine(self, work: Work, invitation: Invitation | None) -> Found | None:
        """Everything that it depends on, as it is now, also what its maker may still do."""
        now = self._effects.now()
        if invitation is None or invitation.used_at is not None or invitation.revoked_at is not None:
            return None
        origin = find_origin(work, invitation.source)
        user = work.people.find_user(invitation.user_id)
        if now >= invitation.expires_at or origin is None or user is None:
            return None
        if not origin.enabled or not is_by_invitation(origin):
            return None
        maker = Maker(actor_id=invitation.made_by, municipality=invitation.maker_municipality)
        made_by = work.people.find_user(invitation.made_by)
        if made_by is not None and not made_by.is_active:
            return None
        if not_linkable(work, origin, user, maker, self._effects) is not None:
            return None
        return Found(invitation, origin, user)


def used(found: Found, subject: str, visitor: Visitor) -> Event:
    """`subject`: who they are there."""
    return Event(
        type=EventType.INVITATION_USED,
        user_id=found.user.id,
        actor_id=found.user.id,
        municipality=found.origin.municipality,
        address=visitor.address,
        detail={**told_of(found.origin), "invitation": found.invitation.id, "entry": subject},
    )


def _failed(method: Method, proved: Outcome, visitor: Visitor) -> Event:
    """Also where the password is right, and that of somebody who is linked already: they see it."""
    reason = proved.reason if isinstance(proved, Rejected) else Reason.INVITATION_TAKEN
    return Event(
        type=EventType.METHOD_FAILED,
        user_id=proved.user_id if isinstance(proved, Verified) else None,
        method=method.facts.id,
        reason=reason.code,
        address=visitor.address,
    )


def _canonical(name: str) -> str:
    try:
        return canonical_username(name)
    except ValueError:
        return ""


def _is_name_of(typed: str, username: str) -> bool:
    return hmac.compare_digest(_canonical(typed).encode(), username.encode())


def _did(kind: EventType, origin: Origin, invitation: Invitation, maker: Maker) -> Event:
    event = maker.did(kind, invitation.user_id, invitation=invitation.id, **told_of(origin))
    return replace(event, municipality=origin.municipality)
