"""Networks of municipalities."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "networks",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("municipality", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("cidr", sa.String(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality"],
            ["municipalities.atvk"],
            name="fk_networks_municipality_municipalities",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_networks"),
        sa.UniqueConstraint("cidr", name="uq_networks_cidr"),
    )
    op.create_index("ix_networks_municipality", "networks", ["municipality"])


def downgrade() -> None:
    op.drop_table("networks")
