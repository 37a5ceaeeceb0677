"""Why something was refused: a closed list, each with a public message and an audit code.

Several reasons share one public message, so that a page cannot leak what it never receives.
"""

from enum import Enum


def N_(message: str) -> str:  # noqa: N802  the field's name for "mark for translation"
    return message


_WRONG = N_("Wrong username or password.")
_WAIT = N_("Too many attempts. Wait a little and try again.")
_ACCESS = N_("Access denied.")
_KEY_KIND = N_(
    "This kind of key is not accepted for your account. Choose another way, or ask your administrator which "
    "keys may be used."
)
_KEY = N_("This passkey or security key could not be used. Try again, or choose another way.")
_IDENTITY = N_("Your identity could not be confirmed. Nothing was changed. Try again or choose another way.")
_CHECK_CODE = N_(
    "The code is not right, or it is no longer valid. Check it, or ask the administrator for another check."
)
_CANCELLED = N_("You cancelled in the Smart-ID app. Nothing was changed. You can try again.")
_ANEW = N_("The confirmation was not finished in time. Start again.")
_ACCOUNT = N_("Your Smart-ID cannot be used now. Open the Smart-ID app or ask its support.")
_LATER = N_("Smart-ID does not answer now. Nothing was changed. Try again later or choose another way.")
_DIRECTORY = N_(
    "Your municipality's network does not answer now, so your password was not checked. Try again later or "
    "choose another way."
)
_UPSTREAM = N_(
    "Your organisation's log-in page did not confirm who you are. Try again, or choose another way."
)
_UPSTREAM_LATER = N_(
    "Your organisation's log-in page does not answer now. Try again later, or log in another way."
)
_UPSTREAM_NOBODY = N_(
    "Your organisation knows you, but there is no account here that you may open with it. Ask your "
    "administrator to link your account, then log in again."
)


class Reason(Enum):
    """`code` goes to the audit trail and the operator, `public` to the person."""

    UNKNOWN_USER = ("unknown_user", _WRONG)
    WRONG_PASSWORD = ("wrong_password", _WRONG)
    WRONG_CURRENT_PASSWORD = ("wrong_current_password", N_("The current password is not right."))
    NO_PASSWORD = ("no_password", _WRONG)
    BLOCKED_USER = ("blocked_user", _WRONG)
    TOO_LONG = ("too_long", _WRONG)
    WRONG_CODE = ("wrong_code", N_("The code is not valid or has expired."))
    CODE_ALREADY_USED = ("code_already_used", N_("The code is not valid or has expired."))
    METHOD_NOT_OFFERED = ("method_not_offered", _ACCESS)
    THROTTLED = ("throttled", _WAIT)
    NOT_REACHABLE = (
        "level_not_reachable",
        N_("You cannot open this application with the ways to sign in that you have."),
    )
    NO_EMPLOYMENT = ("no_employment", N_("Your account has no current post in a municipality."))
    OTHER_USER = ("other_user", N_("The application expects another person to log in."))
    CLIENT_NOT_ALLOWED = ("client_not_allowed", N_("You do not have access to this application."))
    TRANSACTION_EXPIRED = ("transaction_expired", N_("This sign-in has expired."))
    PASSWORD_TOO_SHORT = ("password_too_short", N_("The password must have at least 12 characters."))
    PASSWORD_TOO_LONG = ("password_too_long", N_("The password may have at most 256 characters."))
    PASSWORD_COMMON = ("password_common", N_("This password is too well known. Choose another one."))
    PASSWORD_HAS_NAME = ("password_has_name", N_("The password must not contain your name or username."))
    PASSWORDS_DIFFER = ("passwords_differ", N_("The passwords do not match."))
    KEY_UNKNOWN = ("key_unknown", _KEY)
    KEY_ANSWER_BROKEN = ("key_answer_broken", _KEY)
    KEY_OF_ANOTHER = ("key_of_another", _KEY)
    KEY_COPIED = ("key_copied", _KEY)
    KEY_OF_BLOCKED_USER = ("key_of_blocked_user", _KEY)
    KEY_ANSWER_MISSING = (
        "key_answer_missing",
        N_(
            "Your browser gave no answer. Passkeys and security keys need a browser with scripts switched on."
        ),
    )
    CHALLENGE_USED = ("challenge_used", N_("The page was open for too long or was used already. Try again."))
    USER_NOT_VERIFIED = (
        "user_not_verified",
        N_("Your computer did not confirm that it was you. Try a PIN, or set one up for the key."),
    )
    KEY_ALREADY_REGISTERED = ("key_already_registered", N_("This key is already registered."))
    TOO_MANY_KEYS = (
        "too_many_keys",
        N_("You have as many passkeys and keys as there may be. Remove one first."),
    )
    KEY_NOT_ATTESTED = ("key_not_attested", _KEY_KIND)
    KEY_NOT_LISTED = ("key_not_listed", _KEY_KIND)
    KEY_MODEL_UNTRUSTED = ("key_model_untrusted", _KEY_KIND)
    KEY_NOT_CHOSEN = ("key_not_chosen", _KEY_KIND)
    KEY_NOT_DEVICE_BOUND = ("key_not_device_bound", _KEY_KIND)
    WRONG_TICKET = (
        "wrong_ticket",
        N_("The username or the code is not right, or the letter is no longer valid."),
    )
    TICKET_OVER = ("ticket_over", N_("This letter is no longer valid."))
    NO_EMAIL_ADDRESS = ("no_email_address", N_("Enter an e-mail address, like name@example.lv."))
    TOO_MANY_CONTACTS = (
        "too_many_contacts",
        N_("You have as many contact addresses as there may be. Remove one first."),
    )
    CONTACT_THERE_ALREADY = ("contact_there_already", N_("This address is on your list already."))
    REQUEST_OVER = (
        "request_over",
        N_("The request was not confirmed within two minutes. Here is a new one."),
    )
    REFUSED_ELSEWHERE = (
        "refused_elsewhere",
        N_("This log-in was refused on the phone."),
    )
    WRONG_NUMBER = (
        "wrong_number",
        N_("Another number was chosen on the phone, so this log-in has ended."),
    )
    TOO_MANY_PHONES = (
        "too_many_phones",
        N_("As many phones may approve as there may be. Remove one first."),
    )
    UPSTREAM_ANSWER_BROKEN = ("upstream_answer_broken", _UPSTREAM)
    UPSTREAM_OTHER_ISSUER = ("upstream_other_issuer", _UPSTREAM)
    UPSTREAM_TOKEN = ("upstream_token", _UPSTREAM)
    UPSTREAM_OTHER_TENANT = ("upstream_other_tenant", _UPSTREAM)
    UPSTREAM_NOT_FRESH = ("upstream_not_fresh", _UPSTREAM)
    UPSTREAM_DECLINED = ("upstream_declined", _UPSTREAM)
    UPSTREAM_OTHER_PERSON = ("upstream_other_person", _UPSTREAM)
    UPSTREAM_OFF = ("upstream_off", _UPSTREAM)
    UPSTREAM_UNREACHABLE = ("upstream_unreachable", _UPSTREAM_LATER)
    UPSTREAM_NOT_LINKED = ("upstream_not_linked", _UPSTREAM_NOBODY)
    UPSTREAM_BLOCKED_USER = ("upstream_blocked_user", _UPSTREAM_NOBODY)
    UPSTREAM_NOT_ITS_PERSON = ("upstream_not_its_person", _UPSTREAM_NOBODY)
    LAST_METHOD = ("last_method", N_("This is your last way to sign in, so it cannot be removed."))

    # Confirming who owns an account, whatever the way.
    IDENTITY_NO_CONSENT = ("identity_no_consent", N_("Tick that you agree, and go on."))
    IDENTITY_NAME = ("identity_name", N_("Type the username with which you log in."))
    IDENTITY_OVER = ("identity_over", _ANEW)
    IDENTITY_OTHER = ("identity_other", _IDENTITY)
    IDENTITY_MISMATCH = (
        "identity_mismatch",
        N_(
            "Another personal code is on file for this account. Nothing was changed. Ask the administrator "
            "of your municipality."
        ),
    )
    IDENTITY_TAKEN = (
        "identity_taken",
        N_(
            "This identity belongs to another account. Nothing was changed. If you have two accounts, ask "
            "the administrator of your municipality to join them."
        ),
    )
    IDENTITY_NAMES = (
        "identity_names",
        N_(
            "Your name is not the one on this account. Nothing was changed. Ask the administrator of your "
            "municipality."
        ),
    )
    IDENTITY_NOT_ENOUGH = (
        "identity_not_enough",
        N_("For this account that is not enough. Ask the administrator of your municipality for a letter."),
    )
    IDENTITY_DECLINED = ("identity_declined", N_("You did not link this identity. Nothing was changed."))

    # The code that is given after a document was checked. The person learns none of it.
    IN_PERSON_CODE_UNKNOWN = ("in_person_code_unknown", _CHECK_CODE)
    IN_PERSON_CODE_OF_ANOTHER = ("in_person_code_of_another", _CHECK_CODE)
    IN_PERSON_CODE_EXPIRED = ("in_person_code_expired", _CHECK_CODE)
    IN_PERSON_CODE_USED = ("in_person_code_used", _CHECK_CODE)
    IN_PERSON_CODE_REVOKED = ("in_person_code_revoked", _CHECK_CODE)
    IN_PERSON_OTHER_POSTS = ("in_person_other_posts", _CHECK_CODE)
    IN_PERSON_MAKER_GONE = ("in_person_maker_gone", _CHECK_CODE)
    IN_PERSON_APPROVER_GONE = ("in_person_approver_gone", _CHECK_CODE)
    # Being vouched for by colleagues.
    VOUCHING_SHARED = (
        "vouching_shared",
        N_(
            "Several people use this computer, so whoever sits here next could go on in your place. Ask on "
            "your phone or at a computer of your own."
        ),
    )
    VOUCHING_OVER = ("vouching_over", N_("This request is over. Ask again if you still need it."))
    VOUCHING_UNKNOWN = (
        "vouching_unknown",
        N_(
            "There is no such request that you could vouch for. Ask your colleague to read the number on "
            "their screen again, and whether they typed their username right."
        ),
    )
    VOUCHING_SEVERAL = (
        "vouching_several",
        N_("There is more than one request for this username. Type the number your colleague tells you."),
    )

    # What a municipality's directory says to a password. Only who knows the password learns more than others.
    DIRECTORY_UNKNOWN_ENTRY = ("directory_unknown_entry", _WRONG)
    DIRECTORY_NOT_EMPLOYED = ("directory_not_employed", _WRONG)
    DIRECTORY_WRONG_PASSWORD = ("directory_wrong_password", _WRONG)
    DIRECTORY_EMPTY_PASSWORD = ("directory_empty_password", _WRONG)
    DIRECTORY_LOCKED_OUT = ("directory_locked_out", _WRONG)
    DIRECTORY_ATTEMPTS_SPENT = ("directory_attempts_spent", _WRONG)
    DIRECTORY_REFUSED = ("directory_refused", _WRONG)
    DIRECTORY_DISABLED = (
        "directory_disabled",
        N_("Your account in your municipality's network is switched off. Ask its IT support."),
    )
    DIRECTORY_ACCOUNT_EXPIRED = (
        "directory_account_expired",
        N_("Your account in your municipality's network has expired. Ask its IT support."),
    )
    DIRECTORY_NOT_AT_THIS_TIME = (
        "directory_not_at_this_time",
        N_("Your municipality's network does not let you in at this hour."),
    )
    DIRECTORY_NOT_FROM_HERE = (
        "directory_not_from_here",
        N_("Your municipality's network lets you in from certain computers only. Ask its IT support."),
    )
    DIRECTORY_PASSWORD_EXPIRED = (
        "directory_password_expired",
        N_("The password of your municipality's network has expired. Set a new one."),
    )
    DIRECTORY_MUST_CHANGE = (
        "directory_must_change",
        N_("Your municipality asks you to set a new password for its network."),
    )
    DIRECTORY_WRONG_OLD_PASSWORD = ("directory_wrong_old_password", N_("The current password is not right."))
    DIRECTORY_AGAINST_POLICY = (
        "directory_against_policy",
        N_(
            "The rules of your municipality's network do not allow this password: it is too short, too "
            "simple or was used before. Choose another one."
        ),
    )
    DIRECTORY_CHANGE_REFUSED = (
        "directory_change_refused",
        N_("The password could not be changed here. Ask the IT support of your municipality."),
    )

    DIRECTORY_NOT_LINKED = (
        "directory_not_linked",
        N_(
            "Your municipality accepts the password of its network only, and your account is not connected "
            "with it yet. Ask the administrator of your municipality."
        ),
    )

    # Why a directory gave no answer. The person learns that it is not their doing.
    DIRECTORY_UNREACHABLE = ("directory_unreachable", _DIRECTORY)
    DIRECTORY_UNTRUSTED = ("directory_untrusted", _DIRECTORY)
    DIRECTORY_OWN_ACCOUNT_REFUSED = ("directory_own_account_refused", _DIRECTORY)
    DIRECTORY_BROKEN = ("directory_broken", _DIRECTORY)

    # How a Smart-ID session ended on the phone.
    SMART_ID_CANCELLED = ("smart_id_cancelled", _CANCELLED)
    SMART_ID_CANCELLED_SCREEN = ("smart_id_cancelled_screen", _CANCELLED)
    SMART_ID_CANCELLED_CHOICE = ("smart_id_cancelled_choice", _CANCELLED)
    SMART_ID_TIMEOUT = ("smart_id_timeout", _ANEW)
    SMART_ID_WRONG_CODE = (
        "smart_id_wrong_code",
        N_("Another code was chosen on the phone than the one shown here. Nothing was changed."),
    )
    SMART_ID_OLD_APP = ("smart_id_old_app", N_("Your Smart-ID app is too old for this. Update it."))
    SMART_ID_DOCUMENT_UNUSABLE = ("smart_id_document_unusable", _ACCOUNT)
    SMART_ID_ACCOUNT_UNUSABLE = ("smart_id_account_unusable", _ACCOUNT)
    SMART_ID_PROTOCOL_FAILURE = ("smart_id_protocol_failure", _IDENTITY)
    SMART_ID_LINKED_SESSION = ("smart_id_linked_session", _IDENTITY)
    SMART_ID_SERVER_ERROR = ("smart_id_server_error", _LATER)
    SMART_ID_UNKNOWN_RESULT = ("smart_id_unknown_result", _IDENTITY)

    # What the Smart-ID service answered instead of an answer.
    SMART_ID_BAD_REQUEST = ("smart_id_bad_request", _IDENTITY)
    SMART_ID_NOT_ACCEPTED = ("smart_id_not_accepted", _LATER)
    SMART_ID_NOT_PERMITTED = ("smart_id_not_permitted", _LATER)
    SMART_ID_NO_ACCOUNT = ("smart_id_no_account", _IDENTITY)
    SMART_ID_NO_SUITABLE_ACCOUNT = ("smart_id_no_suitable_account", _IDENTITY)
    SMART_ID_ACCOUNT_PROBLEM = ("smart_id_account_problem", _ACCOUNT)
    SMART_ID_SESSION_UNKNOWN = ("smart_id_session_unknown", _ANEW)
    SMART_ID_API_TOO_OLD = ("smart_id_api_too_old", _LATER)
    SMART_ID_UNAVAILABLE = ("smart_id_unavailable", _LATER)
    SMART_ID_MAINTENANCE = ("smart_id_maintenance", _LATER)
    SMART_ID_UNREACHABLE = ("smart_id_unreachable", _LATER)
    SMART_ID_TOO_SLOW = ("smart_id_too_slow", _LATER)
    SMART_ID_RESTING = ("smart_id_resting", _LATER)
    SMART_ID_WRONG_SERVER_KEY = ("smart_id_wrong_server_key", _LATER)
    SMART_ID_UNKNOWN_STATUS = ("smart_id_unknown_status", _LATER)
    SMART_ID_ANSWER_BROKEN = ("smart_id_answer_broken", _IDENTITY)

    # What does not hold in an answer of Smart-ID that says OK. The person learns none of it.
    SMART_ID_CALLBACK_MISSING = ("smart_id_callback_missing", _IDENTITY)
    SMART_ID_CALLBACK_UNKNOWN = ("smart_id_callback_unknown", _IDENTITY)
    SMART_ID_CALLBACK_OTHER_BROWSER = ("smart_id_callback_other_browser", _IDENTITY)
    SMART_ID_CALLBACK_REPLAYED = ("smart_id_callback_replayed", _IDENTITY)
    SMART_ID_CALLBACK_BROKEN = ("smart_id_callback_broken", _IDENTITY)
    SMART_ID_CALLBACK_VALUE = ("smart_id_callback_value", _IDENTITY)
    SMART_ID_CALLBACK_SECRET = ("smart_id_callback_secret", _IDENTITY)
    SMART_ID_CALLBACK_VERIFIER = ("smart_id_callback_verifier", _IDENTITY)
    SMART_ID_PROTOCOL = ("smart_id_protocol", _IDENTITY)
    SMART_ID_FLOW = ("smart_id_flow", _IDENTITY)
    SMART_ID_INTERACTION = ("smart_id_interaction", _IDENTITY)
    SMART_ID_ALGORITHM = ("smart_id_algorithm", _IDENTITY)
    SMART_ID_HASH = ("smart_id_hash", _IDENTITY)
    SMART_ID_MASK = ("smart_id_mask", _IDENTITY)
    SMART_ID_SALT = ("smart_id_salt", _IDENTITY)
    SMART_ID_TRAILER = ("smart_id_trailer", _IDENTITY)
    SMART_ID_LEVEL = ("smart_id_level", _IDENTITY)
    SMART_ID_KEY = ("smart_id_key", _IDENTITY)
    SMART_ID_SIGNATURE = ("smart_id_signature", _IDENTITY)
    SMART_ID_CERTIFICATE_BROKEN = ("smart_id_certificate_broken", _IDENTITY)
    SMART_ID_CERTIFICATE_CRITICAL = ("smart_id_certificate_critical", _IDENTITY)
    SMART_ID_CERTIFICATE_ISSUER = ("smart_id_certificate_issuer", _IDENTITY)
    SMART_ID_CERTIFICATE_NOT_SIGNED = ("smart_id_certificate_not_signed", _IDENTITY)
    SMART_ID_CERTIFICATE_EXPIRED = ("smart_id_certificate_expired", _IDENTITY)
    SMART_ID_CERTIFICATE_NOT_YET = ("smart_id_certificate_not_yet", _IDENTITY)
    SMART_ID_AUTHORITY_EXPIRED = ("smart_id_authority_expired", _IDENTITY)
    SMART_ID_CERTIFICATE_IS_AUTHORITY = ("smart_id_certificate_is_authority", _IDENTITY)
    SMART_ID_CERTIFICATE_POLICY = ("smart_id_certificate_policy", _IDENTITY)
    SMART_ID_CERTIFICATE_KEY_USAGE = ("smart_id_certificate_key_usage", _IDENTITY)
    SMART_ID_CERTIFICATE_PURPOSE = ("smart_id_certificate_purpose", _IDENTITY)
    SMART_ID_CERTIFICATE_DOCUMENT = ("smart_id_certificate_document", _IDENTITY)
    SMART_ID_CERTIFICATE_SUBJECT = ("smart_id_certificate_subject", _IDENTITY)
    SMART_ID_CERTIFICATE_BIRTH = ("smart_id_certificate_birth", _IDENTITY)
    SMART_ID_IDENTIFIER_KIND = ("smart_id_identifier_kind", _IDENTITY)
    SMART_ID_COUNTRY = ("smart_id_country", _IDENTITY)
    SMART_ID_OTHER_DOCUMENT = ("smart_id_other_document", _IDENTITY)
    SMART_ID_REVOKED = ("smart_id_revoked", _IDENTITY)
    SMART_ID_STATUS_UNKNOWN = ("smart_id_status_unknown", _IDENTITY)
    SMART_ID_STATUS_STALE = ("smart_id_status_stale", _IDENTITY)
    SMART_ID_STATUS_NONCE = ("smart_id_status_nonce", _IDENTITY)
    SMART_ID_STATUS_OTHER = ("smart_id_status_other", _IDENTITY)
    SMART_ID_STATUS_SIGNATURE = ("smart_id_status_signature", _IDENTITY)
    SMART_ID_STATUS_RESPONDER = ("smart_id_status_responder", _IDENTITY)
    SMART_ID_STATUS_BROKEN = ("smart_id_status_broken", _IDENTITY)
    SMART_ID_STATUS_NOWHERE = ("smart_id_status_nowhere", _IDENTITY)
    SMART_ID_STATUS_UNREACHABLE = ("smart_id_status_unreachable", _LATER)

    # How an authentication at eParaksts ended. One sentence for all, whatever it was.
    EPARAKSTS_DECLINED = ("eparaksts_declined", _IDENTITY)
    EPARAKSTS_TOO_LATE = ("eparaksts_too_late", _IDENTITY)
    EPARAKSTS_OTHER_BROWSER = ("eparaksts_other_browser", _IDENTITY)
    EPARAKSTS_STATE = ("eparaksts_state", _IDENTITY)
    EPARAKSTS_RETURN_BROKEN = ("eparaksts_return_broken", _IDENTITY)
    EPARAKSTS_BAD_REQUEST = ("eparaksts_bad_request", _IDENTITY)
    EPARAKSTS_NOT_PERMITTED = ("eparaksts_not_permitted", _IDENTITY)
    EPARAKSTS_UNKNOWN_ERROR = ("eparaksts_unknown_error", _IDENTITY)

    # What its token endpoint or user info answered instead of an answer.
    EPARAKSTS_CLIENT_REFUSED = ("eparaksts_client_refused", _IDENTITY)
    EPARAKSTS_CODE_REFUSED = ("eparaksts_code_refused", _IDENTITY)
    EPARAKSTS_TOKEN_REFUSED = ("eparaksts_token_refused", _IDENTITY)
    EPARAKSTS_UNKNOWN_STATUS = ("eparaksts_unknown_status", _IDENTITY)
    EPARAKSTS_UNAVAILABLE = ("eparaksts_unavailable", _IDENTITY)
    EPARAKSTS_UNREACHABLE = ("eparaksts_unreachable", _IDENTITY)
    EPARAKSTS_TOO_SLOW = ("eparaksts_too_slow", _IDENTITY)

    # What does not hold in an answer of eParaksts.
    EPARAKSTS_ANSWER_BROKEN = ("eparaksts_answer_broken", _IDENTITY)
    EPARAKSTS_TOKEN_TYPE = ("eparaksts_token_type", _IDENTITY)
    EPARAKSTS_SCOPE = ("eparaksts_scope", _IDENTITY)
    EPARAKSTS_SUBJECT = ("eparaksts_subject", _IDENTITY)
    EPARAKSTS_DOMAIN = ("eparaksts_domain", _IDENTITY)
    EPARAKSTS_ACR = ("eparaksts_acr", _IDENTITY)
    EPARAKSTS_AMR = ("eparaksts_amr", _IDENTITY)
    EPARAKSTS_NAMES = ("eparaksts_names", _IDENTITY)
    EPARAKSTS_IDENTIFIER_KIND = ("eparaksts_identifier_kind", _IDENTITY)
    EPARAKSTS_COUNTRY = ("eparaksts_country", _IDENTITY)
    EPARAKSTS_SERIAL_NUMBER = ("eparaksts_serial_number", _IDENTITY)

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
