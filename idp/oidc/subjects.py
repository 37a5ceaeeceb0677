"""By which name a person is known to an application: their own, or one that only its sector knows (Core 8).

A pairwise subject is the user's id under AES-SIV, with the sector as associated data: the same each time, not
to be linked with another sector's, and turned back here without a table (Core 8.1). The key is one for the
deployment, sealed with all others. The name of a session (`sid`) is treated alike, or it would link what
subjects keep apart. Not here: which sector an application is of (`sectors.py`).
"""

import base64
import binascii
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from idp.models.clients import Client
from idp.storage.database import Database
from idp.storage.vault import Vault

_PURPOSE: Final = "pairwise"
_KEY_BYTES: Final = 64

_Kind: TypeAlias = tuple[bytes, ...]
"""Associated data beside the sector, so that a name of one kind is none of another."""
_OF_PERSON: Final[_Kind] = ()
_OF_SESSION: Final[_Kind] = (b"session",)


class Subjects:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._made: AESSIV | None = None

    def subject_for(self, client: Client, user_id: str) -> str:
        """The `sub` for this client. Not for an open unit of work: the first call makes the key."""
        return self._name_for(client, user_id, _OF_PERSON)

    def user_of(self, client: Client, subject: str) -> str | None:
        """Whom this client means; None for what is no subject of its sector. Without a sector, as given."""
        return self._named_by(client, subject, _OF_PERSON)

    def session_for(self, client: Client, session_id: str) -> str:
        """The `sid` for this client; as `subject_for`."""
        return self._name_for(client, session_id, _OF_SESSION)

    def session_of(self, client: Client, sid: str) -> str | None:
        """Which session this client means; as `user_of`."""
        return self._named_by(client, sid, _OF_SESSION)

    def _name_for(self, client: Client, own_id: str, kind: _Kind) -> str:
        if client.sector is None:
            return own_id
        sealed = self._cipher().encrypt(own_id.encode(), [client.sector.encode(), *kind])
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def _named_by(self, client: Client, name: str, kind: _Kind) -> str | None:
        if client.sector is None:
            return name
        try:
            sealed = base64.urlsafe_b64decode(name + "=" * (-len(name) % 4))
            own_id = self._cipher().decrypt(sealed, [client.sector.encode(), *kind]).decode()
        except (InvalidTag, ValueError, binascii.Error):
            return None
        # base64 has several ways to write the same, and a name has one.
        return own_id if self._name_for(client, own_id, kind) == name else None

    def _cipher(self) -> AESSIV:
        if self._made is None:
            with self._database.read() as work:
                key = self._vault.find_key(work, _PURPOSE)
            if key is None:
                with self._database.begin() as work:
                    key = self._vault.lookup_key(work, _PURPOSE)
            derive = HKDF(
                algorithm=SHA512(), length=_KEY_BYTES, salt=None, info=b"visvaris pairwise subjects"
            )
            self._made = AESSIV(derive.derive(key.key))
        return self._made
