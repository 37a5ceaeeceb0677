"""The keys by which tickets of a directory are accepted: what may be kept of a keytab, and keeping it.

Kept are the keys of this provider's own name in the directory's realm that are strong enough, and no others,
whatever else is in the file: what is not kept cannot be lost. Several numbers of one key may stand together
while its password is changed. Not here: accepting a ticket (`gateways/kerberos/`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from idp.effects import Effects
from idp.events import Event, EventType
from idp.gateways.kerberos.keytab import ENCTYPES, Key, read_keytab, write_keytab
from idp.models.directories import Directory
from idp.storage.work import Work

SERVICE: Final = "HTTP"


class KeytabError(Exception):
    """Why this file cannot be used, as a sentence."""


@dataclass(frozen=True, slots=True)
class Sorted:
    kept: tuple[Key, ...] = field(repr=False)
    left_out: tuple[Key, ...] = field(repr=False)


def sorted_out(content: bytes, directory: Directory, host: str) -> Sorted:
    """`host`: as browsers know us. Raises KeytabError."""
    try:
        keys = read_keytab(content)
    except ValueError as error:
        raise KeytabError(f"That is no keytab: {error}.") from None
    ours = [key for key in keys if key.service.upper() == SERVICE and key.host.lower() == host.lower()]
    if not ours:
        raise KeytabError(f"It has no key for {SERVICE}/{host}.")
    of_realm = [key for key in ours if key.realm == directory.realm]
    if not of_realm:
        raise KeytabError(f"Its keys are of the realm {ours[0].realm}, the directory's is {directory.realm}.")
    kept = tuple(key for key in of_realm if key.enctype in ENCTYPES)
    if not kept:
        raise KeytabError("It has no AES key: allow AES for the service's account and make the file anew.")
    return Sorted(kept, tuple(key for key in keys if key not in kept))


def keep(
    work: Work, directory: Directory, keys: Sequence[Key], effects: Effects, *, automatic: bool, by: str
) -> None:
    """In place of those there were."""
    work.keytabs.put(directory.id, write_keytab(keys), automatic=automatic, at=effects.now())
    kvnos = ", ".join(str(kvno) for kvno in sorted({key.kvno for key in keys}))
    detail: dict[str, str | int | bool] = {"directory": directory.name, "kvno": kvnos, "automatic": automatic}
    work.audit.append(_event(EventType.KEYTAB_CHANGED, directory, by, detail))


def remove(work: Work, directory: Directory, *, by: str) -> bool:
    """False when there was none."""
    if not work.keytabs.remove(directory.id):
        return False
    work.audit.append(_event(EventType.KEYTAB_REMOVED, directory, by, {"directory": directory.name}))
    return True


def kept(work: Work, directory: Directory) -> tuple[list[Key], bool] | None:
    """The keys, and whether they are used without a click; None when there are none."""
    found = work.keytabs.find(directory.id)
    return (read_keytab(work.keytabs.open(found)), found.automatic) if found else None


def shown(key: Key) -> dict[str, Any]:
    """All but the key itself."""
    return {
        "principal": key.principal,
        "kvno": key.kvno,
        "enctype": ENCTYPES.get(key.enctype, f"{key.enctype}, not AES"),
    }


def _event(kind: EventType, directory: Directory, by: str, detail: dict[str, str | int | bool]) -> Event:
    return Event(type=kind, actor_id=by, municipality=directory.municipality, detail=detail)
