"""Reads and writes who waits to be linked to an entry that was proved. Taking one is a statement of its own.

Not here: whose account it is (`login/arrivals.py`).
"""

from sqlalchemy import bindparam, delete, func, select, update

from idp.effects import Instant
from idp.models.arrivals import DirectoryArrival
from idp.models.directories import Directory
from idp.storage.prepared import Prepared
from idp.storage.unit import Unit, record, records, table_of

WAITING_AT_MOST = 500
"""For each directory; then whoever was here least lately makes room."""
_AT_ONCE = 500

_arrivals = table_of(DirectoryArrival)
_directories = table_of(Directory)
_AGAIN = Prepared(
    update(_arrivals)
    .where(_arrivals.c.directory_id == bindparam("directory"), _arrivals.c.object_guid == bindparam("guid"))
    .values(name=bindparam("called"), account_name=bindparam("account"), last_at=bindparam("at"))
)
_COUNT = Prepared(
    select(func.count()).select_from(_arrivals).where(_arrivals.c.directory_id == bindparam("directory"))
)
_MAKE_ROOM = Prepared(
    delete(_arrivals).where(
        _arrivals.c.id.in_(
            select(_arrivals.c.id)
            .where(_arrivals.c.directory_id == bindparam("directory"))
            .order_by(_arrivals.c.last_at, _arrivals.c.id)
            .limit(bindparam("many"))
        )
    )
)
_ARRIVAL = Prepared(select(_arrivals).where(_arrivals.c.id == bindparam("arrival_id")))
_TAKE = Prepared(delete(_arrivals).where(_arrivals.c.id == bindparam("arrival_id")))
_FORGET = Prepared(
    delete(_arrivals).where(
        _arrivals.c.directory_id == bindparam("directory"), _arrivals.c.object_guid == bindparam("guid")
    )
)
_OF_MUNICIPALITY = Prepared(
    select(_arrivals)
    .join(_directories, _directories.c.id == _arrivals.c.directory_id)
    .where(_directories.c.municipality == bindparam("atvk"))
    .order_by(_arrivals.c.last_at.desc(), _arrivals.c.id)
    .limit(2 * WAITING_AT_MOST)
)
_OLD = Prepared(
    delete(_arrivals).where(
        _arrivals.c.id.in_(
            select(_arrivals.c.id).where(_arrivals.c.last_at < bindparam("before")).limit(_AT_ONCE)
        )
    )
)


class ArrivalStore:
    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def queue(self, arrival: DirectoryArrival) -> bool:
        """True for the first time; again it moves up, under whatever name it has by now."""
        again = {
            "directory": arrival.directory_id,
            "guid": arrival.object_guid,
            "called": arrival.name,
            "account": arrival.account_name,
            "at": arrival.last_at,
        }
        if self._unit.changed(_AGAIN, again):
            return False
        many = self._count(arrival.directory_id) - WAITING_AT_MOST + 1
        if many > 0:
            self._unit.changed(_MAKE_ROOM, {"directory": arrival.directory_id, "many": many})
        return self._unit.add_unless_there(arrival, "directory_id", "object_guid")

    def queue_where_free(self, arrival: DirectoryArrival) -> bool:
        """True for the first time; makes nobody go, and moves nobody up."""
        if self._count(arrival.directory_id) >= WAITING_AT_MOST:
            return False
        return self._unit.add_unless_there(arrival, "directory_id", "object_guid")

    def _count(self, directory_id: str) -> int:
        row = self._unit.first(_COUNT, {"directory": directory_id})
        return int(row[0]) if row else 0

    def find(self, arrival_id: str) -> DirectoryArrival | None:
        row = self._unit.first(_ARRIVAL, {"arrival_id": arrival_id})
        return record(DirectoryArrival, row) if row else None

    def list_of(self, municipality: str) -> list[DirectoryArrival]:
        """Of all its directories, the latest first."""
        return records(DirectoryArrival, self._unit.rows(_OF_MUNICIPALITY, {"atvk": municipality}))

    def take(self, arrival_id: str) -> bool:
        """False when somebody else took it first."""
        return self._unit.changed(_TAKE, {"arrival_id": arrival_id}) == 1

    def forget(self, directory_id: str, object_guid: str) -> None:
        """It waits no longer, if it did."""
        self._unit.changed(_FORGET, {"directory": directory_id, "guid": object_guid})

    def remove_old(self, before: Instant) -> int:
        """A batch of those that were here last before; fewer than a full one means that none is left."""
        return self._unit.changed(_OLD, {"before": before})
