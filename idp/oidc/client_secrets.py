"""Secrets that a client shares with us: how they are made, kept, compared and replaced.

Of most nothing is kept but a hash. A client that signs with its secret (`client_secret_jwt`, OpenID Connect
Core 9) cannot be verified by a hash, so its secrets are kept sealed as well, and only its. Not here: what the
signed assertion must say (`client_assertions.py`).
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from idp.crypto import Place
from idp.effects import Effects, Instant
from idp.models.clients import Client
from idp.oidc.auth_methods import WITH_SECRET, AuthMethod, method_of
from idp.storage.vault import Vault

_NOBODY: Final = "nobody"
_NOBODYS: Final[Mapping[str, Any]] = {
    "hash": hashlib.sha256(b"nobody has this secret").hexdigest(),
    "expires_at": 0.0,
}


@dataclass(frozen=True, slots=True)
class Kept:
    """The two columns of a client that hold its secrets, newest first; always written together."""

    secrets: list[dict[str, Any]] = field(repr=False)
    mac_secret_sealed: str | None = field(repr=False)


def needs_secret(registered: Mapping[str, Any]) -> bool:
    return method_of(registered) in WITH_SECRET


def signs_with_secret(registered: Mapping[str, Any]) -> bool:
    return method_of(registered) is AuthMethod.SECRET_JWT


def make_secret(registered: Mapping[str, Any], effects: Effects) -> str:
    """256 random bits; 512 for HS512, whose key must be no shorter than its hash (RFC 7518 section 3.2)."""
    return "".join(effects.new_token() for _ in range(2 if signs_with_secret(registered) else 1))


def secret_record(secret: str, now: Instant, *, expires_at: Instant | None = None) -> dict[str, Any]:
    """What is kept of a secret of 256 random bits."""
    return {"hash": hashlib.sha256(secret.encode()).hexdigest(), "created_at": now, "expires_at": expires_at}


def secret_is_right(client: Client | None, secret: str, now: Instant) -> bool:
    """All of the client's secrets are compared, or a stand-in, so that time tells nothing."""
    given = hashlib.sha256(secret.encode()).hexdigest()
    right = False
    for known in client.secrets if client is not None else (_NOBODYS,):
        equal = hmac.compare_digest(given, known["hash"])
        right = right or (equal and _is_current(known, now))
    return right


def keep_first(client: Client, secret: str, *, now: Instant, vault: Vault | None) -> Kept:
    """`vault` may be None for a client that does not sign with its secret."""
    return _keep(client, None, secret, now, vault)


def replace(client: Client, secret: str, *, now: Instant, old_ends_at: Instant | None, vault: Vault) -> Kept:
    """The one before it works on until `old_ends_at`, or ends at once; those before that end now."""
    return _keep(client, old_ends_at, secret, now, vault)


def _keep(
    client: Client, old_ends_at: Instant | None, secret: str, now: Instant, vault: Vault | None
) -> Kept:
    secrets = [secret_record(secret, now), *_ending(client.secrets, old_ends_at)]
    if not signs_with_secret(client.registered):
        return Kept(secrets, None)
    if vault is None:
        raise ValueError("a secret that the client signs with can only be kept sealed")
    whole = {"secret": secret, "created_at": now, "expires_at": None}
    return Kept(secrets, _seal([whole, *_ending(_open(client, vault), old_ends_at)], client, vault))


def _ending(records: list[dict[str, Any]], ends_at: Instant | None) -> list[dict[str, Any]]:
    """The newest of those there were, if it may go on at all."""
    return [{**record, "expires_at": ends_at} for record in records[:1]] if ends_at is not None else []


def _open(client: Client, vault: Vault) -> list[dict[str, Any]]:
    if client.mac_secret_sealed is None:
        return []
    opened: list[dict[str, Any]] = json.loads(vault.open(client.mac_secret_sealed, _place(client.client_id)))
    return opened


class SealedSecrets:
    """The secrets a client may sign with now; for nobody a stand-in, which costs the same to open."""

    def __init__(self, vault: Vault, effects: Effects) -> None:
        self._vault = vault
        self._effects = effects
        self._nobody = Client(client_id=_NOBODY, name=_NOBODY, created_at=0.0, registered={})
        stand_in = {"secret": effects.new_token() + effects.new_token(), "expires_at": None}
        self._nobody.mac_secret_sealed = _seal([stand_in], self._nobody, vault)

    def current(self, client: Client | None) -> list[str]:
        """Newest first."""
        now = self._effects.now()
        opened = _open(client if client is not None else self._nobody, self._vault)
        return [record["secret"] for record in opened if _is_current(record, now)]


def _seal(records: list[dict[str, Any]], client: Client, vault: Vault) -> str:
    return vault.seal(json.dumps(records).encode(), _place(client.client_id))


def _place(client_id: str) -> Place:
    return Place("clients", "mac_secret_sealed", client_id)


def _is_current(secret: Mapping[str, Any], now: Instant) -> bool:
    return secret.get("expires_at") is None or now < secret["expires_at"]
