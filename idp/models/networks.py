"""Networks of municipalities, by the names that people know them by."""

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from idp.models.base import Base, Id


class Network(Base):
    """`cidr` is canonical; `shared`: whoever comes from there sits at a computer that several people use."""

    __tablename__ = "networks"
    __table_args__ = (UniqueConstraint("cidr"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    municipality: Mapped[Id] = mapped_column(
        ForeignKey("municipalities.atvk", ondelete="CASCADE"), index=True
    )
    name: Mapped[str]
    cidr: Mapped[str]
    shared: Mapped[bool] = mapped_column(default=False)
