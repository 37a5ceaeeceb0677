"""Cases of "it was not me"; the language a person chose; a person's events in order.

The index by user alone made whoever reads the latest of somebody's events sort all of them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("language", sa.String(), nullable=True))
    op.create_index("ix_audit_events_user_id_seq", "audit_events", ["user_id", "seq"])
    op.drop_index("ix_audit_events_user_id", "audit_events")
    op.create_table(
        "cases",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("opened_at", sa.Double(), nullable=False),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.Column("finished_at", sa.Double(), nullable=True),
        sa.Column("closed_at", sa.Double(), nullable=True),
        sa.Column("closed_by", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_cases_user_id_users", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_cases"),
    )
    unfinished = sa.text("finished_at IS NULL AND closed_at IS NULL")
    op.create_index(
        "ix_cases_unfinished",
        "cases",
        ["user_id"],
        unique=True,
        sqlite_where=unfinished,
        postgresql_where=unfinished,
    )
    op.create_index("ix_cases_user_id", "cases", ["user_id"])
    op.create_table(
        "case_municipalities",
        sa.Column("case_id", sa.String(length=64), nullable=False),
        sa.Column("municipality", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["cases.id"], name="fk_case_municipalities_case_id_cases", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("case_id", "municipality", name="pk_case_municipalities"),
    )
    op.create_index("ix_case_municipalities_municipality", "case_municipalities", ["municipality"])
    op.create_table(
        "case_reports",
        sa.Column("event_seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("case_id", sa.String(length=64), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["case_id"], ["cases.id"], name="fk_case_reports_case_id_cases", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("event_seq", name="pk_case_reports"),
    )
    op.create_index("ix_case_reports_case_id", "case_reports", ["case_id"])


def downgrade() -> None:
    op.drop_table("case_reports")
    op.drop_table("case_municipalities")
    op.drop_table("cases")
    op.create_index("ix_audit_events_user_id", "audit_events", ["user_id"])
    op.drop_index("ix_audit_events_user_id_seq", "audit_events")
    op.drop_column("users", "language")
