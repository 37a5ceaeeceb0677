"""Reads and writes networks of municipalities. Not here: which one holds an address (`login/places.py`)."""

from sqlalchemy import bindparam, delete, select

from idp.models.networks import Network
from idp.storage.prepared import Prepared
from idp.storage.unit import Unit, records, table_of

AT_MOST = 2000
"""Of all municipalities together."""
_networks = table_of(Network)
_ALL = Prepared(select(_networks).order_by(_networks.c.municipality, _networks.c.cidr).limit(AT_MOST))
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

    def add(self, network: Network) -> None:
        """Raises AlreadyExistsError when somebody has it."""
        self._unit.add(network)

    def remove(self, municipality: str, cidr: str) -> bool:
        """False when that municipality has no such network."""
        return self._unit.changed(_REMOVE, {"atvk": municipality, "removed": cidr}) == 1
