"""The story of a case, from the trail: what was reported, what else was done in that session, and all that
happened to the account since, until an administrator closed the case.

For those who look after people's accounts, so in English like all that operators read. Writes nothing.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from idp.effects import Instant
from idp.events import EventType
from idp.models.audit import AuditEvent
from idp.models.cases import Case
from idp.storage.work import Work

AT_MOST: Final = 1000
_WORDS: Final = {
    EventType.SIGN_IN_STARTED.value: "A sign-in began",
    EventType.METHOD_PASSED.value: "A proof was right",
    EventType.METHOD_FAILED.value: "A proof was wrong",
    EventType.METHOD_ENROLLED.value: "A way to sign in was set up",
    EventType.METHOD_REMOVED.value: "A way to sign in was removed",
    EventType.METHOD_RENAMED.value: "A way to sign in was renamed",
    EventType.METHODS_RESET.value: "An administrator reset the ways to sign in",
    EventType.KEY_BLOCKED.value: "A key was blocked",
    EventType.RECOVERY_CODES_MADE.value: "New recovery codes were made",
    EventType.SIGNED_IN.value: "Signed in",
    EventType.SIGN_IN_REFUSED.value: "A sign-in was refused",
    EventType.EMPLOYMENT_SWITCHED.value: "Another post was chosen",
    EventType.SIGNED_OUT.value: "Signed out",
    EventType.SESSION_ENDED.value: "A session was ended",
    EventType.CONSENT_GIVEN.value: "An application was given permission",
    EventType.CONSENT_REFUSED.value: "An application was refused permission",
    EventType.CONSENT_WITHDRAWN.value: "An application's permission was withdrawn",
    EventType.TOKENS_ISSUED.value: "An application got tokens",
    EventType.TOKENS_REVOKED.value: "Tokens were revoked",
    EventType.CODE_REPLAYED.value: "A code was used twice",
    EventType.REFRESH_REPLAYED.value: "A refresh token was used twice",
    EventType.DEVICE_APPROVED.value: "A device was let in",
    EventType.USER_BLOCKED.value: "The account was blocked",
    EventType.USER_UNBLOCKED.value: "The account was unblocked",
    EventType.CASE_OPENED.value: "The case was opened",
    EventType.CASE_EXTENDED.value: "One more event was reported",
    EventType.CASE_STEP.value: "The person answered",
    EventType.CASE_FINISHED.value: "The person was through",
    EventType.CASE_CLOSED.value: "The case was closed",
}
"""What is not here is told by its type."""
_ANSWERS: Final = {
    "proven": "proved who they are",
    "kept": "theirs",
    "removed": "removed",
    "left": "not theirs, but it cannot be removed",
    "changed": "made anew",
}


@dataclass(frozen=True, slots=True)
class Line:
    """`is_reported`: what the person said was not them. `of_case`: part of dealing with it."""

    seq: int
    at: Instant
    type: str
    words: str
    is_reported: bool
    of_case: bool
    actor_id: str | None
    client_id: str | None
    session_id: str | None
    method: str | None
    reason: str | None
    address: str | None
    detail: Mapping[str, Any]


def story_of(work: Work, case: Case) -> list[Line]:
    reports = work.cases.reports_of(case.id)
    reported = {report.event_seq for report in reports}
    events = work.audit.story_of(
        case.user_id,
        seqs=reported,
        session_ids={report.session_id for report in reports if report.session_id},
        since=case.opened_at,
        limit=AT_MOST,
    )
    return list(_lines(case, events, reported))


def _lines(case: Case, events: list[AuditEvent], reported: set[int]) -> Iterator[Line]:
    for event in events:
        detail: dict[str, Any] = json.loads(event.detail)
        of_case = detail.get("case") == case.id
        yield Line(
            seq=event.seq,
            at=event.at,
            type=event.type,
            words=_words(event, detail),
            is_reported=event.seq in reported,
            of_case=of_case,
            actor_id=event.actor_id,
            client_id=event.client_id,
            session_id=event.session_id,
            method=event.method,
            reason=event.reason,
            address=event.address,
            detail=detail,
        )
        if of_case and event.type == EventType.CASE_CLOSED.value:
            return


def _words(event: AuditEvent, detail: Mapping[str, Any]) -> str:
    said = _WORDS.get(event.type, event.type)
    match event.type:
        case EventType.CASE_STEP.value:
            answer = _ANSWERS.get(str(detail.get("step")), str(detail.get("step")))
            said += (
                f": {answer}" if detail.get("step") == "proven" else f" of {detail.get('label')}: {answer}"
            )
        case EventType.CASE_OPENED.value | EventType.CASE_EXTENDED.value:
            said += f": event {detail.get('event')} was not them"
        case _:
            pass
    parts = (
        ("with", event.method),
        ("for", event.client_id),
        ("in session", event.session_id),
        ("by", event.actor_id if event.actor_id != event.user_id else None),
        ("from", event.address),
        ("browser", detail.get("browser")),
    )
    told = [f"{name} {value}" for name, value in parts if value]
    return f"{said}, {', '.join(told)}" if told else said
