"""Whether a password kept here may be used while a directory does not answer, and whether each answers.

No directory allows it that did not say so.
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("directories") as directories:
        directories.add_column(sa.Column("fallback", sa.String(), nullable=False, server_default="none"))
    with op.batch_alter_table("directories") as directories:
        directories.alter_column("fallback", server_default=None)
    op.create_table(
        "directory_states",
        sa.Column("directory_id", sa.String(length=64), nullable=False),
        sa.Column("fault", sa.String(), nullable=False),
        sa.Column("told", sa.String(), nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=False),
        sa.Column("silent", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["directory_id"],
            ["directories.id"],
            name="fk_directory_states_directory_id_directories",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("directory_id", name="pk_directory_states"),
    )


def downgrade() -> None:
    op.drop_table("directory_states")
    op.drop_column("directories", "fallback")
