"""All tables of the provider, as the models declare them: what migrations are compared with."""

from sqlalchemy import MetaData

from idp.models import audit, cases, clients, ephemeral, grants, keys, notices, people, sessions
from idp.models.base import Base

MODEL_MODULES = (audit, cases, clients, ephemeral, grants, keys, notices, people, sessions)
metadata: MetaData = Base.metadata

VERSION_TABLE = "idp_version"
"""Where Alembic notes the revision; connectors have histories of their own, maybe in the same database."""
