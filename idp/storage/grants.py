"""Reads and writes consents, token families, refresh tokens. Single use is one conditional statement each."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, delete, false, func, select, true, update

from idp.effects import Instant
from idp.models.clients import Client
from idp.models.grants import Consent, RefreshToken, TokenFamily
from idp.models.people import User, UserStatus
from idp.storage.prepared import Prepared
from idp.storage.unit import Unit, record, records, table_of

_CONSENTS_AT_MOST = 200
_OFFLINE = "offline_access"

_consents = table_of(Consent)
_families = table_of(TokenFamily)
_refreshes = table_of(RefreshToken)
_users = table_of(User)
_clients = table_of(Client)

_FAMILY = Prepared(select(_families).where(_families.c.id == bindparam("family")))
_FAMILY_BY_CODE = Prepared(select(_families).where(_families.c.code_hash == bindparam("code")))
_is_alive = (
    _families.c.id == bindparam("family"),
    _families.c.revoked_at.is_(None),
    _families.c.expires_at > bindparam("now"),
    _users.c.status == UserStatus.ACTIVE.value,
    _clients.c.disabled == false(),
)
_joined = _families.join(_users, _users.c.id == _families.c.user_id).join(
    _clients, _clients.c.client_id == _families.c.client_id
)
_ALIVE = Prepared(select(true()).select_from(_joined).where(*_is_alive))
_ALIVE_WITH_USER = Prepared(select(_families, _users).select_from(_joined).where(*_is_alive))
_BIND = Prepared(
    update(_families).where(_families.c.id == bindparam("family")).values(confirmation=bindparam("key"))
)
_REVOKE = Prepared(
    update(_families)
    .where(_families.c.id == bindparam("family"), _families.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("at"))
)
_REVOKE_OF_CLIENT = Prepared(
    update(_families)
    .where(_families.c.client_id == bindparam("client"), _families.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("at"))
)
_REVOKE_OTHERS = Prepared(
    update(_families)
    .where(
        _families.c.user_id == bindparam("user"),
        _families.c.session_id != bindparam("kept"),
        _families.c.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("at"))
)
_LIVE_OF_SESSION = Prepared(
    select(_families.c.id, _families.c.scopes).where(
        _families.c.session_id == bindparam("session"), _families.c.revoked_at.is_(None)
    )
)
_REFRESH = Prepared(
    select(
        _refreshes,
        _families.c.user_id,
        _families.c.client_id,
        _families.c.session_id,
        _families.c.scopes,
        _families.c.audiences,
        _families.c.acr,
        _families.c.amr,
        _families.c.auth_time,
        _families.c.employment_id,
        _families.c.municipality,
        _families.c.authorization_details,
        _families.c.requested,
        _families.c.expires_at,
        _families.c.revoked_at,
        _users.c.status,
        _users.c.roles,
        _families.c.confirmation,
    )
    .join(_families, _families.c.id == _refreshes.c.family_id)
    .join(_users, _users.c.id == _families.c.user_id)
    .where(_refreshes.c.token_hash == bindparam("token"))
)
_USE = Prepared(
    update(_refreshes)
    .where(_refreshes.c.token_hash == bindparam("token"), _refreshes.c.used_at.is_(None))
    .values(used_at=bindparam("at"), successor_hash=bindparam("successor"), answer=bindparam("given"))
)
_IS_UNUSED = Prepared(
    select(true()).where(_refreshes.c.token_hash == bindparam("token"), _refreshes.c.used_at.is_(None))
)
_CONSENT = Prepared(
    select(_consents).where(
        _consents.c.user_id == bindparam("user"), _consents.c.client_id == bindparam("client")
    )
)
_CONSENTS_OF = Prepared(
    select(_consents)
    .where(_consents.c.user_id == bindparam("user"))
    .order_by(_consents.c.granted_at.desc(), _consents.c.client_id)
    .limit(_CONSENTS_AT_MOST)
)
_LAST_USED = Prepared(
    select(_families.c.client_id, func.max(_families.c.created_at), func.max(_refreshes.c.issued_at))
    .select_from(_families.outerjoin(_refreshes, _refreshes.c.family_id == _families.c.id))
    .where(_families.c.user_id == bindparam("user"))
    .group_by(_families.c.client_id)
)


@dataclass(frozen=True, slots=True)
class RefreshRow:
    """A refresh token as its holder presents it, whatever its state, with what its family may have."""

    token_hash: str = field(repr=False)
    family_id: str
    issued_at: Instant
    expires_at: Instant
    used_at: Instant | None
    successor_hash: str | None = field(repr=False)
    answer: str | None = field(repr=False)
    user_id: str
    client_id: str
    session_id: str
    scopes: list[str]
    audiences: list[str]
    acr: str
    amr: list[str]
    auth_time: Instant
    employment_id: str | None
    municipality: str | None
    authorization_details: list[dict[str, Any]]
    requested: dict[str, Any]
    family_expires_at: Instant
    family_revoked_at: Instant | None
    user_status: str
    user_roles: list[str]
    confirmation: dict[str, str]


@dataclass(frozen=True, slots=True)
class ActiveFamily:
    family: TokenFamily
    user: User


class GrantStore:
    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def add_family(self, family: TokenFamily) -> bool:
        """False, and nothing written, when its code was redeemed before."""
        return self._unit.add_unless_there(family, "code_hash")

    def find_family(self, family_id: str) -> TokenFamily | None:
        row = self._unit.first(_FAMILY, {"family": family_id})
        return record(TokenFamily, row) if row else None

    def find_family_by_code(self, code_hash: str) -> TokenFamily | None:
        row = self._unit.first(_FAMILY_BY_CODE, {"code": code_hash})
        return record(TokenFamily, row) if row else None

    def family_is_alive(self, family_id: str, now: Instant) -> bool:
        """Neither revoked nor over, its user active and its client enabled."""
        return self._unit.first(_ALIVE, {"family": family_id, "now": now}) is not None

    def find_active_family_with_user(self, family_id: str, now: Instant) -> ActiveFamily | None:
        """The family and its user in one read, under the conditions of `family_is_alive`."""
        row = self._unit.first(_ALIVE_WITH_USER, {"family": family_id, "now": now})
        if row is None:
            return None
        width = len(_families.c)
        return ActiveFamily(record(TokenFamily, row[:width]), record(User, row[width:]))

    def bind_family(self, family_id: str, confirmation: dict[str, str]) -> None:
        """From now on its refresh tokens are good only for who proves possession of this key."""
        self._unit.changed(_BIND, {"family": family_id, "key": confirmation})

    def revoke_family(self, family_id: str, at: Instant) -> bool:
        """False when it was revoked before."""
        return self._unit.changed(_REVOKE, {"family": family_id, "at": at}) == 1

    def revoke_families_of_user(self, user_id: str, at: Instant, client_id: str | None = None) -> int:
        """Those of one client, or of all."""
        statement = update(_families).where(_families.c.user_id == user_id, _families.c.revoked_at.is_(None))
        if client_id is not None:
            statement = statement.where(_families.c.client_id == client_id)
        return self._unit.changed(Prepared(statement.values(revoked_at=at)))

    def revoke_families_of_client(self, client_id: str, at: Instant) -> int:
        return self._unit.changed(_REVOKE_OF_CLIENT, {"client": client_id, "at": at})

    def revoke_other_families(self, user_id: str, kept_session_id: str, at: Instant) -> int:
        """All of this user but those that came of one session; also what may outlive its session."""
        values = {"user": user_id, "kept": kept_session_id, "at": at}
        return self._unit.changed(_REVOKE_OTHERS, values)

    def revoke_session_families(self, session_id: str, at: Instant, *, keep_offline: bool) -> int:
        """`keep_offline` spares families that were allowed to outlive the session."""
        rows = self._unit.rows(_LIVE_OF_SESSION, {"session": session_id})
        ending = [family_id for family_id, scopes in rows if not (keep_offline and _OFFLINE in scopes)]
        return sum(self.revoke_family(family_id, at) for family_id in ending)

    def add_refresh(self, token: RefreshToken) -> None:
        self._unit.add(token)

    def find_refresh(self, token_hash: str) -> RefreshRow | None:
        row = self._unit.first(_REFRESH, {"token": token_hash})
        return RefreshRow(*row) if row else None

    def use_refresh(self, token_hash: str, *, at: Instant, successor_hash: str, answer: str) -> bool:
        """False when it was used before: the one row this changes is what makes rotation single-use."""
        values = {"token": token_hash, "at": at, "successor": successor_hash, "given": answer}
        return self._unit.changed(_USE, values) == 1

    def refresh_is_unused(self, token_hash: str) -> bool:
        return self._unit.first(_IS_UNUSED, {"token": token_hash}) is not None

    def find_consent(self, user_id: str, client_id: str) -> Consent | None:
        row = self._unit.first(_CONSENT, {"user": user_id, "client": client_id})
        return record(Consent, row) if row else None

    def save_consent(self, consent: Consent) -> None:
        """Replaces what this user allowed this client before."""
        self._unit.put(consent, "user_id", "client_id")

    def withdraw_consent(self, user_id: str, client_id: str) -> bool:
        """False when there was none."""
        statement = delete(_consents).where(
            _consents.c.user_id == user_id, _consents.c.client_id == client_id
        )
        return self._unit.changed(Prepared(statement)) == 1

    def consents_of(self, user_id: str) -> list[Consent]:
        """The latest first."""
        return records(Consent, self._unit.rows(_CONSENTS_OF, {"user": user_id}))

    def last_used_of(self, user_id: str) -> dict[str, Instant]:
        """By application: when it last got tokens for this person."""
        rows = self._unit.rows(_LAST_USED, {"user": user_id})
        return {client_id: max(begun, renewed or begun) for client_id, begun, renewed in rows}
