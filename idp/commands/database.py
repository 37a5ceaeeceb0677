"""`visvaris db`: the schema, and the municipalities that come with it."""

import click

from idp.commands.context import load_settings, open_context, say
from idp.storage import municipalities
from idp.storage.revision import EXPECTED_REVISION


@click.group("db", help="The database's schema.")
def group() -> None:
    pass


@group.command(
    "upgrade", help="Bring the database to what this version expects, and load the municipalities."
)
def upgrade() -> None:
    from idp.storage import migrate  # Alembic takes its time to load, and no other command needs it

    migrate.upgrade(load_settings().database_url)
    context = open_context()
    with context.database.begin() as work:
        added = municipalities.load(work)
    say(f"The database is at revision {EXPECTED_REVISION}; municipalities added: {added}.")


@group.command("check", help="Say whether the database is as this version expects.")
def check() -> None:
    open_context().database.check_migrated()
    say(f"The database is at revision {EXPECTED_REVISION}.")
