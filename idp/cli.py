"""The command `visvaris`. Each subcommand is a file in `commands/`; here they are only named.

A file is loaded when its command is asked for, so that none waits for the others, and a server keeps none.
"""

from collections.abc import Iterator, MutableMapping
from functools import cache
from importlib import import_module
from typing import Final

import click

from idp.commands.context import Refusing

_FILES: Final = {
    "serve": ("serve",),
    "worker": ("worker",),
    "db": ("database",),
    "seed": ("seed",),
    "client": ("client",),
    "key": ("keys",),
    "user": ("user", "tickets"),
    "municipality": ("municipality",),
    "directory": ("directory", "directory_links", "directory_sync"),
    "policy": ("policy",),
    "upstream": ("upstream", "upstream_arrivals"),
    "mds": ("mds",),
    "notices": ("notices",),
    "mail": ("mail",),
    "smart-id": ("smart_id",),
    "audit": ("audit",),
    "case": ("case",),
    "settings": ("settings",),
}
"""By the command's name: its file, with a `command` or a `group`, and those whose `COMMANDS` belong to it."""


class _Commands(MutableMapping[str, click.Command]):
    """Those of `_FILES`, each from the first time it is looked at; as click keeps its commands."""

    def __getitem__(self, name: str) -> click.Command:
        return _load(name)

    def __iter__(self) -> Iterator[str]:
        return iter(_FILES)

    def __len__(self) -> int:
        return len(_FILES)

    def __contains__(self, name: object) -> bool:
        return name in _FILES

    def __setitem__(self, name: str, command: click.Command) -> None:
        raise TypeError("commands are named in a table")

    def __delitem__(self, name: str) -> None:
        raise TypeError("commands are named in a table")


@cache
def _load(name: str) -> click.Command:
    """Raises KeyError for a name that is none."""
    first, *more = (import_module(f"idp.commands.{file}") for file in _FILES[name])
    command: click.Command = first.command if hasattr(first, "command") else first.group
    if isinstance(command, click.Group):
        for file in more:
            for each in file.COMMANDS:
                command.add_command(each)
    return command


@click.group(
    cls=Refusing, help="visvaris.lv: sign-in for the municipalities of Latvia.", commands=_Commands()
)
def main() -> None:
    pass


if __name__ == "__main__":
    main()
