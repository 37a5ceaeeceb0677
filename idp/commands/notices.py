"""`visvaris notices`: what applications are told of sessions that ended, and what did not arrive."""

from datetime import UTC, datetime
from typing import Any

import click

from idp.commands.context import AS_JSON, DASHED_IDS, open_context, refuse, say, say_rows
from idp.events import Event, EventType
from idp.models.notices import LogoutNotice
from idp.storage.outbox import State, state_of

_ACTOR = "command-line"
_LISTED = ("id", "client_id", "state", "attempts", "created_at", "last_error")


@click.group("notices", help="Logout notices to applications.")
def group() -> None:
    pass


@group.command("list", help="Those given up, or in another state.")
@click.option(
    "--state",
    type=click.Choice([state.value for state in State]),
    default=State.GIVEN_UP.value,
    show_default=True,
)
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
@AS_JSON
def list_all(*, state: str, limit: int, as_json: bool) -> None:
    context = open_context()
    with context.database.read() as work:
        found = work.notices.list_notices(State(state), now=context.effects.now(), limit=limit)
    say_rows([_told(notice) for notice in found], _LISTED, as_json=as_json)


@group.command(
    "retry",
    help="Try those again that were given up, as if they were new.",
    context_settings=DASHED_IDS,
)
@click.argument("notice_ids", metavar="ID...", nargs=-1, required=True)
def retry(notice_ids: tuple[str, ...]) -> None:
    """All of them or none."""
    context = open_context()
    with context.database.begin() as work:
        for notice_id in notice_ids:
            notice = work.notices.find(notice_id)
            if notice is None or not work.notices.retry(notice_id, context.effects.now()):
                refuse(f"There is no notice {notice_id} that was given up.")
            work.audit.append(
                Event(
                    type=EventType.LOGOUT_NOTICE_RETRIED,
                    user_id=notice.user_id,
                    actor_id=_ACTOR,
                    session_id=notice.session_id,
                    detail={"told": notice.client_id},
                )
            )
    say(f"{len(notice_ids)} will be tried again.")


def _told(notice: LogoutNotice) -> dict[str, Any]:
    return {
        "id": notice.id,
        "client_id": notice.client_id,
        "user_id": notice.user_id,
        "session_id": notice.session_id,
        "state": state_of(notice).value,
        "attempts": notice.attempts,
        "created_at": datetime.fromtimestamp(notice.created_at, UTC).isoformat(timespec="seconds"),
        "last_error": notice.last_error,
    }
