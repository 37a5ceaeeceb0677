"""How a sign-in ends: in a session begun or rotated, refused, or later signed out of. Each ending is
written down.
"""

from dataclasses import dataclass, field, replace

from idp.errors import Reason
from idp.events import Event, EventType
from idp.login.browsers import told_browser
from idp.login.limits import Limits
from idp.login.look import Look, is_about
from idp.login.sessions import Begun, Sessions, SignedIn, Visitor
from idp.login.standing import Person, Standings
from idp.login.transaction import Transaction, Transactions
from idp.methods.base import Rejected
from idp.models.people import User
from idp.storage.database import Database
from idp.storage.work import Work


@dataclass(frozen=True, slots=True)
class Finished:
    """`token` is the session's new token; None when the session already held everything."""

    return_to: str
    token: str | None = field(repr=False)


class Completion:
    def __init__(
        self,
        *,
        database: Database,
        standings: Standings,
        sessions: Sessions,
        transactions: Transactions,
        limits: Limits,
    ) -> None:
        self._database = database
        self._standings = standings
        self._sessions = sessions
        self._transactions = transactions
        self._limits = limits

    def finish(self, look: Look, *, visitor: Visitor, signed_in: SignedIn | None) -> Finished | None:
        """Turns a sign-in that is done into a session; None when another request did, or the user was
        blocked.
        """
        transaction, person = look.transaction, look.person
        if person is None or not self._transactions.take(transaction):
            return None
        session = signed_in if is_about(transaction, signed_in) else None
        if session is not None and not transaction.proofs and transaction.employment_id is None:
            return Finished(transaction.return_to, None)
        is_new_browser = not self._limits.knows_browser(username=person.user.username, visitor=visitor)
        with self._database.begin() as work:
            user = work.people.find_user(person.user.id)
            if user is None or not user.is_active or _is_void(user, transaction):
                return None
            if signed_in is not None and session is None:
                self._sessions.end(work, signed_in.session_id, _signed_out(signed_in.user_id, visitor, None))
            if signed_in is None and visitor.session_token is not None:
                self._sessions.end_left_behind(work, visitor)
            begun = self._begin_or_rotate(work, look, person, visitor=visitor, session=session)
            if is_new_browser:
                elsewhere = _event(EventType.SIGNED_IN_ELSEWHERE, look, visitor, session_id=begun.session_id)
                work.audit.append(replace(elsewhere, detail=told_browser(visitor.user_agent)))
            work.audit.append(_event(EventType.SIGNED_IN, look, visitor, session_id=begun.session_id))
        self._limits.remember_browser(username=person.user.username, visitor=visitor)
        return Finished(transaction.return_to, begun.token)

    def refuse(self, look: Look, reason: Reason, visitor: Visitor) -> None:
        """Writes down that a sign-in ended without a session."""
        with self._database.begin() as work:
            work.audit.append(_event(EventType.SIGN_IN_REFUSED, look, visitor, reason=reason))

    def refuse_key(self, look: Look, person: Person, credential_id: str, visitor: Visitor) -> Rejected | None:
        """For a key that answered rightly and is not, or no longer, of a kind this person may use."""
        reason = person.refused_keys.get(credential_id)
        if reason is None:
            return None
        self.refuse(replace(look, person=person), reason, visitor)
        return Rejected(reason)

    def sign_out(self, session_id: str, *, user_id: str, visitor: Visitor, client_id: str | None) -> bool:
        with self._database.begin() as work:
            return self._sessions.end(work, session_id, _signed_out(user_id, visitor, client_id))

    def switch_employment(self, signed_in: SignedIn, employment_id: str, visitor: Visitor) -> str | None:
        """Another of the person's current posts for this session; its new token, or None when it may not
        be.
        """
        person = self._standings.find_person(signed_in.user_id)
        if person is None or all(post.id != employment_id for post in person.employments):
            return None
        with self._database.begin() as work:
            begun = self._sessions.rotate(
                work,
                signed_in,
                old_token=visitor.session_token or "",
                proofs=signed_in.proofs,
                employment_id=employment_id,
            )
            if begun is not None:
                work.audit.append(
                    Event(
                        type=EventType.EMPLOYMENT_SWITCHED,
                        user_id=person.user.id,
                        actor_id=person.user.id,
                        municipality=next(
                            post.municipality for post in person.employments if post.id == employment_id
                        ),
                        session_id=signed_in.session_id,
                        address=visitor.address,
                    )
                )
        return begun.token if begun else None

    def _begin_or_rotate(
        self, work: Work, look: Look, person: Person, *, visitor: Visitor, session: SignedIn | None
    ) -> Begun:
        transaction = look.transaction
        only = person.employments[0].id if len(person.employments) == 1 else None
        employment_id = transaction.employment_id or (session.employment_id if session else None) or only
        if session is not None and visitor.session_token is not None:
            newer = {proof.method for proof in transaction.proofs}
            begun = self._sessions.rotate(
                work,
                session,
                old_token=visitor.session_token,
                proofs=(*(old for old in session.proofs if old.method not in newer), *transaction.proofs),
                employment_id=employment_id,
            )
            if begun is not None:
                return begun
        return self._sessions.begin(
            work, visitor, user_id=person.user.id, proofs=transaction.proofs, employment_id=employment_id
        )


def _is_void(user: User, transaction: Transaction) -> bool:
    """All sessions were ended after something was proved here, maybe by who was thrown out."""
    since = user.proofs_not_before
    return since is not None and any(proof.at < since for proof in transaction.proofs)


def _event(
    event_type: EventType,
    look: Look,
    visitor: Visitor,
    *,
    session_id: str | None = None,
    reason: Reason | None = None,
) -> Event:
    return Event(
        type=event_type,
        user_id=look.person.user.id if look.person else None,
        municipality=look.posts.acting.municipality if look.posts.acting else None,
        client_id=look.transaction.client_id,
        session_id=session_id,
        reason=reason.code if reason else None,
        address=visitor.address,
        detail=told_browser(visitor.user_agent),
    )


def _signed_out(user_id: str, visitor: Visitor, client_id: str | None) -> Event:
    return Event(
        type=EventType.SIGNED_OUT,
        user_id=user_id,
        actor_id=user_id,
        client_id=client_id,
        address=visitor.address,
    )
