"""When a person's sessions were ended all at once: sign-ins that were half-way then begin none."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("proofs_not_before", sa.Double(), nullable=True))


def downgrade() -> None:
    op.drop_column("users", "proofs_not_before")
