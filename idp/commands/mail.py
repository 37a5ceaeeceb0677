"""`visvaris mail`: what people are told by mail, and what did not arrive."""

from datetime import UTC, datetime
from typing import Any

import click

from idp.commands.context import AS_JSON, DASHED_IDS, open_context, refuse, say, say_rows
from idp.events import Event, EventType
from idp.models.email_address import masked
from idp.models.mails import Mail
from idp.storage.outbox import State, state_of

_ACTOR = "command-line"
_LISTED = ("id", "about", "to", "state", "attempts", "created_at", "last_error")


@click.group("mail", help="Mail to people.")
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
        found = work.mails.list_mails(State(state), now=context.effects.now(), limit=limit)
    say_rows([_told(mail) for mail in found], _LISTED, as_json=as_json)


@group.command(
    "retry",
    help="Try those again that were given up, as if they were new.",
    context_settings=DASHED_IDS,
)
@click.argument("mail_ids", metavar="ID...", nargs=-1, required=True)
def retry(mail_ids: tuple[str, ...]) -> None:
    """All of them or none."""
    context = open_context()
    with context.database.begin() as work:
        for mail_id in mail_ids:
            mail = work.mails.find(mail_id)
            if mail is None or not work.mails.retry(mail_id, context.effects.now()):
                refuse(f"There is no mail {mail_id} that was given up.")
            work.audit.append(
                Event(
                    type=EventType.MAIL_RETRIED,
                    user_id=mail.user_id,
                    actor_id=_ACTOR,
                    detail={"mail": mail.id},
                )
            )
    say(f"{len(mail_ids)} will be tried again.")


def _told(mail: Mail) -> dict[str, Any]:
    return {
        "id": mail.id,
        "kind": mail.kind,
        "about": mail.about,
        "user_id": mail.user_id,
        "to": masked(mail.address),
        "state": state_of(mail).value,
        "attempts": mail.attempts,
        "created_at": datetime.fromtimestamp(mail.created_at, UTC).isoformat(timespec="seconds"),
        "last_error": mail.last_error,
    }
