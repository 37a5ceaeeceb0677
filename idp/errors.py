"""Why something was refused: a closed list, each with a public message and an audit code.

Several reasons share one public message, so that a page cannot leak what it never receives.
"""

from enum import Enum


def N_(message: str) -> str:  # noqa: N802  the field's name for "mark for translation"
    return message


_WRONG = N_("Wrong username or password.")
_WAIT = N_("Too many attempts. Wait a little and try again.")
_ACCESS = N_("Access denied.")
_KEY = N_("This passkey or security key could not be used. Try again, or choose another way.")


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
    LAST_METHOD = ("last_method", N_("This is your last way to sign in, so it cannot be removed."))

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
