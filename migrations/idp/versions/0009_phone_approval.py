"""Approval on the phone: leave to use it by the first rules.

A rule that somebody changed since stays as it is: what it does not name is not allowed.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

FIRST = ["passkey", "password", "recovery_code", "security_key", "totp"]
NOW_FIRST = ["passkey", "password", "phone_approval", "recovery_code", "security_key", "totp"]

rules = sa.table("policy_rules", sa.column("id", sa.String), sa.column("methods", sa.JSON))


def upgrade() -> None:
    replace_rules(FIRST, NOW_FIRST)


def downgrade() -> None:
    replace_rules(NOW_FIRST, FIRST)
    op.execute("DELETE FROM credentials WHERE method = 'phone_approval'")


def replace_rules(old: list[str], new: list[str]) -> None:
    connection = op.get_bind()
    for row in connection.execute(sa.select(rules.c.id, rules.c.methods)).all():
        if sorted(row.methods) == old:
            connection.execute(sa.update(rules).where(rules.c.id == row.id).values(methods=new))
