"""`visvaris audit`: whether the trail is what was written."""

import click

from idp.commands.context import AS_JSON, end_progress, open_context, progress, refuse, say, say_json


@click.group("audit", help="The audit trail.")
def group() -> None:
    pass


@group.command(
    "verify", help="Check the chain of the whole trail; exit code 1 names the first record that is wrong."
)
@AS_JSON
def verify(*, as_json: bool) -> None:
    context = open_context()
    with context.database.read() as work:
        report = work.audit.verify(progress("records checked"))
    end_progress()
    if as_json:
        say_json(
            {
                "ok": report.ok,
                "checked": report.checked,
                "first_bad_seq": report.first_bad_seq,
                "problem": report.problem,
            }
        )
    if not report.ok:
        refuse(f"The trail is not what was written, from record {report.first_bad_seq} on: {report.problem}.")
    if not as_json:
        say(f"The trail holds: {report.checked} records.")
