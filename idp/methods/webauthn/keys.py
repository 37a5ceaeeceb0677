"""What passkeys and security keys share: whose a key is, whether it is the same key, how it is set up.

One user has one handle, 32 random bytes that say nothing of the user; every key keeps the one it was made
with.
Not here: the bytes (`ceremony.py`), how often one may try and what is written down (`login/flow.py`).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from idp.attestation_policy import Key, Listing, refusal
from idp.effects import Effects
from idp.errors import Reason
from idp.methods.base import (
    LABEL_AT_MOST,
    Answer,
    Challenge,
    Description,
    Enrolled,
    Outcome,
    Rejected,
    Subject,
    Verified,
    label_from,
)
from idp.methods.webauthn.ceremony import (
    CHALLENGE_BYTES,
    Assertion,
    BrokenAnswerError,
    Registration,
    Sent,
    WebAuthnParty,
    check_assertion,
    check_registration,
    claimed_model,
    creation_options,
    read_answer,
    request_options,
    to_base64url,
)
from idp.methods.webauthn.kinds import kind_of
from idp.methods.webauthn.metadata import makers_of
from idp.models.authenticators import AuthenticatorModel
from idp.models.methods import MethodFacts
from idp.models.people import Backup, Credential
from idp.storage.work import Work
from idp.words import N_

KEYS_AT_MOST: Final = 20
"""For each person, of both methods together."""
_NOTES: Final = {
    Backup.DEVICE_BOUND.value: N_("Stays on one device."),
    Backup.ELIGIBLE.value: N_("May be synced between devices."),
    Backup.SYNCED.value: N_("Synced between devices."),
}
_ATTESTED: Final = N_("Its maker confirms what it is.")
_NOBODYS_KEY: Final = (
    "pQECAyYgASFYIGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWIlggT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"
)
"""For answers that name a key nobody has, so that they cost what others cost. The curve's base point: anybody
can sign with it, and it opens nothing.
"""


class Keys:
    """`discoverable`: the authenticator keeps the key with the user's handle, and makes sure of the user."""

    facts: MethodFacts
    label: str
    description: str
    discoverable: bool

    def __init__(self, *, party: WebAuthnParty, effects: Effects) -> None:
        self._party = party
        self._effects = effects

    def is_enrolled(self, subject: Subject) -> bool:
        """Also of blocked keys: whoever copied one must not find the account with one factor less."""
        return bool(subject.of(self.facts.id))

    def describe(self, credential: Credential) -> Description:
        notes = (_NOTES.get(credential.backup or ""), _ATTESTED if credential.attestation else None)
        return Description(
            kind=credential.kind or kind_of(credential.aaguid) or self.label,
            notes=tuple(note for note in notes if note),
            is_blocked=credential.blocked_at is not None,
        )

    # Signing in --------------------------------------------------------------------------------------------

    def begin(self, subject: Subject) -> Challenge:
        return self._begin(self._new_state(subject), self._usable(subject))

    def verify(self, work: Work, subject: Subject | None, challenge: Challenge, answer: Answer) -> Outcome:
        sent = _sent(answer)
        if isinstance(sent, Rejected):
            return sent
        if not challenge.state:
            return Rejected(Reason.CHALLENGE_USED)
        stored = self._find(subject, sent.key_id)
        try:
            assertion = check_assertion(
                self._party,
                sent,
                challenge=challenge.state["challenge"],
                public_key=(stored and stored.public_key) or _NOBODYS_KEY,
            )
        except BrokenAnswerError:
            return Rejected(Reason.KEY_ANSWER_BROKEN if stored else Reason.KEY_UNKNOWN)
        if subject is None or stored is None:
            return Rejected(Reason.KEY_UNKNOWN)
        if refused := self._refusal(subject, stored, challenge.state, assertion):
            return Rejected(refused)
        if refused := self._take_over(work, stored, assertion):
            return Rejected(refused)
        return Verified(stored.id, user_verified=assertion.user_verified)

    def _refusal(
        self, subject: Subject, stored: Credential, state: Mapping[str, Any], assertion: Assertion
    ) -> Reason | None:
        """What section 7.2 asks of the user: whose key it is, of the kind it was, who made sure of them."""
        begun_for = state["user"]
        if begun_for not in {None, subject.user.id}:
            return Reason.KEY_OF_ANOTHER
        if assertion.user_handle != stored.user_handle and not (begun_for and assertion.user_handle is None):
            return Reason.KEY_OF_ANOTHER
        was_bound, is_bound = (
            kept == Backup.DEVICE_BOUND.value for kept in (stored.backup, assertion.backup.value)
        )
        if was_bound != is_bound:
            return Reason.KEY_ANSWER_BROKEN
        return Reason.USER_NOT_VERIFIED if self.discoverable and not assertion.user_verified else None

    def _take_over(self, work: Work, stored: Credential, assertion: Assertion) -> Reason | None:
        """The count, in one act; a key that stays on one device and does not count on is blocked.

        One that was removed or blocked in this very moment is not known any more.
        """
        now = self._effects.now()
        counts = bool(stored.sign_count or assertion.sign_count)
        accepted = work.people.accept_use(
            stored.id,
            count=assertion.sign_count,
            must_rise=counts and assertion.backup is Backup.DEVICE_BOUND,
            backup=assertion.backup,
            at=now,
        )
        if accepted:
            return None
        return Reason.KEY_COPIED if work.people.block_credential(stored.id, at=now) else Reason.KEY_UNKNOWN

    # Setting up --------------------------------------------------------------------------------------------

    def begin_enrolment(self, subject: Subject) -> Challenge:
        known = _all_keys(subject)
        attested = any(demand.wants_statement for demand in subject.demands)
        handle = next((key.user_handle for key in known if key.user_handle), None)
        state = self._new_state(subject) | {"handle": handle or self._new_bytes(), "attested": attested}
        options = creation_options(
            self._party,
            subject.user,
            challenge=state["challenge"],
            user_handle=state["handle"],
            known=known,
            discoverable=self.discoverable,
            carried=subject.on_shared_computer or not self.discoverable,
            attested=attested,
        )
        page = {"options": options, "label_at_most": LABEL_AT_MOST, "attested": attested}
        return Challenge(page=page, state=state)

    def enrol(
        self, work: Work, subject: Subject, challenge: Challenge, answer: Answer
    ) -> Enrolled | Rejected:
        sent = _sent(answer)
        if isinstance(sent, Rejected):
            return sent
        is_asked = challenge.state.get("attested", False)
        try:
            model = work.authenticators.find(claimed_model(sent)) if is_asked else None
            made = check_registration(
                self._party,
                sent,
                challenge=challenge.state["challenge"],
                makers=makers_of(model, self._effects.now()) if is_asked else None,
            )
        except BrokenAnswerError:
            return Rejected(Reason.KEY_ANSWER_BROKEN)
        if challenge.state["user"] != subject.user.id:
            return Rejected(Reason.KEY_OF_ANOTHER)
        if self.discoverable and not made.user_verified:
            return Rejected(Reason.USER_NOT_VERIFIED)
        if len(_all_keys(subject)) >= KEYS_AT_MOST:
            return Rejected(Reason.TOO_MANY_KEYS)
        if refused := _refused_kind(made, subject, model):
            return Rejected(refused)
        credential = self._credential(subject, made, challenge.state["handle"], answer)
        credential.kind = work.authenticators.name_of(made.aaguid)
        if not work.people.add_key(credential):
            return Rejected(_why_taken(work.people.find_credential_by_key(made.key_id), subject))
        return Enrolled(credential)

    def _credential(
        self, subject: Subject, made: Registration, user_handle: str, answer: Answer
    ) -> Credential:
        return Credential(
            id=self._effects.new_id(),
            user_id=subject.user.id,
            method=self.facts.id,
            secret="",
            created_at=self._effects.now(),
            label=label_from(answer.get("label", "")),
            key_id=made.key_id,
            public_key=made.public_key,
            user_handle=user_handle,
            sign_count=made.sign_count,
            aaguid=made.aaguid,
            algorithm=made.algorithm,
            attestation=made.attestation,
            transports=made.transports,
            backup=made.backup.value,
        )

    # Inside ------------------------------------------------------------------------------------------------

    def _begin(self, state: Mapping[str, Any], allowed: Sequence[Credential]) -> Challenge:
        options = request_options(
            self._party, challenge=state["challenge"], allowed=allowed, verify_user=self.discoverable
        )
        return Challenge(page={"options": options}, state=state)

    def _new_state(self, subject: Subject | None) -> dict[str, Any]:
        """Bound to whom it is begun for, or to nobody yet."""
        return {"challenge": self._new_bytes(), "user": subject.user.id if subject else None}

    def _new_bytes(self) -> str:
        return to_base64url(self._effects.random(CHALLENGE_BYTES))

    def _usable(self, subject: Subject) -> list[Credential]:
        return [key for key in subject.of(self.facts.id) if key.blocked_at is None]

    def _find(self, subject: Subject | None, key_id: str) -> Credential | None:
        usable = self._usable(subject) if subject else []
        return next((key for key in usable if key.key_id == key_id), None)


def _sent(answer: Answer) -> Sent | Rejected:
    text = answer.get("credential", "")
    if not text:
        return Rejected(Reason.KEY_ANSWER_MISSING)
    try:
        return read_answer(text)
    except BrokenAnswerError:
        return Rejected(Reason.KEY_ANSWER_BROKEN)


def _all_keys(subject: Subject) -> list[Credential]:
    """Of both methods, and those that are blocked: one authenticator is set up once."""
    return [credential for credential in subject.credentials if credential.key_id is not None]


def _refused_kind(made: Registration, subject: Subject, model: AuthenticatorModel | None) -> Reason | None:
    """An answer without the attestation that was asked for is one of a key that has none."""
    key = Key(
        aaguid=made.aaguid,
        attested=made.attestation is not None,
        device_bound=made.backup is Backup.DEVICE_BOUND,
    )
    return refusal(key, subject.demands, Listing(model.aaguid, model.statuses) if model else None)


def _why_taken(taken: Credential | None, subject: Subject) -> Reason:
    """That somebody else has it is not said."""
    is_own = taken is not None and taken.user_id == subject.user.id
    return Reason.KEY_ALREADY_REGISTERED if is_own else Reason.KEY_OF_ANOTHER
