"""Sessions on computers that several people use."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("sessions") as sessions:
        sessions.add_column(sa.Column("shared", sa.Boolean(), nullable=False, server_default=sa.false()))
    # The default was for rows that were there; the model gives every new one a value.
    with op.batch_alter_table("sessions") as sessions:
        sessions.alter_column("shared", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("sessions") as sessions:
        sessions.drop_column("shared")
