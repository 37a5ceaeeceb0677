"""The command `visvaris`. Each subcommand is a file in `commands/`; here they are only gathered."""

import click

from idp.commands import (
    audit,
    case,
    client,
    database,
    directory,
    directory_links,
    directory_sync,
    keys,
    mail,
    mds,
    municipality,
    notices,
    policy,
    seed,
    serve,
    settings,
    smart_id,
    tickets,
    upstream,
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
    directory.group,
    policy.group,
    upstream.group,
    mds.group,
    notices.group,
    mail.group,
    smart_id.group,
    audit.group,
    case.group,
    settings.group,
):
    main.add_command(_command)
for _about_letters in tickets.COMMANDS:
    user.group.add_command(_about_letters)
for _about_links in directory_links.COMMANDS:
    directory.group.add_command(_about_links)
for _about_readings in directory_sync.COMMANDS:
    directory.group.add_command(_about_readings)

if __name__ == "__main__":
    main()
