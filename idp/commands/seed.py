"""`visvaris seed`: the demonstration that `make run` shows."""

from dataclasses import asdict

import click

from idp.commands.context import AS_JSON, open_context, refuse, say, say_json, say_rows
from idp.seed.demonstration import RealPeopleError, seed


@click.group("seed", help="Data for trying things out.")
def group() -> None:
    pass


@group.command(
    "demo", help="Fill an empty database with people and applications whose credentials are public."
)
@AS_JSON
def demo(*, as_json: bool) -> None:
    context = open_context()
    try:
        made = seed(context.database, context.methods(), context.effects, issuer=context.settings.issuer)
    except RealPeopleError:
        refuse("The database has real users; the demonstration belongs into a database of its own.")
    if as_json:
        say_json(asdict(made))
        return
    say("Who can sign in (for trying things out; everybody knows these):")
    say_rows(made.users, ("username", "password", "totp_secret", "municipalities", "roles"), as_json=False)
