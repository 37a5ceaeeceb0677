"""One-time codes from an authenticator app (RFC 6238: SHA-1, six digits, thirty seconds).

A code is good one step before and after its own, for clocks that differ, and good once: the accepted step is
stored by a conditional update, so of parallel submissions one wins. The secret is sealed at rest, and travels
in the challenge's server-side state while it is being set up. One user has one secret; a new one replaces the
old.

Not here: how often one may try (`login/flow.py`).
"""

import base64
import re
from collections.abc import Iterator

import pyotp
import segno

from idp.crypto import Place
from idp.effects import Effects
from idp.errors import Reason
from idp.methods.base import Answer, Challenge, Enrolled, Outcome, Rejected, Subject, Verified
from idp.models.methods import Device, Factor, MethodFacts
from idp.models.people import Credential
from idp.storage.vault import Vault
from idp.storage.work import Work
from idp.words import N_

METHOD = "totp"
_SECRET_BYTES = 20  # RFC 4226 section 4, R6 recommends 160 bits
_STEP_SECONDS = 30
_WINDOW = (0, -1, 1)
_SIX_DIGITS = re.compile(r"[0-9]{6}")
_SPACES = str.maketrans("", "", " \u00a0\u2009\u202f\t\r\n")


class Totp:
    facts = MethodFacts(
        id=METHOD, factor=Factor.POSSESSION, amr=("otp",), enrollable=True, needs=frozenset({Device.PHONE})
    )
    label = N_("Authenticator app")
    description = N_("A six-digit code from an app on your phone.")

    def __init__(self, *, issuer: str, vault: Vault, effects: Effects) -> None:
        """`issuer` is the name apps show beside the code."""
        self._issuer = issuer
        self._vault = vault
        self._effects = effects
        self._nobody = pyotp.TOTP(_base32(effects.random(_SECRET_BYTES)))

    def is_enrolled(self, subject: Subject) -> bool:
        return bool(subject.of(METHOD))

    def begin(self, subject: Subject) -> Challenge:
        return Challenge()

    def verify(self, work: Work, subject: Subject | None, challenge: Challenge, answer: Answer) -> Outcome:
        code = _digits(answer)
        now = self._effects.now()
        stored = subject.of(METHOD) if subject else []
        if not stored:
            list(_steps_of(self._nobody, code, now))
            return Rejected(Reason.WRONG_CODE)
        reason = Reason.WRONG_CODE
        for credential in stored:
            for step in _steps_of(self._opened(credential), code, now):
                if work.people.accept_step(credential.id, step, at=now):
                    return Verified(credential.id)
                reason = Reason.CODE_ALREADY_USED
        return Rejected(reason)

    def begin_enrolment(self, subject: Subject) -> Challenge:
        secret = self._effects.random(_SECRET_BYTES)
        sealed = self._vault.seal(secret, _place_of_enrolment(subject))
        return Challenge(page=self._page(secret, subject), state={"secret": sealed})

    def enrol(
        self, work: Work, subject: Subject, challenge: Challenge, answer: Answer
    ) -> Enrolled | Rejected:
        now = self._effects.now()
        secret = self._vault.open(challenge.state["secret"], _place_of_enrolment(subject))
        step = next(_steps_of(pyotp.TOTP(_base32(secret)), _digits(answer), now), None)
        if step is None:
            return Rejected(Reason.WRONG_CODE)
        credential = self.credential(subject.user.id, secret, last_step=step)
        work.people.remove_credentials(subject.user.id, METHOD)
        work.people.add_credential(credential)
        return Enrolled(credential)

    def credential(self, user_id: str, secret: bytes, *, last_step: int = 0) -> Credential:
        """`last_step`: the step of the code that proved it, which is spent with that."""
        credential_id = self._effects.new_id()
        return Credential(
            id=credential_id,
            user_id=user_id,
            method=METHOD,
            secret=self._vault.seal(secret, _place(credential_id)),
            created_at=self._effects.now(),
            last_step=last_step,
        )

    def _opened(self, credential: Credential) -> pyotp.TOTP:
        return pyotp.TOTP(_base32(self._vault.open(credential.secret, _place(credential.id))))

    def _page(self, secret: bytes, subject: Subject) -> dict[str, str]:
        name = subject.user.username
        key = _base32(secret)
        uri = pyotp.TOTP(key).provisioning_uri(name=name, issuer_name=self._issuer)
        return {
            "qr_svg": segno.make_qr(uri, error="m").svg_inline(
                svgclass="qr-code",
                lineclass=None,
                omitsize=True,
                border=4,
                dark="#000",
                light="#fff",
                title=self._issuer,
            ),
            "account_label": f"{self._issuer}: {name}",
            "key_text": " ".join(key[i : i + 4] for i in range(0, len(key), 4)),
        }


def _steps_of(totp: pyotp.TOTP, code: str, now: float) -> Iterator[int]:
    """The steps within the window that this is the code of; all of them are always computed."""
    current = int(now) // _STEP_SECONDS
    matching = [
        current + off for off in _WINDOW if pyotp.utils.strings_equal(totp.generate_otp(current + off), code)
    ]
    return iter(matching)


def _digits(answer: Answer) -> str:
    """Six ASCII digits with the spaces people copy along removed; anything else is no code."""
    code = answer.get("code", "").translate(_SPACES)
    return code if _SIX_DIGITS.fullmatch(code) else ""


def _base32(secret: bytes) -> str:
    return base64.b32encode(secret).decode()


def _place(credential_id: str) -> Place:
    return Place("credentials", "secret", credential_id)


def _place_of_enrolment(subject: Subject) -> Place:
    return Place("shelf", "totp enrolment", subject.user.id)
