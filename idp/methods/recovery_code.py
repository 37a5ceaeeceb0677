"""Recovery codes: ten single-use codes on paper for the day the phone is lost.

Fifty random bits each, in Crockford's base 32, which has no letters that look like digits; typed O, I and L
are read as 0 and 1. Kept as keyed hashes, one credential row each, spent by a conditional update. A new set
replaces the old one.

Not here: when a set is made and shown (`login/enrolment.py`).
"""

import hmac

from idp.effects import Effects
from idp.errors import Reason
from idp.methods.base import Answer, Challenge, Enrolled, Outcome, Rejected, Subject, Verified
from idp.models.methods import Factor, MethodFacts
from idp.models.people import Credential
from idp.storage.vault import Vault
from idp.storage.work import Work
from idp.words import N_

METHOD = "recovery_code"
CODES = 10
FEW_LEFT = 3
"""With this many or fewer left, the person is asked to make a new set."""

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH = 10
_GROUP = 5
_LOOKS_LIKE = str.maketrans("OIL", "011", " -\u00a0\u2010\u2011\u2012\u2013\u2014\u2212\t\r\n")
_PURPOSE = "recovery-codes"


class RecoveryCode:
    facts = MethodFacts(id=METHOD, factor=Factor.POSSESSION, amr=("otp",), backup=True)
    label = N_("Recovery code")
    description = N_("One of the codes you printed, for when your phone is lost.")

    def __init__(self, *, vault: Vault, effects: Effects) -> None:
        self._vault = vault
        self._effects = effects

    def is_enrolled(self, subject: Subject) -> bool:
        return bool(subject.of(METHOD))

    def begin(self, subject: Subject) -> Challenge:
        return Challenge()

    def verify(self, work: Work, subject: Subject | None, challenge: Challenge, answer: Answer) -> Outcome:
        code = _canonical(answer.get("code", ""))
        if subject is None or code is None:
            return Rejected(Reason.WRONG_CODE)
        wanted = self._index(work, subject.user.id, code)
        known = [
            c for c in subject.credentials if c.method == METHOD and hmac.compare_digest(c.secret, wanted)
        ]
        if not known:
            return Rejected(Reason.WRONG_CODE)
        if not work.people.spend(known[0].id, at=self._effects.now()):
            return Rejected(Reason.CODE_ALREADY_USED)
        left = Subject(subject.user, work.people.credentials_of(subject.user.id)).of(METHOD)
        return Verified(known[0].id, remaining=sum(credential.id != known[0].id for credential in left))

    def begin_enrolment(self, subject: Subject) -> Challenge:
        return Challenge()

    def enrol(
        self, work: Work, subject: Subject, challenge: Challenge, answer: Answer
    ) -> Enrolled | Rejected:
        """Makes a set; there is nothing to prove, for the codes are ours."""
        user_id = subject.user.id
        codes = [self._new_code() for _ in range(CODES)]
        credentials = [self._credential(work, user_id, code) for code in codes]
        work.people.remove_credentials(user_id, METHOD)
        for credential in credentials:
            work.people.add_credential(credential)
        shown = tuple(f"{code[:_GROUP]}-{code[_GROUP:]}" for code in codes)
        return Enrolled(credentials[0], show_once=shown)

    def _credential(self, work: Work, user_id: str, code: str) -> Credential:
        return Credential(
            id=self._effects.new_id(),
            user_id=user_id,
            method=METHOD,
            secret=self._index(work, user_id, code),
            created_at=self._effects.now(),
        )

    def _index(self, work: Work, user_id: str, code: str) -> str:
        """Keyed, because fifty bits could be searched through by whoever steals the database alone."""
        return self._vault.lookup_key(work, _PURPOSE).index(f"{user_id}\x1f{code}")

    def _new_code(self) -> str:
        return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in self._effects.random(_LENGTH))


def _canonical(typed: str) -> str | None:
    code = typed.upper().translate(_LOOKS_LIKE) if len(typed) <= 64 and typed.isascii() else ""
    return code if len(code) == _LENGTH and set(code) <= set(_ALPHABET) else None
