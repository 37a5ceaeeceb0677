"""`visvaris mds`: FIDO's list of authenticators, which says what keys are and which are not to be trusted.

Loaded from a file, or fetched when that is asked for; never by itself. Not here: reading it
(`methods/webauthn/metadata_blob.py`), what municipalities demand (`attestation.py`).
"""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click
from cryptography.x509 import Certificate, load_pem_x509_certificate

from idp.attestation_policy import UNTRUSTED
from idp.commands.context import AS_JSON, Context, note, open_context, refuse, say, say_json, say_rows
from idp.events import Event, EventType
from idp.gateways.outbound import OutboundError
from idp.methods.registry import (
    BLOB_BYTES_AT_MOST,
    Blob,
    MetadataChanges,
    OlderListError,
    UntrustedBlobError,
    read_blob,
    take_over,
)
from idp.models.authenticators import AuthenticatorModel, MetadataBlob

ADDRESS: Final = "https://mds3.fidoalliance.org/"
_ACTOR: Final = "command-line"
_ROOT: Final = Path(__file__).parents[1] / "data" / "mds_root.crt"
_FETCH_SECONDS: Final = 120.0
_LISTED: Final = ("aaguid", "description", "trusted")


@click.group("mds", help="FIDO's list of authenticators (Metadata Service).")
def group() -> None:
    pass


@group.command("load", help="Take over the list in FILE (`-`: standard input), when it is FIDO's and newer.")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--fetch", is_flag=True, help=f"Fetch it from {ADDRESS} instead of reading a file.")
@click.option(
    "--root",
    "root_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="PEM file of the authority its signer's certificates lead to; GlobalSign Root CA - R3 otherwise.",
)
@AS_JSON
def load(file: Path | None, *, fetch: bool, root_file: Path | None, as_json: bool) -> None:
    if fetch == (file is not None):
        raise click.UsageError("Give either a FILE or --fetch.")
    root = _root(root_file or _ROOT)
    context = open_context()
    raw = _fetched(context) if file is None else _read(file)
    now = context.effects.now()
    try:
        blob = read_blob(raw, root=root, now=now)
    except UntrustedBlobError as error:
        refuse(f"This list cannot be trusted: {error}.")
    try:
        with context.database.begin() as work:
            changes = take_over(work, blob, now=now)
            if changes.is_new:
                work.audit.append(_event(blob, changes))
            loaded = work.authenticators.find_blob()
    except OlderListError as error:
        refuse(f"This is list {blob.number}; list {error.number} was loaded before, and nothing was changed.")
    if loaded is not None:
        _warn_when_stale(loaded, now)
    if as_json:
        say_json(_told(blob, changes))
    else:
        _say_in_words(blob, changes)


@group.command("show", help="Which list is loaded, or what it says of the model AAGUID.")
@click.argument("aaguid", required=False)
@AS_JSON
def show(aaguid: str | None, *, as_json: bool) -> None:
    context = open_context()
    with context.database.read() as work:
        blob = work.authenticators.find_blob()
        models = [] if aaguid else work.authenticators.list_models()
        model = work.authenticators.find(aaguid.lower()) if aaguid else None
    if blob is None:
        refuse("No list was loaded yet: `visvaris mds load` does.")
    now = context.effects.now()
    _warn_when_stale(blob, now)
    if aaguid is not None:
        if model is None:
            refuse(f"The list has no model {aaguid}.")
        _show_model(model, as_json=as_json)
        return
    rows = [_model(model) for model in models]
    if as_json:
        say_json({**_head(blob, now), "models": rows})
    else:
        say(f"List {blob.number}, loaded {_day(blob.loaded_at)}; the next by {_day(blob.next_update)}.")
        say_rows(rows, _LISTED, as_json=False)


def _root(file: Path) -> Certificate:
    try:
        return load_pem_x509_certificate(file.read_bytes())
    except (OSError, ValueError):
        refuse(f"{file} is not a certificate in PEM.")


def _read(file: Path) -> bytes:
    """A byte more than may be, so that what is too large is seen to be."""
    if str(file) == "-":
        return sys.stdin.buffer.read(BLOB_BYTES_AT_MOST + 1)
    try:
        with file.open("rb") as opened:
            return opened.read(BLOB_BYTES_AT_MOST + 1)
    except OSError as error:
        refuse(f"{file} cannot be read: {error.strerror}.")


def _fetched(context: Context) -> bytes:
    try:
        return (
            context.outbound()
            .fetch(ADDRESS, accept="*/*", limit=BLOB_BYTES_AT_MOST, seconds=_FETCH_SECONDS)
            .body
        )
    except OutboundError as error:
        refuse(f"The list could not be fetched: {error.url} {error.why}.")


def _warn_when_stale(blob: MetadataBlob, now: float) -> None:
    if blob.is_stale(now):
        note(
            f"List {blob.number} is past its day: there was to be a newer one by {_day(blob.next_update)}. "
            "What was found out since is not known here."
        )


def _event(blob: Blob, changes: MetadataChanges) -> Event:
    return Event(
        type=EventType.METADATA_LOADED,
        actor_id=_ACTOR,
        detail={
            "number": blob.number,
            "added": len(changes.added),
            "changed": len(changes.changed),
            "removed": len(changes.removed),
            "untrusted": ",".join(each.aaguid for each in changes.untrusted),
        },
    )


def _told(blob: Blob, changes: MetadataChanges) -> dict[str, Any]:
    return {
        "number": blob.number,
        "next_update": _day(blob.next_update),
        "new": changes.is_new,
        "models": len(blob.models),
        "skipped": blob.skipped,
        "added": list(changes.added),
        "changed": list(changes.changed),
        "removed": list(changes.removed),
        "untrusted": [
            {
                "aaguid": each.aaguid,
                "description": each.description,
                "statuses": list(each.statuses),
                "keys": each.keys,
            }
            for each in changes.untrusted
        ],
    }


def _say_in_words(blob: Blob, changes: MetadataChanges) -> None:
    if not changes.is_new:
        say(f"List {blob.number} was loaded before; nothing changed.")
        return
    say(
        f"List {blob.number} with {len(blob.models)} models: {len(changes.added)} new, "
        f"{len(changes.changed)} changed, {len(changes.removed)} gone. The next by {_day(blob.next_update)}."
    )
    for each in changes.untrusted:
        say(
            f"Not to be trusted: {each.description} ({each.aaguid}), {', '.join(each.statuses)}; "
            f"keys here that say they are of it: {each.keys}."
        )


def _show_model(model: AuthenticatorModel, *, as_json: bool) -> None:
    told = {**_model(model), "attestation_types": list(model.attestation_types), "roots": len(model.roots)}
    if as_json:
        say_json(told)
        return
    reports = [f"{each['status']} ({each['effectiveDate'] or 'no date'})" for each in told["status_reports"]]
    rows = [{"member": n, "value": v} for n, v in {**told, "status_reports": reports}.items()]
    say_rows(rows, ("member", "value"), as_json=False)


def _model(model: AuthenticatorModel) -> dict[str, Any]:
    return {
        "aaguid": model.aaguid,
        "description": model.description,
        "trusted": not model.statuses & UNTRUSTED,
        "status_reports": list(model.status_reports),
    }


def _head(blob: MetadataBlob, now: float) -> dict[str, Any]:
    return {
        "number": blob.number,
        "next_update": _day(blob.next_update),
        "loaded_at": datetime.fromtimestamp(blob.loaded_at, UTC).isoformat(timespec="seconds"),
        "stale": blob.is_stale(now),
    }


def _day(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).date().isoformat()
