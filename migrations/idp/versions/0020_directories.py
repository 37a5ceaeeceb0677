"""Directories of municipalities, and who is which of their entries; leave to use them by the first rules.

A rule that somebody changed since stays as it is: what it does not name is not allowed. Nobody signs in by a
directory before one is added, and never to run the system.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

FIRST = ["passkey", "password", "phone_approval", "recovery_code", "security_key", "totp"]
NOW_FIRST = ["directory", *FIRST]

rules = sa.table(
    "policy_rules", sa.column("id", sa.String), sa.column("scope", sa.String), sa.column("methods", sa.JSON)
)


def upgrade() -> None:
    op.create_table(
        "directories",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("municipality", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("controllers", sa.JSON(), nullable=False),
        sa.Column("encryption", sa.String(), nullable=False),
        sa.Column("ca_certificates", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("password_sealed", sa.String(), nullable=False),
        sa.Column("base_dns", sa.JSON(), nullable=False),
        sa.Column("user_filter", sa.String(), nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("upn_suffixes", sa.JSON(), nullable=False),
        sa.Column("netbios_name", sa.String(), nullable=False),
        sa.Column("realm", sa.String(), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("attempt_minutes", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.Column("change_url", sa.String(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality"],
            ["municipalities.atvk"],
            name="fk_directories_municipality_municipalities",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_directories"),
        sa.UniqueConstraint("municipality", "name", name="uq_directories_municipality_name"),
    )
    op.create_table(
        "directory_links",
        sa.Column("credential_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("directory_id", sa.String(length=64), nullable=False),
        sa.Column("object_guid", sa.String(length=36), nullable=False),
        sa.Column("linked_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["credential_id"],
            ["credentials.id"],
            name="fk_directory_links_credential_id_credentials",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_directory_links_user_id_users", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["directory_id"],
            ["directories.id"],
            name="fk_directory_links_directory_id_directories",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("credential_id", name="pk_directory_links"),
        sa.UniqueConstraint(
            "directory_id", "object_guid", name="uq_directory_links_directory_id_object_guid"
        ),
        sa.UniqueConstraint("directory_id", "user_id", name="uq_directory_links_directory_id_user_id"),
    )
    op.create_index("ix_directory_links_user_id", "directory_links", ["user_id"])
    op.add_column("credentials", sa.Column("vouched_by", sa.String(length=64), nullable=True))
    replace_rules(FIRST, NOW_FIRST)


def downgrade() -> None:
    replace_rules(NOW_FIRST, FIRST)
    op.drop_table("directory_links")
    op.drop_table("directories")
    op.execute("DELETE FROM credentials WHERE method = 'directory'")
    op.drop_column("credentials", "vouched_by")


def replace_rules(old: list[str], new: list[str]) -> None:
    connection = op.get_bind()
    for row in connection.execute(sa.select(rules.c.id, rules.c.scope, rules.c.methods)).all():
        if row.scope != "operator" and sorted(row.methods) == old:
            connection.execute(sa.update(rules).where(rules.c.id == row.id).values(methods=new))
