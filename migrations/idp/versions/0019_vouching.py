"""Getting back in by colleagues who vouch, and the rule that allows it. Nobody allows it at first."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("municipality_rules") as rules:
        rules.add_column(sa.Column("vouching_hours", sa.Integer(), nullable=False, server_default="0"))
    # The default was for rows that were there; the model gives every new one a value.
    with op.batch_alter_table("municipality_rules") as rules:
        rules.alter_column("vouching_hours", server_default=None)
    op.create_table(
        "vouching_requests",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=True),
        sa.Column("municipality", sa.String(length=64), nullable=True),
        sa.Column("named", sa.String(length=64), nullable=False),
        sa.Column("browser", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("user_agent", sa.String(), nullable=False),
        sa.Column("shown", sa.Integer(), nullable=False),
        sa.Column("choices", sa.JSON(), nullable=False),
        sa.Column("stop_hash", sa.String(length=64), nullable=False),
        sa.Column("asked_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.Column("first_voucher", sa.String(length=64), nullable=True),
        sa.Column("first_at", sa.Double(), nullable=True),
        sa.Column("second_voucher", sa.String(length=64), nullable=True),
        sa.Column("second_at", sa.Double(), nullable=True),
        sa.Column("ready_at", sa.Double(), nullable=True),
        sa.Column("finished_at", sa.Double(), nullable=True),
        sa.Column("ticket_id", sa.String(length=64), nullable=True),
        sa.Column("stopped_at", sa.Double(), nullable=True),
        sa.Column("stopped_by", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_vouching_requests_user_id_users", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_vouching_requests"),
        sa.UniqueConstraint("number", name="uq_vouching_requests_number"),
    )
    is_open = sa.text("stopped_at IS NULL AND finished_at IS NULL")
    op.create_index(
        "ix_vouching_requests_open",
        "vouching_requests",
        ["browser", "named"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_index("ix_vouching_requests_user_id", "vouching_requests", ["user_id"])
    op.create_index("ix_vouching_requests_stop_hash", "vouching_requests", ["stop_hash"])


def downgrade() -> None:
    op.drop_table("vouching_requests")
    with op.batch_alter_table("municipality_rules") as rules:
        rules.drop_column("vouching_hours")
