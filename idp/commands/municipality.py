"""`visvaris municipality`: the tenants."""

from dataclasses import asdict, replace
from ipaddress import ip_network
from typing import Any, Final

import click

from idp.commands.context import AS_JSON, open_context, refuse, say, say_json, say_rows
from idp.errors import AlreadyExistsError
from idp.events import Event, EventType
from idp.methods.base import label_from
from idp.models.municipality_rules import (
    REMEMBER_DAYS_AT_MOST,
    SHARED_IDLE_MINUTES_AT_MOST,
    VOUCHING_HOURS_AT_MOST,
    VOUCHING_HOURS_USUAL,
)
from idp.models.networks import Network
from idp.models.people import Municipality

_ACTOR: Final = "command-line"


@click.group("municipality", help="The municipalities.")
def group() -> None:
    pass


@group.command("list", help="All of them, in Latvian order.")
@AS_JSON
def list_all(*, as_json: bool) -> None:
    with open_context().database.read() as work:
        rows = [told(municipality) for municipality in work.people.municipalities()]
    say_rows(rows, ("atvk", "name", "stage"), as_json=as_json)


@group.command("show", help="One, by its ATVK code.")
@click.argument("atvk")
@AS_JSON
def show(atvk: str, *, as_json: bool) -> None:
    with open_context().database.read() as work:
        municipality = work.people.find_municipality(atvk)
        rules = work.municipality_rules.of(atvk)
    if municipality is None:
        refuse(f"There is no municipality with the code {atvk}.")
    answer = {**told(municipality), **asdict(rules)}
    if as_json:
        say_json(answer)
    else:
        say_rows(
            [{"member": n, "value": v} for n, v in answer.items()],
            ("member", "value"),
            as_json=False,
        )


@group.command("set", help="What a municipality decides about its people.")
@click.argument("atvk")
@click.option(
    "--remember-days",
    type=click.IntRange(0, REMEMBER_DAYS_AT_MOST),
    help="For so many days a computer may be remembered and asks for the password only; 0: never.",
)
@click.option(
    "--shared-idle-minutes",
    type=click.IntRange(1, SHARED_IDLE_MINUTES_AT_MOST),
    help="A session on a shared computer ends when it was unused for so many minutes.",
)
@click.option(
    "--vouching-hours",
    type=click.IntRange(0, VOUCHING_HOURS_AT_MOST),
    is_flag=False,
    flag_value=VOUCHING_HOURS_USUAL,
    help="Colleagues may vouch for who lost everything; for so many hours its owner can stop it. Without a "
    f"number {VOUCHING_HOURS_USUAL}; 0: nobody vouches.",
)
def set_rules(atvk: str, **given: int | None) -> None:
    """What is not named stays as it is."""
    decided = {name: value for name, value in given.items() if value is not None}
    if not decided:
        raise click.UsageError(
            "Name a rule to set: --remember-days, --shared-idle-minutes, --vouching-hours."
        )
    with open_context().database.begin() as work:
        if work.people.find_municipality(atvk) is None:
            refuse(f"There is no municipality with the code {atvk}.")
        rules = replace(work.municipality_rules.of(atvk), **decided)
        work.municipality_rules.put(atvk, rules)
        work.audit.append(
            Event(
                type=EventType.MUNICIPALITY_RULES_CHANGED,
                actor_id=_ACTOR,
                municipality=atvk,
                detail=asdict(rules),
            )
        )
    remembered = (
        f"computers are remembered for {rules.remember_days} days"
        if rules.remember_days
        else "no computer is remembered"
    )
    vouched = (
        f"colleagues vouch, and it can be stopped for {rules.vouching_hours} hours"
        if rules.vouching_hours
        else "nobody vouches for anybody"
    )
    say(f"{atvk}: {remembered}; shared ones wait for {rules.shared_idle_minutes} minutes; {vouched}.")


@group.group("network", help="Networks of a municipality, by the names that people know them by.")
def networks() -> None:
    pass


@networks.command("list", help="Those of one municipality, or all.")
@click.argument("atvk", required=False)
@AS_JSON
def list_networks(atvk: str | None, *, as_json: bool) -> None:
    with open_context().database.read() as work:
        found = [each for each in work.networks.list_all() if atvk in {None, each.municipality}]
    rows = [
        {"municipality": each.municipality, "cidr": each.cidr, "name": each.name, "shared": each.shared}
        for each in found
    ]
    say_rows(rows, ("municipality", "cidr", "name", "shared"), as_json=as_json)


@networks.command("add", help="Names a network, such as 192.0.2.0/24.")
@click.argument("atvk")
@click.argument("cidr")
@click.option("--name", required=True, help="As people call the place.")
@click.option("--shared", is_flag=True, help="Several people use each computer there.")
def add_network(atvk: str, cidr: str, *, name: str, shared: bool) -> None:
    context = open_context()
    canonical = _canonical(cidr)
    label = label_from(name)
    if not label:
        refuse("The name must not be empty.")
    network = Network(
        id=context.effects.new_id(), municipality=atvk, name=label, cidr=canonical, shared=shared
    )
    try:
        with context.database.begin() as work:
            if work.people.find_municipality(atvk) is None:
                refuse(f"There is no municipality with the code {atvk}.")
            work.networks.add(network)
            work.audit.append(_changed(atvk, network_added=canonical, shared=shared))
    except AlreadyExistsError:
        refuse(f"The network {canonical} has a name already.")
    say(f"{atvk}: {canonical} is {label}{', its computers are shared' if shared else ''}.")


@networks.command("remove", help="Forgets its name, and that its computers are shared.")
@click.argument("atvk")
@click.argument("cidr")
def remove_network(atvk: str, cidr: str) -> None:
    canonical = _canonical(cidr)
    with open_context().database.begin() as work:
        if not work.networks.remove(atvk, canonical):
            refuse(f"{atvk} has no network {canonical}.")
        work.audit.append(_changed(atvk, network_removed=canonical))
    say(f"{atvk}: {canonical} has no name.")


def _canonical(cidr: str) -> str:
    try:
        return str(ip_network(cidr))
    except ValueError:
        refuse(f"{cidr} is no network, such as 192.0.2.0/24.")


def _changed(atvk: str, **detail: str | int | bool) -> Event:
    return Event(type=EventType.MUNICIPALITY_RULES_CHANGED, actor_id=_ACTOR, municipality=atvk, detail=detail)


def told(municipality: Municipality) -> dict[str, Any]:
    return {
        "atvk": municipality.atvk,
        "iso_3166_2": municipality.iso_3166_2,
        "name": municipality.name,
        "authority": municipality.authority,
        "type": municipality.type,
        "stage": municipality.stage,
    }
