"""Reads and writes checks of documents. Approving, using and revoking one are a conditional statement each.

Not here: who may, and what it confirms (`people/identity/in_person.py`).
"""

import json
from enum import StrEnum

from sqlalchemy import bindparam, delete, select, update

from idp.crypto import Place
from idp.effects import Instant
from idp.models.in_person import IdentityCheck, Stated
from idp.models.person_code import PersonCode
from idp.storage.posts import works_in
from idp.storage.prepared import Prepared
from idp.storage.unit import Unit, record, records, table_of
from idp.storage.vault import Vault

_AT_ONCE = 500

_checks = table_of(IdentityCheck)
_is_unfinished = (
    _checks.c.used_at.is_(None),
    _checks.c.revoked_at.is_(None),
    _checks.c.expires_at > bindparam("now"),
)
_CHECK = Prepared(select(_checks).where(_checks.c.id == bindparam("check")))
_BY_CODE = Prepared(select(_checks).where(_checks.c.code_hash == bindparam("code")))
_APPROVE = Prepared(
    update(_checks)
    .where(
        _checks.c.id == bindparam("check"),
        _checks.c.approved_at.is_(None),
        _checks.c.made_by != bindparam("by"),
        _checks.c.user_id != bindparam("by"),
        *_is_unfinished,
    )
    .values(
        approved_by=bindparam("by"),
        approved_at=bindparam("now"),
        code_hash=bindparam("code"),
        expires_at=bindparam("until"),
    )
    .returning(_checks.c.id)
)
_USE = Prepared(
    update(_checks)
    .where(_checks.c.id == bindparam("check"), _checks.c.approved_at.is_not(None), *_is_unfinished)
    .values(used_at=bindparam("now"), stated_sealed="")
    .returning(_checks.c.id)
)
_REVOKE = Prepared(
    update(_checks)
    .where(_checks.c.id == bindparam("check"), *_is_unfinished)
    .values(revoked_at=bindparam("now"), revoked_by=bindparam("by"), stated_sealed="")
    .returning(_checks.c.id)
)
_REVOKE_OF_USER = Prepared(
    update(_checks)
    .where(_checks.c.user_id == bindparam("user"), *_is_unfinished)
    .values(revoked_at=bindparam("now"), revoked_by=bindparam("by"), stated_sealed="")
    .returning(_checks.c.id)
)
_OLD = Prepared(
    delete(_checks).where(
        _checks.c.id.in_(
            select(_checks.c.id).where(_checks.c.expires_at < bindparam("before")).limit(_AT_ONCE)
        )
    )
)


class CheckState(StrEnum):
    WAITING = "waiting"
    """For a second person."""
    APPROVED = "approved"
    USED = "used"
    REVOKED = "revoked"
    EXPIRED = "expired"


class IdentityCheckStore:
    def __init__(self, unit: Unit, vault: Vault) -> None:
        self._unit = unit
        self._vault = vault

    def add(self, check: IdentityCheck, stated: Stated) -> None:
        """With what was stated sealed into it."""
        value = {
            "code": stated.code.canonical,
            "given_name": stated.given_name,
            "family_name": stated.family_name,
        }
        check.stated_sealed = self._vault.seal(json.dumps(value).encode(), _place(check.id))
        self._unit.add(check)

    def find(self, check_id: str) -> IdentityCheck | None:
        row = self._unit.first(_CHECK, {"check": check_id})
        return record(IdentityCheck, row) if row else None

    def find_by_code(self, code_hash: str) -> IdentityCheck | None:
        """Whatever its state."""
        row = self._unit.first(_BY_CODE, {"code": code_hash})
        return record(IdentityCheck, row) if row else None

    def stated_in(self, check: IdentityCheck) -> Stated | None:
        """None once it is used or revoked. Raises SealError."""
        if not check.stated_sealed:
            return None
        value = json.loads(self._vault.open(check.stated_sealed, _place(check.id)))
        return Stated(
            code=PersonCode.parse(value["code"]),
            given_name=value["given_name"],
            family_name=value["family_name"],
        )

    def approve(self, check_id: str, *, by: str, code_hash: str, until: Instant, now: Instant) -> bool:
        """False when it waits for nobody any more, and for who made it and whom it is about."""
        values = {"check": check_id, "by": by, "code": code_hash, "until": until, "now": now}
        return self._unit.first(_APPROVE, values) is not None

    def use(self, check_id: str, now: Instant) -> bool:
        """False when it is not approved, over, revoked or used. Of all who race for it, one gets it."""
        return self._unit.first(_USE, {"check": check_id, "now": now}) is not None

    def revoke(self, check_id: str, *, by: str, now: Instant) -> bool:
        """False when it confirmed nothing any more."""
        return self._unit.first(_REVOKE, {"check": check_id, "by": by, "now": now}) is not None

    def revoke_of_user(self, user_id: str, *, by: str, now: Instant) -> list[str]:
        """Ids of those that were unfinished."""
        values = {"user": user_id, "by": by, "now": now}
        return [row[0] for row in self._unit.rows(_REVOKE_OF_USER, values)]

    def list_checks(
        self,
        *,
        now: Instant,
        user_id: str | None = None,
        municipality: str | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> list[IdentityCheck]:
        """By id, from the one after `after`; with `municipality`, those of there about its people now."""
        statement = select(_checks).order_by(_checks.c.id).limit(limit)
        if user_id is not None:
            statement = statement.where(_checks.c.user_id == user_id)
        if municipality is not None:
            there = works_in(_checks.c.user_id, municipality, now)
            statement = statement.where(_checks.c.municipality == municipality, there)
        if after is not None:
            statement = statement.where(_checks.c.id > after)
        return records(IdentityCheck, self._unit.rows(Prepared(statement)))

    def remove_old(self, before: Instant) -> int:
        """A batch of those that expired before; fewer than a full one means that none is left."""
        return self._unit.changed(_OLD, {"before": before})


def state_of(check: IdentityCheck, now: Instant) -> CheckState:
    if check.used_at is not None:
        return CheckState.USED
    if check.revoked_at is not None:
        return CheckState.REVOKED
    if now >= check.expires_at:
        return CheckState.EXPIRED
    return CheckState.WAITING if check.approved_at is None else CheckState.APPROVED


def _place(check_id: str) -> Place:
    return Place(table="identity_checks", column="stated_sealed", row=check_id)
