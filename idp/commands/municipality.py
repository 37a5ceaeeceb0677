"""`visvaris municipality`: the tenants."""

from typing import Any, Final

import click

from idp.commands.context import AS_JSON, open_context, refuse, say, say_json, say_rows
from idp.events import Event, EventType
from idp.models.municipality_rules import REMEMBER_DAYS_AT_MOST, MunicipalityRules
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
    answer = {**told(municipality), "remember_days": rules.remember_days}
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
    required=True,
    help="For so many days a computer may be remembered and asks for the password only; 0: never.",
)
def set_rules(atvk: str, *, remember_days: int) -> None:
    with open_context().database.begin() as work:
        if work.people.find_municipality(atvk) is None:
            refuse(f"There is no municipality with the code {atvk}.")
        work.municipality_rules.put(atvk, MunicipalityRules(remember_days=remember_days))
        work.audit.append(
            Event(
                type=EventType.MUNICIPALITY_RULES_CHANGED,
                actor_id=_ACTOR,
                municipality=atvk,
                detail={"remember_days": remember_days},
            )
        )
    say(
        f"{atvk}: computers are remembered for {remember_days} days."
        if remember_days
        else f"{atvk}: no computer is remembered."
    )


def told(municipality: Municipality) -> dict[str, Any]:
    return {
        "atvk": municipality.atvk,
        "iso_3166_2": municipality.iso_3166_2,
        "name": municipality.name,
        "authority": municipality.authority,
        "type": municipality.type,
        "stage": municipality.stage,
    }
