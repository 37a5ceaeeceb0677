"""Who owns an account, confirmed once."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "confirmations",
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("person_index", sa.String(), nullable=False),
        sa.Column("names_sealed", sa.String(), nullable=False),
        sa.Column("confirmed_by", sa.String(), nullable=False),
        sa.Column("assurance", sa.String(), nullable=False),
        sa.Column("country", sa.String(), nullable=False),
        sa.Column("confirmed_at", sa.Double(), nullable=False),
        sa.Column("consent_version", sa.String(), nullable=False),
        sa.Column("consent_language", sa.String(), nullable=False),
        sa.Column("flow", sa.String(), nullable=False),
        sa.Column("certificate_fingerprint", sa.String(), nullable=False),
        sa.Column("evidence", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_confirmations_user_id_users", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name="pk_confirmations"),
        sa.UniqueConstraint("person_index", name="uq_confirmations_person_index"),
    )


def downgrade() -> None:
    op.drop_table("confirmations")
