"""`visvaris client`: the applications that trust us."""

import json
import sys
from collections.abc import Iterator
from typing import Any

import click

from idp.commands import client_lint
from idp.commands.context import AS_JSON, open_context, refuse, say, say_json, say_rows
from idp.events import Event, EventType
from idp.models.clients import Client
from idp.oidc import client_metadata
from idp.oidc.errors import ProtocolError
from idp.policy import Level
from idp.storage.work import Work

_ACTOR = "command-line"
_LARGEST_DOCUMENT = 256 * 1024
_OVERLAP_DAYS = 7
_DAY_SECONDS = 86400


@click.group("client", help="Applications.")
def group() -> None:
    pass


@group.command(
    "add", help="Read RFC 7591 metadata as JSON from standard input; print the registration response."
)
def add() -> None:
    document = _read_document()
    context = open_context()
    try:
        registration = client_metadata.register(document, context.effects)
    except ProtocolError as error:
        refuse(f"{error.error.value}: {error.description}")
    with context.database.begin() as work:
        work.clients.add(registration.client)
        work.audit.append(
            Event(type=EventType.CLIENT_ADDED, client_id=registration.client.client_id, actor_id=_ACTOR)
        )
    say_json(client_metadata.response(registration))


@group.command("list", help="All applications.")
@AS_JSON
def list_all(*, as_json: bool) -> None:
    with open_context().database.read() as work:
        rows = [told(client) for client in _every(work)]
    say_rows(rows, ("client_id", "client_name", "kind", "first_party", "disabled"), as_json=as_json)


@group.command("show", help="One application; its secrets are not known to anybody here.")
@click.argument("client_id")
@AS_JSON
def show(client_id: str, *, as_json: bool) -> None:
    with open_context().database.read() as work:
        client = told(_client(work, client_id))
    if as_json:
        say_json(client)
    else:
        say_rows([{"member": n, "value": v} for n, v in client.items()], ("member", "value"), as_json=False)


@group.command(
    "rotate-secret", help="Make a new secret and print it; the one before it works on for some days."
)
@click.argument("client_id")
@click.option(
    "--overlap-days",
    type=click.IntRange(0, 90),
    default=_OVERLAP_DAYS,
    show_default=True,
    help="0: end it now.",
)
def rotate_secret(client_id: str, *, overlap_days: int) -> None:
    context = open_context()
    now = context.effects.now()
    secret = context.effects.new_token()
    with context.database.begin() as work:
        client = _client(work, client_id)
        if not client_metadata.needs_secret(client.registered):
            refuse(f"{client_id} does not authenticate with a secret.")
        newest = client_metadata.secret_record(secret, now)
        ends_at = now + overlap_days * _DAY_SECONDS
        kept = [{**before, "expires_at": ends_at} for before in client.secrets[:1]] if overlap_days else []
        work.clients.replace_secrets(client_id, [newest, *kept])
        work.audit.append(Event(type=EventType.CLIENT_SECRET_ROTATED, client_id=client_id, actor_id=_ACTOR))
    say_json({"client_id": client_id, "client_secret": secret, "client_secret_expires_at": 0})


@group.command(
    "lint", help="What could be safer about CLIENT_ID, or about all; exit code 1 when anything could."
)
@click.argument("client_id", required=False)
@AS_JSON
def lint(client_id: str | None, *, as_json: bool) -> None:
    context = open_context()
    with context.database.read() as work:
        chosen = [_client(work, client_id)] if client_id else list(_every(work))
    found = [
        {"client_id": client.client_id, "finding": finding.finding, "advice": finding.advice}
        for client in chosen
        for finding in client_lint.lint(client, now=context.effects.now())
    ]
    if as_json:
        say_json(found)
    elif found:
        say_rows(found, ("client_id", "finding", "advice"), as_json=False)
    else:
        say("Nothing to say.")
    if found:
        refuse(f"{len(found)} could be safer.")


def told(client: Client) -> dict[str, Any]:
    return {
        "client_id": client.client_id,
        "kind": client.kind,
        "profile": client.profile,
        "first_party": client.first_party,
        "disabled": client.disabled,
        "pkce_required": client.pkce_required,
        "dpop_nonce": client.dpop_nonce,
        "minimum_level": Level(client.minimum_level).acr,
        "needs_employment": client.needs_employment,
        "municipalities": client.municipalities,
        "roles": client.roles,
        "audience": client.audience,
        "resources": client.resources,
        "service_municipality": client.service_municipality,
        "person_code_basis": client.person_code_basis,
        "demonstration": client.demonstration,
        "secrets": len(client.secrets),
        **client.registered,
    }


def _every(work: Work) -> Iterator[Client]:
    after: str | None = None
    while page := work.clients.list_clients(after=after):
        yield from page
        after = page[-1].client_id


def _client(work: Work, client_id: str) -> Client:
    client = work.clients.find(client_id)
    if client is None:
        refuse(f"There is no client {client_id}.")
    return client


def _read_document() -> dict[str, Any]:
    text = sys.stdin.read(_LARGEST_DOCUMENT + 1)
    try:
        document = json.loads(text) if len(text) <= _LARGEST_DOCUMENT else None
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        refuse("Standard input must hold client metadata (RFC 7591) as one JSON object.")
    return document
