"""The provider's signing keys: next, active, retired, for each algorithm, and the JWK set made of them (RFC
7517).

A key is published before it signs and stays published after, so that a rotation breaks no token and no cache.
Each process keeps what it read for a minute; a key it has never heard of makes it look again, at most once a
second.
"""

import hashlib
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from joserfc.jwk import ECKey, RSAKey

from idp.crypto import Place
from idp.effects import Effects, Instant
from idp.events import Event, EventType
from idp.models.keys import KeyState, SigningKey
from idp.storage.database import Database
from idp.storage.vault import Vault
from idp.storage.work import Work

ALGORITHMS: Final = ("RS256", "ES256")
RSA_BITS: Final = 2048
RELOAD_SECONDS: Final = 60.0
LOOK_AGAIN_SECONDS: Final = 1.0
RETIRED_SECONDS: Final = 30 * 24 * 3600.0
"""Longer than any session, so that an ID token stays good as a hint at sign-out."""

PrivateKey = RSAKey | ECKey


@dataclass(frozen=True, slots=True)
class Signer:
    kid: str
    alg: str
    key: PrivateKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeySet:
    """What one reading of the table gave. `document` is the JWK set as served."""

    read_at: Instant
    signers: Mapping[str, Signer]
    verifiers: Mapping[str, tuple[str, PrivateKey]]
    document: bytes
    etag: str


class KeyRing:
    def __init__(self, database: Database, vault: Vault, effects: Effects) -> None:
        self._database = database
        self._vault = vault
        self._effects = effects
        self._lock = threading.Lock()
        self._current: KeySet | None = None

    def signer(self, alg: str) -> Signer:
        return self.current().signers[alg]

    def find_verifier(self, kid: str | None, alg: str) -> PrivateKey | None:
        """The public key of that name, if it is for that algorithm."""
        if kid is None:
            return None
        keys = self.current()
        if kid not in keys.verifiers and self._effects.now() - keys.read_at >= LOOK_AGAIN_SECONDS:
            keys = self.reload()
        found = keys.verifiers.get(kid)
        return found[1] if found is not None and found[0] == alg else None

    def publishes(self, kid: str) -> bool:
        return kid in self.current().verifiers

    def current(self) -> KeySet:
        keys = self._current
        if keys is not None and self._effects.now() - keys.read_at < RELOAD_SECONDS:
            return keys
        return self.reload()

    def reload(self) -> KeySet:
        with self._lock:
            rows = self._read()
            if _missing(rows):
                rows = self._make_missing(rows)
            self._current = self._load(rows)
            return self._current

    def rotate(self) -> None:
        """The next key of each algorithm begins to sign, the signing one retires, a new next one is made."""
        self.reload()
        made = {alg: self._generate(alg, KeyState.NEXT) for alg in ALGORITHMS}
        now = self._effects.now()
        with self._database.begin() as work:
            for row in work.keys.signing_keys():
                match KeyState(row.state):
                    case KeyState.ACTIVE:
                        work.keys.set_state(row.kid, KeyState.RETIRED, at=now)
                    case KeyState.NEXT:
                        work.keys.set_state(row.kid, KeyState.ACTIVE, at=now)
                    case KeyState.RETIRED:
                        pass
            for row in made.values():
                work.keys.add(row)
            work.keys.remove_retired_before(now - RETIRED_SECONDS)
            work.audit.append(Event(type=EventType.SIGNING_KEY_ROTATED))
        self.reload()

    def _read(self) -> list[SigningKey]:
        with self._database.read() as work:
            return work.keys.signing_keys()

    def _make_missing(self, rows: list[SigningKey]) -> list[SigningKey]:
        """Made outside the transaction, since an RSA key takes a tenth of a second, and looked at again
        inside.
        """
        made = [self._generate(alg, state) for alg, state in _missing(rows)]
        with self._database.begin() as work:
            self._add_missing(work, made)
            return work.keys.signing_keys()

    def _add_missing(self, work: Work, made: list[SigningKey]) -> None:
        missing = _missing(work.keys.signing_keys())
        for row in made:
            if (row.alg, KeyState(row.state)) in missing:
                work.keys.add(row)
                work.audit.append(
                    Event(type=EventType.SIGNING_KEY_ADDED, detail={"kid": row.kid, "alg": row.alg})
                )

    def _generate(self, alg: str, state: KeyState) -> SigningKey:
        key: PrivateKey = RSAKey.generate_key(RSA_BITS) if alg == "RS256" else ECKey.generate_key("P-256")
        kid = key.thumbprint()
        return SigningKey(
            kid=kid,
            alg=alg,
            state=state.value,
            public={**key.as_dict(private=False), "kid": kid, "alg": alg, "use": "sig"},
            private_sealed=self._vault.seal(key.as_pem(private=True), _place(kid)),
            created_at=self._effects.now(),
        )

    def _load(self, rows: list[SigningKey]) -> KeySet:
        """Should two processes both have made the first keys, every one takes the older for signing."""
        rows = sorted(rows, key=lambda row: (row.created_at, row.kid))
        known = {signer.kid: signer for signer in self._current.signers.values()} if self._current else {}
        signers: dict[str, Signer] = {}
        for row in rows:
            if row.state == KeyState.ACTIVE.value and row.alg not in signers:
                # The name is the key's thumbprint, and reading an RSA key takes a twentieth of a second.
                signers[row.alg] = known.get(row.kid) or Signer(row.kid, row.alg, self._open(row))
        document = json.dumps({"keys": [row.public for row in rows]}, separators=(",", ":")).encode()
        return KeySet(
            read_at=self._effects.now(),
            signers=signers,
            verifiers={row.kid: (row.alg, _key_type(row.alg).import_key(row.public)) for row in rows},
            document=document,
            etag=f'"{hashlib.sha256(document).hexdigest()[:32]}"',
        )

    def _open(self, row: SigningKey) -> PrivateKey:
        pem = self._vault.open(row.private_sealed, _place(row.kid))
        return _key_type(row.alg).import_key(pem, {"kid": row.kid})


def _missing(rows: list[SigningKey]) -> list[tuple[str, KeyState]]:
    have = {(row.alg, KeyState(row.state)) for row in rows}
    return [
        (alg, state)
        for alg in ALGORITHMS
        for state in (KeyState.ACTIVE, KeyState.NEXT)
        if (alg, state) not in have
    ]


def _key_type(alg: str) -> type[RSAKey] | type[ECKey]:
    return RSAKey if alg == "RS256" else ECKey


def _place(kid: str) -> Place:
    return Place("signing_keys", "private_sealed", kid)
