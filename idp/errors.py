"""Why something was refused: a closed list, each with a public message and an audit code.

Several reasons share one public message, so that a page cannot leak what it never receives.
"""

from enum import Enum

from idp import words
from idp.words import N_


class Reason(Enum):
    """`code` goes to the audit trail and the operator, `public` to the person."""

    UNKNOWN_USER = ("unknown_user", words.WRONG)
    WRONG_PASSWORD = ("wrong_password", words.WRONG)
    WRONG_CURRENT_PASSWORD = ("wrong_current_password", N_("The current password is not right."))
    NO_PASSWORD = ("no_password", words.WRONG)
    BLOCKED_USER = ("blocked_user", words.WRONG)
    TOO_LONG = ("too_long", words.WRONG)
    WRONG_CODE = ("wrong_code", N_("The code is not valid or has expired."))
    CODE_ALREADY_USED = ("code_already_used", N_("The code is not valid or has expired."))
    METHOD_NOT_OFFERED = ("method_not_offered", words.ACCESS)
    THROTTLED = ("throttled", words.WAIT)
    NOT_REACHABLE = ("level_not_reachable", words.NOT_REACHABLE)
    NO_EMPLOYMENT = ("no_employment", N_("Your account has no current post in a municipality."))
    OTHER_USER = ("other_user", N_("The application expects another person to log in."))
    CLIENT_NOT_ALLOWED = ("client_not_allowed", N_("You do not have access to this application."))
    TRANSACTION_EXPIRED = ("transaction_expired", N_("This sign-in has expired."))
    PASSWORD_TOO_SHORT = ("password_too_short", N_("The password must have at least 12 characters."))
    PASSWORD_TOO_LONG = ("password_too_long", N_("The password may have at most 256 characters."))
    PASSWORD_COMMON = ("password_common", N_("This password is too well known. Choose another one."))
    PASSWORD_HAS_NAME = ("password_has_name", N_("The password must not contain your name or username."))
    PASSWORDS_DIFFER = ("passwords_differ", N_("The passwords do not match."))
    KEY_UNKNOWN = ("key_unknown", words.KEY)
    KEY_ANSWER_BROKEN = ("key_answer_broken", words.KEY)
    KEY_OF_ANOTHER = ("key_of_another", words.KEY)
    KEY_COPIED = ("key_copied", words.KEY)
    KEY_OF_BLOCKED_USER = ("key_of_blocked_user", words.KEY)
    KEY_ANSWER_MISSING = ("key_answer_missing", words.KEY_ANSWER_MISSING)
    CHALLENGE_USED = ("challenge_used", N_("The page was open for too long or was used already. Try again."))
    USER_NOT_VERIFIED = ("user_not_verified", words.USER_NOT_VERIFIED)
    KEY_ALREADY_REGISTERED = ("key_already_registered", N_("This key is already registered."))
    TOO_MANY_KEYS = ("too_many_keys", words.TOO_MANY_KEYS)
    KEY_NOT_ATTESTED = ("key_not_attested", words.KEY_KIND)
    KEY_NOT_LISTED = ("key_not_listed", words.KEY_KIND)
    KEY_MODEL_UNTRUSTED = ("key_model_untrusted", words.KEY_KIND)
    KEY_NOT_CHOSEN = ("key_not_chosen", words.KEY_KIND)
    KEY_NOT_DEVICE_BOUND = ("key_not_device_bound", words.KEY_KIND)
    WRONG_TICKET = ("wrong_ticket", words.WRONG_TICKET)
    TICKET_OVER = ("ticket_over", N_("This letter is no longer valid."))
    NO_EMAIL_ADDRESS = ("no_email_address", N_("Enter an e-mail address, like name@example.lv."))
    TOO_MANY_CONTACTS = ("too_many_contacts", words.TOO_MANY_CONTACTS)
    CONTACT_THERE_ALREADY = ("contact_there_already", N_("This address is on your list already."))
    REQUEST_OVER = ("request_over", words.REQUEST_OVER)
    REFUSED_ELSEWHERE = ("refused_elsewhere", words.REFUSED_ELSEWHERE)
    WRONG_NUMBER = ("wrong_number", words.WRONG_NUMBER)
    TOO_MANY_PHONES = ("too_many_phones", words.TOO_MANY_PHONES)
    UPSTREAM_ANSWER_BROKEN = ("upstream_answer_broken", words.UPSTREAM)
    UPSTREAM_OTHER_ISSUER = ("upstream_other_issuer", words.UPSTREAM)
    UPSTREAM_TOKEN = ("upstream_token", words.UPSTREAM)
    UPSTREAM_OTHER_TENANT = ("upstream_other_tenant", words.UPSTREAM)
    UPSTREAM_NOT_FRESH = ("upstream_not_fresh", words.UPSTREAM)
    UPSTREAM_DECLINED = ("upstream_declined", words.UPSTREAM)
    UPSTREAM_OTHER_PERSON = ("upstream_other_person", words.UPSTREAM)
    UPSTREAM_OFF = ("upstream_off", words.UPSTREAM)
    UPSTREAM_UNREACHABLE = ("upstream_unreachable", words.UPSTREAM_LATER)
    UPSTREAM_NOT_LINKED = ("upstream_not_linked", words.UPSTREAM_NOBODY)
    UPSTREAM_BLOCKED_USER = ("upstream_blocked_user", words.UPSTREAM_NOBODY)
    UPSTREAM_NOT_ITS_PERSON = ("upstream_not_its_person", words.UPSTREAM_NOBODY)
    LAST_METHOD = ("last_method", N_("This is your last way to sign in, so it cannot be removed."))

    # Confirming who owns an account, whatever the way.
    IDENTITY_NO_CONSENT = ("identity_no_consent", N_("Tick that you agree, and go on."))
    IDENTITY_NAME = ("identity_name", N_("Type the username with which you log in."))
    IDENTITY_OVER = ("identity_over", words.ANEW)
    IDENTITY_OTHER = ("identity_other", words.IDENTITY)
    IDENTITY_MISMATCH = ("identity_mismatch", words.IDENTITY_MISMATCH)
    IDENTITY_TAKEN = ("identity_taken", words.IDENTITY_TAKEN)
    IDENTITY_NAMES = ("identity_names", words.IDENTITY_NAMES)
    IDENTITY_NOT_ENOUGH = ("identity_not_enough", words.IDENTITY_NOT_ENOUGH)
    IDENTITY_DECLINED = ("identity_declined", N_("You did not link this identity. Nothing was changed."))

    # The code that is given after a document was checked. The person learns none of it.
    IN_PERSON_CODE_UNKNOWN = ("in_person_code_unknown", words.CHECK_CODE)
    IN_PERSON_CODE_OF_ANOTHER = ("in_person_code_of_another", words.CHECK_CODE)
    IN_PERSON_CODE_EXPIRED = ("in_person_code_expired", words.CHECK_CODE)
    IN_PERSON_CODE_USED = ("in_person_code_used", words.CHECK_CODE)
    IN_PERSON_CODE_REVOKED = ("in_person_code_revoked", words.CHECK_CODE)
    IN_PERSON_OTHER_POSTS = ("in_person_other_posts", words.CHECK_CODE)
    IN_PERSON_MAKER_GONE = ("in_person_maker_gone", words.CHECK_CODE)
    IN_PERSON_APPROVER_GONE = ("in_person_approver_gone", words.CHECK_CODE)
    # Being vouched for by colleagues.
    VOUCHING_SHARED = ("vouching_shared", words.VOUCHING_SHARED)
    VOUCHING_OVER = ("vouching_over", N_("This request is over. Ask again if you still need it."))
    VOUCHING_UNKNOWN = ("vouching_unknown", words.VOUCHING_UNKNOWN)
    VOUCHING_SEVERAL = ("vouching_several", words.VOUCHING_SEVERAL)

    # What a municipality's directory says to a password. Only who knows the password learns more than others.
    DIRECTORY_UNKNOWN_ENTRY = ("directory_unknown_entry", words.WRONG)
    DIRECTORY_NOT_EMPLOYED = ("directory_not_employed", words.WRONG)
    DIRECTORY_WRONG_PASSWORD = ("directory_wrong_password", words.WRONG)
    DIRECTORY_EMPTY_PASSWORD = ("directory_empty_password", words.WRONG)
    DIRECTORY_LOCKED_OUT = ("directory_locked_out", words.WRONG)
    DIRECTORY_ATTEMPTS_SPENT = ("directory_attempts_spent", words.WRONG)
    DIRECTORY_REFUSED = ("directory_refused", words.WRONG)
    DIRECTORY_DISABLED = ("directory_disabled", words.DIRECTORY_DISABLED)
    DIRECTORY_ACCOUNT_EXPIRED = ("directory_account_expired", words.DIRECTORY_ACCOUNT_EXPIRED)
    DIRECTORY_NOT_AT_THIS_TIME = ("directory_not_at_this_time", words.DIRECTORY_NOT_AT_THIS_TIME)
    DIRECTORY_NOT_FROM_HERE = ("directory_not_from_here", words.DIRECTORY_NOT_FROM_HERE)
    DIRECTORY_PASSWORD_EXPIRED = ("directory_password_expired", words.DIRECTORY_PASSWORD_EXPIRED)
    DIRECTORY_MUST_CHANGE = ("directory_must_change", words.DIRECTORY_MUST_CHANGE)
    DIRECTORY_WRONG_OLD_PASSWORD = ("directory_wrong_old_password", N_("The current password is not right."))
    DIRECTORY_AGAINST_POLICY = ("directory_against_policy", words.DIRECTORY_AGAINST_POLICY)
    DIRECTORY_CHANGE_REFUSED = ("directory_change_refused", words.DIRECTORY_CHANGE_REFUSED)

    DIRECTORY_NOT_LINKED = ("directory_not_linked", words.DIRECTORY_NOT_LINKED)
    # Who comes for the first time on the word of a source outside, having proved who they are there.
    ARRIVAL_WAITS = ("arrival_waits", words.ARRIVAL_WAITS)
    ARRIVAL_UNASKED = ("arrival_unasked", words.COMPUTER)
    INVITATION_WRONG = ("invitation_wrong", words.INVITATION_WRONG)
    INVITATION_NAME = ("invitation_name", words.INVITATION_NAME)
    INVITATION_TAKEN = ("invitation_taken", words.INVITATION_TAKEN)
    INVITATION_TAKEN_THERE = ("invitation_taken_there", words.INVITATION_TAKEN_THERE)

    # Why a directory gave no answer. The person learns that it is not their doing.
    DIRECTORY_UNREACHABLE = ("directory_unreachable", words.DIRECTORY)
    DIRECTORY_UNTRUSTED = ("directory_untrusted", words.DIRECTORY)
    DIRECTORY_OWN_ACCOUNT_REFUSED = ("directory_own_account_refused", words.DIRECTORY)
    DIRECTORY_BROKEN = ("directory_broken", words.DIRECTORY)

    # What a browser sent by itself. The person is told nothing unless they asked for it, and then only that.
    KERBEROS_NOT_HERE = ("kerberos_not_here", words.COMPUTER)
    KERBEROS_UNREADABLE = ("kerberos_unreadable", words.COMPUTER)
    KERBEROS_TOO_LONG = ("kerberos_too_long", words.COMPUTER)
    KERBEROS_NTLM = ("kerberos_ntlm", words.COMPUTER)
    KERBEROS_SEVERAL_LEGS = ("kerberos_several_legs", words.COMPUTER)
    KERBEROS_WEAK = ("kerberos_weak", words.COMPUTER)
    KERBEROS_OTHER_REALM = ("kerberos_other_realm", words.COMPUTER)
    KERBEROS_OTHER_KEY = ("kerberos_other_key", words.COMPUTER)
    KERBEROS_EXPIRED = ("kerberos_expired", words.COMPUTER)
    KERBEROS_CLOCKS = ("kerberos_clocks", words.COMPUTER)
    KERBEROS_REPLAYED = ("kerberos_replayed", words.COMPUTER)
    KERBEROS_DELEGATED = ("kerberos_delegated", words.COMPUTER)
    KERBEROS_NO_SID = ("kerberos_no_sid", words.COMPUTER)
    KERBEROS_UNLINKED = ("kerberos_unlinked", words.COMPUTER)
    KERBEROS_UNAVAILABLE = ("kerberos_unavailable", words.COMPUTER)
    KERBEROS_REFUSED = ("kerberos_refused", words.COMPUTER)

    # How a Smart-ID session ended on the phone.
    SMART_ID_CANCELLED = ("smart_id_cancelled", words.CANCELLED)
    SMART_ID_CANCELLED_SCREEN = ("smart_id_cancelled_screen", words.CANCELLED)
    SMART_ID_CANCELLED_CHOICE = ("smart_id_cancelled_choice", words.CANCELLED)
    SMART_ID_TIMEOUT = ("smart_id_timeout", words.ANEW)
    SMART_ID_WRONG_CODE = ("smart_id_wrong_code", words.SMART_ID_WRONG_CODE)
    SMART_ID_OLD_APP = ("smart_id_old_app", N_("Your Smart-ID app is too old for this. Update it."))
    SMART_ID_DOCUMENT_UNUSABLE = ("smart_id_document_unusable", words.ACCOUNT)
    SMART_ID_ACCOUNT_UNUSABLE = ("smart_id_account_unusable", words.ACCOUNT)
    SMART_ID_PROTOCOL_FAILURE = ("smart_id_protocol_failure", words.IDENTITY)
    SMART_ID_LINKED_SESSION = ("smart_id_linked_session", words.IDENTITY)
    SMART_ID_SERVER_ERROR = ("smart_id_server_error", words.LATER)
    SMART_ID_UNKNOWN_RESULT = ("smart_id_unknown_result", words.IDENTITY)

    # What the Smart-ID service answered instead of an answer.
    SMART_ID_BAD_REQUEST = ("smart_id_bad_request", words.IDENTITY)
    SMART_ID_NOT_ACCEPTED = ("smart_id_not_accepted", words.LATER)
    SMART_ID_NOT_PERMITTED = ("smart_id_not_permitted", words.LATER)
    SMART_ID_NO_ACCOUNT = ("smart_id_no_account", words.IDENTITY)
    SMART_ID_NO_SUITABLE_ACCOUNT = ("smart_id_no_suitable_account", words.IDENTITY)
    SMART_ID_ACCOUNT_PROBLEM = ("smart_id_account_problem", words.ACCOUNT)
    SMART_ID_SESSION_UNKNOWN = ("smart_id_session_unknown", words.ANEW)
    SMART_ID_API_TOO_OLD = ("smart_id_api_too_old", words.LATER)
    SMART_ID_UNAVAILABLE = ("smart_id_unavailable", words.LATER)
    SMART_ID_MAINTENANCE = ("smart_id_maintenance", words.LATER)
    SMART_ID_UNREACHABLE = ("smart_id_unreachable", words.LATER)
    SMART_ID_TOO_SLOW = ("smart_id_too_slow", words.LATER)
    SMART_ID_RESTING = ("smart_id_resting", words.LATER)
    SMART_ID_WRONG_SERVER_KEY = ("smart_id_wrong_server_key", words.LATER)
    SMART_ID_UNKNOWN_STATUS = ("smart_id_unknown_status", words.LATER)
    SMART_ID_ANSWER_BROKEN = ("smart_id_answer_broken", words.IDENTITY)

    # What does not hold in an answer of Smart-ID that says OK. The person learns none of it.
    SMART_ID_CALLBACK_MISSING = ("smart_id_callback_missing", words.IDENTITY)
    SMART_ID_CALLBACK_UNKNOWN = ("smart_id_callback_unknown", words.IDENTITY)
    SMART_ID_CALLBACK_OTHER_BROWSER = ("smart_id_callback_other_browser", words.IDENTITY)
    SMART_ID_CALLBACK_REPLAYED = ("smart_id_callback_replayed", words.IDENTITY)
    SMART_ID_CALLBACK_BROKEN = ("smart_id_callback_broken", words.IDENTITY)
    SMART_ID_CALLBACK_VALUE = ("smart_id_callback_value", words.IDENTITY)
    SMART_ID_CALLBACK_SECRET = ("smart_id_callback_secret", words.IDENTITY)
    SMART_ID_CALLBACK_VERIFIER = ("smart_id_callback_verifier", words.IDENTITY)
    SMART_ID_PROTOCOL = ("smart_id_protocol", words.IDENTITY)
    SMART_ID_FLOW = ("smart_id_flow", words.IDENTITY)
    SMART_ID_INTERACTION = ("smart_id_interaction", words.IDENTITY)
    SMART_ID_ALGORITHM = ("smart_id_algorithm", words.IDENTITY)
    SMART_ID_HASH = ("smart_id_hash", words.IDENTITY)
    SMART_ID_MASK = ("smart_id_mask", words.IDENTITY)
    SMART_ID_SALT = ("smart_id_salt", words.IDENTITY)
    SMART_ID_TRAILER = ("smart_id_trailer", words.IDENTITY)
    SMART_ID_LEVEL = ("smart_id_level", words.IDENTITY)
    SMART_ID_KEY = ("smart_id_key", words.IDENTITY)
    SMART_ID_SIGNATURE = ("smart_id_signature", words.IDENTITY)
    SMART_ID_CERTIFICATE_BROKEN = ("smart_id_certificate_broken", words.IDENTITY)
    SMART_ID_CERTIFICATE_CRITICAL = ("smart_id_certificate_critical", words.IDENTITY)
    SMART_ID_CERTIFICATE_ISSUER = ("smart_id_certificate_issuer", words.IDENTITY)
    SMART_ID_CERTIFICATE_NOT_SIGNED = ("smart_id_certificate_not_signed", words.IDENTITY)
    SMART_ID_CERTIFICATE_EXPIRED = ("smart_id_certificate_expired", words.IDENTITY)
    SMART_ID_CERTIFICATE_NOT_YET = ("smart_id_certificate_not_yet", words.IDENTITY)
    SMART_ID_AUTHORITY_EXPIRED = ("smart_id_authority_expired", words.IDENTITY)
    SMART_ID_CERTIFICATE_IS_AUTHORITY = ("smart_id_certificate_is_authority", words.IDENTITY)
    SMART_ID_CERTIFICATE_POLICY = ("smart_id_certificate_policy", words.IDENTITY)
    SMART_ID_CERTIFICATE_KEY_USAGE = ("smart_id_certificate_key_usage", words.IDENTITY)
    SMART_ID_CERTIFICATE_PURPOSE = ("smart_id_certificate_purpose", words.IDENTITY)
    SMART_ID_CERTIFICATE_DOCUMENT = ("smart_id_certificate_document", words.IDENTITY)
    SMART_ID_CERTIFICATE_SUBJECT = ("smart_id_certificate_subject", words.IDENTITY)
    SMART_ID_CERTIFICATE_BIRTH = ("smart_id_certificate_birth", words.IDENTITY)
    SMART_ID_IDENTIFIER_KIND = ("smart_id_identifier_kind", words.IDENTITY)
    SMART_ID_COUNTRY = ("smart_id_country", words.IDENTITY)
    SMART_ID_OTHER_DOCUMENT = ("smart_id_other_document", words.IDENTITY)
    SMART_ID_REVOKED = ("smart_id_revoked", words.IDENTITY)
    SMART_ID_STATUS_UNKNOWN = ("smart_id_status_unknown", words.IDENTITY)
    SMART_ID_STATUS_STALE = ("smart_id_status_stale", words.IDENTITY)
    SMART_ID_STATUS_NONCE = ("smart_id_status_nonce", words.IDENTITY)
    SMART_ID_STATUS_OTHER = ("smart_id_status_other", words.IDENTITY)
    SMART_ID_STATUS_SIGNATURE = ("smart_id_status_signature", words.IDENTITY)
    SMART_ID_STATUS_RESPONDER = ("smart_id_status_responder", words.IDENTITY)
    SMART_ID_STATUS_BROKEN = ("smart_id_status_broken", words.IDENTITY)
    SMART_ID_STATUS_NOWHERE = ("smart_id_status_nowhere", words.IDENTITY)
    SMART_ID_STATUS_UNREACHABLE = ("smart_id_status_unreachable", words.LATER)

    # How an authentication at eParaksts ended. One sentence for all, whatever it was.
    EPARAKSTS_DECLINED = ("eparaksts_declined", words.IDENTITY)
    EPARAKSTS_TOO_LATE = ("eparaksts_too_late", words.IDENTITY)
    EPARAKSTS_OTHER_BROWSER = ("eparaksts_other_browser", words.IDENTITY)
    EPARAKSTS_STATE = ("eparaksts_state", words.IDENTITY)
    EPARAKSTS_RETURN_BROKEN = ("eparaksts_return_broken", words.IDENTITY)
    EPARAKSTS_BAD_REQUEST = ("eparaksts_bad_request", words.IDENTITY)
    EPARAKSTS_NOT_PERMITTED = ("eparaksts_not_permitted", words.IDENTITY)
    EPARAKSTS_UNKNOWN_ERROR = ("eparaksts_unknown_error", words.IDENTITY)

    # What its token endpoint or user info answered instead of an answer.
    EPARAKSTS_CLIENT_REFUSED = ("eparaksts_client_refused", words.IDENTITY)
    EPARAKSTS_CODE_REFUSED = ("eparaksts_code_refused", words.IDENTITY)
    EPARAKSTS_TOKEN_REFUSED = ("eparaksts_token_refused", words.IDENTITY)
    EPARAKSTS_UNKNOWN_STATUS = ("eparaksts_unknown_status", words.IDENTITY)
    EPARAKSTS_UNAVAILABLE = ("eparaksts_unavailable", words.IDENTITY)
    EPARAKSTS_UNREACHABLE = ("eparaksts_unreachable", words.IDENTITY)
    EPARAKSTS_TOO_SLOW = ("eparaksts_too_slow", words.IDENTITY)

    # What does not hold in an answer of eParaksts.
    EPARAKSTS_ANSWER_BROKEN = ("eparaksts_answer_broken", words.IDENTITY)
    EPARAKSTS_TOKEN_TYPE = ("eparaksts_token_type", words.IDENTITY)
    EPARAKSTS_SCOPE = ("eparaksts_scope", words.IDENTITY)
    EPARAKSTS_SUBJECT = ("eparaksts_subject", words.IDENTITY)
    EPARAKSTS_DOMAIN = ("eparaksts_domain", words.IDENTITY)
    EPARAKSTS_ACR = ("eparaksts_acr", words.IDENTITY)
    EPARAKSTS_AMR = ("eparaksts_amr", words.IDENTITY)
    EPARAKSTS_NAMES = ("eparaksts_names", words.IDENTITY)
    EPARAKSTS_IDENTIFIER_KIND = ("eparaksts_identifier_kind", words.IDENTITY)
    EPARAKSTS_COUNTRY = ("eparaksts_country", words.IDENTITY)
    EPARAKSTS_SERIAL_NUMBER = ("eparaksts_serial_number", words.IDENTITY)

    def __init__(self, code: str, public: str) -> None:
        self.code = code
        self.public = public


class Refused(Exception):  # noqa: N818  a refusal is an answer, not a fault
    """Something the caller asked for may not be; `reason.public` is all a person sees."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.code)
        self.reason = reason


class NotMigratedError(Exception):
    """The database is older or newer than the code; the message names the command to run."""


class NotFoundError(LookupError):
    """A `get_` found nothing."""


class AlreadyExistsError(Exception):
    """A row with that key exists, or one it points to does not; nothing was written."""


class StorageUnavailableError(Exception):
    """The database or Redis does not answer, or another writer held it too long; nothing was decided."""
