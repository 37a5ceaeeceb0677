"""`visvaris directory`: the directories of municipalities, and who is which of their entries."""

import json
import sys
from typing import Any, Final

import click

from idp.commands.context import AS_JSON, Context, open_context, refuse, say, say_json, say_rows
from idp.commands.user import USERNAME
from idp.errors import AlreadyExistsError
from idp.events import Event, EventType
from idp.gateways.ldap.diagnosis import Asked, Step, diagnose
from idp.gateways.ldap.door import Door
from idp.gateways.ldap.outcomes import DirectoryError
from idp.gateways.ldap.route import Route, route_to
from idp.models.directories import Directory
from idp.people import directories

_ACTOR: Final = "command-line"
_LARGEST_DOCUMENT: Final = 256 * 1024


@click.group("directory", help="Directories of municipalities (Active Directory).")
def group() -> None:
    pass


@group.command("add", help="Read a directory as JSON from standard input, go the way to it, keep it.")
@click.option("--replace", is_flag=True, help="The municipality has one of that name, which this replaces.")
@click.option("--untested", is_flag=True, help="Keep it although it does not work, or not yet.")
def add(*, replace: bool, untested: bool) -> None:
    context = open_context()
    try:
        described = directories.read(_read_document())
        with context.database.read() as work:
            atvk, name = described.columns["municipality"], described.columns["name"]
            known = work.directories.find_by_name(atvk, name)
            if known is not None and not replace:
                refuse(f"{atvk} has a directory of that name; --replace replaces it.")
            made = directories.made(work, described, context.effects, replaces=known)
            route = route_to(made, work.directories.password_of(made))
        if not untested:
            _refuse_what_fails(route, made)
        with context.database.begin() as work:
            made = directories.made(work, described, context.effects, replaces=known)
            work.directories.put(made)
            work.audit.append(_changed(made, replaced=known is not None))
    except directories.DescriptionError as error:
        refuse(str(error))
    except AlreadyExistsError:
        refuse("The municipality has a directory of that name by now.")
    say_json(directories.shown(made))


@group.command("list", help="All of them.")
@AS_JSON
def list_all(*, as_json: bool) -> None:
    with open_context().database.read() as work:
        rows = [directories.shown(each) for each in work.directories.list_all()]
    say_rows(rows, ("municipality", "name", "controllers", "enabled"), as_json=as_json)


@group.command("show", help="One, without the password of our account there.")
@click.argument("atvk")
@click.argument("name")
@AS_JSON
def show(atvk: str, name: str, *, as_json: bool) -> None:
    told = directories.shown(_find(open_context(), atvk, name))
    if as_json:
        say_json(told)
    else:
        say_rows([{"member": n, "value": v} for n, v in told.items()], ("member", "value"), as_json=False)


@group.command("test", help="Go the way to it step by step and say what works.")
@click.argument("atvk")
@click.argument("name")
@click.option("--person", default="", help="Also look for this UPN or account name, and into its groups.")
@AS_JSON
def test(atvk: str, name: str, *, person: str, as_json: bool) -> None:
    context = open_context()
    directory = _find(context, atvk, name)
    with context.database.read() as work:
        route = route_to(directory, work.directories.password_of(directory))
    steps = list(diagnose(route, _asked(directory, person)))
    say_rows([_told(step) for step in steps], ("step", "about", "works", "told"), as_json=as_json)
    if not all(step.works for step in steps):
        refuse("Not everything works.")


@group.command("link", help="Say that an entry of it is this person, who then signs in by it.")
@click.argument("atvk")
@click.argument("name")
@click.argument("username", type=USERNAME)
@click.argument("entry")
def link(atvk: str, name: str, username: str, entry: str) -> None:
    context = open_context()
    directory = _find(context, atvk, name)
    with context.database.read() as work:
        route = route_to(directory, work.directories.password_of(directory))
        user = work.people.find_user_by_username(username)
    if user is None:
        refuse(f"There is nobody with the username {username}.")
    try:
        found = Door(route).find(entry)
    except DirectoryError as error:
        refuse(f"The directory does not answer ({error.told}). See `visvaris directory test`.")
    if found is None:
        refuse(f"Nobody there, or more than one, is {entry}.")
    try:
        with context.database.begin() as work:
            directories.link(work, directory, user, found.guid, context.effects, by=_ACTOR)
    except directories.LinkError as error:
        refuse(str(error))
    except AlreadyExistsError:
        refuse("That entry is somebody's, or this person is another entry of that directory.")
    say(f"{user.username} is {found.dn} ({found.guid}).")


def _refuse_what_fails(route: Route, directory: Directory) -> None:
    """The first step that fails, of all controllers: one that is down may be given with --untested."""
    for step in diagnose(route, _asked(directory, "")):
        if not step.works:
            refuse(f"{step.name.value} of {step.about}: {step.told} (--untested keeps it all the same.)")


def _asked(directory: Directory, person: str) -> Asked:
    return Asked(
        person=person,
        groups=tuple(directory.roles),
        attempts=directory.attempts,
        attempt_minutes=directory.attempt_minutes,
    )


def _find(context: Context, atvk: str, name: str) -> Directory:
    with context.database.read() as work:
        found = work.directories.find_by_name(atvk, name)
    if found is None:
        refuse(f"{atvk} has no directory {name}.")
    return found


def _read_document() -> dict[str, Any]:
    text = sys.stdin.read(_LARGEST_DOCUMENT + 1)
    try:
        document = json.loads(text) if len(text) <= _LARGEST_DOCUMENT else None
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        refuse("Standard input must hold one JSON object.")
    return document


def _told(step: Step) -> dict[str, Any]:
    return {"step": step.name.value, "about": step.about, "works": step.works, "told": step.told}


def _changed(directory: Directory, *, replaced: bool) -> Event:
    return Event(
        type=EventType.DIRECTORY_CHANGED,
        actor_id=_ACTOR,
        municipality=directory.municipality,
        detail={"directory": directory.name, "replaced": replaced, "enabled": directory.enabled},
    )
