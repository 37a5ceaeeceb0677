"""`visvaris user ticket` and its kin: letters with which people set up a way of signing in.

The whole provider is put together only when one is made: `visvaris serve` must begin before metrics are.
"""

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click
import segno

from idp.commands.context import AS_JSON, DASHED_IDS, Context, note, open_context, refuse, say, say_rows
from idp.commands.user import ACTOR, USERNAME
from idp.login.ticket_codes import shown_ticket_code
from idp.login.tickets import Letter, Maker, NotMade
from idp.models.tickets import EnrolmentTicket
from idp.storage.tickets import state_of
from idp.storage.work import Work

_LISTED = ("id", "username", "state", "made_by", "made_at", "expires_at")


@click.command(
    "ticket", help="Make a letter with which USERNAME sets up one way to sign in, within 72 hours."
)
@click.argument("username", type=USERNAME)
@click.option(
    "--letter",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the letter there as a page to print, instead of its text here. The file must not exist.",
)
@click.option("--language", type=click.Choice(["lv", "en"]), default="lv", show_default=True)
def make(username: str, *, file: Path | None, language: str) -> None:
    from idp.app import make_pages
    from idp.assembly import assemble
    from idp.web.letters import printed, standing_alone

    context = open_context()
    user_id = _user_id(context, username)
    if file is not None:
        _reserve(file)
    provider = assemble(context.settings, context.effects)
    letter = provider.tickets.make(user_id, Maker(actor_id=ACTOR))
    if isinstance(letter, NotMade):
        if file is not None:
            file.unlink()
        refuse(letter.text)
    if file is None:
        _say_letter(letter, context.settings.issuer)
    else:
        with make_pages(provider).app_context():
            file.write_text(standing_alone(printed(letter, language)), encoding="utf-8")
    note(f"Letter {letter.ticket.id} is shown this once. Earlier ones of {username} are revoked.")


@click.command("tickets", help="Letters that were made, without their codes.")
@click.argument("username", type=USERNAME, required=False)
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
@AS_JSON
def list_all(username: str | None, *, limit: int, as_json: bool) -> None:
    context = open_context()
    user_id = None if username is None else _user_id(context, username)
    with context.database.read() as work:
        found = work.tickets.list_tickets(now=context.effects.now(), user_id=user_id, limit=limit)
        rows = [_told(context, work, ticket) for ticket in found]
    say_rows(rows, _LISTED, as_json=as_json)


@click.command(
    "revoke-ticket", help="A letter that was lost opens nothing from now on.", context_settings=DASHED_IDS
)
@click.argument("ticket_id", metavar="ID")
def revoke(ticket_id: str) -> None:
    from idp.assembly import assemble

    context = open_context()
    tickets = assemble(context.settings, context.effects).tickets
    with context.database.begin() as work:
        ticket = work.tickets.find(ticket_id)
        if ticket is None or not tickets.revoke(work, ticket, Maker(actor_id=ACTOR)):
            refuse(f"There is no letter {ticket_id} that opens anything.")
    say(f"{ticket_id} is revoked.")


def _user_id(context: Context, username: str) -> str:
    with context.database.read() as work:
        user = work.people.find_user_by_username(username)
    if user is None:
        refuse(f"There is no user {username}.")
    return user.id


def _say_letter(letter: Letter, issuer: str) -> None:
    from idp.web.letters import ADDRESS, address_in_qr

    picture = io.StringIO()
    segno.make_qr(address_in_qr(issuer, letter.code), error="m").terminal(picture, compact=True)
    say(picture.getvalue())
    say(f"For:         {letter.person.user.display_name}")
    say(f"Open:        {issuer}{ADDRESS}")
    say(f"Code:        {shown_ticket_code(letter.code)}")
    say(f"Valid until: {_written(letter.ticket.expires_at)}, once")


def _reserve(file: Path) -> None:
    """Before there is a letter, so that none is made and lost; for nobody else on this machine to read."""
    try:
        file.touch(mode=0o600, exist_ok=False)
    except OSError as error:
        refuse(f"{file} cannot be made: {error.strerror}.")


def _told(context: Context, work: Work, ticket: EnrolmentTicket) -> dict[str, Any]:
    return {
        "id": ticket.id,
        "username": work.people.get_user(ticket.user_id).username,
        "state": state_of(ticket, context.effects.now()).value,
        "made_by": ticket.made_by,
        "municipality": ticket.municipality,
        "made_at": _written(ticket.made_at),
        "expires_at": _written(ticket.expires_at),
    }


def _written(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


COMMANDS: Final = (make, list_all, revoke)
