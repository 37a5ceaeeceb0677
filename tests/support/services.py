"""Real PostgreSQL and Redis on free loopback ports, with nothing kept: each test process starts its own.

Not configuration for production: durability is switched off, and anybody on the machine may connect.
"""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import make_url

POSTGRES_FLAGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "listen_addresses": "127.0.0.1",
    "max_connections": "300",
    "shared_buffers": "64MB",
    "autovacuum": "off",
}
INITDB_FLAGS = [
    "--username=postgres",
    "--auth=trust",
    "--no-sync",
    "--encoding=UTF8",
    "--locale=C.UTF-8",
    "--no-instructions",
]
START_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class PostgresServer:
    port: int

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str) -> None:
        """Outside a transaction, as CREATE and DROP DATABASE ask for."""
        with psycopg.connect(
            host="127.0.0.1", port=self.port, user="postgres", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(statement.encode())

    def create_database(self, *, template: str = "template0") -> str:
        """A fresh copy of the template; returns its SQLAlchemy URL."""
        name = f"test_{uuid4().hex}"
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
        return self.url(name)

    def drop_database(self, url: str) -> None:
        self.execute(f'DROP DATABASE "{make_url(url).database}" WITH (FORCE)')


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    binaries = _postgres_binaries()
    as_owner = _as_unprivileged_user()
    with _scratch_directory("pg", owner="postgres") as scratch:
        data = scratch / "data"
        _run([*as_owner, f"{binaries}/initdb", f"--pgdata={data}", *INITDB_FLAGS], cwd=scratch)
        port = free_port()
        flags = [f"--{name}={value}" for name, value in POSTGRES_FLAGS.items()]
        where = ["-D", str(data), "-p", str(port), "-k", str(scratch)]
        command = [*as_owner, f"{binaries}/postgres", *where, *flags]
        server = PostgresServer(port)
        with _running(command, cwd=scratch, ready=lambda: server.execute("SELECT 1"), retry_on=psycopg.Error):
            yield server


@contextmanager
def redis_server() -> Iterator[str]:
    """Yields the URL of an empty server."""
    binary = shutil.which("redis-server") or shutil.which("valkey-server")
    if binary is None:
        raise RuntimeError(missing("redis-server"))
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"

    def ping() -> None:
        with Redis.from_url(url) as client:
            client.ping()

    with _scratch_directory("redis") as scratch:
        command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        with _running([*command, "--dir", str(scratch)], cwd=scratch, ready=ping, retry_on=RedisError):
            yield url


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def missing(what: str) -> str:
    return f"The tests use {what}, which is not installed: `make test` installs it, or says how to."


def stop(process: "subprocess.Popen[bytes]", *, patience: float = 10.0) -> None:
    """Asks the process to end, and ends it if it does not."""
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def _running(
    command: list[str], *, cwd: Path, ready: Callable[[], None], retry_on: type[Exception]
) -> Iterator[None]:
    log = cwd / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                ready()
                break
            except retry_on:
                if process.poll() is not None or time.monotonic() > deadline:
                    said = log.read_text(errors="replace")
                    raise RuntimeError(f"{command} did not start:\n{said}") from None
            time.sleep(0.02)
        yield
    finally:
        stop(process)


@contextmanager
def _scratch_directory(name: str, *, owner: str | None = None) -> Iterator[Path]:
    """Short, because the path of a Unix socket may have 107 bytes at most."""
    path = Path(tempfile.mkdtemp(prefix=f"vv-{name}-"))
    try:
        if owner is not None and os.geteuid() == 0:
            account = pwd.getpwnam(owner)
            os.chown(path, account.pw_uid, account.pw_gid)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _postgres_binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path is None:
        raise RuntimeError(missing("PostgreSQL"))
    return Path(on_path).resolve().parent


def _as_unprivileged_user() -> list[str]:
    """PostgreSQL refuses to run as root; setpriv replaces itself, so that the process id stays the server's."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--"]


def _run(command: list[str], *, cwd: Path) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{command} failed:\n{done.stdout}{done.stderr}")
