"""Passkeys and security keys: what a credential is known by; and leave to use them by the first rules.

A rule that somebody changed since stays as it is: what it does not name is not allowed.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

FIRST = ["password", "recovery_code", "totp"]
NOW_FIRST = ["passkey", "password", "recovery_code", "security_key", "totp"]

rules = sa.table("policy_rules", sa.column("id", sa.String), sa.column("methods", sa.JSON))


def upgrade() -> None:
    with op.batch_alter_table("credentials") as credentials:
        credentials.add_column(sa.Column("key_id", sa.String(), nullable=True))
        credentials.add_column(sa.Column("public_key", sa.String(), nullable=True))
        credentials.add_column(sa.Column("user_handle", sa.String(), nullable=True))
        credentials.add_column(sa.Column("sign_count", sa.BigInteger(), nullable=False, server_default="0"))
        credentials.add_column(sa.Column("aaguid", sa.String(), nullable=True))
        credentials.add_column(sa.Column("transports", sa.String(), nullable=False, server_default=""))
        credentials.add_column(sa.Column("backup", sa.String(), nullable=True))
        credentials.add_column(sa.Column("blocked_at", sa.Double(), nullable=True))
        credentials.create_unique_constraint("uq_credentials_key_id", ["key_id"])
    # The default was for rows that were there; the models give every new one a value.
    with op.batch_alter_table("credentials") as credentials:
        credentials.alter_column("sign_count", server_default=None)
        credentials.alter_column("transports", server_default=None)
    replace_rules(FIRST, NOW_FIRST)


def downgrade() -> None:
    replace_rules(NOW_FIRST, FIRST)
    op.execute("DELETE FROM credentials WHERE key_id IS NOT NULL")
    with op.batch_alter_table("credentials") as credentials:
        credentials.drop_constraint("uq_credentials_key_id", type_="unique")
        for column in (
            "blocked_at",
            "backup",
            "transports",
            "aaguid",
            "sign_count",
            "user_handle",
            "public_key",
        ):
            credentials.drop_column(column)
        credentials.drop_column("key_id")


def replace_rules(old: list[str], new: list[str]) -> None:
    connection = op.get_bind()
    for row in connection.execute(sa.select(rules.c.id, rules.c.methods)).all():
        if sorted(row.methods) == old:
            connection.execute(sa.update(rules).where(rules.c.id == row.id).values(methods=new))
