"""Reads and writes who owns an account. Linking is two inserts that only one of all who race can make.

Not here: whether somebody may (`people/identity/`).
"""

import json

from sqlalchemy import bindparam, delete, select

from idp.crypto import Place
from idp.models.confirmations import Confirmation, Confirmed, IdentityRead
from idp.models.people import User
from idp.storage.people import PeopleStore
from idp.storage.prepared import Prepared
from idp.storage.unit import Unit, record, table_of
from idp.storage.vault import Vault

_confirmations = table_of(Confirmation)
_users = table_of(User)

_OF_USER = Prepared(
    select(_confirmations)
    .join(_users, _users.c.id == _confirmations.c.user_id)
    .where(
        _confirmations.c.user_id == bindparam("user"),
        _users.c.person_code_index == _confirmations.c.person_index,
    )
)
_REMOVE = Prepared(delete(_confirmations).where(_confirmations.c.user_id == bindparam("user")))


class ConfirmationStore:
    def __init__(self, unit: Unit, vault: Vault) -> None:
        self._unit = unit
        self._vault = vault

    def find(self, user_id: str) -> Confirmed | None:
        """One that holds: a code that was changed since by hand is not the one that was confirmed. Raises
        SealError.
        """
        row = self._unit.first(_OF_USER, {"user": user_id})
        if row is None:
            return None
        confirmation = record(Confirmation, row)
        names = json.loads(self._vault.open(confirmation.names_sealed, _place(user_id)))
        return Confirmed(
            confirmation=confirmation, given_name=names["given_name"], family_name=names["family_name"]
        )

    def is_confirmed(self, user_id: str) -> bool:
        return self._unit.first(_OF_USER, {"user": user_id}) is not None

    def is_of(self, confirmation: Confirmation, read: IdentityRead) -> bool:
        """Whether it is the same person who was read now."""
        return PeopleStore(self._unit, self._vault).index_of(read.code) == confirmation.person_index

    def put(
        self, user_id: str, read: IdentityRead, *, consent_version: str, consent_language: str
    ) -> Confirmation:
        """In place of an earlier one of this account. The code is set, too. Raises AlreadyExistsError when
        the person has another account; the unit of work is lost then.
        """
        people = PeopleStore(self._unit, self._vault)
        people.set_person_code(user_id, read.code, at=self._unit.effects.now())
        names = {"given_name": read.given_name, "family_name": read.family_name}
        confirmation = Confirmation(
            user_id=user_id,
            person_index=people.index_of(read.code),
            names_sealed=self._vault.seal(json.dumps(names).encode(), _place(user_id)),
            confirmed_by=read.confirmed_by.value,
            assurance=read.assurance.value,
            country=read.code.country,
            confirmed_at=read.read_at,
            consent_version=consent_version,
            consent_language=consent_language,
            flow=read.flow,
            certificate_fingerprint=read.certificate_fingerprint,
            evidence=read.evidence,
        )
        self._unit.changed(_REMOVE, {"user": user_id})
        self._unit.add(confirmation)
        return confirmation

    def remove(self, user_id: str) -> bool:
        """Also one that no longer holds. The code on file stays. False when there was none."""
        return self._unit.changed(_REMOVE, {"user": user_id}) == 1


def _place(user_id: str) -> Place:
    return Place(table="confirmations", column="names_sealed", row=user_id)
