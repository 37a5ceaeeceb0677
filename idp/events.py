"""What the audit trail can say: a closed list of event types and the value that carries one.

Not here: writing it down (`storage/audit.py`), showing it to people (`web/account.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class EventType(Enum):
    SIGN_IN_STARTED = "sign_in.started"
    METHOD_PASSED = "method.passed"
    METHOD_FAILED = "method.failed"
    METHOD_ENROLLED = "method.enrolled"
    METHOD_REMOVED = "method.removed"
    METHOD_RENAMED = "method.renamed"
    KEY_BLOCKED = "method.key_blocked"
    RECOVERY_CODES_MADE = "recovery_codes.made"
    SIGNED_IN = "sign_in.completed"
    SIGN_IN_REFUSED = "sign_in.refused"
    EMPLOYMENT_SWITCHED = "session.employment_switched"
    SIGNED_OUT = "session.signed_out"
    SESSION_ENDED = "session.ended"
    LOGOUT_NOTICE_RETRIED = "logout_notice.retried"
    CASE_OPENED = "case.opened"
    CASE_EXTENDED = "case.extended"
    CASE_STEP = "case.step"
    CASE_FINISHED = "case.finished"
    CASE_CLOSED = "case.closed"
    CONSENT_GIVEN = "consent.given"
    CONSENT_REFUSED = "consent.refused"
    CONSENT_WITHDRAWN = "consent.withdrawn"
    CODE_REPLAYED = "code.replayed"
    REFRESH_REPLAYED = "refresh.replayed"
    DEVICE_APPROVED = "device.approved"
    DEVICE_REFUSED = "device.refused"
    TOKENS_ISSUED = "tokens.issued"
    TOKENS_REVOKED = "tokens.revoked"
    TOKEN_EXCHANGED = "token.exchanged"  # noqa: S105  the name of an event
    USER_ADDED = "user.added"
    USER_BLOCKED = "user.blocked"
    USER_UNBLOCKED = "user.unblocked"
    METHODS_RESET = "user.methods_reset"
    CLIENT_ADDED = "client.added"
    CLIENT_REGISTERED = "client.registered"
    CLIENT_CHANGED = "client.changed"
    CLIENT_REMOVED = "client.removed"
    INITIAL_TOKEN_MADE = "client.initial_token_made"  # noqa: S105  the name of an event
    CLIENT_SECRET_ROTATED = "client.secret_rotated"  # noqa: S105  the name of an event
    SIGNING_KEY_ADDED = "signing_key.added"
    SIGNING_KEY_ROTATED = "signing_key.rotated"
    MASTER_KEY_ROTATED = "master_key.rotated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened. Never holds a secret, a code or a whole personal code."""

    type: EventType
    user_id: str | None = None
    actor_id: str | None = None
    municipality: str | None = None
    client_id: str | None = None
    session_id: str | None = None
    method: str | None = None
    reason: str | None = None
    address: str | None = None
    detail: Mapping[str, str | int | bool] = field(default_factory=dict)
