"""Finding the client a request speaks of. Storage keeps a snapshot, so this costs no query."""

from idp.models.clients import Client
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.storage.database import Database


class Clients:
    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, client_id: str) -> Client | None:
        kept = self._database.kept_client(client_id)
        if kept is not None:
            return kept
        with self._database.read() as work:
            return work.clients.find(client_id)

    def get(self, client_id: str) -> Client:
        """Raises ProtocolError."""
        client = self.find(client_id)
        if client is None:
            raise ProtocolError(ErrorCode.INVALID_CLIENT, "The application is not known.")
        return client
