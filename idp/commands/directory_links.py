"""`visvaris directory unlink` and its kin: who is which entry, who waits to be linked, and invitations.

The whole provider is put together only where something changes, since ending a link ends sessions.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click

from idp.commands.context import AS_JSON, DASHED_IDS, Context, note, open_context, refuse, say, say_rows
from idp.commands.user import ACTOR, USERNAME
from idp.errors import AlreadyExistsError
from idp.login.ticket_codes import shown_ticket_code
from idp.login.tickets import Maker
from idp.models.directories import Directory
from idp.people.directory_links import NotLinked
from idp.people.invitations import Made, NotMade
from idp.storage.work import Work

if TYPE_CHECKING:
    from idp.assembly import Provider

_MAKER: Final = Maker(actor_id=ACTOR)
_LINKS_AT_MOST: Final = 10_000


@click.command("remove", help="Remove it, with its links and the sessions that leaned on them.")
@click.argument("atvk")
@click.argument("name")
def remove(atvk: str, name: str) -> None:
    context = open_context()
    with context.database.read() as work:
        directory = _directory(work, atvk, name)
    if not _provider(context).arrivals.links.remove(directory, _MAKER):
        refuse(f"{atvk} has no directory {name}.")
    say(f"{directory.name} is removed.")


@click.command("links", help="Who is which of its entries.")
@click.argument("atvk")
@click.argument("name")
@AS_JSON
def links(atvk: str, name: str, *, as_json: bool) -> None:
    with open_context().database.read() as work:
        found = work.directories.list_links(_directory(work, atvk, name).id, limit=_LINKS_AT_MOST)
    rows = [
        {
            "username": each.username,
            "entry": each.link.object_guid,
            "linked_by": each.link.linked_by,
            "linked_at": _written(each.linked_at),
        }
        for each in found
    ]
    say_rows(rows, ("username", "entry", "linked_by", "linked_at"), as_json=as_json)


@click.command("unlink", help="USERNAME is no entry of it any more; sessions that leaned on that end.")
@click.argument("atvk")
@click.argument("name")
@click.argument("username", type=USERNAME)
def unlink(atvk: str, name: str, username: str) -> None:
    context = open_context()
    with context.database.read() as work:
        directory = _directory(work, atvk, name)
        link = work.directories.find_link_of_person(directory.id, _user_id(work, username))
    if link is None or not _provider(context).arrivals.links.unlink(directory, link.credential_id, _MAKER):
        refuse(f"{username} is no entry of {directory.name}.")
    say(f"{username} is no longer linked.")


@click.command("arrivals", help="Entries that were proved here while they were nobody's.")
@click.argument("atvk")
@AS_JSON
def arrivals(atvk: str, *, as_json: bool) -> None:
    with open_context().database.read() as work:
        names = {each.id: each.name for each in work.directories.list_of(atvk)}
        found = work.arrivals.list_of(atvk)
    rows = [
        {
            "id": each.id,
            "directory": names[each.directory_id],
            "entry": each.object_guid,
            "account_name": each.account_name,
            "name": each.name,
            "first_at": _written(each.first_at),
            "last_at": _written(each.last_at),
        }
        for each in found
    ]
    say_rows(rows, ("id", "directory", "account_name", "name", "last_at"), as_json=as_json)


@click.command(
    "link-arrival", help="Who waits as ID is USERNAME, who then signs in by it.", context_settings=DASHED_IDS
)
@click.argument("arrival_id", metavar="ID")
@click.argument("username", type=USERNAME)
@click.option("--replace", is_flag=True, help="In place of the entry that this person was until now.")
def link_arrival(arrival_id: str, username: str, *, replace: bool) -> None:
    context = open_context()
    with context.database.read() as work:
        directory, user_id = _directory_of(work, arrival_id), _user_id(work, username)
    try:
        refused = _provider(context).arrivals.links.take_arrival(
            directory, arrival_id, user_id, _MAKER, replaces=replace
        )
    except AlreadyExistsError:
        refused = NotLinked.TAKEN
    if refused is not None:
        refuse(refused.text)
    say(f"{username} is linked.")


@click.command(
    "dismiss-arrival",
    help="Who waits as ID waits no longer, until they come again.",
    context_settings=DASHED_IDS,
)
@click.argument("arrival_id", metavar="ID")
def dismiss_arrival(arrival_id: str) -> None:
    context = open_context()
    with context.database.read() as work:
        directory = _directory_of(work, arrival_id)
    if not _provider(context).arrivals.links.dismiss(directory, arrival_id, _MAKER):
        refuse(NotLinked.NOT_WAITING.text)
    say("Dismissed.")


@click.command("invite", help="Make a code with which USERNAME links their entry, within a week, once.")
@click.argument("atvk")
@click.argument("name")
@click.argument("username", type=USERNAME)
def invite(atvk: str, name: str, username: str) -> None:
    from idp.web.invited import address_of

    context = open_context()
    with context.database.read() as work:
        directory, user_id = _directory(work, atvk, name), _user_id(work, username)
    made = _provider(context).arrivals.invitations.make(directory, user_id, _MAKER)
    if isinstance(made, NotMade):
        refuse("The directory's rule for arrivals is not invitation.")
    if isinstance(made, NotLinked):
        refuse(made.text)
    say_invitation(
        made, address_of(context.settings.issuer, made.code), username=username, where=directory.name
    )


def say_invitation(made: Made, address: str, *, username: str, where: str) -> None:
    say(f"Open:        {address}")
    say(f"Code:        {shown_ticket_code(made.code)}")
    say(f"Valid until: {_written(made.invitation.expires_at)}, once")
    note(f"It is shown this once. Earlier ones of {username} for {where} are revoked.")


def _provider(context: Context) -> "Provider":
    from idp.assembly import assemble

    return assemble(context.settings, context.effects)


def _directory(work: Work, atvk: str, name: str) -> Directory:
    found = work.directories.find_by_name(atvk, name)
    if found is None:
        refuse(f"{atvk} has no directory {name}.")
    return found


def _directory_of(work: Work, arrival_id: str) -> Directory:
    arrival = work.arrivals.find(arrival_id)
    if arrival is None:
        refuse(NotLinked.NOT_WAITING.text)
    return work.directories.get(arrival.directory_id)


def _user_id(work: Work, username: str) -> str:
    user = work.people.find_user_by_username(username)
    if user is None:
        refuse(f"There is nobody with the username {username}.")
    return user.id


def _written(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


COMMANDS: Final[tuple[Any, ...]] = (remove, links, unlink, arrivals, link_arrival, dismiss_arrival, invite)
