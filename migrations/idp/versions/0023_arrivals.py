"""Who comes for the first time from a directory: by what they are known, who waits, and invitations.

Directories that are there link nobody by themselves, and give nobody an account.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("directories") as directories:
        directories.add_column(sa.Column("arrival", sa.String(), nullable=False, server_default="nothing"))
        directories.add_column(
            sa.Column("creates_accounts", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    # The defaults were for rows that were there; the model gives every new one its values.
    with op.batch_alter_table("directories") as directories:
        directories.alter_column("arrival", server_default=None)
        directories.alter_column("creates_accounts", server_default=None)
    op.create_table(
        "directory_arrivals",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("directory_id", sa.String(length=64), nullable=False),
        sa.Column("object_guid", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("account_name", sa.String(), nullable=False),
        sa.Column("first_at", sa.Double(), nullable=False),
        sa.Column("last_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["directory_id"],
            ["directories.id"],
            name="fk_directory_arrivals_directory_id_directories",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_directory_arrivals"),
        sa.UniqueConstraint(
            "directory_id", "object_guid", name="uq_directory_arrivals_directory_id_object_guid"
        ),
    )
    op.create_index("ix_directory_arrivals_last_at", "directory_arrivals", ["last_at"])
    op.create_table(
        "invitations",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("maker_municipality", sa.String(length=64), nullable=True),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.Column("used_at", sa.Double(), nullable=True),
        sa.Column("revoked_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_invitations_user_id_users", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_invitations"),
        sa.UniqueConstraint("code_hash", name="uq_invitations_code_hash"),
    )
    op.create_index("ix_invitations_user_id", "invitations", ["user_id"])
    op.create_index("ix_invitations_source", "invitations", ["source"])


def downgrade() -> None:
    op.drop_table("invitations")
    op.drop_table("directory_arrivals")
    with op.batch_alter_table("directories") as directories:
        directories.drop_column("creates_accounts")
        directories.drop_column("arrival")
