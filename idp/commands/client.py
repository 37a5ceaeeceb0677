"""`visvaris client`: the applications that trust us."""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import click

from idp.commands import client_lint
from idp.commands.context import AS_JSON, DASHED_IDS, note, open_context, refuse, say, say_json, say_rows
from idp.crypto import token_hash
from idp.events import Event, EventType
from idp.models.clients import Client, InitialAccessToken
from idp.oidc import client_metadata, client_secrets, implicit
from idp.oidc.errors import ProtocolError
from idp.oidc.options import RegistrationMode
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
        registration = client_metadata.register(
            document,
            context.effects,
            vault=context.vault,
            outbound=context.outbound(),
            offers_implicit=implicit.is_offered(RegistrationMode(context.settings.registration)),
        )
    except ProtocolError as error:
        refuse(f"{error.error.value}: {error.description}")
    with context.database.begin() as work:
        work.clients.add(registration.client)
        work.audit.append(
            Event(type=EventType.CLIENT_ADDED, client_id=registration.client.client_id, actor_id=_ACTOR)
        )
    say_json(client_metadata.response(registration))


@group.command(
    "token", help="Make an initial access token, with which applications register themselves; print it once."
)
@click.option("--uses", type=click.IntRange(1, 1000), default=1, show_default=True, help="So many clients.")
@click.option("--days", type=click.IntRange(1, 365), default=7, show_default=True, help="It lives so long.")
@click.option("--note", "told_note", default="", help="Whom it is for; kept with it.")
def make_token(*, uses: int, days: int, told_note: str) -> None:
    context = open_context()
    now, token = context.effects.now(), context.effects.new_token()
    expires_at = now + days * _DAY_SECONDS
    made = InitialAccessToken(
        token_hash=token_hash(token), note=told_note, created_at=now, expires_at=expires_at, uses_left=uses
    )
    with context.database.begin() as work:
        work.initial_tokens.add(made)
        detail: dict[str, str | int | bool] = {"note": told_note[:200], "uses": uses, "days": days}
        work.audit.append(Event(type=EventType.INITIAL_TOKEN_MADE, actor_id=_ACTOR, detail=detail))
    if context.settings.registration != "token":
        note(f"IDP_REGISTRATION is {context.settings.registration}: nobody is asked for such a token now.")
    say_json({"initial_access_token": token, "uses": uses, "expires_at": int(expires_at), "note": told_note})


@group.command("list", help="All applications.")
@AS_JSON
def list_all(*, as_json: bool) -> None:
    with open_context().database.read() as work:
        rows = [told(client) for client in _every(work)]
    say_rows(rows, ("client_id", "client_name", "kind", "first_party", "disabled"), as_json=as_json)


@group.command(
    "show",
    help="One application; its secrets are not known to anybody here.",
    context_settings=DASHED_IDS,
)
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
    "rotate-secret",
    help="Make a new secret and print it; the one before it works on for some days.",
    context_settings=DASHED_IDS,
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
    ends_at = now + overlap_days * _DAY_SECONDS if overlap_days else None
    with context.database.begin() as work:
        client = _client(work, client_id)
        if not client_secrets.needs_secret(client.registered):
            refuse(f"{client_id} does not authenticate with a secret.")
        secret = client_secrets.make_secret(client.registered, context.effects)
        kept = client_secrets.replace(client, secret, now=now, old_ends_at=ends_at, vault=context.vault)
        work.clients.replace_secrets(client_id, kept.secrets, mac_secret_sealed=kept.mac_secret_sealed)
        work.audit.append(Event(type=EventType.CLIENT_SECRET_ROTATED, client_id=client_id, actor_id=_ACTOR))
    say_json({"client_id": client_id, "client_secret": secret, "client_secret_expires_at": 0})


@group.command(
    "lint",
    help="What is weak or could be stricter in CLIENT_ID, or in all; exit code 1 when anything is weak.",
    context_settings=DASHED_IDS,
)
@click.argument("client_id", required=False)
@AS_JSON
def lint(client_id: str | None, *, as_json: bool) -> None:
    context = open_context()
    with context.database.read() as work:
        chosen = [_client(work, client_id)] if client_id else list(_every(work))
    now, outbound = context.effects.now(), context.outbound()
    found = [
        {"client_id": client.client_id, **asdict(finding)}
        for client in chosen
        for finding in (*client_lint.lint(client, now=now), *client_lint.lint_published(client, outbound))
    ]
    if as_json:
        say_json(found)
    elif found:
        say_rows(found, ("client_id", "weak", "finding", "advice", "breaks"), as_json=False)
    else:
        say("Nothing to say.")
    weak = sum(finding["weak"] for finding in found)
    if weak:
        refuse(f"{weak} could be safer.")


def told(client: Client) -> dict[str, Any]:
    return {
        "client_id": client.client_id,
        "kind": client.kind,
        "profile": client.profile,
        "first_party": client.first_party,
        "disabled": client.disabled,
        "pkce_required": client.pkce_required,
        "registered_itself": client.registration_token_hash is not None,
        "sector": client.sector,
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
