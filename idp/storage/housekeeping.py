"""Removes what expired long ago. Nothing depends on it: expiry is checked at use, this only frees room."""

from sqlalchemy import bindparam, delete, or_, select

from idp.effects import Instant
from idp.models.clients import InitialAccessToken
from idp.models.grants import TokenFamily
from idp.models.sessions import BrowserSession
from idp.storage.prepared import Prepared
from idp.storage.unit import Unit, table_of

_AT_ONCE = 500

_sessions = table_of(BrowserSession)
_families = table_of(TokenFamily)
_initial_tokens = table_of(InitialAccessToken)

_OLD_SESSIONS = Prepared(
    delete(_sessions).where(
        _sessions.c.id.in_(
            select(_sessions.c.id)
            .where(
                or_(_sessions.c.expires_at < bindparam("before"), _sessions.c.ended_at < bindparam("before"))
            )
            .limit(_AT_ONCE)
        )
    )
)
_OLD_FAMILIES = Prepared(
    delete(_families).where(
        _families.c.id.in_(
            select(_families.c.id)
            .where(
                or_(
                    _families.c.expires_at < bindparam("before"), _families.c.revoked_at < bindparam("before")
                )
            )
            .limit(_AT_ONCE)
        )
    )
)

_OLD_INITIAL_TOKENS = Prepared(
    delete(_initial_tokens).where(
        _initial_tokens.c.token_hash.in_(
            select(_initial_tokens.c.token_hash)
            .where(_initial_tokens.c.expires_at < bindparam("before"))
            .limit(_AT_ONCE)
        )
    )
)


def remove_old_sessions(work: Unit, before: Instant) -> int:
    """A batch of those that ended or expired before; fewer than a full batch means that none is left."""
    return work.changed(_OLD_SESSIONS, {"before": before})


def remove_old_families(work: Unit, before: Instant) -> int:
    """A batch, with the refresh tokens of each."""
    return work.changed(_OLD_FAMILIES, {"before": before})


def remove_old_initial_tokens(work: Unit, before: Instant) -> int:
    """A batch of those with which nobody could register since."""
    return work.changed(_OLD_INITIAL_TOKENS, {"before": before})
