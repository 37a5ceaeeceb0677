"""Makes databases, people, applications and sessions for tests, with every required column filled.

Not a test's subject: what these return is plain; what matters to a test is passed by it.
"""

import hashlib
import itertools
from dataclasses import dataclass, field
from typing import Any, Self

from idp.crypto import Sealer
from idp.effects import Effects
from idp.models.clients import Client
from idp.models.grants import RefreshToken, TokenFamily
from idp.models.people import Credential, Employment, Municipality, PolicyRule, User
from idp.models.sessions import BrowserSession
from idp.storage import migrate
from idp.storage.database import Database
from idp.storage.open import Storage, open_storage
from idp.storage.vault import Vault
from idp.storage.work import Work

MASTER_KEY = hashlib.sha256(b"the test's master key").digest()
START = 1_760_000_000.0
RIGA, KEKAVA, ADAZI, AUGSDAUGAVA = "0001000", "0031000", "0023000", "0022000"


@dataclass
class Clock:
    """A clock that stands still until a test moves it."""

    at: float = START

    def __call__(self) -> float:
        return self.at

    def move(self, seconds: float) -> None:
        self.at += seconds


@dataclass
class Dice:
    """Random bytes that are the same in every run, and never the same twice in one."""

    seed: str = "dice"
    thrown: int = 0

    def __call__(self, count: int) -> bytes:
        self.thrown += 1
        return hashlib.shake_256(f"{self.seed}/{self.thrown}".encode()).digest(count)


_worlds = itertools.count()


@dataclass
class World:
    """A migrated database with the means to look into it; `clock` moves its time."""

    url: str
    redis_url: str | None = None
    clock: Clock = field(default_factory=Clock)
    vault: Vault = None  # type: ignore[assignment]  # made below unless given
    effects: Effects = field(init=False)
    storage: Storage = field(init=False)

    def __post_init__(self) -> None:
        self.effects = Effects(now=self.clock, random=Dice(f"world {next(_worlds)}"))
        self.vault = self.vault or make_vault(self.effects)
        self.storage = open_storage(self.url, self.redis_url, self.vault, self.effects)

    @property
    def database(self) -> Database:
        return self.storage.database

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.database.dispose()


def make_vault(effects: Effects, *master_keys: bytes) -> Vault:
    return Vault(Sealer(master_keys or [MASTER_KEY], effects), effects)


def make_database(url: str, effects: Effects | None = None) -> Database:
    """Migrated, with nobody in it."""
    effects = effects or Effects()
    migrate.upgrade(url)
    return Database(url, vault=make_vault(effects), effects=effects)


def add_municipality(
    work: Work, atvk: str = RIGA, name: str = "Rīgas valstspilsēta", **columns: Any
) -> Municipality:
    values = {
        "iso_3166_2": f"LV-{atvk}",
        "short_name": name,
        "authority": f"{name}s pašvaldība",
        "type": "novads",
    }
    municipality = Municipality(atvk=atvk, name=name, **{**values, **columns})
    work.add(municipality)
    return municipality


def add_user(work: Work, username: str = "anna", **columns: Any) -> User:
    now = work.effects.now()
    values = {"id": work.effects.new_id(), "created_at": now, "updated_at": now}
    user = User(username=username, **{**values, **columns})
    work.people.add_user(user)
    return user


def add_employment(work: Work, user_id: str, municipality: str = RIGA, **columns: Any) -> Employment:
    values = {"id": work.effects.new_id(), "unit": "Juridiskā nodaļa", "position": "Juriste"}
    employment = Employment(user_id=user_id, municipality=municipality, **{**values, **columns})
    work.people.add_employment(employment)
    return employment


def add_credential(
    work: Work, user_id: str, method: str = "password", secret: str = "a hash", **columns: Any
) -> Credential:
    values = {"id": work.effects.new_id(), "created_at": work.effects.now()}
    credential = Credential(user_id=user_id, method=method, secret=secret, **{**values, **columns})
    work.people.add_credential(credential)
    return credential


def add_rule(
    work: Work, scope: str, methods: list[str], minimum_level: int = 1, **columns: Any
) -> PolicyRule:
    rule = PolicyRule(
        id=work.effects.new_id(), scope=scope, methods=methods, minimum_level=minimum_level, **columns
    )
    work.rules.add(rule)
    return rule


def add_client(work: Work, client_id: str = "portal", **columns: Any) -> Client:
    registered = {"redirect_uris": ["https://portal.example.com/callback"], "client_name": client_id}
    values = {"name": client_id, "created_at": work.effects.now(), "registered": registered}
    client = Client(client_id=client_id, **{**values, **columns})
    work.clients.add(client)
    return client


def add_session(work: Work, user_id: str, token_hash: str = "", **columns: Any) -> BrowserSession:
    now = work.effects.now()
    values = {
        "id": work.effects.new_id(),
        "token_hash": token_hash or work.effects.new_token(),
        "created_at": now,
        "last_seen_at": now,
        "expires_at": now + 12 * 3600,
        "proofs": [{"method": "password", "at": now}],
    }
    session = BrowserSession(user_id=user_id, **{**values, **columns})
    work.sessions.add(session)
    return session


def family(work: Work, user_id: str, client_id: str, **columns: Any) -> TokenFamily:
    """Not yet stored: whether it may be is what its store says."""
    now = work.effects.now()
    values = {
        "id": work.effects.new_id(),
        "code_hash": work.effects.new_token(),
        "session_id": work.effects.new_id(),
        "scopes": ["openid", "offline_access"],
        "audiences": [],
        "acr": "urn:visvaris:acr:1fa",
        "amr": ["pwd"],
        "auth_time": now,
        "created_at": now,
        "expires_at": now + 30 * 86400,
    }
    return TokenFamily(user_id=user_id, client_id=client_id, **{**values, **columns})


def add_family(work: Work, user_id: str, client_id: str, **columns: Any) -> TokenFamily:
    made = family(work, user_id, client_id, **columns)
    assert work.grants.add_family(made)
    return made


def add_refresh(work: Work, family_id: str, token_hash: str, **columns: Any) -> RefreshToken:
    now = work.effects.now()
    token = RefreshToken(
        token_hash=token_hash, family_id=family_id, **{"issued_at": now, "expires_at": now + 86400, **columns}
    )
    work.grants.add_refresh(token)
    return token
