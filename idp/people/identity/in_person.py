"""Checks of documents, face to face: who makes one, who approves it, what must still be true at its use.

Four eyes: an administrator of the person's municipality looks at the document and writes down what stands in
it; a second one, or an operator, approves and is given a code, this once, to be handed to the person. Neither
is the person, nor the other, and both must still be who they were when the code is used. For somebody who
works elsewhere too, or runs the system, the second is an operator: one town hall opens nobody else's door.
Not here: where the person types the code (`in_person_code.py`), linking (`desk.py`), the letter
(`web/identity_letter.py`). Level: Implementing Regulation (EU) 2015/1502, annex 2.1.2, substantial.
"""

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from idp.crypto import token_hash
from idp.effects import Effects
from idp.errors import Reason
from idp.events import Event, EventType
from idp.login.ticket_codes import new_ticket_code
from idp.login.tickets import Maker
from idp.models.confirmations import ConfirmedBy, IdentityRead
from idp.models.in_person import DocumentKind, IdentityCheck, Stated
from idp.models.people import User
from idp.people.identity.sittings import Sitting
from idp.policy import ADMINISTRATOR, OPERATOR
from idp.storage.database import Database
from idp.storage.in_person import CheckState, state_of
from idp.storage.work import Work

WAITS_SECONDS: Final = 72 * 3600
"""How long a check waits for the second person."""
CODE_SECONDS: Final = 72 * 3600


class NotDone(Enum):
    """Why nothing was made or approved, for whoever asked: a code and a sentence."""

    OWN_ACCOUNT = ("own_account", "Nobody checks or approves for their own account.")
    MUNICIPALITY_ONLY = (
        "municipality_only",
        "Only an administrator of the municipality in which the person works looks at documents.",
    )
    SAME_PERSON = ("same_person", "Whoever looked at the document cannot approve it.")
    OPERATOR_ONLY = ("operator_only", "Only an operator may approve this for this person.")
    BLOCKED = ("blocked_user", "This person is blocked.")
    VOID = ("void", "Who looked at the document, or the person, is no longer in this municipality.")
    NOT_WAITING = ("not_waiting", "This check does not wait for approval.")

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class CodeGiven:
    """What is handed over once. `code` is kept nowhere."""

    check: IdentityCheck
    user: User
    code: str = field(repr=False)


_OVER: Final = {
    CheckState.WAITING: Reason.IN_PERSON_CODE_UNKNOWN,
    CheckState.EXPIRED: Reason.IN_PERSON_CODE_EXPIRED,
    CheckState.USED: Reason.IN_PERSON_CODE_USED,
    CheckState.REVOKED: Reason.IN_PERSON_CODE_REVOKED,
}
REFUSED: Final = "refused"
"""The reason of one that a second person revoked instead of approving it."""
REPLACED: Final = "replaced"


class IdentityChecks:
    def __init__(self, database: Database, effects: Effects) -> None:
        self._database = database
        self._effects = effects

    # Administrators ----------------------------------------------------------------------------------------

    def make(
        self, user_id: str, stated: Stated, document: DocumentKind, maker: Maker
    ) -> IdentityCheck | NotDone:
        """An unfinished one about this person is revoked: what was seen last is what counts."""
        now = self._effects.now()
        with self._database.begin() as work:
            work.people.hold_user(user_id)
            if refused := self._may_not_make(work, user_id, maker):
                return refused
            for replaced in work.identity_checks.revoke_of_user(user_id, by=maker.actor_id, now=now):
                event = maker.did(EventType.IDENTITY_CHECK_REVOKED, user_id, check=replaced)
                work.audit.append(replace(event, reason=REPLACED))
            check = IdentityCheck(
                id=self._effects.new_id(),
                user_id=user_id,
                municipality=maker.municipality or "",
                document=document.value,
                stated_sealed="",
                made_by=maker.actor_id,
                made_at=now,
                expires_at=now + WAITS_SECONDS,
            )
            work.identity_checks.add(check, stated)
            work.audit.append(maker.did(EventType.IDENTITY_CHECK_MADE, user_id, check=check.id))
        return check

    def approve(self, check: IdentityCheck, approver: Maker) -> CodeGiven | NotDone:
        """Whether `approver` may see it is for the caller to know."""
        code, now = new_ticket_code(self._effects), self._effects.now()
        with self._database.begin() as work:
            work.people.hold_user(check.user_id)
            user = work.people.find_user(check.user_id)
            if user is None or not user.is_active:
                return NotDone.BLOCKED
            if refused := self._may_not_approve(work, user, check, approver.actor_id):
                return refused
            approved = work.identity_checks.approve(
                check.id, by=approver.actor_id, code_hash=token_hash(code), until=now + CODE_SECONDS, now=now
            )
            found = work.identity_checks.find(check.id)
            if not approved or found is None:
                return NotDone.NOT_WAITING
            work.audit.append(approver.did(EventType.IDENTITY_CHECK_APPROVED, user.id, check=check.id))
        return CodeGiven(found, user, code)

    def revoke(self, work: Work, check: IdentityCheck, actor: Maker) -> bool:
        """Refused instead of approved, or taken back afterwards. False when it confirmed nothing any more."""
        work.people.hold_user(check.user_id)
        found = work.identity_checks.find(check.id)
        if found is None or not work.identity_checks.revoke(
            check.id, by=actor.actor_id, now=self._effects.now()
        ):
            return False
        event = actor.did(EventType.IDENTITY_CHECK_REVOKED, check.user_id, check=check.id)
        is_refusal = found.approved_at is None and actor.actor_id != found.made_by
        work.audit.append(replace(event, reason=REFUSED if is_refusal else None))
        return True

    # Whoever has the code ----------------------------------------------------------------------------------

    def why_not(self, work: Work, check: IdentityCheck | None, user_id: str) -> Reason | None:
        """Whether it confirms this account now: everything it depends on, as it is at this moment."""
        if check is None:
            return Reason.IN_PERSON_CODE_UNKNOWN
        if check.user_id != user_id:
            return Reason.IN_PERSON_CODE_OF_ANOTHER
        if over := _OVER.get(state_of(check, self._effects.now())):
            return over
        user = work.people.find_user(user_id)
        if user is None or not self._works_in(work, user, check.municipality):
            return Reason.IN_PERSON_OTHER_POSTS
        if not self._looks_after(work, check.made_by, check.municipality):
            return Reason.IN_PERSON_MAKER_GONE
        if self._may_not_approve(work, user, check, check.approved_by or ""):
            return Reason.IN_PERSON_APPROVER_GONE
        return None

    def use(self, work: Work, sitting: Sitting, read: IdentityRead) -> Reason | None:
        """In the very act that links what was read, or opens the way back in. None: it is used by this."""
        check = work.identity_checks.find(read.evidence)
        if refused := self.why_not(work, check, sitting.user_id):
            return refused
        if not work.identity_checks.use(read.evidence, self._effects.now()):
            return Reason.IN_PERSON_CODE_USED
        event = Event(
            type=EventType.IDENTITY_CHECK_USED,
            user_id=sitting.user_id,
            actor_id=sitting.user_id,
            municipality=check.municipality if check else None,
            method=ConfirmedBy.IN_PERSON.value,
            detail={"check": read.evidence, "purpose": sitting.purpose.value},
        )
        work.audit.append(event)
        return None

    # Who may what ------------------------------------------------------------------------------------------

    def _may_not_make(self, work: Work, user_id: str, maker: Maker) -> NotDone | None:
        if maker.actor_id == user_id:
            return NotDone.OWN_ACCOUNT
        user = work.people.find_user(user_id)
        if user is None or not user.is_active:
            return NotDone.BLOCKED
        here = maker.municipality
        if (
            here is None
            or not self._looks_after(work, maker.actor_id, here)
            or not self._works_in(work, user, here)
        ):
            return NotDone.MUNICIPALITY_ONLY
        return None

    def _may_not_approve(
        self, work: Work, user: User, check: IdentityCheck, approver_id: str
    ) -> NotDone | None:
        """Asked when it is approved, and again when the code is used."""
        if approver_id == user.id:
            return NotDone.OWN_ACCOUNT
        if approver_id == check.made_by:
            return NotDone.SAME_PERSON
        is_intact = self._looks_after(work, check.made_by, check.municipality)
        if not is_intact or not self._works_in(work, user, check.municipality):
            return NotDone.VOID
        approver = work.people.find_user(approver_id)
        if approver is not None and approver.is_active and OPERATOR in approver.roles:
            return None
        is_second = self._looks_after(work, approver_id, check.municipality)
        return None if is_second and self._is_of(work, user, check.municipality) else NotDone.OPERATOR_ONLY

    def _looks_after(self, work: Work, user_id: str, municipality: str) -> bool:
        """Is an administrator there now."""
        user = work.people.find_user(user_id)
        if user is None or not user.is_active:
            return False
        posts = work.people.employments_of(user_id, now=self._effects.now())
        return any(each.municipality == municipality and ADMINISTRATOR in each.roles for each in posts)

    def _works_in(self, work: Work, user: User, municipality: str) -> bool:
        return municipality in self._tenants(work, user)

    def _is_of(self, work: Work, user: User, municipality: str) -> bool:
        """Works there and nowhere else, and does not run the system."""
        return OPERATOR not in user.roles and self._tenants(work, user) == {municipality}

    def _tenants(self, work: Work, user: User) -> set[str]:
        posts = work.people.employments_of(user.id, now=self._effects.now())
        return {post.municipality for post in posts}
