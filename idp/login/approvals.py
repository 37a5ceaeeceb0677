"""Approving, on another device, a sign-in that waits at a computer: what is shown there, and one decision.

Who approves has a live session on the device, of two factors other than such approvals, and a browser that
was allowed to approve and is not the one that signs in. A wrong number is a refusal; a refusal ends the
sign-in at the computer. A request to somebody else is like none. Not here: asking (`asking.py`), pages
(`web/approve.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from idp.crypto import token_hash
from idp.errors import Reason
from idp.events import Event, EventType
from idp.login.limits import Limits
from idp.login.sessions import SignedIn, Visitor
from idp.login.standing import Person
from idp.login.transaction import Ended, Requirements, Transactions
from idp.methods.base import AskedElsewhere, Method
from idp.models.approvals import Approval, ApprovalRequest, Decided, Verdict
from idp.models.people import Credential
from idp.policy import Level
from idp.storage.approval_requests import ApprovalRequests
from idp.storage.database import Database

_ENDS: Final = {
    Verdict.REFUSED: Reason.REFUSED_ELSEWHERE,
    Verdict.WRONG_NUMBER: Reason.WRONG_NUMBER,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Approver:
    """The person at the device, with what its browser is allowed to approve by."""

    person: Person = field(repr=False)
    credential: Credential
    signed_in: SignedIn
    visitor: Visitor


@dataclass(frozen=True, slots=True)
class Gone:
    """Unknown, expired, decided in another place, or somebody else's."""


@dataclass(frozen=True, slots=True)
class SameBrowser:
    """The very browser that signs in: what is at the same computer is no second device."""


Outcome: TypeAlias = ApprovalRequest | Decided | SameBrowser | Gone


class Approvals:
    def __init__(
        self,
        *,
        database: Database,
        methods: Mapping[str, Method],
        requests: ApprovalRequests,
        transactions: Transactions,
        limits: Limits,
    ) -> None:
        self._database = database
        self._asking = [method for method in methods.values() if isinstance(method, AskedElsewhere)]
        self._requests = requests
        self._transactions = transactions
        self._limits = limits
        leaning = tuple(method.facts.id for method in methods.values() if method.facts.companion)
        self.requirements = Requirements(level=Level.MULTI_FACTOR, set_aside=leaning)
        """What whoever approves must have proved on the device."""

    def credential_of(self, person: Person, token: str) -> Credential | None:
        """By which this browser may approve."""
        for method in self._asking:
            found = method.credential_of(person.subject, token)
            if found is not None:
                return found
        return None

    def find_ended(self, transaction_id: str, *, browser: str) -> Ended | None:
        """The sign-in of this browser that a refusal ended."""
        return self._transactions.find_ended(transaction_id, browser=browser)

    def waiting_for(self, approver: Approver) -> list[ApprovalRequest]:
        waiting = self._requests.waiting_for(approver.person.user.id)
        return [request for request in waiting if not _is_same_browser(request, approver)]

    def look(self, request_id: str, approver: Approver) -> Outcome:
        user_id = approver.person.user.id
        request = self._requests.find(request_id)
        if request is None or request.user_id != user_id:
            return self._requests.find_decided(request_id, user_id=user_id) or Gone()
        return SameBrowser() if _is_same_browser(request, approver) else request

    def decide(self, request_id: str, approver: Approver, *, choice: str) -> Outcome:
        """`choice` is the number picked; whatever is none of those offered is a refusal."""
        request = self.look(request_id, approver)
        if not isinstance(request, ApprovalRequest):
            return request
        if not self._requests.take(request):
            return Gone()
        verdict = verdict_on(request, choice)
        decided = Decided(verdict, request.occasion.application)
        if verdict is Verdict.APPROVED:
            self._write_down(request, approver, decided)
            approval = Approval(approver.credential.id, approver.signed_in.session_id)
            self._requests.approve(request, approval)
            self._limits.give_back_asking(request.occasion.asker)
        else:
            in_time = self._transactions.end(request.occasion.transaction_id, _ENDS[verdict])
            decided = replace(decided, in_time=in_time)
            self._limits.pause_asking(request.occasion.asker)
            self._write_down(request, approver, decided)
        self._requests.remember(request, decided)
        return decided

    def _write_down(self, request: ApprovalRequest, approver: Approver, decided: Decided) -> None:
        verdict, approved = decided.verdict, decided.verdict is Verdict.APPROVED
        event = Event(
            type=EventType.APPROVAL_GIVEN if approved else EventType.APPROVAL_REFUSED,
            user_id=request.user_id,
            actor_id=request.user_id,
            municipality=request.occasion.municipality,
            client_id=request.occasion.client_id,
            session_id=approver.signed_in.session_id,
            reason=verdict.value if verdict is Verdict.WRONG_NUMBER else None,
            address=approver.visitor.address,
            detail={"asked_from": request.occasion.address, "in_time": decided.in_time},
        )
        with self._database.begin() as work:
            work.audit.append(event)


def verdict_on(request: ApprovalRequest, choice: str) -> Verdict:
    if choice == str(request.number):
        return Verdict.APPROVED
    return Verdict.WRONG_NUMBER if choice in map(str, request.choices) else Verdict.REFUSED


def _is_same_browser(request: ApprovalRequest, approver: Approver) -> bool:
    return request.occasion.browser == token_hash(approver.visitor.browser)
