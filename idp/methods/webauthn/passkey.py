"""Passkeys: a whole sign-in by themselves.

The authenticator knows whose they are and makes sure of the user.
"""

from collections.abc import Mapping
from typing import Any

from idp.methods.base import Answer, Challenge
from idp.methods.webauthn.ceremony import BrokenAnswerError, read_answer
from idp.methods.webauthn.keys import Keys
from idp.models.methods import Device, Factor, MethodFacts
from idp.storage.work import Work
from idp.words import N_

METHOD = "passkey"


class Passkey(Keys):
    facts = MethodFacts(
        id=METHOD,
        factor=Factor.POSSESSION,
        amr=("pop", "user"),
        phishing_resistant=True,
        enrollable=True,
        several=True,
        one_answer=True,
        needs=frozenset(Device),
    )
    label = N_("Passkey")
    description = N_("Your fingerprint, face or PIN on this computer or phone, in place of a password.")
    discoverable = True

    def begin_for_anybody(self, kept: Mapping[str, Any] | None) -> Challenge:
        """Names no keys, so that it tells nothing of anybody."""
        return self._begin(kept or self._new_state(None), ())

    def claimed_user(self, work: Work, answer: Answer) -> str | None:
        """By the key's id; that it comes with the handle of its owner is for `verify` to see."""
        try:
            claimed = read_answer(answer.get("credential", ""))
        except BrokenAnswerError:
            return None
        key = work.people.find_credential_by_key(claimed.key_id)
        return key.user_id if key is not None and key.method == METHOD else None
