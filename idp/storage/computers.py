"""Reads and writes remembered computers. Whatever changes how a person signs in forgets them all, by itself.

The stores of people and sessions call `forget_all` where credentials, the person's status or all their
sessions change, so that no way of changing them can forget to. Not here: when one counts (`login/`).
"""

from sqlalchemy import bindparam, delete, select, update

from idp.effects import Instant
from idp.models.computers import RememberedComputer
from idp.models.people import Credential, User
from idp.storage.prepared import Prepared
from idp.storage.unit import Unit, record, records, table_of

_AT_ONCE = 500
_OF_USER_AT_MOST = 50

_computers = table_of(RememberedComputer)
_credentials = table_of(Credential)
_users = table_of(User)

_COMPUTER = Prepared(select(_computers).where(_computers.c.id == bindparam("computer")))
_BY_SERIES = Prepared(select(_computers).where(_computers.c.series_hash == bindparam("series")))
_OF_USER = Prepared(
    select(_computers)
    .where(_computers.c.user_id == bindparam("owner"), _computers.c.expires_at > bindparam("now"))
    .order_by(_computers.c.last_used_at.desc(), _computers.c.id)
    .limit(_OF_USER_AT_MOST)
)
_ROTATE = Prepared(
    update(_computers)
    .where(
        _computers.c.id == bindparam("computer"),
        _computers.c.token_hash == bindparam("presented"),
        _computers.c.browser_hash == bindparam("browser"),
    )
    .values(
        token_hash=bindparam("new"),
        rotated_at=bindparam("at"),
        last_used_at=bindparam("at"),
    )
)
_FORGET = Prepared(
    delete(_computers).where(
        _computers.c.id == bindparam("computer"), _computers.c.user_id == bindparam("owner")
    )
)
_FORGET_IN_BROWSER = Prepared(
    delete(_computers).where(
        _computers.c.user_id == bindparam("owner"), _computers.c.browser_hash == bindparam("browser")
    )
)
_HOLD_USER = Prepared(
    select(_users.c.id).where(_users.c.id == bindparam("owner")).with_for_update(key_share=True)
)
_FORGET_ALL = Prepared(delete(_computers).where(_computers.c.user_id == bindparam("owner")))
_OWNER = Prepared(select(_credentials.c.user_id).where(_credentials.c.id == bindparam("credential")))
_OLD = Prepared(
    delete(_computers).where(
        _computers.c.id.in_(
            select(_computers.c.id).where(_computers.c.expires_at < bindparam("before")).limit(_AT_ONCE)
        )
    )
)


class ComputerStore:
    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def add(self, computer: RememberedComputer) -> None:
        self._unit.add(computer)

    def find(self, computer_id: str) -> RememberedComputer | None:
        row = self._unit.first(_COMPUTER, {"computer": computer_id})
        return record(RememberedComputer, row) if row else None

    def find_by_series(self, series_hash: str) -> RememberedComputer | None:
        row = self._unit.first(_BY_SERIES, {"series": series_hash})
        return record(RememberedComputer, row) if row else None

    def list_of(self, user_id: str, now: Instant) -> list[RememberedComputer]:
        """Not expired, the most recently used first."""
        return records(RememberedComputer, self._unit.rows(_OF_USER, {"owner": user_id, "now": now}))

    def rotate(self, computer_id: str, *, presented: str, browser: str, new: str, at: Instant) -> bool:
        """False unless `presented` is the token that is next. Of all who present it at once, one rotates."""
        values = {"computer": computer_id, "presented": presented, "browser": browser, "new": new, "at": at}
        return self._unit.changed(_ROTATE, values) == 1

    def forget(self, user_id: str, computer_id: str) -> bool:
        """False when it is not this person's, or was forgotten before. Of many at once, one does it."""
        return self._unit.changed(_FORGET, {"computer": computer_id, "owner": user_id}) == 1

    def forget_in_browser(self, user_id: str, browser_hash: str) -> None:
        self._unit.changed(_FORGET_IN_BROWSER, {"owner": user_id, "browser": browser_hash})

    def forget_all(self, user_id: str) -> int:
        """How many. Holds the person first, as `login/remembered.py` does before it adds one.

        So one is either seen here, or made by somebody who sees what has changed.
        """
        self._unit.first(_HOLD_USER, {"owner": user_id})
        return self._unit.changed(_FORGET_ALL, {"owner": user_id})

    def forget_all_of_owner(self, credential_id: str) -> None:
        row = self._unit.first(_OWNER, {"credential": credential_id})
        if row is not None:
            self.forget_all(row[0])

    def remove_old(self, before: Instant) -> int:
        """A batch of those that expired before; fewer than a full one means that none is left."""
        return self._unit.changed(_OLD, {"before": before})
