"""Reads and writes networks of municipalities. Not here: which one holds an address (`login/places.py`)."""

from sqlalchemy import bindparam, delete, select, update

from idp.models.networks import Network
from idp.storage.prepared import Prepared
from idp.storage.unit import Unit, record, records, table_of

AT_MOST = 2000
"""Of all municipalities together."""
_networks = table_of(Network)
_ALL = Prepared(select(_networks).order_by(_networks.c.municipality, _networks.c.cidr).limit(AT_MOST))
_OF_ONE = Prepared(
    select(_networks)
    .where(_networks.c.municipality == bindparam("atvk"))
    .order_by(_networks.c.cidr)
    .limit(AT_MOST)
)
_CHANGE = Prepared(
    update(_networks)
    .where(_networks.c.municipality == bindparam("atvk"), _networks.c.id == bindparam("changed"))
    .values(name=bindparam("called"), shared=bindparam("is_shared"))
    .returning(*_networks.c)
)
_REMOVE = Prepared(
    delete(_networks).where(
        _networks.c.municipality == bindparam("atvk"), _networks.c.cidr == bindparam("removed")
    )
)


class NetworkStore:
    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def list_all(self) -> list[Network]:
        return records(Network, self._unit.rows(_ALL))

    def list_of(self, municipality: str) -> list[Network]:
        return records(Network, self._unit.rows(_OF_ONE, {"atvk": municipality}))

    def add(self, network: Network) -> None:
        """Raises AlreadyExistsError when somebody has it."""
        self._unit.add(network)

    def change(self, municipality: str, network_id: str, *, name: str, shared: bool) -> Network | None:
        """As it is then; None when that municipality has no such network."""
        values = {"atvk": municipality, "changed": network_id, "called": name, "is_shared": shared}
        row = self._unit.first(_CHANGE, values)
        return record(Network, row) if row else None

    def remove(self, municipality: str, cidr: str) -> bool:
        """False when that municipality has no such network."""
        return self._unit.changed(_REMOVE, {"atvk": municipality, "removed": cidr}) == 1
