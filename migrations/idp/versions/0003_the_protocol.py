"""What FAPI 2.0, registration over HTTP and back-channel logout keep."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("clients") as clients:
        clients.add_column(sa.Column("profile", sa.String(), nullable=False, server_default="oidc"))
        clients.add_column(sa.Column("sector", sa.String(), nullable=True))
        clients.add_column(sa.Column("registration_token_hash", sa.String(), nullable=True))
        clients.add_column(sa.Column("mac_secret_sealed", sa.String(), nullable=True))
        clients.add_column(sa.Column("dpop_nonce", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("token_families") as families:
        families.add_column(sa.Column("confirmation", sa.JSON(), nullable=False, server_default="{}"))
        families.add_column(
            sa.Column("authorization_details", sa.JSON(), nullable=False, server_default="[]")
        )
    # The default was for rows that were there; the models give every new one a value.
    with op.batch_alter_table("clients") as clients:
        clients.alter_column("profile", server_default=None)
        clients.alter_column("dpop_nonce", server_default=None)
    with op.batch_alter_table("token_families") as families:
        families.alter_column("confirmation", server_default=None)
        families.alter_column("authorization_details", server_default=None)
    op.create_table(
        "initial_access_tokens",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.Column("uses_left", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_initial_access_tokens"),
    )
    op.create_table(
        "logout_notices",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("next_at", sa.Double(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("delivered_at", sa.Double(), nullable=True),
        sa.Column("given_up_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_logout_notices"),
    )
    waiting = sa.text("delivered_at IS NULL AND given_up_at IS NULL")
    op.create_index(
        "ix_logout_notices_next_at",
        "logout_notices",
        ["next_at"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    op.create_index("ix_logout_notices_session_id", "logout_notices", ["session_id"])


def downgrade() -> None:
    op.drop_table("logout_notices")
    op.drop_table("initial_access_tokens")
    with op.batch_alter_table("token_families") as families:
        families.drop_column("authorization_details")
        families.drop_column("confirmation")
    with op.batch_alter_table("clients") as clients:
        clients.drop_column("dpop_nonce")
        clients.drop_column("mac_secret_sealed")
        clients.drop_column("registration_token_hash")
        clients.drop_column("sector")
        clients.drop_column("profile")
