"""Reads and writes people: users, posts, identities, credentials, and the municipalities they belong to.

What is read is a plain value: changing it changes nothing here, writes go through the methods below.
"""

from sqlalchemy import bindparam, delete, or_, select, update

from idp.crypto import LookupKey, Place
from idp.effects import Instant
from idp.errors import NotFoundError
from idp.models.latvian import sort_key
from idp.models.people import Backup, Credential, Employment, Identity, Municipality, User, UserStatus
from idp.models.person_code import PersonCode
from idp.storage.computers import ComputerStore
from idp.storage.prepared import Prepared
from idp.storage.unit import Unit, record, records, table_of
from idp.storage.vault import Vault

PERSON_CODE_PURPOSE = "person-code"
_CREDENTIALS_AT_MOST = 200
_EMPLOYMENTS_AT_MOST = 200

_users = table_of(User)
_credentials = table_of(Credential)
_employments = table_of(Employment)
_identities = table_of(Identity)
_municipalities = table_of(Municipality)

_USER = Prepared(select(_users).where(_users.c.id == bindparam("user_id")))
_HOLD_USER = Prepared(
    select(_users.c.id).where(_users.c.id == bindparam("user_id")).with_for_update(key_share=True)
)
_USER_BY_NAME = Prepared(select(_users).where(_users.c.username == bindparam("username")))
_USER_BY_CODE = Prepared(select(_users).where(_users.c.person_code_index == bindparam("code_index")))
_USER_BY_IDENTITY = Prepared(
    select(_users)
    .join(_identities, _identities.c.user_id == _users.c.id)
    .where(_identities.c.source == bindparam("source"), _identities.c.subject == bindparam("subject"))
)
_CREDENTIALS_OF = Prepared(
    select(_credentials)
    .where(_credentials.c.user_id == bindparam("user_id"))
    .order_by(_credentials.c.created_at, _credentials.c.id)
    .limit(_CREDENTIALS_AT_MOST)
)
_REPLACE_SECRET = Prepared(
    update(_credentials)
    .where(_credentials.c.id == bindparam("credential"), _credentials.c.secret == bindparam("old"))
    .values(secret=bindparam("new"))
)
_ACCEPT_STEP = Prepared(
    update(_credentials)
    .where(_credentials.c.id == bindparam("credential"), _credentials.c.last_step < bindparam("step"))
    .values(last_step=bindparam("step"), last_used_at=bindparam("at"))
)
_SPEND = Prepared(
    update(_credentials)
    .where(_credentials.c.id == bindparam("credential"), _credentials.c.spent_at.is_(None))
    .values(spent_at=bindparam("at"), last_used_at=bindparam("at"))
)
_TOUCH = Prepared(
    update(_credentials)
    .where(_credentials.c.id == bindparam("credential"))
    .values(last_used_at=bindparam("at"))
)
_CREDENTIAL_BY_KEY = Prepared(select(_credentials).where(_credentials.c.key_id == bindparam("key_id")))
_ACCEPT_USE = Prepared(
    update(_credentials)
    .where(_credentials.c.id == bindparam("credential"), _credentials.c.blocked_at.is_(None))
    .values(sign_count=bindparam("count"), backup=bindparam("new_backup"), last_used_at=bindparam("at"))
)
_ACCEPT_COUNTED_USE = Prepared(
    update(_credentials)
    .where(
        _credentials.c.id == bindparam("credential"),
        _credentials.c.blocked_at.is_(None),
        _credentials.c.sign_count < bindparam("count"),
    )
    .values(sign_count=bindparam("count"), backup=bindparam("new_backup"), last_used_at=bindparam("at"))
)
_BLOCK = Prepared(
    update(_credentials)
    .where(_credentials.c.id == bindparam("credential"), _credentials.c.blocked_at.is_(None))
    .values(blocked_at=bindparam("at"))
)
_RENAME = Prepared(
    update(_credentials)
    .where(_credentials.c.id == bindparam("credential"), _credentials.c.user_id == bindparam("owner"))
    .values(label=bindparam("new_label"))
)
_REMOVE = Prepared(
    delete(_credentials).where(
        _credentials.c.id == bindparam("credential"), _credentials.c.user_id == bindparam("owner")
    )
)
_EMPLOYMENTS_OF = Prepared(
    select(_employments, _municipalities.c.name)
    .join(_municipalities, _municipalities.c.atvk == _employments.c.municipality)
    .where(
        _employments.c.user_id == bindparam("user_id"),
        or_(_employments.c.starts_at.is_(None), _employments.c.starts_at <= bindparam("now")),
        or_(_employments.c.ends_at.is_(None), _employments.c.ends_at > bindparam("now")),
    )
    .order_by(_employments.c.id)
    .limit(_EMPLOYMENTS_AT_MOST)
)
_EMPLOYMENT = Prepared(select(_employments).where(_employments.c.id == bindparam("employment")))
_MUNICIPALITIES = Prepared(select(_municipalities))
_MUNICIPALITY = Prepared(select(_municipalities).where(_municipalities.c.atvk == bindparam("atvk")))
_SET_STATUS = Prepared(
    update(_users)
    .where(_users.c.id == bindparam("user_id"))
    .values(status=bindparam("new"), updated_at=bindparam("at"))
)
_SET_LANGUAGE = Prepared(
    update(_users)
    .where(_users.c.id == bindparam("user_id"))
    .values(language=bindparam("new"), updated_at=bindparam("at"))
)
_SET_PERSON_CODE = Prepared(
    update(_users)
    .where(_users.c.id == bindparam("user_id"))
    .values(
        person_code_sealed=bindparam("sealed"),
        person_code_index=bindparam("found"),
        updated_at=bindparam("at"),
    )
)
_CLEAR_PERSON_CODE = Prepared(
    update(_users)
    .where(_users.c.id == bindparam("user_id"), _users.c.person_code_index.is_not(None))
    .values(person_code_sealed=None, person_code_index=None, updated_at=bindparam("at"))
)


class PeopleStore:
    def __init__(self, unit: Unit, vault: Vault) -> None:
        self._unit = unit
        self._vault = vault

    def find_user(self, user_id: str) -> User | None:
        row = self._unit.first(_USER, {"user_id": user_id})
        return record(User, row) if row else None

    def hold_user(self, user_id: str) -> bool:
        """Until this unit of work is over, whoever else holds this user waits: what is read stays true."""
        return self._unit.first(_HOLD_USER, {"user_id": user_id}) is not None

    def get_user(self, user_id: str) -> User:
        if user := self.find_user(user_id):
            return user
        raise NotFoundError("user")

    def find_user_by_username(self, canonical: str) -> User | None:
        row = self._unit.first(_USER_BY_NAME, {"username": canonical})
        return record(User, row) if row else None

    def find_user_by_person_code(self, code: PersonCode) -> User | None:
        key = self._vault.find_key(self._unit, PERSON_CODE_PURPOSE)
        if key is None:
            return None
        row = self._unit.first(_USER_BY_CODE, {"code_index": key.index(code.canonical)})
        return record(User, row) if row else None

    def find_user_by_identity(self, source: str, subject: str) -> User | None:
        row = self._unit.first(_USER_BY_IDENTITY, {"source": source, "subject": subject})
        return record(User, row) if row else None

    def add_user(self, user: User) -> None:
        """Raises AlreadyExistsError when the username is taken."""
        self._unit.add(user)

    def list_users(
        self, *, after: str | None = None, limit: int = 100, query: str | None = None
    ) -> list[User]:
        """By username, those after `after`; `query` is part of a username or name, in any case."""
        statement = select(_users).order_by(_users.c.username).limit(limit)
        if after is not None:
            statement = statement.where(_users.c.username > after)
        if query:
            named = (_users.c.username, _users.c.given_name, _users.c.family_name)
            statement = statement.where(or_(*(column.icontains(query, autoescape=True) for column in named)))
        return records(User, self._unit.rows(Prepared(statement)))

    def set_status(self, user_id: str, status: UserStatus, *, at: Instant) -> bool:
        self._computers.forget_all(user_id)
        return self._unit.changed(_SET_STATUS, {"user_id": user_id, "new": status.value, "at": at}) == 1

    def set_language(self, user_id: str, language: str, *, at: Instant) -> bool:
        return self._unit.changed(_SET_LANGUAGE, {"user_id": user_id, "new": language, "at": at}) == 1

    def set_person_code(self, user_id: str, code: PersonCode, *, at: Instant) -> bool:
        """Raises AlreadyExistsError when another user has it."""
        values = {
            "user_id": user_id,
            "sealed": self._vault.seal(code.canonical.encode(), _person_code_place(user_id)),
            "found": self.index_of(code),
            "at": at,
        }
        return self._unit.changed(_SET_PERSON_CODE, values) == 1

    def clear_person_code(self, user_id: str, *, at: Instant) -> bool:
        """False when there was none."""
        return self._unit.changed(_CLEAR_PERSON_CODE, {"user_id": user_id, "at": at}) == 1

    def index_of(self, code: PersonCode) -> str:
        """The keyed hash by which the code is found; needs a unit of work that writes."""
        return self._person_code_key().index(code.canonical)

    def person_code_of(self, user: User) -> PersonCode | None:
        """Raises SealError."""
        if user.person_code_sealed is None:
            return None
        return PersonCode.parse(
            self._vault.open(user.person_code_sealed, _person_code_place(user.id)).decode()
        )

    def credentials_of(self, user_id: str) -> list[Credential]:
        return records(Credential, self._unit.rows(_CREDENTIALS_OF, {"user_id": user_id}))

    def add_credential(self, credential: Credential) -> None:
        self._computers.forget_all(credential.user_id)
        self._unit.add(credential)

    def remove_credentials(self, user_id: str, method: str | None) -> int:
        """All of one method, or all there are; how many."""
        self._computers.forget_all(user_id)
        statement = delete(_credentials).where(_credentials.c.user_id == user_id)
        if method is not None:
            statement = statement.where(_credentials.c.method == method)
        return self._unit.changed(Prepared(statement))

    def replace_secret(self, credential_id: str, *, old: str, new: str) -> bool:
        """False when it is no longer `old`."""
        return self._unit.changed(_REPLACE_SECRET, {"credential": credential_id, "old": old, "new": new}) == 1

    def accept_step(self, credential_id: str, step: int, *, at: Instant) -> bool:
        """False when this step or a later one was accepted before (RFC 6238 section 5.2)."""
        return self._unit.changed(_ACCEPT_STEP, {"credential": credential_id, "step": step, "at": at}) == 1

    def spend(self, credential_id: str, *, at: Instant) -> bool:
        """False when it was spent before."""
        return self._unit.changed(_SPEND, {"credential": credential_id, "at": at}) == 1

    def touch_credential(self, credential_id: str, *, at: Instant) -> None:
        self._unit.changed(_TOUCH, {"credential": credential_id, "at": at})

    def find_credential_by_key(self, key_id: str) -> Credential | None:
        """Whoever's it is."""
        row = self._unit.first(_CREDENTIAL_BY_KEY, {"key_id": key_id})
        return record(Credential, row) if row else None

    def add_key(self, credential: Credential) -> bool:
        """False when somebody has a key of that id."""
        self._computers.forget_all(credential.user_id)
        return self._unit.add_unless_there(credential, "key_id")

    def accept_use(
        self, credential_id: str, *, count: int, must_rise: bool, backup: Backup, at: Instant
    ) -> bool:
        """False for a blocked key and, if it `must_rise`, for a count not above the last."""
        values = {"credential": credential_id, "count": count, "new_backup": backup.value, "at": at}
        return self._unit.changed(_ACCEPT_COUNTED_USE if must_rise else _ACCEPT_USE, values) == 1

    def block_credential(self, credential_id: str, *, at: Instant) -> bool:
        """False when it was blocked before."""
        self._computers.forget_all_of_owner(credential_id)
        return self._unit.changed(_BLOCK, {"credential": credential_id, "at": at}) == 1

    def rename_credential(self, user_id: str, credential_id: str, label: str) -> bool:
        """False when it is not this user's."""
        values = {"credential": credential_id, "owner": user_id, "new_label": label}
        return self._unit.changed(_RENAME, values) == 1

    def remove_credential(self, user_id: str, credential_id: str) -> bool:
        """False when it is not this user's."""
        self._computers.forget_all(user_id)
        return self._unit.changed(_REMOVE, {"credential": credential_id, "owner": user_id}) == 1

    def employments_of(self, user_id: str, *, now: Instant) -> list[Employment]:
        """The current ones, in Latvian order of the municipality's name."""
        rows = self._unit.rows(_EMPLOYMENTS_OF, {"user_id": user_id, "now": now})
        return records(Employment, (row[:-1] for row in sorted(rows, key=lambda row: sort_key(row[-1]))))

    def find_employment(self, employment_id: str) -> Employment | None:
        row = self._unit.first(_EMPLOYMENT, {"employment": employment_id})
        return record(Employment, row) if row else None

    def get_employment(self, employment_id: str) -> Employment:
        if employment := self.find_employment(employment_id):
            return employment
        raise NotFoundError("employment")

    def add_employment(self, employment: Employment) -> None:
        self._unit.add(employment)

    def municipalities(self) -> list[Municipality]:
        """All, in Latvian order."""
        found = records(Municipality, self._unit.rows(_MUNICIPALITIES))
        return sorted(found, key=lambda municipality: sort_key(municipality.name))

    def find_municipality(self, atvk: str) -> Municipality | None:
        row = self._unit.first(_MUNICIPALITY, {"atvk": atvk})
        return record(Municipality, row) if row else None

    def get_municipality(self, atvk: str) -> Municipality:
        if municipality := self.find_municipality(atvk):
            return municipality
        raise NotFoundError("municipality")

    def add_identity(self, identity: Identity) -> None:
        """Raises AlreadyExistsError when that source already names somebody so."""
        self._unit.add(identity)

    @property
    def _computers(self) -> ComputerStore:
        return ComputerStore(self._unit)

    def _person_code_key(self) -> LookupKey:
        return self._vault.lookup_key(self._unit, PERSON_CODE_PURPOSE)


def _person_code_place(user_id: str) -> Place:
    return Place(table="users", column="person_code_sealed", row=user_id)
