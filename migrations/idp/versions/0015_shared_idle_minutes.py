"""How long a session on a shared computer waits, as its person's municipality decides."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("municipality_rules") as rules:
        rules.add_column(sa.Column("shared_idle_minutes", sa.Integer(), nullable=False, server_default="10"))
    # The default was for rows that were there; the model gives every new one a value.
    with op.batch_alter_table("municipality_rules") as rules:
        rules.alter_column("shared_idle_minutes", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("municipality_rules") as rules:
        rules.drop_column("shared_idle_minutes")
