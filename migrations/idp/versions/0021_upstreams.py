"""OpenID providers of municipalities, who comes from them and what they may end."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "upstreams",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("municipality", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("client_secret_sealed", sa.String(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("auth", sa.String(), nullable=False),
        sa.Column("certificate", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=True),
        sa.Column("believes_mfa", sa.Boolean(), nullable=False),
        sa.Column("mfa_acr", sa.String(), nullable=False),
        sa.Column("match_by", sa.String(), nullable=False),
        sa.Column("match_claim", sa.String(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality"], ["municipalities.atvk"], name="fk_upstreams_municipality_municipalities"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_upstreams"),
        sa.UniqueConstraint("issuer", "client_id", name="uq_upstreams_issuer_client_id"),
    )
    op.create_index("ix_upstreams_municipality", "upstreams", ["municipality"])
    op.create_table(
        "upstream_domains",
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("upstream_id", sa.String(length=64), nullable=False),
        _of_upstream("upstream_domains"),
        sa.PrimaryKeyConstraint("domain", name="pk_upstream_domains"),
    )
    op.create_index("ix_upstream_domains_upstream_id", "upstream_domains", ["upstream_id"])
    op.create_table(
        "upstream_arrivals",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("upstream_id", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("username", sa.String(), nullable=False),
        sa.Column("first_at", sa.Double(), nullable=False),
        sa.Column("last_at", sa.Double(), nullable=False),
        _of_upstream("upstream_arrivals"),
        sa.PrimaryKeyConstraint("id", name="pk_upstream_arrivals"),
        sa.UniqueConstraint("upstream_id", "subject", name="uq_upstream_arrivals_upstream_id_subject"),
    )
    op.create_table(
        "upstream_sessions",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("upstream_id", sa.String(length=64), nullable=False),
        sa.Column("sub", sa.String(), nullable=False),
        sa.Column("sid", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("credential_id", sa.String(length=64), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        _of_upstream("upstream_sessions"),
        sa.ForeignKeyConstraint(
            ["credential_id"],
            ["credentials.id"],
            name="fk_upstream_sessions_credential_id_credentials",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_upstream_sessions"),
        sa.UniqueConstraint("upstream_id", "sub", "sid", name="uq_upstream_sessions_upstream_id_sub_sid"),
    )
    op.create_index("ix_upstream_sessions_credential_id", "upstream_sessions", ["credential_id"])


def downgrade() -> None:
    op.drop_table("upstream_sessions")
    op.drop_table("upstream_arrivals")
    op.drop_table("upstream_domains")
    op.drop_table("upstreams")


def _of_upstream(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["upstream_id"], ["upstreams.id"], name=f"fk_{table}_upstream_id_upstreams", ondelete="CASCADE"
    )
