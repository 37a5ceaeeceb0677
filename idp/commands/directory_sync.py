"""`visvaris directory sync` and `runs`: reading a municipality's directory now, and what readings did."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final, TextIO

import click

from idp.commands.context import (
    AS_JSON,
    DASHED_IDS,
    Context,
    note,
    open_context,
    refuse,
    say,
    say_json,
    say_rows,
)
from idp.effects import Instant
from idp.gateways.ldap.outcomes import DirectoryError
from idp.models.directories import Directory
from idp.models.directory_sync import DirectorySyncRun
from idp.people.directory_sync import Asked, BusyError, DirectorySyncs, Outcome, StaleError, SyncError
from idp.people.directory_sync_plan import Change, Step, counts_of, lines_of
from idp.people.directory_sync_reading import Tell

_ACTOR: Final = "command-line"
_LISTED: Final = ("id", "state", "started_at", "is_full", "entries", "told", "why")
_LINES: Final = ("username", "change", "told", "held")


@click.command("sync", help="Read it now: names, roles of groups, and who is no longer there.")
@click.argument("atvk")
@click.argument("name")
@click.option("--full", is_flag=True, help="All of it, not only what changed since the last time.")
@click.option("--dry-run", "dry", is_flag=True, help="Say what would change, and change nothing.")
@click.option("--confirm", "confirms", metavar="RUN", help="Shut out exactly whom that reading held.")
@click.option(
    "--share",
    type=click.IntRange(0, 100),
    help="Hold it when more percent than this would be shut out; instead of the directory's `sync_share`.",
)
@AS_JSON
def sync(
    atvk: str, name: str, *, full: bool, dry: bool, confirms: str | None, share: int | None, as_json: bool
) -> None:
    if confirms is not None and (dry or share is not None):
        raise click.UsageError("--confirm goes with neither --dry-run nor --share.")
    context = open_context()
    directory = _find(context, atvk, name)
    if not directory.enabled:
        refuse("The directory is switched off.")
    with reading_bar(_count_people(context, directory), sys.stderr) as tell:
        outcome = _read(
            context,
            directory,
            Asked(by=_ACTOR, full=full, dry=dry, confirms=confirms, share=share, tell=tell),
        )
    if as_json:
        say_json(told_in_full(outcome.run) if not dry else _told_of_dry(outcome))
    elif dry:
        _say_steps(outcome)
    else:
        say_rows(outcome.run.lines, _LINES, as_json=False)
        say(_in_words(outcome.run))
    if outcome.held and not dry:
        note(f"They wait: visvaris directory sync {atvk} '{name}' --confirm {outcome.waits_as}")


@click.command("runs", help="What readings of it did, or what RUN did.", context_settings=DASHED_IDS)
@click.argument("atvk")
@click.argument("name")
@click.argument("run_id", metavar="[RUN]", required=False)
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@AS_JSON
def runs(atvk: str, name: str, run_id: str | None, *, limit: int, as_json: bool) -> None:
    context = open_context()
    directory = _find(context, atvk, name)
    with context.database.read() as work:
        found = work.directory_syncs.list_runs(directory.id, limit=limit)
        one = work.directory_syncs.find_run(directory.id, run_id) if run_id else None
    if run_id is None:
        say_rows([_told(run) for run in found], _LISTED, as_json=as_json)
    elif one is None:
        refuse(f"There is no reading {run_id}.")
    elif as_json:
        say_json(told_in_full(one))
    else:
        say_rows(one.lines, _LINES, as_json=False)
        say(_in_words(one))


COMMANDS: Final = (sync, runs)


@contextmanager
def reading_bar(people: int, stream: TextIO) -> Iterator[Tell]:
    """How far it is, to a person at a terminal, measured by how many people are linked."""
    if not stream.isatty():
        yield lambda _what, _many: None
        return
    with click.progressbar(length=max(1, people), label="Reading", file=stream) as bar:
        yield lambda _what, many: bar.update(many)


def _find(context: Context, atvk: str, name: str) -> Directory:
    with context.database.read() as work:
        found = work.directories.find_by_name(atvk, name)
    if found is None:
        refuse(f"{atvk} has no directory {name}.")
    return found


def _read(context: Context, directory: Directory, asked: Asked) -> Outcome:
    try:
        return DirectorySyncs(context.database, context.effects).run(directory, asked)
    except BusyError:
        refuse("It is being read already.")
    except StaleError:
        refuse(
            "There is nothing of that reading to confirm any more: it was confirmed, or other people would "
            "be shut out by now. See `visvaris directory runs`."
        )
    except SyncError as error:
        refuse(f"The answer means nothing: {error}. Nothing was changed.")
    except DirectoryError as error:
        refuse(f"The directory does not answer ({error.told}). See `visvaris directory test`.")


def _count_people(context: Context, directory: Directory) -> int:
    with context.database.read() as work:
        return work.directory_syncs.count_linked(directory.id)


def _say_steps(outcome: Outcome) -> None:
    """With the old and the new, which no report keeps."""
    rows = [
        {**line, "told": told}
        for step in outcome.steps
        for line in lines_of([step])
        for told in (
            [f"{member}: {change}" for member, change in _differences(step)]
            if line["change"] == Change.DATA
            else [line["told"]]
        )
    ]
    say_rows(rows, _LINES, as_json=False)
    if outcome.held:
        note(f"{len(outcome.held)} people would wait for an administrator.")


def _told_of_dry(outcome: Outcome) -> dict[str, Any]:
    return {
        "entries": outcome.run.entries,
        "is_full": outcome.run.is_full,
        "counts": counts_of(outcome.steps),
        "held": len(outcome.held),
        "changes": [
            {**line, **({"data": dict(_differences(step))} if line["change"] == "data" else {})}
            for step in outcome.steps
            for line in lines_of([step])
        ],
    }


def _differences(step: Step) -> Iterator[tuple[str, str]]:
    for member, value in step.data.items():
        yield member, f"{getattr(step.known.user, member) or ''} → {value}"


def told_in_full(run: DirectorySyncRun) -> dict[str, Any]:
    return {**_told(run), "counts": run.counts, "lines": run.lines, "confirmed_by": run.confirmed_by}


def _told(run: DirectorySyncRun) -> dict[str, Any]:
    return {
        "id": run.id,
        "state": run.state,
        "started_at": _written(run.started_at),
        "finished_at": _written(run.finished_at),
        "asked_by": run.asked_by,
        "is_full": run.is_full,
        "entries": run.entries,
        "told": ", ".join(f"{kind} {many}" for kind, many in sorted(run.counts.items())),
        "why": run.why,
    }


def _in_words(run: DirectorySyncRun) -> str:
    what = ", ".join(f"{many} {kind}" for kind, many in sorted(run.counts.items())) or "nothing changed"
    return f"{run.id}: {run.state}, {run.entries} entries read, {what}." + (f" {run.why}." if run.why else "")


def _written(at: Instant | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
