"""`visvaris upstream`: OpenID providers of municipalities that sign their employees in."""

import sys
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import click

from idp.commands.context import AS_JSON, DASHED_IDS, Context, open_context, refuse, say, say_json, say_rows
from idp.errors import AlreadyExistsError, Refused
from idp.events import Event, EventType
from idp.gateways.outbound import OutboundError, require_fetchable
from idp.gateways.patience import Patience
from idp.login.upstream_links import leaving_method, link_arrival
from idp.methods.base import label_from
from idp.methods.registry import Methods
from idp.models.arrivals import Match
from idp.models.upstreams import ClientAuth, Upstream, domain_of
from idp.models.usernames import canonical_username
from idp.oidc.upstream import callback_of
from idp.oidc.upstream_assertion import KEYS_PATH, make_key
from idp.oidc.upstream_logout import LOGOUT_PATH
from idp.oidc.upstream_metadata import Metadata, MetadataError, Metadatas
from idp.people.upstream_rule import rule_fault
from idp.storage.work import Work

_ACTOR: Final = "command-line"
_SECRET_AT_MOST: Final = 1000
_ENTRA_HOSTS: Final = ("login.microsoftonline.", "login.partner.microsoftonline.", "sts.windows.net")
_EVERYBODY_S_TENANT: Final = "9188040d-6c67-4c5b-b112-36a304b66dad"
"""Of personal Microsoft accounts, which anybody can make."""
_BY = click.option(
    "--auth",
    type=click.Choice([each.value for each in ClientAuth]),
    default=ClientAuth.CLIENT_SECRET.value,
    show_default=True,
    help="How we show it that it is us.",
)


@click.group("upstream", help="Municipalities' own OpenID providers: Entra ID, AD FS and others.")
def group() -> None:
    pass


@group.command(
    "add", help="Lets one sign its municipality's employees in. Its secret comes from standard input."
)
@click.option("--municipality", required=True, metavar="ATVK")
@click.option("--name", required=True, help="As people call it.")
@click.option("--issuer", required=True, help="To the letter as its discovery document has it.")
@click.option("--client-id", required=True)
@click.option("--domain", "domains", multiple=True, help="Of the e-mail addresses that lead there.")
@click.option("--tenant", help="The tid that every token must have (Entra ID).")
@click.option("--believe-mfa", "believes_mfa", is_flag=True, help="Two factors there are two factors here.")
@click.option("--mfa-acr", default="", help="An acr that says so beside amr.")
@click.option(
    "--match",
    "match_by",
    type=click.Choice([each.value for each in Match]),
    default=Match.NOTHING.value,
    show_default=True,
    help="By what first arrivals are known.",
)
@click.option("--match-claim", default="", help="The claim that has it.")
@click.option(
    "--create-accounts",
    "creates_accounts",
    is_flag=True,
    help="Make one, without roles, for whom it would find and nobody is found.",
)
@_BY
@AS_JSON
def add(*, domains: tuple[str, ...], as_json: bool, **given: Any) -> None:
    context = open_context()
    _must_make_sense(given, context.settings.issuer)
    metadata = _must_answer(context, given["issuer"])
    given["name"] = label_from(given["name"]) or refuse("The name must not be empty.")
    upstream = Upstream(
        id=context.effects.new_id(), client_secret_sealed="", created_at=context.effects.now(), **given
    )
    secret, upstream.certificate = _shown_to(upstream.id, ClientAuth(upstream.auth), metadata, context)
    try:
        with context.database.begin() as work:
            if work.people.find_municipality(upstream.municipality) is None:
                refuse(f"There is no municipality with the code {upstream.municipality}.")
            work.upstreams.add(upstream, secret, sorted({_domain(each) for each in domains}))
            work.audit.append(_changed(upstream, added=True))
            told = _told(work, upstream)
    except AlreadyExistsError:
        refuse("That client of that issuer, or one of the domains, is there already.")
    addresses = _addresses(context.settings.issuer, upstream)
    if as_json:
        say_json(told | addresses)
        return
    say(f"{upstream.id}: {upstream.name} signs people of {upstream.municipality} in.")
    for name, address in addresses.items():
        say(f"  {name}: {address}")


@group.command(
    "renew",
    help="Gives one another client secret, from standard input, or a new key.",
    context_settings=DASHED_IDS,
)
@click.argument("upstream_id", metavar="ID")
@_BY
def renew(upstream_id: str, auth: str) -> None:
    context = open_context()
    with context.database.read() as work:
        upstream = _get(work, upstream_id)
    metadata = _must_answer(context, upstream.issuer)
    secret, certificate = _shown_to(upstream.id, ClientAuth(auth), metadata, context)
    with context.database.begin() as work:
        if not work.upstreams.renew(upstream.id, secret, ClientAuth(auth), certificate):
            refuse(f"There is no upstream {upstream_id}.")
        work.audit.append(_changed(upstream, renewed=True))
    say(f"{upstream.id} is asked by its new {'key' if certificate else 'secret'} from now on.")


@group.command(
    "certificate", help="Of our key there, to upload where it is not fetched.", context_settings=DASHED_IDS
)
@click.argument("upstream_id", metavar="ID")
def certificate(upstream_id: str) -> None:
    with open_context().database.read() as work:
        upstream = _get(work, upstream_id)
    say((upstream.certificate or refuse("It is shown a client secret.")).strip())


@group.command("show", help="All, or one by its id.", context_settings=DASHED_IDS)
@click.argument("upstream_id", metavar="[ID]", required=False)
@AS_JSON
def show(upstream_id: str | None, *, as_json: bool) -> None:
    with open_context().database.read() as work:
        found = work.upstreams.list_all() if upstream_id is None else [_get(work, upstream_id)]
        rows = [_told(work, upstream) for upstream in found]
    say_rows(rows, ("id", "municipality", "name", "issuer", "domains", "enabled"), as_json=as_json)


@group.command(
    "switch", help="On or off: off, it leads nobody there and lets nobody in.", context_settings=DASHED_IDS
)
@click.argument("upstream_id", metavar="ID")
@click.argument("to", type=click.Choice(["on", "off"]))
def switch(upstream_id: str, to: str) -> None:
    with open_context().database.begin() as work:
        upstream = _get(work, upstream_id)
        work.upstreams.switch(upstream.id, on=to == "on")
        work.audit.append(_changed(upstream, on=to == "on"))
    say(f"{upstream.id} is {to}.")


@group.command(
    "believe",
    help="Whether two factors there are two factors here, also for who is signed in already.",
    context_settings=DASHED_IDS,
)
@click.argument("upstream_id", metavar="ID")
@click.argument("to", type=click.Choice(["yes", "no"]))
@click.option("--mfa-acr", default="", help="An acr that says so beside amr; none without this.")
def believe(upstream_id: str, to: str, mfa_acr: str) -> None:
    is_believed = to == "yes"
    if mfa_acr and not is_believed:
        refuse("--mfa-acr counts only where it is believed.")
    with open_context().database.begin() as work:
        upstream = _get(work, upstream_id)
        work.upstreams.believe(upstream.id, on=is_believed, mfa_acr=mfa_acr)
        work.audit.append(
            _changed(upstream, believes_mfa=is_believed, **({"mfa_acr": mfa_acr} if mfa_acr else {}))
        )
    say(f"{upstream.id}: two factors there are {'two factors' if is_believed else 'one factor'} here.")


@group.command("remove", help="With every link to a person.", context_settings=DASHED_IDS)
@click.argument("upstream_id", metavar="ID")
def remove(upstream_id: str) -> None:
    with open_context().database.begin() as work:
        upstream = _get(work, upstream_id)
        work.upstreams.remove(upstream.id)
        work.invitations.revoke_of_source(upstream.id, work.effects.now())
        work.audit.append(_changed(upstream, removed=True))
    say(f"{upstream.id} is removed.")


@group.command("queue", help="Who came and has no account linked, the latest first.")
@click.argument("atvk", required=False)
@AS_JSON
def queue(atvk: str | None, *, as_json: bool) -> None:
    with open_context().database.read() as work:
        found = work.upstreams.list_arrivals(atvk)
    rows = [
        {
            "id": each.id,
            "upstream": each.upstream_id,
            "subject": each.subject,
            "name": each.name,
            "username": each.username,
        }
        for each in found
    ]
    say_rows(rows, ("id", "upstream", "subject", "name", "username"), as_json=as_json)


@group.command("link", help="From now on who came is this person.", context_settings=DASHED_IDS)
@click.argument("arrival_id", metavar="ARRIVAL")
@click.argument("username")
def link(arrival_id: str, username: str) -> None:
    context = open_context()
    method = leaving_method(Methods(context.methods()))
    event = Event(type=EventType.METHOD_ENROLLED, actor_id=_ACTOR)
    try:
        with context.database.begin() as work:
            arrival = work.upstreams.find_arrival(arrival_id) or refuse("Nobody waits by that id.")
            user = work.people.find_user_by_username(_canonical(username)) or refuse(
                "There is no such person."
            )
            upstream = _get(work, arrival.upstream_id)
            if not link_arrival(work, method, arrival, upstream, user, event):
                refuse("Nobody waits by that id.")
    except Refused:
        refuse("The person must act for that municipality and for nobody else.")
    except AlreadyExistsError:
        refuse("It is linked to somebody else.")
    say(f"{arrival.subject} is {user.username}.")


def _must_answer(context: Context, issuer: str) -> Metadata:
    """What cannot work is not stored."""
    try:
        require_fetchable(issuer)
        return Metadatas(context.outbound(), context.effects).get(issuer, Patience().begin())
    except (OutboundError, MetadataError) as error:
        refuse(f"Its discovery document cannot be used: {error}.")


def _must_make_sense(given: Mapping[str, Any], our_issuer: str) -> None:
    """Refuses what could let nobody in, or the wrong ones."""
    match = Match(given["match_by"])
    if fault := rule_fault(match, given["match_claim"], creates_accounts=given["creates_accounts"]):
        refuse(fault)
    if given["mfa_acr"] and not given["believes_mfa"]:
        refuse("--mfa-acr counts only with --believe-mfa.")
    if given["issuer"] == our_issuer:
        refuse("That is us.")
    host, path = urlsplit(given["issuer"]).hostname or "", urlsplit(given["issuer"]).path
    if host.startswith(_ENTRA_HOSTS):
        if not given["tenant"]:
            refuse("For Entra ID the tenant must be said: --tenant.")
        if given["tenant"] not in path.split("/") or given["tenant"] == _EVERYBODY_S_TENANT:
            refuse("The issuer of Entra ID must be that of the tenant, and of no personal accounts.")


def _shown_to(upstream_id: str, auth: ClientAuth, metadata: Metadata, context: Context) -> tuple[str, str]:
    """Secret and certificate: a key that is made now, or what stands on standard input."""
    if auth is ClientAuth.PRIVATE_KEY_JWT:
        if not metadata.takes_assertion:
            refuse("It does not offer private_key_jwt.")
        key = make_key(upstream_id, context.effects)
        return key.private, key.certificate
    secret = sys.stdin.read(_SECRET_AT_MOST).strip()
    return secret or refuse("The client secret is read from standard input, and there is none."), ""


def _addresses(issuer: str, upstream: Upstream) -> dict[str, str]:
    """To be registered there."""
    keys = {"jwks_uri": f"{issuer}{KEYS_PATH}/{upstream.id}"} if upstream.certificate else {}
    return {
        "redirect_uri": callback_of(issuer, upstream.id),
        "backchannel_logout_uri": issuer + LOGOUT_PATH,
        **keys,
    }


def _get(work: Work, upstream_id: str) -> Upstream:
    return work.upstreams.find(upstream_id) or refuse(f"There is no upstream {upstream_id}.")


def _domain(typed: str) -> str:
    return domain_of(f"a@{typed.removeprefix('@')}") or refuse(f"{typed} is no domain.")


def _canonical(username: str) -> str:
    try:
        return canonical_username(username)
    except ValueError as error:
        refuse(f"{error}.")


def _changed(upstream: Upstream, **detail: bool | str) -> Event:
    return Event(
        type=EventType.UPSTREAM_CHANGED,
        actor_id=_ACTOR,
        municipality=upstream.municipality,
        detail={"upstream": upstream.id, **detail},
    )


def _told(work: Work, upstream: Upstream) -> dict[str, Any]:
    return {
        "id": upstream.id,
        "municipality": upstream.municipality,
        "name": upstream.name,
        "issuer": upstream.issuer,
        "client_id": upstream.client_id,
        "auth": upstream.auth,
        "domains": work.upstreams.domains_of(upstream.id),
        "tenant": upstream.tenant,
        "believes_mfa": upstream.believes_mfa,
        "mfa_acr": upstream.mfa_acr,
        "match": upstream.match_by,
        "match_claim": upstream.match_claim,
        "creates_accounts": upstream.creates_accounts,
        "enabled": upstream.enabled,
    }
