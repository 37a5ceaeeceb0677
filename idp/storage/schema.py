"""All tables of the provider, as the models declare them: what migrations are compared with."""

from sqlalchemy import MetaData

from idp.models import (
    arrivals,
    audit,
    authenticators,
    cases,
    clients,
    computers,
    confirmations,
    contacts,
    directories,
    directory_sync,
    ephemeral,
    grants,
    in_person,
    keys,
    mails,
    municipality_rules,
    networks,
    notices,
    nudges,
    people,
    sessions,
    tickets,
    upstreams,
    vouching,
)
from idp.models.base import Base

MODEL_MODULES = (
    arrivals,
    audit,
    authenticators,
    cases,
    clients,
    computers,
    confirmations,
    contacts,
    directories,
    directory_sync,
    ephemeral,
    grants,
    in_person,
    keys,
    mails,
    municipality_rules,
    networks,
    notices,
    nudges,
    people,
    sessions,
    tickets,
    vouching,
    upstreams,
)
metadata: MetaData = Base.metadata

VERSION_TABLE = "idp_version"
"""Where Alembic notes the revision; connectors have histories of their own, maybe in the same database."""
