"""Shared computers: how long sessions wait, an index that finds them. Remembered ones: no token before."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

SHARED_AND_OPEN = sa.text("shared AND ended_at IS NULL")


def upgrade() -> None:
    with op.batch_alter_table("municipality_rules") as rules:
        rules.add_column(sa.Column("shared_idle_minutes", sa.Integer(), nullable=False, server_default="10"))
    # The default was for rows that were there; the model gives every new one a value.
    with op.batch_alter_table("municipality_rules") as rules:
        rules.alter_column("shared_idle_minutes", server_default=None)
    op.create_index(
        "ix_sessions_last_seen_at",
        "sessions",
        ["last_seen_at"],
        sqlite_where=SHARED_AND_OPEN,
        postgresql_where=SHARED_AND_OPEN,
    )

    with op.batch_alter_table("remembered_computers") as computers:
        computers.drop_column("previous_hash")


def downgrade() -> None:
    with op.batch_alter_table("remembered_computers") as computers:
        computers.add_column(sa.Column("previous_hash", sa.String(64), nullable=True))
    op.drop_index("ix_sessions_last_seen_at", "sessions")
    with op.batch_alter_table("municipality_rules") as rules:
        rules.drop_column("shared_idle_minutes")
