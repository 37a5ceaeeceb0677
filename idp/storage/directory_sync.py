"""Reads and writes what is known of directories: how far, by whom it is being read, what each reading did.

Not here: what follows from it (`people/directory_sync*.py`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BindParameter, bindparam, delete, exists, func, or_, select, update

from idp.effects import Instant
from idp.models.directories import DirectoryLink
from idp.models.directory_sync import (
    DirectoryLinkState,
    DirectoryRole,
    DirectorySync,
    DirectorySyncEntry,
    DirectorySyncRun,
    RunState,
)
from idp.models.grants import TokenFamily
from idp.models.people import Credential, Employment, User
from idp.models.sessions import BrowserSession
from idp.storage.prepared import Prepared
from idp.storage.unit import Unit, record, records, table_of

LINKS_AT_MOST: Final = 100_000
_POSTS_AT_MOST: Final = 4 * LINKS_AT_MOST
_POSTS_OF_ONE_AT_MOST: Final = 200
_RUNS_AT_ONCE: Final = 500
_ENTRIES_AT_MOST: Final = LINKS_AT_MOST

_syncs = table_of(DirectorySync)
_runs = table_of(DirectorySyncRun)
_entries = table_of(DirectorySyncEntry)
_states = table_of(DirectoryLinkState)
_roles = table_of(DirectoryRole)
_links = table_of(DirectoryLink)
_credentials = table_of(Credential)
_users = table_of(User)
_employments = table_of(Employment)
_families = table_of(TokenFamily)
_sessions = table_of(BrowserSession)
_of_directory: BindParameter[Any] = bindparam("directory")

_SYNC = Prepared(select(_syncs).where(_syncs.c.directory_id == _of_directory))
_LEASE = Prepared(
    update(_syncs)
    .where(
        _syncs.c.directory_id == _of_directory,
        or_(_syncs.c.lease_until.is_(None), _syncs.c.lease_until <= bindparam("now")),
    )
    .values(lease=bindparam("holder"), lease_until=bindparam("until"), begun_at=bindparam("now"))
)
_is_held = (_syncs.c.directory_id == _of_directory, _syncs.c.lease == bindparam("holder"))
_RENEW = Prepared(update(_syncs).where(*_is_held).values(lease_until=bindparam("until")))
_RELEASE = Prepared(update(_syncs).where(*_is_held).values(lease=None, lease_until=None))
_KNOW = Prepared(
    update(_syncs)
    .where(*_is_held)
    .values(
        source=bindparam("new_source"),
        usn=bindparam("new_usn"),
        described_at=bindparam("new_described_at"),
        full_at=bindparam("new_full_at"),
    )
)
_RUN = Prepared(select(_runs).where(_runs.c.id == bindparam("run")))
_UNFINISHED = Prepared(
    select(_runs)
    .where(
        _runs.c.directory_id == _of_directory,
        or_(_runs.c.state == RunState.READING.value, _runs.c.state == RunState.INTERRUPTED.value),
    )
    .order_by(_runs.c.started_at.desc(), _runs.c.id)
    .limit(100)
)
_HELD = Prepared(
    select(_runs)
    .where(_runs.c.directory_id == _of_directory, _runs.c.state == RunState.HELD.value)
    .order_by(_runs.c.started_at.desc(), _runs.c.id)
    .limit(_RUNS_AT_ONCE)
)
_TURN = Prepared(
    update(_runs)
    .where(_runs.c.id == bindparam("run"), _runs.c.state == bindparam("old"))
    .values(state=bindparam("new"), confirmed_by=bindparam("by"))
)
_STAND = Prepared(
    update(_runs)
    .where(_runs.c.id == bindparam("run"))
    .values(base=bindparam("new_base"), position=bindparam("new_position"), entries=bindparam("new_entries"))
)
_ENTRIES = Prepared(select(_entries).where(_entries.c.run_id == bindparam("run")).limit(_ENTRIES_AT_MOST))
_FORGET_ENTRIES = Prepared(delete(_entries).where(_entries.c.run_id == bindparam("run")))
_LINKED = Prepared(
    select(
        _links,
        _credentials.c.created_at,
        _credentials.c.blocked_at,
        _users,
        *(column.label(f"state_{column.key}") for column in _states.c),
    )
    .select_from(
        _links.join(_credentials, _credentials.c.id == _links.c.credential_id)
        .join(_users, _users.c.id == _links.c.user_id)
        .outerjoin(_states, _states.c.credential_id == _links.c.credential_id)
    )
    .where(_links.c.directory_id == _of_directory)
    .order_by(_users.c.username)
    .limit(LINKS_AT_MOST)
)
_COUNT_LINKED = Prepared(
    select(func.count()).select_from(_links).where(_links.c.directory_id == _of_directory)
)
_is_not_over = or_(_employments.c.ends_at.is_(None), _employments.c.ends_at > bindparam("now"))
_POSTS = Prepared(
    select(_employments)
    .where(
        _employments.c.user_id.in_(select(_links.c.user_id).where(_links.c.directory_id == _of_directory)),
        _is_not_over,
    )
    .order_by(_employments.c.id)
    .limit(_POSTS_AT_MOST)
)
_POSTS_OF = Prepared(
    select(_employments)
    .where(_employments.c.user_id == bindparam("owner"), _is_not_over)
    .order_by(_employments.c.id)
    .limit(_POSTS_OF_ONE_AT_MOST)
)
_GIVEN = Prepared(
    select(_roles.c.employment_id, _roles.c.role, _employments.c.user_id)
    .join(_employments, _employments.c.id == _roles.c.employment_id)
    .where(_roles.c.directory_id == _of_directory)
    .limit(_POSTS_AT_MOST)
)
_SET_ROLES = Prepared(
    update(_employments)
    .where(_employments.c.id == bindparam("employment"))
    .values(roles=bindparam("new_roles", type_=_employments.c.roles.type))
)
_FORGET_ROLE = Prepared(
    delete(_roles).where(
        _roles.c.directory_id == _of_directory,
        _roles.c.employment_id == bindparam("employment"),
        _roles.c.role == bindparam("taken"),
    )
)
_END_POST = Prepared(
    update(_employments)
    .where(_employments.c.id == bindparam("employment"))
    .values(ends_at=bindparam("new_end"))
)
_RESUME_POST = Prepared(
    update(_employments)
    .where(_employments.c.id == bindparam("employment"), _employments.c.ends_at == bindparam("ended_at"))
    .values(ends_at=bindparam("new_end"))
)
_UNBLOCK = Prepared(
    update(_credentials)
    .where(_credentials.c.id == bindparam("credential"), _credentials.c.blocked_at == bindparam("since"))
    .values(blocked_at=None)
)
_TELL = Prepared(
    update(_users)
    .where(_users.c.id == bindparam("owner"))
    .values(
        given_name=bindparam("new_given_name"),
        family_name=bindparam("new_family_name"),
        email=bindparam("new_email"),
        email_verified=bindparam("new_email_verified"),
        phone_number=bindparam("new_phone_number"),
        phone_number_verified=bindparam("new_phone_number_verified"),
        updated_at=bindparam("at"),
    )
)
_REVOKE_LEFT = Prepared(
    update(_families)
    .where(
        _families.c.user_id == bindparam("owner"),
        _families.c.revoked_at.is_(None),
        ~exists().where(_sessions.c.id == _families.c.session_id, _sessions.c.ended_at.is_(None)),
    )
    .values(revoked_at=bindparam("at"))
)
_OLD_RUNS = Prepared(
    delete(_runs).where(
        _runs.c.id.in_(
            select(_runs.c.id).where(_runs.c.started_at < bindparam("before")).limit(_RUNS_AT_ONCE)
        )
    )
)


@dataclass(frozen=True, slots=True)
class LinkedPerson:
    """A link with all that a reading may change of its person. `state`: None: never read."""

    link: DirectoryLink
    linked_at: Instant
    blocked_at: Instant | None
    user: User
    state: DirectoryLinkState | None


@dataclass(frozen=True, slots=True)
class GivenRole:
    employment_id: str
    role: str
    user_id: str


class DirectorySyncStore:
    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    # Who reads -----------------------------------------------------------------------------------------

    def find(self, directory_id: str) -> DirectorySync | None:
        row = self._unit.first(_SYNC, {"directory": directory_id})
        return record(DirectorySync, row) if row else None

    def take_lease(self, directory_id: str, holder: str, *, now: Instant, until: Instant) -> bool:
        """False while somebody else has it."""
        self._unit.add_unless_there(DirectorySync(directory_id=directory_id), "directory_id")
        values = {"directory": directory_id, "holder": holder, "now": now, "until": until}
        return self._unit.changed(_LEASE, values) == 1

    def renew_lease(self, directory_id: str, holder: str, *, until: Instant) -> bool:
        """False when it is somebody else's by now; until this unit of work is over nobody else gets it."""
        values = {"directory": directory_id, "holder": holder, "until": until}
        return self._unit.changed(_RENEW, values) == 1

    def release(self, directory_id: str, holder: str) -> None:
        self._unit.changed(_RELEASE, {"directory": directory_id, "holder": holder})

    def know(self, holder: str, run: DirectorySyncRun, *, full_at: Instant | None) -> None:
        """From now on all changes before this reading are known."""
        values = {
            "directory": run.directory_id,
            "holder": holder,
            "new_source": run.source,
            "new_usn": run.usn,
            "new_described_at": run.described_at,
            "new_full_at": full_at,
        }
        self._unit.changed(_KNOW, values)

    # Readings ------------------------------------------------------------------------------------------

    def add_run(self, run: DirectorySyncRun) -> None:
        self._unit.add(run)

    def put_run(self, run: DirectorySyncRun) -> None:
        self._unit.put(run, "id")

    def find_run(self, directory_id: str, run_id: str) -> DirectorySyncRun | None:
        """None for one of another directory."""
        row = self._unit.first(_RUN, {"run": run_id})
        found = record(DirectorySyncRun, row) if row else None
        return found if found is not None and found.directory_id == directory_id else None

    def list_runs(self, directory_id: str, *, limit: int, after: str | None = None) -> list[DirectorySyncRun]:
        """The latest first, those before `after`."""
        statement = (
            select(_runs)
            .where(_runs.c.directory_id == directory_id)
            .order_by(_runs.c.started_at.desc(), _runs.c.id)
            .limit(limit)
        )
        last = self.find_run(directory_id, after) if after is not None else None
        if last is not None:
            is_later = (_runs.c.started_at == last.started_at) & (_runs.c.id > last.id)
            statement = statement.where(or_(_runs.c.started_at < last.started_at, is_later))
        return records(DirectorySyncRun, self._unit.rows(Prepared(statement)))

    def list_unfinished(self, directory_id: str) -> list[DirectorySyncRun]:
        """The latest first."""
        return records(DirectorySyncRun, self._unit.rows(_UNFINISHED, {"directory": directory_id}))

    def list_held(self, directory_id: str) -> list[DirectorySyncRun]:
        return records(DirectorySyncRun, self._unit.rows(_HELD, {"directory": directory_id}))

    def turn(self, run_id: str, *, old: RunState, new: RunState, by: str | None = None) -> bool:
        """False when it is in another state than `old`: of any number who try at once, one is told True."""
        return self._unit.changed(_TURN, {"run": run_id, "old": old.value, "new": new.value, "by": by}) == 1

    def keep_page(self, run: DirectorySyncRun, entries: Iterable[DirectorySyncEntry]) -> None:
        """A page, and where its reading stands after it."""
        for entry in entries:
            self._unit.put(entry, "run_id", "object_guid")
        values = {"run": run.id, "new_base": run.base, "new_position": run.position}
        self._unit.changed(_STAND, {**values, "new_entries": run.entries})

    def entries_of(self, run_id: str) -> list[DirectorySyncEntry]:
        return records(DirectorySyncEntry, self._unit.rows(_ENTRIES, {"run": run_id}))

    def forget_entries(self, run_id: str) -> None:
        self._unit.changed(_FORGET_ENTRIES, {"run": run_id})

    def remove_old(self, before: Instant) -> int:
        """A batch of readings that began before."""
        return self._unit.changed(_OLD_RUNS, {"before": before})

    # People --------------------------------------------------------------------------------------------

    def linked(self, directory_id: str) -> list[LinkedPerson]:
        """By username."""
        return [_linked(row) for row in self._unit.rows(_LINKED, {"directory": directory_id})]

    def count_linked(self, directory_id: str) -> int:
        row = self._unit.first(_COUNT_LINKED, {"directory": directory_id})
        return int(row[0]) if row else 0

    def posts_of_linked(self, directory_id: str, *, now: Instant) -> list[Employment]:
        """All posts of its people that are not over, also in other municipalities."""
        return records(Employment, self._unit.rows(_POSTS, {"directory": directory_id, "now": now}))

    def posts_of(self, user_id: str, *, now: Instant) -> list[Employment]:
        """Of one person, those that are not over."""
        return records(Employment, self._unit.rows(_POSTS_OF, {"owner": user_id, "now": now}))

    def roles_given(self, directory_id: str) -> list[GivenRole]:
        return [GivenRole(*row) for row in self._unit.rows(_GIVEN, {"directory": directory_id})]

    def put_state(self, state: DirectoryLinkState) -> None:
        self._unit.put(state, "credential_id")

    def give_role(self, directory_id: str, post: Employment, role: str) -> None:
        self._set_roles(post, [*post.roles, role])
        given = DirectoryRole(directory_id=directory_id, employment_id=post.id, role=role)
        self._unit.add_unless_there(given, "directory_id", "employment_id", "role")

    def take_role(self, directory_id: str, post: Employment, role: str) -> None:
        self._set_roles(post, [each for each in post.roles if each != role])
        values = {"directory": directory_id, "employment": post.id, "taken": role}
        self._unit.changed(_FORGET_ROLE, values)

    def end_post(self, employment_id: str, *, at: Instant) -> None:
        self._unit.changed(_END_POST, {"employment": employment_id, "new_end": at})

    def resume_post(self, employment_id: str, *, ended_at: Instant, until: Instant | None) -> bool:
        """False when somebody has said otherwise since it was ended."""
        values = {"employment": employment_id, "ended_at": ended_at, "new_end": until}
        return self._unit.changed(_RESUME_POST, values) == 1

    def unblock_credential(self, credential_id: str, *, since: Instant) -> bool:
        """False when it is not blocked since then, and so was blocked for another reason."""
        return self._unit.changed(_UNBLOCK, {"credential": credential_id, "since": since}) == 1

    def revoke_families_left(self, user_id: str, *, at: Instant) -> None:
        """Tokens of this person that outlived their session."""
        self._unit.changed(_REVOKE_LEFT, {"owner": user_id, "at": at})

    def put_data(self, user: User, *, at: Instant) -> None:
        """Names, e-mail address and telephone, as they are in `user`."""
        values = {
            "owner": user.id,
            "new_given_name": user.given_name,
            "new_family_name": user.family_name,
            "new_email": user.email,
            "new_email_verified": user.email_verified,
            "new_phone_number": user.phone_number,
            "new_phone_number_verified": user.phone_number_verified,
            "at": at,
        }
        self._unit.changed(_TELL, values)

    def _set_roles(self, post: Employment, roles: list[str]) -> None:
        post.roles = list(dict.fromkeys(roles))
        self._unit.changed(_SET_ROLES, {"employment": post.id, "new_roles": post.roles})


def _linked(row: Sequence[Any]) -> LinkedPerson:
    of_link, of_user = len(_links.c), len(_users.c)
    link, rest = row[:of_link], row[of_link:]
    linked_at, blocked_at, *others = rest
    user, state = others[:of_user], others[of_user:]
    return LinkedPerson(
        record(DirectoryLink, link),
        linked_at,
        blocked_at,
        record(User, user),
        None if state[0] is None else record(DirectoryLinkState, state),
    )
