"""What FIDO's list says of authenticators, what is demanded of keys, and what is known of each key.

The operator's demand holds from the start: keys of its administrators stay on one device, or are attested.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "authenticator_metadata",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("next_update", sa.Double(), nullable=False),
        sa.Column("loaded_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_authenticator_metadata"),
    )
    op.create_table(
        "authenticator_models",
        sa.Column("aaguid", sa.String(64), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("status_reports", sa.JSON(), nullable=False),
        sa.Column("attestation_types", sa.JSON(), nullable=False),
        sa.Column("roots", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("aaguid", name="pk_authenticator_models"),
    )
    demands = op.create_table(
        "attestation_rules",
        sa.Column("scope", sa.String(64), nullable=False),
        sa.Column("role", sa.String(64), nullable=False),
        sa.Column("attestation", sa.String(), nullable=False),
        sa.Column("aaguids", sa.JSON(), nullable=False),
        sa.Column("binding", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "role", name="pk_attestation_rules"),
    )
    op.bulk_insert(
        demands,
        [
            {
                "scope": "operator",
                "role": "",
                "attestation": "none",
                "aaguids": [],
                "binding": "device_bound_or_attested",
            }
        ],
    )
    with op.batch_alter_table("credentials") as credentials:
        credentials.add_column(sa.Column("algorithm", sa.Integer(), nullable=True))
        credentials.add_column(sa.Column("attestation", sa.String(), nullable=True))
        credentials.add_column(sa.Column("kind", sa.String(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("credentials") as credentials:
        for column in ("kind", "attestation", "algorithm"):
            credentials.drop_column(column)
    for table in ("attestation_rules", "authenticator_models", "authenticator_metadata"):
        op.drop_table(table)
