"""`visvaris key`: the keys tokens are signed with, and the master keys secrets are sealed with."""

from datetime import UTC, datetime
from typing import Any

import click

from idp.commands.context import (
    AS_JSON,
    Context,
    end_progress,
    note,
    open_context,
    progress,
    refuse,
    say,
    say_rows,
)
from idp.crypto import SealError
from idp.events import Event, EventType
from idp.models.keys import SigningKey
from idp.oidc.keys import KeyRing
from idp.storage.reseal import reseal_all


@click.group("key", help="Signing keys and master keys.")
def group() -> None:
    pass


@group.command(
    "list", help="Signing keys: next (published, not yet used), active, retired (published still)."
)
@AS_JSON
def list_all(*, as_json: bool) -> None:
    context = open_context()
    _ring(context).reload()
    with context.database.read() as work:
        rows = [_told(key) for key in work.keys.signing_keys()]
    say_rows(rows, ("kid", "alg", "state", "created_at", "retired_at"), as_json=as_json)


@group.command(
    "rotate", help="Rotate the signing keys, and seal all secrets anew under the newest master key."
)
def rotate() -> None:
    context = open_context()
    try:
        with context.database.begin() as work:
            count = reseal_all(work, context.vault, progress("secrets sealed anew"))
            if count:
                work.audit.append(Event(type=EventType.MASTER_KEY_ROTATED, detail={"resealed": count}))
        end_progress()
        _ring(context).rotate()
    except SealError as error:
        refuse(f"Nothing was changed: {error}. List every key that was ever used until `key rotate` has run.")
    say(f"Secrets sealed anew under the newest master key: {count}.")
    say(
        "The next signing keys are active, those before them are retired, and new ones are published as next."
    )
    note("Master keys listed after the newest are no longer needed, unless a backup that needs them is kept.")


def _ring(context: Context) -> KeyRing:
    return KeyRing(context.database, context.vault, context.effects)


def _told(key: SigningKey) -> dict[str, Any]:
    return {
        "kid": key.kid,
        "alg": key.alg,
        "state": key.state,
        "created_at": _written(key.created_at),
        "retired_at": _written(key.retired_at),
    }


def _written(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
