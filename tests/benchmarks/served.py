"""A server on granian with two workers, its processor time and its memory as the kernel tells them."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from socket import socket

from tests.benchmarks import as_installed

WORKERS = 2
_BIN = Path(sys.executable).parent
_TICKS = os.sysconf("SC_CLK_TCK")
_LONGEST_START_SECONDS = 30.0


class DidNotStartError(Exception):
    """The server ended, or did not get ready."""


@dataclass(frozen=True, slots=True)
class Server:
    pid: int
    port: int
    seconds_to_ready: float

    def workers(self) -> list[int]:
        return _children(self.pid)

    def worker_cpu(self) -> float:
        return sum(_cpu_seconds(pid) for pid in self.workers())

    def worker_megabytes(self) -> float:
        """Proportional: what processes share is counted once."""
        return sum(_pss_bytes(pid) for pid in self.workers()) / 1e6

    def megabytes(self) -> float:
        """With the process that started the workers."""
        return self.worker_megabytes() + _pss_bytes(self.pid) / 1e6


@contextmanager
def provider(environment: Mapping[str, str], log: Path) -> Iterator[Server]:
    """As `visvaris serve` starts it."""
    port = _free_port()
    command = [sys.executable, "-m", as_installed.__name__, "serve"]
    command += ["--port", str(port), "--workers", str(WORKERS)]
    with _running(
        command, {**environment, **as_installed.environment()}, log, port=port, ready="/healthz/ready"
    ) as server:
        yield server


@contextmanager
def bare_flask(log: Path) -> Iterator[Server]:
    port = _free_port()
    command = [str(_BIN / "granian"), "--interface", "wsgi", "--port", str(port), "--workers", str(WORKERS)]
    command += ["--blocking-threads", "16", "--no-ws", "tests.benchmarks.bare:application"]
    with _running(command, {}, log, port=port, ready="/") as server:
        yield server


@contextmanager
def _running(
    command: list[str], environment: Mapping[str, str], log: Path, *, port: int, ready: str
) -> Iterator[Server]:
    started = time.perf_counter()
    with log.open("wb") as told:
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=told, stderr=told)
    try:
        _await(process, port, ready, until=started + _LONGEST_START_SECONDS)
        yield Server(process.pid, port, time.perf_counter() - started)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _await(process: "subprocess.Popen[bytes]", port: int, path: str, *, until: float) -> None:
    while not _answers(port, path):
        if process.poll() is not None or time.perf_counter() > until:
            raise DidNotStartError(" ".join(map(str, process.args)))  # type: ignore[arg-type]
        time.sleep(0.01)


def _answers(port: int, path: str) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _cpu_seconds(pid: int) -> float:
    """User and system time, fields 14 and 15; the name before them may hold spaces."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _pss_bytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("Pss:")).split()[1]) * 1024
