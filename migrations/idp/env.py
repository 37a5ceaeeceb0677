"""Where Alembic meets the provider's tables; the connection is handed in by `idp/storage/migrate.py`."""

from alembic import context
from sqlalchemy import Connection

from idp.storage.schema import VERSION_TABLE, metadata

UPGRADE_LOCK = 7615290184
"""PostgreSQL advisory lock: of two upgrades at once, the second waits and then finds nothing to do."""


def run(connection: Connection) -> None:
    is_sqlite = connection.dialect.name == "sqlite"
    if is_sqlite:
        # A table altered by copying is dropped; with foreign keys on, rows that point to it would go with it.
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({UPGRADE_LOCK})")
    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table=VERSION_TABLE,
        render_as_batch=is_sqlite,
    )
    context.run_migrations()
    if is_sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise ValueError("the migration left rows that point nowhere; nothing was changed")
    connection.commit()


run(context.config.attributes["connection"])
