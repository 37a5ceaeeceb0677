"""`visvaris case`: what people said was not them, its story in words, and closing it."""

from datetime import UTC, datetime
from typing import Any

import click

from idp.commands.context import AS_JSON, open_context, refuse, say, say_json, say_rows
from idp.effects import Instant
from idp.errors import NotFoundError
from idp.events import Event, EventType
from idp.models.cases import Case
from idp.people.cases import close
from idp.people.story import AT_MOST, Line, story_of
from idp.storage.cases import CaseState, state_of
from idp.storage.work import Work

_ACTOR = "command-line"
_LISTED = ("id", "state", "user", "municipalities", "opened_at", "finished_at", "closed_at")


@click.group("case", help="Cases of “it was not me”.")
def group() -> None:
    pass


@group.command("list", help="Those that are open, or in another state.")
@click.option(
    "--state",
    type=click.Choice([state.value for state in CaseState]),
    default=CaseState.OPEN.value,
    show_default=True,
)
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
@AS_JSON
def list_all(*, state: str, limit: int, as_json: bool) -> None:
    with open_context().database.read() as work:
        found = [_told(work, case) for case in work.cases.list_cases(CaseState(state), limit=limit)]
    say_rows(found, _LISTED, as_json=as_json)


@group.command("show", help="One case and its story.")
@click.argument("case_id", metavar="ID")
@AS_JSON
def show(case_id: str, *, as_json: bool) -> None:
    with open_context().database.read() as work:
        case = _get(work, case_id)
        told, story = _told(work, case), story_of(work, case)
    if as_json:
        say_json(told | {"story": [_line(line) for line in story]})
        return
    for name in _LISTED:
        value = told[name]
        said = ", ".join(value) if isinstance(value, list) else value
        say(f"{name.replace('_', ' ')}: {said or '-'}")
    say("")
    for line in story:
        mark = "!" if line.is_reported else "*" if line.of_case else " "
        say(f"{mark} {_written(line.at)}  {line.seq}  {line.words}")
    if len(story) == AT_MOST:
        say("  … and more, which the audit trail has.")
    say("")
    say("! was reported, * was done about it.")


@group.command("close", help="It has been dealt with.")
@click.argument("case_id", metavar="ID")
def close_one(case_id: str) -> None:
    context = open_context()
    with context.database.begin() as work:
        case = _get(work, case_id)
        event = Event(type=EventType.CASE_CLOSED, actor_id=_ACTOR)
        if not close(work, case, event, context.effects.now()):
            refuse("The case was closed before.")
    say("Closed.")


def _get(work: Work, case_id: str) -> Case:
    if (case := work.cases.find(case_id)) is not None:
        return case
    raise NotFoundError("case")


def _told(work: Work, case: Case) -> dict[str, Any]:
    user = work.people.find_user(case.user_id)
    return {
        "id": case.id,
        "state": state_of(case).value,
        "user": user.username if user else case.user_id,
        "user_id": case.user_id,
        "municipalities": work.cases.municipalities_of(case.id),
        "opened_at": _written(case.opened_at),
        "finished_at": _written(case.finished_at),
        "closed_at": _written(case.closed_at),
        "closed_by": case.closed_by,
        "steps": [{**row, "at": _written(row["at"])} for row in case.steps],
    }


def _line(line: Line) -> dict[str, Any]:
    return {
        "seq": line.seq,
        "at": _written(line.at),
        "type": line.type,
        "words": line.words,
        "is_reported": line.is_reported,
        "of_case": line.of_case,
        "actor_id": line.actor_id,
        "client_id": line.client_id,
        "session_id": line.session_id,
        "method": line.method,
        "reason": line.reason,
        "address": line.address,
        "detail": dict(line.detail),
    }


def _written(at: Instant | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
