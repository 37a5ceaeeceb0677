"""What people read of refusals, where it is long or several reasons share it: English messages to translate.

Not here: which reason says which (`errors.py`).
"""


def N_(message: str) -> str:  # noqa: N802  the field's name for "mark for translation"
    return message


WRONG = N_("Wrong username or password.")
WAIT = N_("Too many attempts. Wait a little and try again.")
ACCESS = N_("Access denied.")
KEY_KIND = N_(
    "This kind of key is not accepted for your account. Choose another way, or ask your administrator which "
    "keys may be used."
)
KEY = N_("This passkey or security key could not be used. Try again, or choose another way.")
IDENTITY = N_("Your identity could not be confirmed. Nothing was changed. Try again or choose another way.")
CHECK_CODE = N_(
    "The code is not right, or it is no longer valid. Check it, or ask the administrator for another check."
)
CANCELLED = N_("You cancelled in the Smart-ID app. Nothing was changed. You can try again.")
ANEW = N_("The confirmation was not finished in time. Start again.")
ACCOUNT = N_("Your Smart-ID cannot be used now. Open the Smart-ID app or ask its support.")
LATER = N_("Smart-ID does not answer now. Nothing was changed. Try again later or choose another way.")
DIRECTORY = N_(
    "Your municipality's network does not answer now, so your password was not checked. Try again later or "
    "choose another way."
)
COMPUTER = N_("Your computer did not confirm who you are. Log in another way.")
UPSTREAM = N_(
    "Your organisation's log-in page did not confirm who you are. Try again, or choose another way."
)
UPSTREAM_LATER = N_(
    "Your organisation's log-in page does not answer now. Try again later, or log in another way."
)
UPSTREAM_NOBODY = N_(
    "Your organisation knows you, but there is no account here that you may open with it. Ask your "
    "administrator to link your account, then log in again."
)
NOT_REACHABLE = N_("You cannot open this application with the ways to sign in that you have.")
KEY_ANSWER_MISSING = N_(
    "Your browser gave no answer. Passkeys and security keys need a browser with scripts switched on."
)
USER_NOT_VERIFIED = N_("Your computer did not confirm that it was you. Try a PIN, or set one up for the key.")
TOO_MANY_KEYS = N_("You have as many passkeys and keys as there may be. Remove one first.")
WRONG_TICKET = N_("The username or the code is not right, or the letter is no longer valid.")
TOO_MANY_CONTACTS = N_("You have as many contact addresses as there may be. Remove one first.")
REQUEST_OVER = N_("The request was not confirmed within two minutes. Here is a new one.")
REFUSED_ELSEWHERE = N_("This log-in was refused on the phone.")
WRONG_NUMBER = N_("Another number was chosen on the phone, so this log-in has ended.")
TOO_MANY_PHONES = N_("As many phones may approve as there may be. Remove one first.")
IDENTITY_MISMATCH = N_(
    "Another personal code is on file for this account. Nothing was changed. Ask the administrator "
    "of your municipality."
)
IDENTITY_TAKEN = N_(
    "This identity belongs to another account. Nothing was changed. If you have two accounts, ask "
    "the administrator of your municipality to join them."
)
IDENTITY_NAMES = N_(
    "Your name is not the one on this account. Nothing was changed. Ask the administrator of your "
    "municipality."
)
IDENTITY_NOT_ENOUGH = N_(
    "For this account that is not enough. Ask the administrator of your municipality for a letter."
)
VOUCHING_SHARED = N_(
    "Several people use this computer, so whoever sits here next could go on in your place. Ask on "
    "your phone or at a computer of your own."
)
VOUCHING_UNKNOWN = N_(
    "There is no such request that you could vouch for. Ask your colleague to read the number on "
    "their screen again, and whether they typed their username right."
)
VOUCHING_SEVERAL = N_(
    "There is more than one request for this username. Type the number your colleague tells you."
)
DIRECTORY_DISABLED = N_("Your account in your municipality's network is switched off. Ask its IT support.")
DIRECTORY_ACCOUNT_EXPIRED = N_("Your account in your municipality's network has expired. Ask its IT support.")
DIRECTORY_NOT_AT_THIS_TIME = N_("Your municipality's network does not let you in at this hour.")
DIRECTORY_NOT_FROM_HERE = N_(
    "Your municipality's network lets you in from certain computers only. Ask its IT support."
)
DIRECTORY_PASSWORD_EXPIRED = N_("The password of your municipality's network has expired. Set a new one.")
DIRECTORY_MUST_CHANGE = N_("Your municipality asks you to set a new password for its network.")
DIRECTORY_AGAINST_POLICY = N_(
    "The rules of your municipality's network do not allow this password: it is too short, too "
    "simple or was used before. Choose another one."
)
DIRECTORY_CHANGE_REFUSED = N_(
    "The password could not be changed here. Ask the IT support of your municipality."
)
DIRECTORY_NOT_LINKED = N_(
    "Your municipality accepts the password of its network only, and your account is not connected "
    "with it yet. Ask the administrator of your municipality."
)
ARRIVAL_WAITS = N_("The password is right, but your account here is not linked to it yet.")
INVITATION_WRONG = N_("The username or the code of the invitation is wrong, or it is no longer valid.")
INVITATION_NAME = N_(
    "Write your username in the municipality's network in full, such as anna@ad.riga.lv or RIGA\\anna."
)
INVITATION_TAKEN = N_("This account of the network is linked already. Ask your administrator.")
INVITATION_TAKEN_THERE = N_("This account of your organisation is linked already. Ask your administrator.")
SMART_ID_WRONG_CODE = N_("Another code was chosen on the phone than the one shown here. Nothing was changed.")
