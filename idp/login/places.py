"""Where an address is, as people call the place, and whether those who come from there share their computers.

Networks are read at most every half minute: each request asks, and they change once a year. Of several that
hold an address the smallest says. An address proves nothing: it makes a session stricter, never looser.
"""

import threading
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

from idp.effects import Effects, Instant
from idp.storage.database import Database

Range: TypeAlias = IPv4Network | IPv6Network
READ_EVERY_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Place:
    name: str
    network: Range
    shared: bool
    municipality: str


class Places:
    def __init__(self, database: Database, effects: Effects) -> None:
        self._database = database
        self._effects = effects
        self._lock = threading.Lock()
        self._read_at: Instant | None = None
        self._places: tuple[Place, ...] = ()

    def name_of(self, address: str) -> str | None:
        place = self._find(address)
        return place.name if place else None

    def is_shared(self, address: str) -> bool:
        place = self._find(address)
        return place is not None and place.shared

    def municipality_of(self, address: str) -> str | None:
        """Whose network it is. One within another municipality's is its own."""
        place = self._find(address)
        return place.municipality if place else None

    def _find(self, address: str) -> Place | None:
        places = self._known()
        if not places:
            return None
        try:
            parsed = ip_address(address)
        except ValueError:
            return None
        holding = (place for place in places if parsed in place.network)
        return max(holding, key=lambda place: place.network.prefixlen, default=None)

    def _known(self) -> tuple[Place, ...]:
        now = self._effects.now()
        with self._lock:
            is_fresh = self._read_at is not None and 0 <= now - self._read_at < READ_EVERY_SECONDS
            if not is_fresh:
                self._places = self._read()
                self._read_at = now
            return self._places

    def _read(self) -> tuple[Place, ...]:
        with self._database.read() as work:
            found = work.networks.list_all()
        return tuple(
            Place(each.name, ip_network(each.cidr), each.shared, each.municipality) for each in found
        )
