"""`visvaris serve`: the provider on granian, a WSGI server.

Each worker is a process of its own; the one that starts them serves nobody, and answers `/metrics` on its own
listener where `IDP_METRICS_LISTEN` says so. TLS, compression and HTTP/2 are the business of the proxy in
front.
"""

import base64
import gc
import hashlib
import importlib
import logging
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from idp.commands.context import note, open_context
from idp.commands.memory import give_back_large_blocks
from idp.commands.worker import work
from idp.seed.clients import AGREEMENTS, AGREEMENTS_SECRET, agreements_url
from idp.settings import Settings
from idp.storage.connections import parse_url, sqlite_file

_CHECKOUT = Path(__file__).parents[2]
_THREADS = 16
"""Enough that people who wait, for a hash or for a connector's own request, do not keep the rest waiting."""
_STOP_SECONDS = 15
_COUNT_IN = "PROMETHEUS_MULTIPROC_DIR"


class _NoAdvice(logging.Filter):
    """Granian warns of more threads than cores can run; ours mostly wait, and start only when needed."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "Python threads" not in record.getMessage()


_LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"no_advice": {"()": _NoAdvice}},
    "loggers": {"_granian": {"level": "INFO", "handlers": [], "filters": ["no_advice"], "propagate": True}},
}


@click.command("serve", help="Serve the provider.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes.")
@click.option("--with-connectors", is_flag=True, help="Mount the connectors too, as `make run` does.")
@click.option("--with-worker", is_flag=True, help="Run background jobs beside it, as `make run` does.")
def command(*, host: str, port: int, workers: int, with_connectors: bool, with_worker: bool) -> None:
    context = open_context()
    context.database.dispose()
    if with_connectors:
        _tell_connectors(context.settings)
    with _counted_together(), _working_beside(wanted=with_worker):
        _listen_for_metrics(context.settings)
        mail = " (mail is not sent; read it at /mail)" if context.settings.keeps_mail else ""
        note(f"Open {context.settings.issuer} in a browser{mail}. Ctrl+C stops the server.")
        _serve(host=host, port=port, workers=workers, with_connectors=with_connectors)


def _serve(*, host: str, port: int, workers: int, with_connectors: bool) -> None:
    from granian import Granian
    from granian.constants import Interfaces

    if str(_CHECKOUT) not in sys.path:
        sys.path.insert(0, str(_CHECKOUT))
    give_back_large_blocks()
    _load_before_forking()
    Granian(
        "wsgi:with_connectors" if with_connectors else "wsgi:provider",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=_THREADS,
        factory=True,
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=_STOP_SECONDS,
        log_dictconfig=_LOGGING,
    ).serve()


def _tell_connectors(loaded: Settings) -> None:
    """What the mounted connectors need to know, as the demonstration registered them; what is set stays."""
    key = hashlib.sha256(b"visvaris mounted connectors" + loaded.master_key_bytes[0]).digest()
    beside = sqlite_file(parse_url(loaded.database_url))
    told = {
        "CONNECTOR_ISSUER": loaded.issuer,
        "CONNECTOR_CLIENT_ID": AGREEMENTS,
        "CONNECTOR_CLIENT_SECRET": AGREEMENTS_SECRET,
        "CONNECTOR_BASE_URL": agreements_url(loaded.issuer),
        "CONNECTOR_SECRET_KEYS": base64.urlsafe_b64encode(key).decode(),
        **(
            {"CONNECTOR_DATABASE_URL": f"sqlite:///{beside.with_name('agreements.sqlite3')}"}
            if beside
            else {}
        ),
    }
    for name, value in told.items():
        os.environ.setdefault(name, value)


@contextmanager
def _working_beside(*, wanted: bool) -> Iterator[None]:
    """The worker in a process of its own, forked from this one so that they share what is loaded."""
    if not wanted:
        yield
        return
    worker = multiprocessing.get_context("fork").Process(
        target=_work_until_the_server_ends, args=(os.getpid(),), name="visvaris-worker"
    )
    worker.start()
    try:
        yield
    finally:
        worker.terminate()
        worker.join(_STOP_SECONDS)
        if worker.is_alive():
            worker.kill()
            worker.join()


def _work_until_the_server_ends(server: int) -> None:
    """Also when the server was killed and could not say so."""

    def watch() -> None:
        while os.getppid() == server:
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
    work(open_context())


def _load_before_forking() -> None:
    """What every worker needs is made once; frozen, the collector does not touch it and it stays shared.

    Nothing of it goes away meanwhile, so the collector need not look again and again.
    """
    gc.disable()
    importlib.import_module("wsgi").provider()
    gc.enable()
    gc.collect()
    gc.freeze()


@contextmanager
def _counted_together() -> Iterator[None]:
    """A directory in which all processes count; prometheus_client reads the variable when it is imported."""
    directory = tempfile.mkdtemp(prefix="visvaris-metrics-")
    os.environ[_COUNT_IN] = directory
    try:
        yield
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _listen_for_metrics(settings: Settings) -> None:
    if settings.metrics_listen is None:
        return
    from prometheus_client import start_http_server

    from idp.metrics import registry

    host, _, port = settings.metrics_listen.rpartition(":")
    start_http_server(int(port), addr=host.strip("[]") or "127.0.0.1", registry=registry())
