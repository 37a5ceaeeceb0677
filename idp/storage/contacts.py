"""Reads and writes the addresses people added for being told. Whether they may is `people/contacts.py`'s."""

from sqlalchemy import bindparam, delete, select, update

from idp.effects import Instant
from idp.models.contacts import ContactAddress
from idp.storage.prepared import Prepared
from idp.storage.unit import Unit, record, records, table_of

_AT_MOST = 50
_REMOVED_AT_ONCE = 500
_contacts = table_of(ContactAddress)
_is_owned = (_contacts.c.id == bindparam("contact"), _contacts.c.user_id == bindparam("owner"))
_has_good_link = (
    _contacts.c.link_hash == bindparam("link"),
    _contacts.c.user_id == bindparam("owner"),
    _contacts.c.link_expires_at > bindparam("now"),
    _contacts.c.confirmed_at.is_(None),
)

_OF = Prepared(
    select(_contacts)
    .where(_contacts.c.user_id == bindparam("owner"))
    .order_by(_contacts.c.created_at, _contacts.c.id)
    .limit(_AT_MOST)
)
_FIND = Prepared(select(_contacts).where(*_is_owned))
_BY_LINK = Prepared(select(_contacts).where(*_has_good_link))
_CONFIRM = Prepared(
    update(_contacts)
    .where(*_has_good_link)
    .values(confirmed_at=bindparam("now"), link_hash=None, link_expires_at=None)
    .returning(_contacts)
)
_RENEW = Prepared(
    update(_contacts)
    .where(*_is_owned, _contacts.c.confirmed_at.is_(None))
    .values(link_hash=bindparam("new_link"), link_expires_at=bindparam("until"))
)
_REMOVE = Prepared(delete(_contacts).where(*_is_owned))
_ABANDONED = Prepared(
    delete(_contacts).where(
        _contacts.c.id.in_(
            select(_contacts.c.id)
            .where(_contacts.c.confirmed_at.is_(None), _contacts.c.link_expires_at < bindparam("before"))
            .limit(_REMOVED_AT_ONCE)
        )
    )
)


class ContactStore:
    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def of(self, user_id: str) -> list[ContactAddress]:
        """The earliest first."""
        return records(ContactAddress, self._unit.rows(_OF, {"owner": user_id}))

    def find(self, user_id: str, contact_id: str) -> ContactAddress | None:
        """None for one that is not this user's."""
        row = self._unit.first(_FIND, {"owner": user_id, "contact": contact_id})
        return record(ContactAddress, row) if row else None

    def add(self, contact: ContactAddress) -> bool:
        """False when the person has that address already."""
        return self._unit.add_unless_there(contact, "user_id", "mailbox")

    def find_by_link(self, user_id: str, link_hash: str, now: Instant) -> ContactAddress | None:
        """None unless the link would confirm something of this user's now."""
        row = self._unit.first(_BY_LINK, {"owner": user_id, "link": link_hash, "now": now})
        return record(ContactAddress, row) if row else None

    def confirm(self, user_id: str, link_hash: str, now: Instant) -> ContactAddress | None:
        """Uses the link up: of all who try at once one gets what it confirmed, the others None."""
        row = self._unit.first(_CONFIRM, {"owner": user_id, "link": link_hash, "now": now})
        return record(ContactAddress, row) if row else None

    def renew_link(self, user_id: str, contact_id: str, *, link_hash: str, until: Instant) -> bool:
        """The link before opens nothing from here on. False for a confirmed address, or another's."""
        values = {"owner": user_id, "contact": contact_id, "new_link": link_hash, "until": until}
        return self._unit.changed(_RENEW, values) == 1

    def remove(self, user_id: str, contact_id: str) -> bool:
        """False when it is not this user's."""
        return self._unit.changed(_REMOVE, {"owner": user_id, "contact": contact_id}) == 1

    def remove_abandoned(self, before: Instant) -> int:
        """A batch of those never confirmed, whose link expired before."""
        return self._unit.changed(_ABANDONED, {"before": before})
