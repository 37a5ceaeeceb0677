"""The command `visvaris`. Each subcommand is a file in `commands/`; here they are only gathered."""

import click

from idp.commands import (
    audit,
    case,
    client,
    database,
    keys,
    municipality,
    notices,
    policy,
    seed,
    serve,
    settings,
    user,
    worker,
)
from idp.commands.context import Refusing


@click.group(cls=Refusing, help="visvaris.lv: sign-in for the municipalities of Latvia.")
def main() -> None:
    pass


for _command in (
    serve.command,
    worker.command,
    database.group,
    seed.group,
    client.group,
    keys.group,
    user.group,
    municipality.group,
    policy.group,
    notices.group,
    audit.group,
    case.group,
    settings.group,
):
    main.add_command(_command)

if __name__ == "__main__":
    main()
