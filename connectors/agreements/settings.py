"""What an operator tells this connector beyond what every connector is told."""

from pydantic import Field

from connectors.kit.levels import Level
from connectors.kit.settings import ConnectorSettings


class AgreementsSettings(ConnectorSettings):
    database_url: str = Field(
        default="sqlite:///var/agreements.sqlite3",
        description="SQLAlchemy URL of the connector's own tables.",
    )
    level: Level = Field(
        default=Level.ONE_FACTOR, description="How surely somebody must have been recognised to see the page."
    )
