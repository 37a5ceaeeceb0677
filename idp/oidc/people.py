"""Reading the person a grant is about: no more of them than the claims asked for need."""

from collections.abc import Collection
from typing import Final

from idp.effects import Instant
from idp.models.people import Employment, User
from idp.oidc.claims import BY_SCOPE, Person
from idp.oidc.scopes import Scope
from idp.storage.work import Work

_OF_EMPLOYMENT: Final = frozenset(BY_SCOPE[Scope.EMPLOYMENT])


def read_person(
    work: Work, user: User, *, employment_id: str | None, names: Collection[str], now: Instant
) -> Person:
    employment = municipality = person_code = None
    if employment_id is not None and not _OF_EMPLOYMENT.isdisjoint(names):
        employment = find_current_employment(work, employment_id, now=now)
    if employment is not None and "municipality_name" in names:
        municipality = work.people.find_municipality(employment.municipality)
    if "person_code" in names:
        code = work.people.person_code_of(user)
        person_code = code.canonical if code is not None else None
    return Person(user=user, employment=employment, municipality=municipality, person_code=person_code)


def find_current_employment(work: Work, employment_id: str | None, *, now: Instant) -> Employment | None:
    """None when the post has ended: nobody acts for a municipality they no longer work for."""
    if employment_id is None:
        return None
    employment = work.people.find_employment(employment_id)
    return employment if employment is not None and employment.is_current(now) else None
