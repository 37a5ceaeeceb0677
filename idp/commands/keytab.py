"""`visvaris directory keytab`: the keys by which tickets of a directory's realm are accepted."""

from typing import BinaryIO, Final
from urllib.parse import urlsplit

import click

from idp.commands.context import AS_JSON, Context, note, open_context, refuse, say, say_json, say_rows
from idp.gateways.kerberos import acceptor
from idp.gateways.kerberos.keytab import BYTES_AT_MOST
from idp.models.directories import Directory
from idp.people import keytabs

_ACTOR: Final = "command-line"


@click.command("keytab", help="Take keys from FILE (- is standard input), or show which there are.")
@click.argument("atvk")
@click.argument("name")
@click.argument("file", required=False, type=click.File("rb"))
@click.option("--remove", "removes", is_flag=True, help="Forget them: nobody signs in by a ticket any more.")
@click.option(
    "--automatic/--by-click",
    "automatic",
    default=None,
    help="Whether browsers in the municipality's networks are asked at once, or when the button is pressed.",
)
@AS_JSON
def keytab(
    atvk: str, name: str, file: BinaryIO | None, *, removes: bool, automatic: bool | None, as_json: bool
) -> None:
    context = open_context()
    with context.database.read() as work:
        directory = work.directories.find_by_name(atvk, name)
    if directory is None:
        refuse(f"{atvk} has no directory {name}.")
    if removes:
        _remove(context, directory)
        return
    if file is not None or automatic is not None:
        _keep(context, directory, file, automatic=automatic)
    _show(context, directory, as_json=as_json)


def _remove(context: Context, directory: Directory) -> None:
    with context.database.begin() as work:
        if not keytabs.remove(work, directory, by=_ACTOR):
            refuse("It has no keys.")
    say(f"{directory.name}: no ticket is accepted any more.")


def _keep(context: Context, directory: Directory, file: BinaryIO | None, *, automatic: bool | None) -> None:
    """New keys with the old choice, or a new choice for the old keys."""
    with context.database.read() as work:
        known = keytabs.kept(work, directory)
    keys = known[0] if known else []
    if file is not None:
        host = urlsplit(context.settings.issuer).hostname or ""
        try:
            found = keytabs.sorted_out(file.read(BYTES_AT_MOST + 1), directory, host)
        except keytabs.KeytabError as error:
            refuse(str(error))
        keys = list(found.kept)
        for key in found.left_out:
            note(f"Left out: {key.principal}, kvno {key.kvno}, {keytabs.shown(key)['enctype']}.")
    if not keys:
        refuse("It has no keys yet.")
    chosen = (known[1] if known else False) if automatic is None else automatic
    with context.database.begin() as work:
        keytabs.keep(work, directory, keys, context.effects, automatic=chosen, by=_ACTOR)
    if not acceptor.is_available():
        note("gssapi is not installed here (visvaris[ad]); without it no ticket can be accepted.")


def _show(context: Context, directory: Directory, *, as_json: bool) -> None:
    with context.database.read() as work:
        known = keytabs.kept(work, directory)
    if known is None:
        refuse("It has no keys yet.")
    keys, automatic = known
    rows = [keytabs.shown(key) for key in keys]
    if as_json:
        say_json({"automatic": automatic, "keys": rows})
        return
    say_rows(rows, ("principal", "kvno", "enctype"), as_json=False)
    say("Browsers are asked at once." if automatic else "Browsers are asked when the button is pressed.")
