"""`visvaris municipality`: the tenants."""

from typing import Any

import click

from idp.commands.context import AS_JSON, open_context, refuse, say_json, say_rows
from idp.models.people import Municipality


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
    if municipality is None:
        refuse(f"There is no municipality with the code {atvk}.")
    if as_json:
        say_json(told(municipality))
    else:
        say_rows(
            [{"member": n, "value": v} for n, v in told(municipality).items()],
            ("member", "value"),
            as_json=False,
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
