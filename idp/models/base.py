"""What every table shares: one registry, one naming rule, JSON and instants as columns."""

from typing import Annotated, Any, TypeAlias

from sqlalchemy import JSON, Double, MetaData, String
from sqlalchemy.orm import DeclarativeBase, MappedAsDataclass, mapped_column

JsonObject: TypeAlias = dict[str, Any]

Id: TypeAlias = Annotated[str, mapped_column(String(64))]
Moment: TypeAlias = Annotated[float, mapped_column(Double)]
"""Unix seconds, UTC."""


class Base(MappedAsDataclass, DeclarativeBase, kw_only=True):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012  read by SQLAlchemy as declared
        dict[str, Any]: JSON,
        list[str]: JSON,
        list[int]: JSON,
        list[dict[str, Any]]: JSON,
    }
