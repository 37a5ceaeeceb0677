"""`visvaris settings`: which there are, whether those given work, and what suits this machine."""

from typing import Any

import click
from pydantic.fields import FieldInfo

from idp.commands.context import AS_JSON, note, open_context, say, say_json, say_rows
from idp.methods.registry import calibrate_argon2
from idp.settings import PREFIX, Settings

_INTRODUCTION = """# Settings

Environment variables, or files of the same name in `IDP_SECRETS_DIR`. A name with the prefix that is not
listed here stops the start, and so does a value that cannot be right. What differs by municipality is data,
not a setting.

This page is what `visvaris settings --markdown` prints.
"""


@click.group("settings", invoke_without_command=True, help="All settings: name, default, meaning.")
@click.option("--markdown", is_flag=True, help="Print docs/settings.md.")
@AS_JSON
@click.pass_context
def group(ctx: click.Context, *, markdown: bool, as_json: bool) -> None:
    if ctx.invoked_subcommand is not None:
        return
    rows = [_told(name, field) for name, field in Settings.model_fields.items()]
    if not markdown:
        say_rows(rows, ("name", "default", "meaning"), as_json=as_json)
        return
    say(_INTRODUCTION)
    say("| name | default | |\n|---|---|---|")
    for row in rows:
        default = row["default"] if row["default"] in {"required", "unset", "none"} else f"`{row['default']}`"
        say(f"| `{row['name']}` | {default} | {row['meaning']} |")


@group.command("check", help="Whether the settings given can be used: values, database, Redis.")
def check() -> None:
    from idp.assembly import options_of  # brings the pages, which no other command here needs
    from idp.doors import eparaksts_of, smart_id_of

    context = open_context()
    options_of(context.settings)
    smart_id_of(context.settings, context.effects)
    eparaksts_of(context.settings, context.effects)
    context.storage.shelf.find("settings", "check")
    say("The settings can be used.")


@group.command("calibrate-argon2", help="Measure which parameters of argon2id suit this machine.")
@click.option(
    "--seconds", type=click.FloatRange(0.01, 5.0), default=0.1, show_default=True, help="For one hash."
)
@click.option("--parallelism", type=click.IntRange(1, 8), default=1, show_default=True)
@AS_JSON
def calibrate(*, seconds: float, parallelism: int, as_json: bool) -> None:
    note("Measuring …")
    parameters, took = calibrate_argon2(seconds, parallelism=parallelism)
    values = {
        f"{PREFIX}ARGON2_TIME_COST": parameters.time_cost,
        f"{PREFIX}ARGON2_MEMORY_KIB": parameters.memory_kib,
        f"{PREFIX}ARGON2_PARALLELISM": parameters.parallelism,
    }
    if as_json:
        say_json({**values, "seconds": round(took, 4)})
        return
    for name, value in values.items():
        say(f"{name}={value}")
    note(
        f"A hash takes {took * 1000:.0f} ms; {PREFIX}ARGON2_CONCURRENCY of them at once use that memory each."
    )


def _told(name: str, field: FieldInfo) -> dict[str, Any]:
    return {
        "name": PREFIX + name.upper(),
        "default": _default(field),
        "meaning": field.description or "",
    }


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    match field.default:
        case None:
            return "unset"
        case ():
            return "none"
        case tuple() as values:
            return ",".join(map(str, values))
        case value:
            return str(value)
