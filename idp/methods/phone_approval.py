"""Approval on the phone: a sign-in at a computer is confirmed on a phone where the same person is signed in.

The computer shows a number and a QR code with a link; the person picks the number on the phone. What proves
possession is the long-lived token that the phone's browser keeps since it was allowed to approve; its hash is
the credential. Phishable, for whoever can be talked into picking a number; the link itself opens nothing.

It leans on other ways: a phone signs in without it. Not here: who may ask and how often (`login/asking.py`),
the phone's side (`login/approvals.py`).
"""

import hmac
from collections.abc import Mapping
from typing import Any, Final

import segno

from idp.crypto import token_hash
from idp.effects import Effects
from idp.errors import Reason
from idp.methods.base import (
    LABEL_AT_MOST,
    Answer,
    Challenge,
    Description,
    Enrolled,
    NoRoom,
    Outcome,
    Pending,
    Rejected,
    Subject,
    Verified,
    Waiting,
    label_from,
)
from idp.models.approvals import Occasion
from idp.models.methods import Device, Factor, MethodFacts
from idp.models.people import Credential
from idp.storage.approval_requests import ApprovalRequests
from idp.storage.work import Work
from idp.words import N_

METHOD = "phone_approval"
PHONES_AT_MOST: Final = 10


class PhoneApproval:
    facts = MethodFacts(
        id=METHOD,
        factor=Factor.POSSESSION,
        amr=("mca",),
        several=True,
        companion=True,
        needs=frozenset({Device.PHONE}),
    )
    label = N_("Approval on the phone")
    description = N_("You confirm on your phone that it is you who logs in at the computer.")
    inbox = "/approve"

    def __init__(self, *, requests: ApprovalRequests, issuer: str, effects: Effects) -> None:
        """`issuer`: what the links to the phone begin with."""
        self._requests = requests
        self._issuer = issuer
        self._effects = effects

    def is_enrolled(self, subject: Subject) -> bool:
        return bool(subject.of(METHOD))

    def describe(self, credential: Credential) -> Description:
        return Description(kind=N_("Phone"))

    def credential_of(self, subject: Subject, token: str) -> Credential | None:
        hashed = token_hash(token)
        found = [each for each in subject.of(METHOD) if hmac.compare_digest(each.secret, hashed)]
        return found[0] if found and token else None

    # Where one signs in ------------------------------------------------------------------------------------

    def begin(self, subject: Subject) -> Challenge:
        """Nothing is asked without an occasion."""
        return Challenge()

    def ask(self, subject: Subject, occasion: Occasion) -> Challenge | NoRoom:
        request = self._requests.begin(subject.user.id, occasion)
        if isinstance(request, float):
            return NoRoom(request)
        return self.ask_on(
            {
                "request": request.id,
                "user": request.user_id,
                "number": request.number,
                "expires_at": request.expires_at,
            }
        )

    def ask_on(self, state: Mapping[str, Any]) -> Challenge:
        if self.stands(state) is Waiting.OVER:
            return Challenge(page={"over": True}, state=state)
        link = f"{self._issuer}{self.inbox}/{state['request']}"
        page = {
            "number": state["number"],
            "qr_svg": _drawn(link),
            "inbox": f"{self._issuer}{self.inbox}".partition("//")[2],
            "waits": True,
        }
        return Challenge(page=page, state=state)

    def stands(self, state: Mapping[str, Any]) -> Waiting:
        """Before the time is over it waits or is approved: a refusal ends the whole sign-in."""
        if not state or self._effects.now() >= state["expires_at"]:
            return Waiting.OVER
        return Waiting.READY if self._requests.is_approved(state["request"]) else Waiting.WAITING

    def verify(self, work: Work, subject: Subject | None, challenge: Challenge, answer: Answer) -> Outcome:
        """Takes the approval off the Shelf before it touches `work`."""
        state = challenge.state
        if subject is None or not state or state["user"] != subject.user.id:
            return Rejected(Reason.REQUEST_OVER)
        approval = self._requests.take_approval(state["request"])
        if approval is None:
            is_over = self._effects.now() >= state["expires_at"]
            return Rejected(Reason.REQUEST_OVER) if is_over else Pending()
        session = work.sessions.find(approval.session_id)
        phones = Subject(subject.user, work.people.credentials_of(subject.user.id)).of(METHOD)
        is_there = any(phone.id == approval.credential_id for phone in phones)
        if session is None or session.ended_at is not None or not is_there:
            return Rejected(Reason.REQUEST_OVER)
        work.people.touch_credential(approval.credential_id, at=self._effects.now())
        return Verified(approval.credential_id)

    # The phone ---------------------------------------------------------------------------------------------

    def begin_enrolment(self, subject: Subject) -> Challenge:
        return Challenge(page={"label_at_most": LABEL_AT_MOST}, state={"user": subject.user.id})

    def enrol(
        self, work: Work, subject: Subject, challenge: Challenge, answer: Answer
    ) -> Enrolled | Rejected:
        """There is nothing to prove but that it is this browser; it gets a new token, whatever it had."""
        replaced = self.credential_of(subject, answer.get("kept_token", ""))
        if replaced is not None:
            work.people.remove_credential(subject.user.id, replaced.id)
        elif len(subject.of(METHOD)) >= PHONES_AT_MOST:
            return Rejected(Reason.TOO_MANY_PHONES)
        token = self._effects.new_token()
        credential = Credential(
            id=self._effects.new_id(),
            user_id=subject.user.id,
            method=METHOD,
            secret=token_hash(token),
            created_at=self._effects.now(),
            label=label_from(answer.get("label", "")),
        )
        work.people.add_credential(credential)
        return Enrolled(credential, for_browser=token)


def _drawn(link: str) -> str:
    return segno.make_qr(link, error="m").svg_inline(
        svgclass="qr-code", lineclass=None, omitsize=True, border=4, dark="#000", light="#fff"
    )
