"""OpenID providers of municipalities may have accounts made for whom nobody is found.

Those that are there make none until somebody says so.
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("upstreams") as upstreams:
        upstreams.add_column(
            sa.Column("creates_accounts", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    # The default was for rows that were there; the model gives every new one its value.
    with op.batch_alter_table("upstreams") as upstreams:
        upstreams.alter_column("creates_accounts", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("upstreams") as upstreams:
        upstreams.drop_column("creates_accounts")
