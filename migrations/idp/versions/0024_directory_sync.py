"""What is known of directories since they were read last, and what each reading of them did."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("directories", sa.Column("sync_minutes", sa.Integer(), nullable=True))
    op.add_column("directories", sa.Column("sync_share", sa.Integer(), nullable=False, server_default="10"))
    op.add_column(
        "directories", sa.Column("when_gone", sa.String(), nullable=False, server_default="this_method")
    )
    with op.batch_alter_table("directories") as table:
        table.alter_column("sync_share", server_default=None)
        table.alter_column("when_gone", server_default=None)
    op.create_table(
        "directory_syncs",
        sa.Column("directory_id", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("usn", sa.BigInteger(), nullable=False),
        sa.Column("full_at", sa.Double(), nullable=True),
        sa.Column("described_at", sa.Double(), nullable=True),
        sa.Column("begun_at", sa.Double(), nullable=True),
        sa.Column("lease", sa.String(length=64), nullable=True),
        sa.Column("lease_until", sa.Double(), nullable=True),
        in_directory("directory_syncs"),
        sa.PrimaryKeyConstraint("directory_id", name="pk_directory_syncs"),
    )
    op.create_table(
        "directory_sync_runs",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("directory_id", sa.String(length=64), nullable=False),
        sa.Column("is_full", sa.Boolean(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("described_at", sa.Double(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("usn", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("base", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("finished_at", sa.Double(), nullable=True),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("confirmed_by", sa.String(), nullable=True),
        in_directory("directory_sync_runs"),
        sa.PrimaryKeyConstraint("id", name="pk_directory_sync_runs"),
    )
    op.create_index(
        "ix_directory_sync_runs_directory_id", "directory_sync_runs", ["directory_id", "started_at"]
    )
    op.create_table(
        "directory_sync_entries",
        sa.Column("run_id", sa.String(length=64), nullable=False),
        sa.Column("object_guid", sa.String(length=36), nullable=False),
        sa.Column("told", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["directory_sync_runs.id"],
            name="fk_directory_sync_entries_run_id_directory_sync_runs",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("run_id", "object_guid", name="pk_directory_sync_entries"),
    )
    op.create_table(
        "directory_link_states",
        sa.Column("credential_id", sa.String(length=64), nullable=False),
        sa.Column("directory_id", sa.String(length=64), nullable=False),
        sa.Column("presence", sa.String(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=True),
        sa.Column("groups", sa.JSON(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("blocked_at", sa.Double(), nullable=True),
        sa.Column("blocked_user_at", sa.Double(), nullable=True),
        sa.Column("ended_posts", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["credential_id"],
            ["credentials.id"],
            name="fk_directory_link_states_credential_id_credentials",
            ondelete="CASCADE",
        ),
        in_directory("directory_link_states"),
        sa.PrimaryKeyConstraint("credential_id", name="pk_directory_link_states"),
    )
    op.create_index("ix_directory_link_states_directory_id", "directory_link_states", ["directory_id"])
    op.create_table(
        "directory_roles",
        sa.Column("directory_id", sa.String(length=64), nullable=False),
        sa.Column("employment_id", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["employment_id"],
            ["employments.id"],
            name="fk_directory_roles_employment_id_employments",
            ondelete="CASCADE",
        ),
        in_directory("directory_roles"),
        sa.PrimaryKeyConstraint("directory_id", "employment_id", "role", name="pk_directory_roles"),
    )


def downgrade() -> None:
    op.drop_table("directory_roles")
    op.drop_table("directory_link_states")
    op.drop_table("directory_sync_entries")
    op.drop_table("directory_sync_runs")
    op.drop_table("directory_syncs")
    op.drop_column("directories", "when_gone")
    op.drop_column("directories", "sync_share")
    op.drop_column("directories", "sync_minutes")


def in_directory(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["directory_id"],
        ["directories.id"],
        name=f"fk_{table}_directory_id_directories",
        ondelete="CASCADE",
    )
