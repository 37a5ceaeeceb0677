"""Whether an identity that was read may be linked to an account, or opens the way back into it.

Asked when it was read, and again in the transaction that links it. Not here: that transaction (`desk.py`),
how often one may try (`limits.py`).
"""

from collections.abc import Mapping

from idp.errors import Reason
from idp.events import EventType
from idp.login.standing import Person, Standings
from idp.login.ways import Ways
from idp.methods.base import Method
from idp.models.confirmations import IdentityRead
from idp.models.latvian import fold
from idp.models.people import User
from idp.people.identity.sittings import Purpose, Sitting
from idp.policy import Level
from idp.storage.work import Work


class IdentityRules:
    def __init__(self, methods: Mapping[str, Method], standings: Standings) -> None:
        self._ways = Ways(methods, standings)
        self._standings = standings

    def may_begin_in_sign_in(self, person: Person) -> bool:
        """Not where there is, or was, more than a password: what was lost comes back by `recovery` alone."""
        return not self._ways.has_strong(person.enrolled)

    def needs_factor(self, person: Person) -> bool:
        """Whether nothing is set up that would sign the person in next time without a password alone."""
        return not self._ways.has_strong(person.usable)

    def why_not(self, work: Work, sitting: Sitting, read: IdentityRead) -> Reason | None:
        """Nothing of this says whose the identity or the account is."""
        user = work.people.find_user(sitting.user_id)
        if user is None or not user.is_active:
            return Reason.IDENTITY_OTHER
        if sitting.purpose is Purpose.RECOVERY:
            return self._why_not_let_in(work, sitting, user, read)
        on_file = work.people.person_code_of(user)
        if on_file is not None and on_file != read.code:
            return Reason.IDENTITY_MISMATCH
        owner = work.people.find_user_by_person_code(read.code)
        if owner is not None and owner.id != user.id:
            return Reason.IDENTITY_TAKEN
        if sitting.purpose is Purpose.ACCOUNT:
            case = work.cases.find_unfinished(user.id)
            return Reason.IDENTITY_OVER if case is not None and case.opened_at > sitting.since else None
        person = self._standings.read_person(work, user.id)
        if person is None or not self.may_begin_in_sign_in(person):
            return Reason.IDENTITY_NOT_ENOUGH
        if _is_void(sitting, user):
            return Reason.IDENTITY_OVER
        return Reason.IDENTITY_NAMES if on_file is None and not same_names(user, read) else None

    def _why_not_let_in(self, work: Work, sitting: Sitting, user: User, read: IdentityRead) -> Reason | None:
        """Whatever is said before it is certain that this is the account's owner is always the same."""
        confirmed = work.confirmations.find(user.id)
        if confirmed is None or not work.confirmations.is_of(confirmed.confirmation, read):
            return Reason.IDENTITY_OTHER
        if _is_disputed(work, user):
            return Reason.IDENTITY_OTHER
        if _is_void(sitting, user):
            return Reason.IDENTITY_OVER
        person = self._standings.read_person(work, user.id)
        is_usual = person is not None and self._ways.usual_level(person) <= Level.MULTI_FACTOR
        return None if is_usual else Reason.IDENTITY_NOT_ENOUGH


def _is_void(sitting: Sitting, user: User) -> bool:
    """All that was half-way was ended since: somebody may have been thrown out."""
    return user.proofs_not_before is not None and sitting.since < user.proofs_not_before


def _is_disputed(work: Work, user: User) -> bool:
    """The person said of the confirmation that it was not them; until they confirm it again."""
    latest = work.audit.activity_of(user.id, types=[EventType.IDENTITY_CONFIRMED], limit=1)
    return any(work.cases.find_by_event(event.seq) is not None for event in latest)


def same_names(user: User, read: IdentityRead) -> bool:
    """A password alone must not let somebody make an account theirs whose owner is known to be another."""
    account = (fold(user.given_name), fold(user.family_name))
    return all(account) and account == (fold(read.given_name), fold(read.family_name))
