"""Computers that are remembered, and the municipality's rule that allows it. Nobody allows it at first."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "municipality_rules",
        sa.Column("atvk", sa.String(64), nullable=False),
        sa.Column("remember_days", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("atvk", name="pk_municipality_rules"),
        sa.ForeignKeyConstraint(
            ["atvk"],
            ["municipalities.atvk"],
            name="fk_municipality_rules_atvk_municipalities",
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "remembered_computers",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("series_hash", sa.String(64), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("browser_hash", sa.String(64), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("credential_id", sa.String(64), nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.Column("last_used_at", sa.Double(), nullable=False),
        sa.Column("rotated_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.Column("user_agent", sa.String(), nullable=False),
        sa.Column("previous_hash", sa.String(64), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_remembered_computers"),
        sa.UniqueConstraint("series_hash", name="uq_remembered_computers_series_hash"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_remembered_computers_user_id_users", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_remembered_computers_user_id", "remembered_computers", ["user_id"])


def downgrade() -> None:
    op.drop_table("remembered_computers")
    op.drop_table("municipality_rules")
