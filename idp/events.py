"""What the audit trail can say: a closed list of event types and the value that carries one.

Not here: writing it down (`storage/audit.py`), showing it to people (`web/account.py`), the mail that tells
of it (`people/letters.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from idp.words import N_


class EventType(Enum):
    SIGN_IN_STARTED = "sign_in.started"
    METHOD_PASSED = "method.passed"
    METHOD_FAILED = "method.failed"
    METHOD_ENROLLED = "method.enrolled"
    METHOD_REMOVED = "method.removed"
    METHOD_RENAMED = "method.renamed"
    KEY_BLOCKED = "method.key_blocked"
    TICKET_MADE = "enrolment_ticket.made"
    TICKET_REVOKED = "enrolment_ticket.revoked"
    TICKET_REFUSED = "enrolment_ticket.refused"
    TICKET_USED = "enrolment_ticket.used"
    RECOVERY_CODES_MADE = "recovery_codes.made"
    SIGNED_IN = "sign_in.completed"
    SIGNED_IN_ELSEWHERE = "sign_in.new_browser"
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
    APPROVAL_GIVEN = "approval.given"
    APPROVAL_REFUSED = "approval.refused"
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
    ATTESTATION_RULE_CHANGED = "policy.attestation_changed"
    METADATA_LOADED = "authenticator_metadata.loaded"
    MASTER_KEY_ROTATED = "master_key.rotated"
    CONTACT_REQUESTED = "contact.requested"
    CONTACT_ADDED = "contact.added"
    CONTACT_REMOVED = "contact.removed"
    MAIL_RETRIED = "mail.retried"
    COMPUTER_REMEMBERED = "remembered_computer.made"
    COMPUTER_FORGOTTEN = "remembered_computer.forgotten"
    COMPUTER_REPLAYED = "remembered_computer.replayed"
    IDENTITY_STARTED = "identity.started"
    IDENTITY_CONFIRMED = "identity.confirmed"
    IDENTITY_REFUSED = "identity.refused"
    IDENTITY_ALARM = "identity.alarm"
    IDENTITY_REMOVED = "identity.removed"
    IDENTITY_CHECK_MADE = "identity_check.made"
    IDENTITY_CHECK_APPROVED = "identity_check.approved"
    IDENTITY_CHECK_REVOKED = "identity_check.revoked"
    IDENTITY_CHECK_USED = "identity_check.used"
    VOUCHING_ASKED = "vouching.asked"
    VOUCHED = "vouching.vouched"
    VOUCH_GIVEN = "vouching.given"
    RECOVERY_BEGUN = "recovery.begun"
    RECOVERED = "recovery.finished"
    RECOVERY_STOPPED = "recovery.stopped"
    MUNICIPALITY_RULES_CHANGED = "municipality.rules_changed"
    DIRECTORY_CHANGED = "directory.changed"
    ARRIVAL_QUEUED = "arrival.queued"
    ARRIVAL_DISMISSED = "arrival.dismissed"
    INVITATION_MADE = "invitation.made"
    INVITATION_USED = "invitation.used"
    INVITATION_REVOKED = "invitation.revoked"
    DIRECTORY_UNAVAILABLE = "directory.unavailable"
    DIRECTORY_FALLBACK = "directory.fallback_used"
    DIRECTORY_PASSWORD_CHANGED = "directory.password_changed"  # noqa: S105  the name of an event
    KEYTAB_CHANGED = "directory.keytab_changed"
    KEYTAB_REMOVED = "directory.keytab_removed"
    KERBEROS_REPLAYED = "kerberos.replayed"
    KERBEROS_MISCONFIGURED = "kerberos.misconfigured"
    UPSTREAM_CHANGED = "upstream.changed"
    UPSTREAM_ARRIVED = "upstream.arrived"
    DIRECTORY_SYNCED = "directory.synced"
    DIRECTORY_SYNC_HELD = "directory.sync_held"
    DIRECTORY_SYNC_CONFIRMED = "directory.sync_confirmed"
    DIRECTORY_SYNC_FAILED = "directory.sync_failed"
    DIRECTORY_PERSON_BLOCKED = "directory.person_blocked"
    DIRECTORY_PERSON_RETURNED = "directory.person_returned"
    DIRECTORY_ROLES_CHANGED = "directory.roles_changed"
    DIRECTORY_DATA_CHANGED = "directory.person_changed"


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


TOLD_BY_MAIL: Final[Mapping[EventType, str]] = {
    EventType.SIGNED_IN_ELSEWHERE: N_("Logged in with a browser not seen before"),
    EventType.METHOD_ENROLLED: N_("A way to log in was set up"),
    EventType.METHOD_REMOVED: N_("A way to log in was removed"),
    EventType.TICKET_MADE: N_("An administrator made a letter to set up a way to log in"),
    EventType.TICKET_USED: N_("A letter to set up a way to log in was used"),
    EventType.KEY_BLOCKED: N_("A key was blocked: there seem to be two of it"),
    EventType.RECOVERY_CODES_MADE: N_("New recovery codes were created"),
    EventType.METHODS_RESET: N_("The administrator reset the ways to log in"),
    EventType.USER_BLOCKED: N_("The account was blocked"),
    EventType.USER_UNBLOCKED: N_("The account was unblocked"),
    EventType.CODE_REPLAYED: N_("An application's access was stopped: it was used twice"),
    EventType.REFRESH_REPLAYED: N_("An application's access was stopped: it was used twice"),
    EventType.APPROVAL_REFUSED: N_("A log-in at a computer was refused on the phone"),
    EventType.CASE_OPENED: N_("It was reported: “It was not me”"),
    EventType.CASE_CLOSED: N_("The administrator has dealt with the report"),
    EventType.CONTACT_ADDED: N_("A contact address was added"),
    EventType.CONTACT_REMOVED: N_("A contact address was removed"),
    EventType.IDENTITY_CONFIRMED: N_("It was confirmed who owns the account"),
    EventType.IDENTITY_REMOVED: N_("The confirmation of who owns the account was removed"),
    EventType.IDENTITY_CHECK_MADE: N_("An administrator wrote down that they checked your identity document"),
    EventType.IDENTITY_CHECK_APPROVED: N_(
        "A second person approved the check of your identity document and was given a code for you"
    ),
    EventType.VOUCHING_ASKED: N_("Somebody asks colleagues to vouch for you, to get into your account"),
    EventType.VOUCHED: N_("A colleague vouched that it is you who wants to get into your account"),
    EventType.VOUCH_GIVEN: N_("You vouched for a colleague"),
    EventType.RECOVERY_BEGUN: N_("Somebody confirmed that they are you, to set up a way to log in"),
    EventType.RECOVERED: N_("Access to the account was regained: a way to log in was set up"),
    EventType.RECOVERY_STOPPED: N_("Regaining access to the account was stopped"),
    EventType.COMPUTER_REMEMBERED: N_("A computer is remembered: it asks for the password only"),
    EventType.INVITATION_MADE: N_("An administrator made an invitation to log in by your account at work"),
    EventType.DIRECTORY_PASSWORD_CHANGED: N_("The password of the municipality's network was changed here"),
    EventType.COMPUTER_REPLAYED: N_("A remembered computer was forgotten: what it keeps was used twice"),
}
"""What its person (`user_id`) is told at every address they have, and in which words.

Whoever writes such an event down has written the mails by that (`AuditStore.append`). A type that strangers
can cause without end belongs here all the same: how many mails there are in an hour is bounded.
"""
