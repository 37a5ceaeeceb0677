"""Directories that are down, and accounts of ours with a keytab.

Whether a password kept here may be used while a directory does not answer, which none allows that did not say
so; whether each answers. Going back, directories whose account has a keytab are switched off: it is no
password.
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("directories") as directories:
        directories.add_column(sa.Column("fallback", sa.String(), nullable=False, server_default="none"))
        directories.add_column(sa.Column("bind", sa.String(), nullable=False, server_default="simple"))
    with op.batch_alter_table("directories") as directories:
        directories.alter_column("fallback", server_default=None)
        directories.alter_column("bind", server_default=None)
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
    op.execute("UPDATE directories SET enabled = false WHERE bind <> 'simple'")
    op.drop_column("directories", "bind")
    op.drop_column("directories", "fallback")
