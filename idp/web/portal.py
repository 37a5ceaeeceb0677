"""The first page: the applications this person may open, and for which municipality they work now."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from flask import Blueprint, Response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from idp.login.standing import Person, match_posts
from idp.login.transaction import Requirements
from idp.models.clients import Client, ClientKind
from idp.models.latvian import sort_key
from idp.oidc.initiation import initiation_url
from idp.web.choose import nudge_now
from idp.web.directory_status import has_directories, silent_shown
from idp.web.guards import satisfied, sign_in_required
from idp.web.http import see_other, visitor, write_session
from idp.web.i18n import ngettext
from idp.web.pages import act_for, municipality_names
from idp.web.site import site
from idp.web.vouching import vouchings_shown

blueprint = Blueprint("portal", __name__)

_QUERY_LENGTH: Final = 100
_FEW_CODES: Final = 3


@dataclass(frozen=True, slots=True)
class Tile:
    title: str
    description: str
    url: str | None
    kind: Literal["web", "installed"]
    initials: str


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    tiles: tuple[Tile, ...]


@blueprint.get("/")
@sign_in_required
def index() -> Response:
    standing = satisfied()
    act_for(standing.municipality)
    query = request.args.get("q", "")[:_QUERY_LENGTH].strip()
    person = standing.person
    with site().storage.database.read() as work:
        clients = work.clients.list_tiles()
    page = render_template(
        "portal/index.html",
        groups=groups_of(clients, person, query),
        query=query,
        notices=_notices(person),
        vouchings=vouchings_shown(person),
        silent_directories=silent_shown(person),
        directories_url="/directories" if has_directories(person) else None,
        nudge=nudge_now(standing),
        switch_url="/employment" if len(person.employments) > 1 else None,
    )
    return Response(page)


@blueprint.get("/employment")
@sign_in_required
def choose_employment() -> AnyResponse:
    posts = satisfied().person.employments
    if len(posts) < 2:
        return see_other("/")
    names = municipality_names({post.municipality for post in posts})
    page = render_template(
        "login/employment.html",
        action="/employment",
        application_name=None,
        employments=[
            {
                "id": post.id,
                "municipality_name": names[post.municipality],
                "position": post.position,
                "unit": post.unit,
            }
            for post in posts
        ],
    )
    return Response(page)


@blueprint.post("/employment")
@sign_in_required
def switch_employment() -> AnyResponse:
    chosen = request.form.get("municipality", "")
    token = site().login.switch_employment(satisfied().signed_in, chosen, visitor())
    response = see_other("/")
    if token is not None:
        write_session(response, token)
    return response


def groups_of(clients: Iterable[Client], person: Person, query: str) -> list[Group]:
    """In Latvian order; every word of the query must occur, without regard to case and marks."""
    words = _plain(query).split()
    groups: dict[str, list[Tile]] = {}
    for client in clients:
        if client.tile_group is None or not may_open(client, person):
            continue
        text = _plain(f"{client.tile_group} {client.name} {client.tile_text}")
        if all(word in text for word in words):
            groups.setdefault(client.tile_group, []).append(_tile(client))
    return [
        Group(title, tuple(sorted(tiles, key=lambda tile: sort_key(tile.title))))
        for title, tiles in sorted(groups.items(), key=lambda item: sort_key(item[0]))
    ]


def may_open(client: Client, person: Person) -> bool:
    requirements = Requirements(
        needs_employment=client.needs_employment,
        municipalities=tuple(client.municipalities),
        roles=tuple(client.roles),
    )
    return not client.disabled and match_posts(person, requirements, chosen=None).refused is None


def _tile(client: Client) -> Tile:
    is_installed = client.kind == ClientKind.INSTALLED.value
    begins_at = client.registered.get("initiate_login_uri")
    url = (
        initiation_url(begins_at, issuer=site().issuer) if begins_at else client.registered.get("client_uri")
    )
    return Tile(
        title=client.name,
        description=client.tile_text,
        url=None if is_installed else url,
        kind="installed" if is_installed else "web",
        initials="".join(word[0] for word in client.name.split()[:2] if word[0].isalnum()).upper(),
    )


def _notices(person: Person) -> list[str]:
    backups = (method.facts.id for method in site().methods.values() if method.facts.backup)
    counts = [len(person.subject.of(method)) for method in backups if method in person.enrolled]
    return [
        ngettext(
            "You have %(num)s recovery code left. Create new ones before you need them.",
            "You have %(num)s recovery codes left. Create new ones before you need them.",
            left,
        )
        for left in counts
        if left <= _FEW_CODES
    ]


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))
