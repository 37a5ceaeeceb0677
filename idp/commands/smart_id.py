"""`visvaris smart-id`: whether recorded sessions, codes, callbacks and certificates are what they
claim to be.

Needs no settings, no database and no network.
"""

import datetime as dt
import json
from pathlib import Path
from typing import IO, Final

import click
from cryptography.x509 import Certificate, load_pem_x509_certificates

from idp.commands.context import AS_JSON, note, refuse, say_json, say_rows
from idp.commands.smart_id_recordings import Finding, judge
from idp.effects import Effects, Instant

_LONGEST_FILE: Final = 16 * 1024 * 1024


@click.group("smart-id", help="Smart-ID.")
def group() -> None:
    pass


@group.command(
    "check", help="Verify recordings: FILE, or - for standard input. Exit code 1 when any does not hold."
)
@click.argument("file", type=click.File("rb"))
@click.option("--at", "moment", help="When certificates have to be valid, as ISO 8601; now unless told.")
@click.option(
    "--anchors",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="PEM file of further demo authorities that you vouch for, such as an emulator's.",
)
@AS_JSON
def check(*, file: IO[bytes], moment: str | None, anchors: Path | None, as_json: bool) -> None:
    now = _instant(moment) if moment is not None else Effects().now()
    named = _read_anchors(anchors) if anchors is not None else ()
    findings = list(judge(_read(file), named=named, now=now))
    failed = [finding for finding in findings if finding.holds is False]
    held = [finding for finding in findings if finding.holds]
    if as_json:
        rows = [_told(finding) for finding in findings]
        say_json({"ok": not failed and bool(held), "checked": len(held) + len(failed), "findings": rows})
    else:
        say_rows(
            [_told(finding) for finding in findings], ("holds", "section", "entry", "why"), as_json=False
        )
    if failed:
        refuse(f"{len(failed)} of {len(held) + len(failed)} do not hold.")
    if not held:
        refuse("There is nothing in it that could be checked.")
    if not as_json:
        note(f"All {len(held)} hold.")


def _told(finding: Finding) -> dict[str, object]:
    return {
        "section": finding.section,
        "entry": finding.entry,
        "holds": finding.holds,
        "why": finding.why,
    }


def _read(file: IO[bytes]) -> object:
    text = file.read(_LONGEST_FILE + 1)
    if len(text) > _LONGEST_FILE:
        refuse("The file is too large to be a recording.")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        refuse("The file does not hold JSON.")


def _read_anchors(path: Path) -> tuple[Certificate, ...]:
    try:
        return tuple(load_pem_x509_certificates(path.read_bytes()))
    except (OSError, ValueError):
        refuse(f"{path} does not hold certificates in PEM.")


def _instant(text: str) -> Instant:
    """UTC unless the time says otherwise."""
    try:
        read = dt.datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter("must be a date or a time in ISO 8601", param_hint="--at") from None
    return (read if read.tzinfo else read.replace(tzinfo=dt.UTC)).timestamp()
