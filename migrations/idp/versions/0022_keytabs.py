"""Keys by which Kerberos tickets of directories are accepted; leave to use them by the first rules.

A rule that somebody has narrowed stays as it is. Nobody signs in by a ticket before a directory has keys, and
never to run the system.
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

METHOD = "kerberos"
FIRST = {"directory", "passkey", "password", "phone_approval", "recovery_code", "security_key", "totp"}

rules = sa.table(
    "policy_rules", sa.column("id", sa.String), sa.column("scope", sa.String), sa.column("methods", sa.JSON)
)


def upgrade() -> None:
    op.create_table(
        "directory_keytabs",
        sa.Column("directory_id", sa.String(length=64), nullable=False),
        sa.Column("keytab_sealed", sa.String(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["directory_id"],
            ["directories.id"],
            name="fk_directory_keytabs_directory_id_directories",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("directory_id", name="pk_directory_keytabs"),
    )
    replace_rules(lambda methods: methods if METHOD in methods else sorted([*methods, METHOD]))


def downgrade() -> None:
    replace_rules(lambda methods: [each for each in methods if each != METHOD])
    op.drop_table("directory_keytabs")


def replace_rules(anew) -> None:
    """Of those that allow all that the first rules do."""
    connection = op.get_bind()
    for row in connection.execute(sa.select(rules.c.id, rules.c.scope, rules.c.methods)).all():
        if row.scope != "operator" and set(row.methods) >= FIRST:
            connection.execute(sa.update(rules).where(rules.c.id == row.id).values(methods=anew(row.methods)))
