"""Reading the person a grant is about: no more of them than the claims asked for need."""

from collections.abc import Collection
from typing import Any, Final

from idp.effects import Instant
from idp.models.people import Employment, User
from idp.oidc.claims import BY_SCOPE, Person
from idp.oidc.scopes import Scope
from idp.oidc.verified_claims import answer, known_of
from idp.oidc.verified_requests import Asked, asks_for
from idp.storage.work import Work

_OF_EMPLOYMENT: Final = frozenset(BY_SCOPE[Scope.EMPLOYMENT])


def read_person(
    work: Work,
    user: User,
    *,
    employment_id: str | None,
    names: Collection[str],
    now: Instant,
    verified: Asked | None = None,
) -> Person:
    """`verified`: what is told of a confirmed identity, if anything."""
    employment = municipality = person_code = None
    if employment_id is not None and not _OF_EMPLOYMENT.isdisjoint(names):
        employment = find_current_employment(work, employment_id, now=now)
    if employment is not None and "municipality_name" in names:
        municipality = work.people.find_municipality(employment.municipality)
    if "person_code" in names:
        person_code = _person_code(work, user)
    return Person(
        user=user,
        employment=employment,
        municipality=municipality,
        person_code=person_code,
        verified_claims=_verified_claims(work, user, verified, now) if verified is not None else None,
    )


def _verified_claims(work: Work, user: User, asked: Asked, now: Instant) -> Any:
    """None as well when nobody has confirmed who owns the account."""
    confirmed = work.confirmations.find(user.id)
    if confirmed is None:
        return None
    code = _person_code(work, user) if asks_for(asked, "person_code") else None
    return answer(asked, known_of(confirmed, person_code=code), now=now)


def _person_code(work: Work, user: User) -> str | None:
    code = work.people.person_code_of(user)
    return code.canonical if code is not None else None


def find_current_employment(work: Work, employment_id: str | None, *, now: Instant) -> Employment | None:
    """None when the post has ended: nobody acts for a municipality they no longer work for."""
    if employment_id is None:
        return None
    employment = work.people.find_employment(employment_id)
    return employment if employment is not None and employment.is_current(now) else None
