"""A person, a clock that can be moved, and a database of their own for each test."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from idp.crypto import Sealer
from idp.effects import Effects
from idp.methods.base import Answer, Challenge, Enrolled, Method, Outcome, Rejected, Subject
from idp.models.base import Base
from idp.models.people import Credential, User
from idp.storage.database import Database
from idp.storage.vault import Vault


@dataclass
class World:
    """Does what the sign-in does around a method: reads the person, opens a unit of work."""

    database: Database
    vault: Vault
    effects: Effects
    now: list[float] = field(default_factory=lambda: [1_700_000_010.0])

    def subject(self, user_id: str = "anna") -> Subject:
        with self.database.read() as work:
            return Subject(work.people.get_user(user_id), work.people.credentials_of(user_id))

    def keeps(self, credential: Credential) -> None:
        with self.database.begin() as work:
            work.people.add_credential(credential)

    def verify(
        self, method: Method, answer: Answer, *, subject: Subject | None = None, nobody: bool = False
    ) -> Outcome:
        who = None if nobody else subject or self.subject()
        with self.database.begin() as work:
            return method.verify(work, who, method.begin(who) if who else Challenge(), answer)

    def enrol(self, method: Method, challenge: Challenge, answer: Answer) -> Enrolled | Rejected:
        subject = self.subject()
        with self.database.begin() as work:
            return method.enrol(work, subject, challenge, answer)


@pytest.fixture
def world(sqlite_url: str) -> Iterator[World]:
    now = [1_700_000_010.0]
    effects = Effects(now=lambda: now[0])
    vault = Vault(Sealer([b"k" * 32], effects), effects)
    database = Database(sqlite_url, vault=vault, effects=effects)
    Base.metadata.create_all(database.engine)
    made = World(database, vault, effects, now)
    for name, given, family in (("anna", "Anna", "Bērziņa"), ("juris", "Juris", "Ozols")):
        with database.begin() as work:
            work.people.add_user(
                User(
                    id=name,
                    username=f"{name}.user",
                    given_name=given,
                    family_name=family,
                    created_at=0,
                    updated_at=0,
                )
            )
    yield made
    database.dispose()
