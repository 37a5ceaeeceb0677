"""`visvaris user`: what an operator does for a person without the console."""

import sys
from typing import Any

import click

from idp.commands.context import AS_JSON, Context, note, open_context, refuse, say, say_json, say_rows
from idp.errors import AlreadyExistsError, Reason
from idp.events import Event, EventType
from idp.login.standing import Standings
from idp.login.ways import Ways
from idp.methods.registry import Methods, given_password
from idp.models.people import Credential, Employment, User, UserStatus
from idp.models.usernames import canonical_username
from idp.policy import OPERATOR
from idp.storage.work import Work

ACTOR = "command-line"
_LISTED = ("username", "given_name", "family_name", "status", "municipalities", "methods")


class Username(click.ParamType[str]):
    name = "username"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return canonical_username(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


USERNAME = Username()


@click.group("user", help="People.")
def group() -> None:
    pass


@group.command("add", help="Add a person; prints what was added as JSON.")
@click.option("--username", required=True, type=USERNAME)
@click.option(
    "--municipality", "municipalities", multiple=True, metavar="ATVK", help="Where the person has a post."
)
@click.option("--given-name", default="")
@click.option("--family-name", default="")
@click.option("--email")
@click.option(
    "--role", "roles", multiple=True, help="In the municipality; `operator` is of the system as a whole."
)
@click.option(
    "--password-stdin", is_flag=True, help="Read the password from the first line of standard input."
)
def add(
    *,
    username: str,
    municipalities: tuple[str, ...],
    given_name: str,
    family_name: str,
    email: str | None,
    roles: tuple[str, ...],
    password_stdin: bool,
) -> None:
    if not municipalities and OPERATOR not in roles:
        raise click.UsageError("--municipality is missing; only an operator needs none.")
    context = open_context()
    now = context.effects.now()
    user = User(
        id=context.effects.new_id(),
        username=username,
        created_at=now,
        updated_at=now,
        given_name=given_name,
        family_name=family_name,
        email=email,
        roles=[role for role in roles if role == OPERATOR],
    )
    password = _read_password(context, user) if password_stdin else None
    with context.database.begin() as work:
        for atvk in municipalities:
            if work.people.find_municipality(atvk) is None:
                refuse(f"There is no municipality with the code {atvk}.")
        try:
            work.people.add_user(user)
        except AlreadyExistsError:
            refuse(f"The username {username} is taken.")
        for atvk in dict.fromkeys(municipalities):
            work.people.add_employment(
                Employment(
                    id=context.effects.new_id(),
                    user_id=user.id,
                    municipality=atvk,
                    roles=[role for role in roles if role != OPERATOR],
                )
            )
        if password is not None:
            work.people.add_credential(password)
        work.audit.append(Event(type=EventType.USER_ADDED, user_id=user.id, actor_id=ACTOR))
        answer = _told(context, work, user)
    say_json(answer)


@group.command("find", help="People whose username or name holds QUERY, without regard to case.")
@click.argument("query")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
@AS_JSON
def find(query: str, *, limit: int, as_json: bool) -> None:
    context = open_context()
    with context.database.read() as work:
        # SQLite folds the case of ASCII alone, so the query is also tried as names and usernames are written.
        written = dict.fromkeys((query, query.casefold(), query.title()))
        found = {
            user.id: user for each in written for user in work.people.list_users(limit=limit, query=each)
        }
        rows = [_told(context, work, user) for user in list(found.values())[:limit]]
    say_rows(rows, _LISTED, as_json=as_json)


@group.command("block", help="Refuse this person from now on, and end their sessions and tokens.")
@click.argument("username", type=USERNAME)
def block(username: str) -> None:
    context = open_context()
    with context.database.begin() as work:
        user = _user(work, username)
        work.people.set_status(user.id, UserStatus.BLOCKED, at=context.effects.now())
        _end_everything(context, work, user)
        work.audit.append(Event(type=EventType.USER_BLOCKED, user_id=user.id, actor_id=ACTOR))
    say(f"{username} is blocked.")


@group.command(
    "forget-identity",
    help="Remove who was confirmed to own the account, and the personal code on file, so that it can be "
    "confirmed anew.",
)
@click.argument("username", type=USERNAME)
def forget_identity(username: str) -> None:
    """Codes change (Fizisko personu reģistra likums 6), and files may be wrong."""
    context = open_context()
    with context.database.begin() as work:
        user = _user(work, username)
        was_confirmed = work.confirmations.remove(user.id)
        had_code = work.people.clear_person_code(user.id, at=context.effects.now())
        if was_confirmed or had_code:
            work.audit.append(Event(type=EventType.IDENTITY_REMOVED, user_id=user.id, actor_id=ACTOR))
    done = was_confirmed or had_code
    say(f"{username} may be confirmed anew." if done else f"Nothing was on file for {username}.")


@group.command("unblock", help="Let a blocked person sign in again.")
@click.argument("username", type=USERNAME)
def unblock(username: str) -> None:
    context = open_context()
    with context.database.begin() as work:
        user = _user(work, username)
        work.people.set_status(user.id, UserStatus.ACTIVE, at=context.effects.now())
        work.audit.append(Event(type=EventType.USER_UNBLOCKED, user_id=user.id, actor_id=ACTOR))
    say(f"{username} may sign in.")


@group.command(
    "reset-methods", help="Remove how a person signs in, all of it or some, and end their sessions."
)
@click.argument("username", type=USERNAME)
@click.option("--method", "chosen", multiple=True, help="Only this one; may be repeated.")
@click.option("--password-stdin", is_flag=True, help="Give a new password, the first line of standard input.")
def reset_methods(username: str, *, chosen: tuple[str, ...], password_stdin: bool) -> None:
    context = open_context()
    known = Methods(context.methods())
    for method in chosen:
        if method not in known:
            raise click.UsageError(f"{method} is not a method; there are: {', '.join(known)}.")
    with context.database.read() as work:
        user = _user(work, username)
    password = _read_password(context, user) if password_stdin else None
    which: tuple[str | None, ...] = chosen or (None,)
    with context.database.begin() as work:
        removed = sum(work.people.remove_credentials(user.id, method) for method in which)
        if password is not None:
            work.people.remove_credentials(user.id, password.method)
            work.people.add_credential(password)
        _end_everything(context, work, user)
        work.audit.append(
            Event(
                type=EventType.METHODS_RESET,
                user_id=user.id,
                actor_id=ACTOR,
                detail={"methods": ",".join(chosen) or "all", "removed": removed},
            )
        )
    say(f"{username}: {removed} removed." + (" The new password is set." if password else ""))
    if user.is_active and not _can_sign_in(context, known, user):
        note(f"Nothing is left that lets {username} in; make them a letter: visvaris user ticket {username}")


def _user(work: Work, username: str) -> User:
    user = work.people.find_user_by_username(username)
    if user is None:
        refuse(f"There is no user {username}.")
    return user


def _read_password(context: Context, user: User) -> Credential:
    given = sys.stdin.readline(100_000).rstrip("\r\n")
    credential = given_password(context.methods(), user, given)
    if isinstance(credential, Reason):
        refuse(credential.public)
    return credential


def _end_everything(context: Context, work: Work, user: User) -> None:
    now = context.effects.now()
    work.sessions.end_all_of_user(user.id, now)
    work.grants.revoke_families_of_user(user.id, now)


def _can_sign_in(context: Context, known: Methods, user: User) -> bool:
    """With what is set up, or by setting up a second factor on the way."""
    standings = Standings(context.database, known, context.effects)
    person = standings.find_person(user.id)
    return person is not None and Ways(known, standings).opens(person)


def _told(context: Context, work: Work, user: User) -> dict[str, Any]:
    posts = work.people.employments_of(user.id, now=context.effects.now())
    credentials = work.people.credentials_of(user.id)
    return {
        "id": user.id,
        "username": user.username,
        "given_name": user.given_name,
        "family_name": user.family_name,
        "email": user.email,
        "status": user.status,
        "municipalities": [post.municipality for post in posts],
        "roles": sorted({*user.roles, *(role for post in posts for role in post.roles)}),
        "methods": list(dict.fromkeys(c.method for c in credentials if c.spent_at is None)),
    }
