"""Tickets with which a person sets up a way of signing in."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "enrolment_tickets",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("municipality", sa.String(length=64), nullable=True),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.Column("used_at", sa.Double(), nullable=True),
        sa.Column("revoked_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_enrolment_tickets"),
        sa.UniqueConstraint("code_hash", name="uq_enrolment_tickets_code_hash"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_enrolment_tickets_user_id_users", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_enrolment_tickets_user_id", "enrolment_tickets", ["user_id"])


def downgrade() -> None:
    op.drop_table("enrolment_tickets")
