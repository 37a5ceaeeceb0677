"""What commands share: the parts they work with, how they answer, and how they refuse.

Exit codes: 0 done, 1 refused with the reason on standard error, 2 wrong usage (click's own).
"""

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn

import click
import structlog

from idp import logs, settings
from idp.effects import Effects
from idp.errors import NotFoundError, NotMigratedError, StorageUnavailableError
from idp.gateways.outbound import Outbound
from idp.methods.base import Method
from idp.methods.registry import Argon2Parameters, WebAuthnParty, methods
from idp.settings import Settings, SettingsError
from idp.storage.approval_requests import ApprovalRequests
from idp.storage.database import Database
from idp.storage.open import Storage, open_storage
from idp.storage.vault import Vault

_log = structlog.get_logger("visvaris.command")
PRODUCT = "visvaris.lv"
DASHED_IDS: dict[str, Any] = {"ignore_unknown_options": True}
"""For commands that take an id we made: one in 64 begins with a dash, and is no option."""
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    settings: Settings
    effects: Effects
    vault: Vault
    storage: Storage

    @property
    def database(self) -> Database:
        return self.storage.database

    def outbound(self) -> Outbound:
        """Connects to nothing yet."""
        return Outbound(ca_file=self.settings.outbound_ca_file, allowed=self.settings.outbound_allow)

    def methods(self) -> tuple[Method, ...]:
        return methods(
            effects=self.effects,
            vault=self.vault,
            parameters=argon2_parameters(self.settings),
            hashes_at_once=self.settings.argon2_concurrency,
            issuer_name=PRODUCT,
            webauthn=WebAuthnParty(id=self.settings.rp_id, name=PRODUCT, origins=self.settings.own_origins),
            approvals=ApprovalRequests(self.storage.shelf, self.effects),
            issuer=self.settings.issuer,
            directories=self.storage,
        )


class Refusing(click.Group):
    """Turns what the provider itself refuses into one line on standard error and exit code 1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (SettingsError, NotMigratedError, NotFoundError) as error:
            refuse(f"Not found: {error}" if isinstance(error, NotFoundError) else str(error))
        except StorageUnavailableError as error:
            refuse(f"The database or Redis cannot be used ({error}).")
        except (click.exceptions.Exit, click.Abort, click.ClickException, BrokenPipeError):
            raise
        except Exception:  # noqa: BLE001  the last stop: no stack trace for whoever types a command
            _log.exception("the command failed")
            refuse("Something is wrong in the program itself; the line above says where.")


def refuse(reason: str) -> NoReturn:
    raise click.ClickException(reason)


def load_settings() -> Settings:
    loaded = settings.load()
    logs.configure(loaded.log_level)
    return loaded


def open_context(*, migrated: bool = True) -> Context:
    """Reads the settings and opens storage. `migrated`: whether to insist on an up-to-date database."""
    loaded = load_settings()
    effects = Effects()
    vault = open_vault(loaded, effects)
    redis_url = loaded.redis_url.get_secret_value() if loaded.redis_url else None
    try:
        storage = open_storage(loaded.database_url, redis_url, vault, effects)
    except ValueError as error:
        refuse(f"IDP_DATABASE_URL or IDP_REDIS_URL cannot be used: {error}")
    if migrated:
        storage.database.check_migrated()
    return Context(settings=loaded, effects=effects, vault=vault, storage=storage)


def open_vault(loaded: Settings, effects: Effects) -> Vault:
    from idp.crypto import Sealer

    return Vault(Sealer(loaded.master_key_bytes, effects), effects)


def argon2_parameters(loaded: Settings) -> Argon2Parameters:
    return Argon2Parameters(
        time_cost=loaded.argon2_time_cost,
        memory_kib=loaded.argon2_memory_kib,
        parallelism=loaded.argon2_parallelism,
    )


def say(text: str) -> None:
    click.echo(text)


def note(text: str) -> None:
    """For the person at the terminal, apart from the answer."""
    click.echo(text, err=True)


def say_json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def say_rows(rows: Sequence[Mapping[str, Any]], columns: Iterable[str], *, as_json: bool) -> None:
    """All members as JSON, or the given columns as a table."""
    if as_json:
        say_json(list(rows))
        return
    names = list(columns)
    table = [[name.upper().replace("_", " ") for name in names]]
    table += [[_cell(row.get(name)) for name in names] for row in rows]
    widths = [max(len(line[i]) for line in table) for i in range(len(names))]
    for line in table:
        say("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def progress(what: str) -> Callable[[int], None]:
    """Says how far a long command is, on one line that is rewritten; only to a person at a terminal."""

    def tell(count: int) -> None:
        if sys.stderr.isatty():
            with suppress(OSError):
                sys.stderr.write(f"\r{what}: {count} …")
                sys.stderr.flush()

    return tell


def end_progress() -> None:
    if sys.stderr.isatty():
        note("")


def _cell(value: object) -> str:
    match value:
        case None | "":
            return "-"
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(map(str, value)) or "-"
        case _:
            return str(value)
