"""Writes the demonstration into a database and tells what may be said of it.

Seeding twice changes nothing. A database that holds anybody else is refused, for what is written here is
public. The municipalities and their first rules are there already: `visvaris db upgrade` loads them.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from idp.effects import Effects
from idp.errors import Reason
from idp.events import Event, EventType
from idp.methods.base import Method
from idp.methods.registry import given_password, given_totp
from idp.models.clients import Client
from idp.models.people import Credential, Employment, User
from idp.models.person_code import PersonCode
from idp.seed.clients import clients
from idp.seed.people import OPERATOR, PASSWORD, PEOPLE, Person
from idp.storage.database import Database
from idp.storage.work import Work


class RealPeopleError(Exception):
    """The database holds somebody who is not of the demonstration."""


@dataclass(frozen=True, slots=True)
class Demonstration:
    """What may be printed: everything here is public."""

    issuer: str
    users: Sequence[Mapping[str, Any]]
    clients: Sequence[Mapping[str, Any]]


def seed(database: Database, methods: Sequence[Method], effects: Effects, *, issuer: str) -> Demonstration:
    """Raises RealPeopleError."""
    wanted = clients(issuer, effects)
    with database.read() as work:
        _refuse_real_people(work)
        missing = [person for person in PEOPLE if work.people.find_user_by_username(person.username) is None]
    made = [_made(person, methods, effects) for person in missing]
    with database.begin() as work:
        for person, user, credentials in made:
            _store(work, person, user, credentials, effects)
        for client, _ in wanted:
            _store_client(work, client)
    return Demonstration(
        issuer=issuer,
        users=[_told(person) for person in PEOPLE],
        clients=[
            {
                "client_id": client.client_id,
                "client_secret": secret,
                "audience": client.audience,
                **client.registered,
            }
            for client, secret in wanted
        ],
    )


def _refuse_real_people(work: Work) -> None:
    after: str | None = None
    while page := work.people.list_users(after=after):
        if any(not user.demonstration for user in page):
            raise RealPeopleError
        after = page[-1].username


def _made(
    person: Person, methods: Sequence[Method], effects: Effects
) -> tuple[Person, User, list[Credential]]:
    """Outside any transaction, for hashing takes its time."""
    now = effects.now()
    user = User(
        id=effects.new_id(),
        username=person.username,
        created_at=now,
        updated_at=now,
        given_name=person.given_name,
        family_name=person.family_name,
        email=f"{person.username}@visvaris.example",
        roles=[role for role in person.roles if role == OPERATOR],
        demonstration=True,
        **person.facts,
    )
    password = given_password(methods, user, PASSWORD)
    if isinstance(password, Reason):
        raise TypeError(password.code)
    credentials = [password]
    if person.totp_secret is not None:
        credentials.append(given_totp(methods, user, base64.b32decode(person.totp_secret)))
    return person, user, credentials


def _store(work: Work, person: Person, user: User, credentials: list[Credential], effects: Effects) -> None:
    work.people.add_user(user)
    for credential in credentials:
        work.people.add_credential(credential)
    for municipality, unit, position in person.posts:
        work.people.add_employment(
            Employment(
                id=effects.new_id(),
                user_id=user.id,
                municipality=municipality,
                unit=unit,
                position=position,
                roles=[role for role in person.roles if role != OPERATOR],
            )
        )
    if person.person_code is not None:
        work.people.set_person_code(user.id, PersonCode.parse(person.person_code), at=effects.now())
    work.audit.append(Event(type=EventType.USER_ADDED, user_id=user.id, detail={"demonstration": True}))


def _store_client(work: Work, client: Client) -> None:
    """Adds it, or brings its addresses up to date when the issuer has changed since."""
    known = work.clients.find(client.client_id)
    if known is None:
        work.clients.add(client)
        work.audit.append(
            Event(type=EventType.CLIENT_ADDED, client_id=client.client_id, detail={"demonstration": True})
        )
    elif (known.registered, known.audience, known.resources) != (
        client.registered,
        client.audience,
        client.resources,
    ):
        work.clients.replace_registration(
            client.client_id,
            registered=client.registered,
            audience=client.audience,
            resources=client.resources,
        )


def _told(person: Person) -> dict[str, Any]:
    municipalities = [municipality for municipality, _, _ in person.posts]
    return {
        "username": person.username,
        "password": PASSWORD,
        "totp_secret": person.totp_secret,
        "municipality": municipalities[0] if municipalities else None,
        "municipalities": municipalities,
        "roles": list(person.roles),
    }
