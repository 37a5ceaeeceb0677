"""By which name a person is known to an application: their own, or one that only its sector knows (Core 8).

A pairwise subject is the user's id under AES-SIV, with the sector as associated data: the same each time, not
to be linked with another sector's, and turned back here without a table (Core 8.1). The key is one for the
deployment, sealed with all others. Not here: which sector an application is of (`sectors.py`).
"""

import base64
import binascii
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from idp.models.clients import Client
from idp.storage.database import Database
from idp.storage.vault import Vault

_PURPOSE: Final = "pairwise"
_KEY_BYTES: Final = 64


class Subjects:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._made: AESSIV | None = None

    def subject_for(self, client: Client, user_id: str) -> str:
        """The `sub` for this client. Not for an open unit of work: the first call makes the key."""
        if client.sector is None:
            return user_id
        sealed = self._cipher().encrypt(user_id.encode(), [client.sector.encode()])
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def user_of(self, client: Client, subject: str) -> str | None:
        """Whom this client means; None for what is no subject of its sector. Without a sector, as given."""
        if client.sector is None:
            return subject
        try:
            sealed = base64.urlsafe_b64decode(subject + "=" * (-len(subject) % 4))
            user_id = self._cipher().decrypt(sealed, [client.sector.encode()]).decode()
        except (InvalidTag, ValueError, binascii.Error):
            return None
        # base64 has several ways to write the same, and a subject has one.
        return user_id if self.subject_for(client, user_id) == subject else None

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
