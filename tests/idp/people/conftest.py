"""The provider with somebody in it who has addresses, an outbox, and a relay of somebody else's."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from idp.events import Event, EventType
from idp.gateways.mail import Relay, SmtpRelay
from idp.models.mails import Mail
from idp.models.people import User
from idp.people.directories import USUAL_ATTRIBUTES
from idp.people.letters import Letter, Letters
from idp.people.mailing import Mailing
from idp.storage import municipalities
from idp.storage.outbox import State
from tests.support.actors import ISSUER, Employee, Hall
from tests.support.builders import make_database
from tests.support.certificates import Authority
from tests.support.directories import connect, person
from tests.support.directory_sync import Synced
from tests.support.mail_relay import MailRelay, mail_relay
from tests.support.samba import Controller

_names = count()
SENDER = "visvaris@login.example.lv"


@dataclass
class PostOffice:
    """`relay` takes what `mailing` delivers when it is told to."""

    hall: Hall
    relay: MailRelay
    authority: Authority
    mailing: Mailing = field(init=False)

    def __post_init__(self) -> None:
        self.mailing = self.another_worker()

    @property
    def letters(self) -> Letters:
        return Letters(
            issuer=ISSUER,
            product="visvaris.lv",
            sender=SENDER,
            support_contact="atbalsts@visvaris.lv",
            database=self.hall.world.database,
            methods=self.hall.provider.methods,
        )

    def door(self) -> SmtpRelay:
        return SmtpRelay(
            host="localhost",
            port=self.relay.port,
            security="starttls",
            greets_as="login.example.lv",
            ca_file=self.authority.ca_file,
            seconds_at_most=5.0,
        )

    def another_worker(self, relay: Relay | None = None, letters: Any = None) -> Mailing:
        return Mailing(
            database=self.hall.world.database,
            letters=letters or self.letters,
            relay=relay or self.door(),
            effects=self.hall.world.effects,
        )

    def happens(self, who: User, kind: EventType = EventType.METHOD_ENROLLED, **columns: Any) -> None:
        with self.hall.world.database.begin() as work:
            work.audit.append(Event(type=kind, user_id=who.id, **columns))

    def deliver(self) -> None:
        while self.mailing.deliver_next():
            pass

    def mails(self, state: State | None = None) -> list[Mail]:
        with self.hall.world.database.read() as work:
            return work.mails.list_mails(state, now=self.hall.clock())

    def the_one(self) -> Mail:
        (mail,) = self.mails()
        return mail

    def letter(self) -> Letter:
        return self.letters.write(self.the_one(), self.hall.clock())


@pytest.fixture(scope="session")
def _migrated_for_letters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("letters") / "migrated.sqlite3"
    with make_database(f"sqlite:///{path}").begin() as work:
        municipalities.load(work)
    return path


@pytest.fixture
def hall(_migrated_for_letters: Path, tmp_path: Path) -> Iterator[Hall]:
    path = tmp_path / "letters.sqlite3"
    shutil.copy(_migrated_for_letters, path)
    made = Hall(f"sqlite:///{path}", options={"mail_host": "relay.example.lv", "mail_from": SENDER})
    yield made
    made.close()


@pytest.fixture
def office(hall: Hall, authority: Authority) -> Iterator[PostOffice]:
    with mail_relay(authority.server()) as relay:
        yield PostOffice(hall, relay, authority)


@pytest.fixture
def anna(hall: Hall) -> Employee:
    return hall.employee("anna", totp=True, email="anna@pasvaldiba.example.lv")


@pytest.fixture
def name() -> str:
    """Of nobody in the directory yet."""
    return f"sync{next(_names)}"


@pytest.fixture
def synced(hall: Hall, riga_domain: Controller) -> Synced:
    """A directory that gives no roles."""
    return Synced(connect(hall, riga_domain, attributes=USUAL_ATTRIBUTES, roles={}))


@pytest.fixture
def mapped(synced: Synced, name: str) -> Synced:
    """`NAME` is in a group within the group that makes people clerks."""
    domain = synced.riga.controller
    domain.change(
        person(name),
        person(f"{name}b"),
        {"do": "group", "name": f"{name} inner", "members": [name]},
        {"do": "group", "name": f"{name} outer", "members": [f"{name} inner"]},
    )
    outer = domain.change()[f"{name} outer"]["dn"]
    synced.riga.put(roles={outer: "clerk"})
    return synced
