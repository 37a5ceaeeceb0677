"""A condition that several stores ask for: that somebody works in a municipality now."""

from typing import Any

from sqlalchemy import ColumnElement, exists, or_

from idp.effects import Instant
from idp.models.people import Employment
from idp.storage.unit import table_of

_employments = table_of(Employment)


def works_in(user_id: ColumnElement[Any], municipality: str, now: Instant) -> ColumnElement[bool]:
    """`user_id` is the column that names the person."""
    post = _employments.c
    return exists().where(
        post.user_id == user_id,
        post.municipality == municipality,
        or_(post.starts_at.is_(None), post.starts_at <= now),
        or_(post.ends_at.is_(None), post.ends_at > now),
    )
