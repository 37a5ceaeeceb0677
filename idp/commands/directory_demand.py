"""`visvaris directory require|offer`: whether a municipality's people must use its network's password."""

import click

from idp.commands.context import AS_JSON, Context, open_context, refuse, say, say_json, say_rows
from idp.login.standing import Standings
from idp.methods.registry import Methods
from idp.models.people import PolicyRule
from idp.people.directory_demand import DirectoryDemand, ShutOut

_ACTOR = "command-line"


@click.command("require", help="Its people sign in with the password of the network, and with none of ours.")
@click.argument("atvk")
@click.option("--dry-run", is_flag=True, help="Only say who would be shut out.")
@click.option("--shut-out", is_flag=True, help="Do it although people would be shut out.")
@AS_JSON
def require(atvk: str, *, dry_run: bool, shut_out: bool, as_json: bool) -> None:
    context = open_context()
    demand, rules = _read(context, atvk)
    with context.database.read() as work:
        if not any(each.municipality == atvk and each.enabled for each in work.directories.list_all()):
            refuse(f"{atvk} has no directory that is in use.")
    wanted = demand.changed(rules, required=True)
    losing = list(demand.shut_out(atvk, wanted))
    _say(losing, as_json=as_json)
    if dry_run:
        return
    if losing and not shut_out:
        refuse(
            f"{len(losing)} would be shut out. Link them (`visvaris directory link`) or give them another "
            "way; --shut-out does it all the same."
        )
    with context.database.begin() as work:
        demand.put(work, atvk, wanted, by=_ACTOR, shut_out=len(losing))


@click.command("offer", help="Its people may use the password of the network where they are linked, or ours.")
@click.argument("atvk")
def offer(atvk: str) -> None:
    context = open_context()
    demand, rules = _read(context, atvk)
    with context.database.begin() as work:
        demand.put(work, atvk, demand.changed(rules, required=False), by=_ACTOR, shut_out=0)
    say(f"{atvk}: the password of the network or ours.")


def _read(context: Context, atvk: str) -> tuple[DirectoryDemand, list[PolicyRule]]:
    methods = Methods(context.methods())
    standings = Standings(context.database, methods, context.effects)
    with context.database.read() as work:
        if work.people.find_municipality(atvk) is None:
            refuse(f"There is no municipality with the code {atvk}.")
        rules = work.rules.rules_for([atvk])
    if not rules:
        refuse(f"{atvk} has no rules: nobody may use anything there.")
    return DirectoryDemand(context.database, methods, standings), rules


def _say(losing: list[ShutOut], *, as_json: bool) -> None:
    rows = [
        {"username": each.username, "name": each.display_name, "linked": each.is_linked} for each in losing
    ]
    if as_json:
        say_json(rows)
    elif rows:
        say_rows(rows, ("username", "name", "linked"), as_json=False)
    else:
        say("Nobody is shut out.")
