"""Which entry of a directory is which person: an administrator's word, given, changed and taken back.

Whoever is no longer an entry is no longer signed in by it. Not here: who may be linked without an
administrator (`login/arrivals.py`).
"""

from dataclasses import replace
from enum import Enum
from typing import Final

from idp.effects import Effects
from idp.events import Event, EventType
from idp.login.sessions import Sessions
from idp.login.tickets import Maker
from idp.models.directories import Directory, DirectoryLink
from idp.models.people import User
from idp.people import directories
from idp.policy import OPERATOR
from idp.storage.database import Database
from idp.storage.work import Work

_AT_ONCE: Final = 50


class NotLinked(Enum):
    """Why somebody may not be linked by who asks: a code and a sentence."""

    OWN_ACCOUNT = ("own_account", "Nobody links their own account.")
    OPERATOR_ONLY = ("operator_only", "Only an operator may link this person.")
    BLOCKED = ("blocked_user", "This person is blocked.")
    NOT_EMPLOYED = ("not_employed", "This person has no post in the municipality whose directory it is.")
    LINKED = ("already_linked", "This person is another entry of that directory.")
    TAKEN = ("entry_taken", "That entry is somebody else's.")
    LINKED_THERE = ("already_linked", "This person is somebody there already.")
    NOT_ITS_PERSON = ("not_its_person", "This person acts for somebody else, too, or for nobody.")
    NOT_WAITING = ("not_waiting", "That arrival waits no longer.")

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        self.text = text


class DirectoryLinks:
    def __init__(self, database: Database, sessions: Sessions, effects: Effects) -> None:
        self._database = database
        self._sessions = sessions
        self._effects = effects

    def link(
        self, directory: Directory, user_id: str, object_guid: str, maker: Maker, *, replaces: bool = False
    ) -> NotLinked | None:
        """`replaces`: in place of the entry that this person was until now, if it was another.

        Raises AlreadyExistsError where somebody else did the same at once.
        """
        with self._database.begin() as work:
            return self.link_in(work, directory, user_id, object_guid, maker, replaces=replaces)

    def link_in(
        self,
        work: Work,
        directory: Directory,
        user_id: str,
        object_guid: str,
        maker: Maker,
        *,
        replaces: bool = False,
    ) -> NotLinked | None:
        """Where it is refused, nothing was done."""
        work.people.hold_user(user_id)
        user = work.people.get_user(user_id)
        if refused := refusal(work, directory.municipality, user, maker, self._effects):
            return refused
        held = work.directories.find_link_of_person(directory.id, user_id)
        if held is not None and (held.object_guid == object_guid or not replaces):
            return NotLinked.LINKED
        if work.directories.find_link_of_entry(directory.id, object_guid) is not None:
            return NotLinked.TAKEN
        if held is not None:
            self._end(work, directory, held, maker)
        directories.link(work, directory, user, object_guid, self._effects, by=maker.actor_id)
        return None

    def take_arrival(
        self, directory: Directory, arrival_id: str, user_id: str, maker: Maker, *, replaces: bool = False
    ) -> NotLinked | None:
        """Whoever waits there is this person: the entry that was proved, and no other.

        Raises AlreadyExistsError where somebody else did the same at once.
        """
        with self._database.begin() as work:
            arrival = work.arrivals.find(arrival_id)
            if arrival is None or arrival.directory_id != directory.id:
                return NotLinked.NOT_WAITING
            guid = arrival.object_guid
            return self.link_in(work, directory, user_id, guid, maker, replaces=replaces)

    def dismiss(self, directory: Directory, arrival_id: str, maker: Maker) -> bool:
        """It waits no longer, until it comes again."""
        with self._database.begin() as work:
            arrival = work.arrivals.find(arrival_id)
            if arrival is None or arrival.directory_id != directory.id or not work.arrivals.take(arrival_id):
                return False
            work.audit.append(_did(EventType.ARRIVAL_DISMISSED, directory, maker, entry=arrival.object_guid))
            return True

    def unlink(self, directory: Directory, credential_id: str, maker: Maker) -> bool:
        """False when there is no such link."""
        with self._database.begin() as work:
            link = work.directories.find_link(credential_id)
            if link is None or link.directory_id != directory.id:
                return False
            return self._end(work, directory, link, maker)

    def remove(self, directory: Directory, maker: Maker) -> bool:
        """With its links and what leaned on them. In short acts, the directory last; whoever was interrupted
        may do it again. False when it is gone.
        """
        with self._database.begin() as work:
            held = work.directories.find(directory.id)
            if held is None:
                return False
            held.enabled, held.updated_at = False, self._effects.now()
            work.directories.put(held)
        while True:
            with self._database.begin() as work:
                links = work.directories.list_links(directory.id, limit=_AT_ONCE)
                for listed in links:
                    self._end(work, directory, listed.link, maker)
                if len(links) == _AT_ONCE:
                    continue
                work.invitations.revoke_of_source(directory.id, self._effects.now())
                is_removed = work.directories.remove(directory.id)
                if is_removed:
                    work.audit.append(_did(EventType.DIRECTORY_CHANGED, directory, maker, removed=True))
                return is_removed

    def _end(self, work: Work, directory: Directory, link: DirectoryLink, maker: Maker) -> bool:
        """The person is told. What came of its sessions goes too, also what was to be used in absence."""
        work.people.hold_user(link.user_id)
        held = [each for each in work.people.credentials_of(link.user_id) if each.id == link.credential_id]
        if not held or not work.people.remove_credential(link.user_id, link.credential_id):
            return False
        for session_id in work.sessions.list_leaning_on(link.user_id, link.credential_id):
            for ended in self._sessions.freeze(work, session_id):
                event = maker.did(EventType.SESSION_ENDED, link.user_id)
                work.audit.append(replace(event, municipality=directory.municipality, session_id=ended))
        work.sessions.void_unfinished(link.user_id, self._effects.now())
        told = {"directory": directory.name, "entry": link.object_guid}
        event = maker.did(EventType.METHOD_REMOVED, link.user_id, **told)
        work.audit.append(replace(event, municipality=directory.municipality, method=held[0].method))
        return True


def refusal(work: Work, municipality: str, user: User, maker: Maker, effects: Effects) -> NotLinked | None:
    """By who asks. Whose account opens more than one municipality, an operator links, as with letters."""
    posts = work.people.employments_of(user.id, now=effects.now())
    tenants = {post.municipality for post in posts}
    if user.id == maker.actor_id:
        return NotLinked.OWN_ACCOUNT
    if not user.is_active:
        return NotLinked.BLOCKED
    if municipality not in tenants:
        return NotLinked.NOT_EMPLOYED
    if maker.municipality is not None and (OPERATOR in user.roles or tenants != {maker.municipality}):
        return NotLinked.OPERATOR_ONLY
    return None


def _did(kind: EventType, directory: Directory, maker: Maker, **detail: str | bool) -> Event:
    event = maker.did(kind, None)
    return replace(event, municipality=directory.municipality, detail={"directory": directory.name, **detail})
