"""`visvaris serve` as an operator has it: several processes, one count of everything, JSON lines, a clean end."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from idp.storage import migrate
from tests.support.services import free_port, stop

METRICS_TOKEN = "token-that-opens-the-metrics"


class Served:
    def __init__(self, url: str, metrics_url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self.url = url
        self.metrics_url = metrics_url
        self.process = process
        self._log = log

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path, trust_env=False, headers={"Connection": "close"})

    def lines(self) -> list[str]:
        return self._log.read_text().splitlines()


@contextmanager
def serving(place: Path, *arguments: str) -> Iterator[Served]:
    port, metrics_port = free_port(), free_port()
    database_url = f"sqlite:///{place / 'visvaris.sqlite3'}"
    migrate.upgrade(database_url)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("IDP_", "CONNECTOR_"))},
        "IDP_DATABASE_URL": database_url,
        "IDP_ISSUER": f"http://localhost:{port}",
        "IDP_MASTER_KEYS": "a" * 43,
        "IDP_METRICS_LISTEN": f"127.0.0.1:{metrics_port}",
        "IDP_METRICS_TOKEN": METRICS_TOKEN,
        "TMPDIR": str(place),
    }
    log = place / "log"
    command = [
        sys.executable,
        "-c",
        "from idp.cli import main; main()",
        "serve",
        "--port",
        str(port),
        *arguments,
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=place, env=environment, stdout=output, stderr=output)
    served = Served(f"http://localhost:{port}", f"http://127.0.0.1:{metrics_port}", process, log)
    try:
        _wait_until_ready(served)
        yield served
    finally:
        stop(process)


def _wait_until_ready(served: Served) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and served.process.poll() is None:
        with suppress(httpx.HTTPError):
            if served.get("/healthz/ready").status_code == 200:
                return
        time.sleep(0.05)
    raise AssertionError("\n".join(served.lines()))


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("serve"), "--workers", "2") as served:
        yield served


def test_discovery_is_served_under_the_issuer(two_workers: Served) -> None:
    told = two_workers.get("/.well-known/openid-configuration").json()
    assert told["issuer"] == two_workers.url


def test_all_workers_count_together(two_workers: Served) -> None:
    for _ in range(20):
        two_workers.get("/jwks")
    own = httpx.get(two_workers.metrics_url, trust_env=False).text
    guarded = httpx.get(
        f"{two_workers.url}/metrics", trust_env=False, headers={"Authorization": f"Bearer {METRICS_TOKEN}"}
    ).text
    for told in (own, guarded):
        assert 'visvaris_request_seconds_count{place="jwks",status="2xx"} 20.0' in told
    assert two_workers.get("/metrics").status_code == 401


def test_every_line_is_json_but_the_one_for_the_person_at_the_terminal(two_workers: Served) -> None:
    two_workers.get("/nowhere?code=hunter2")
    greeting, *lines = two_workers.lines()
    assert two_workers.url in greeting
    assert all(json.loads(line)["level"] for line in lines)
    assert "hunter2" not in "\n".join(lines)
    assert any(json.loads(line).get("path") == "/nowhere" for line in lines)


def test_connectors_are_mounted_and_it_ends_cleanly(tmp_path: Path) -> None:
    with serving(tmp_path, "--with-connectors") as served:
        assert served.get("/connectors/agreements/start").status_code == 200
        assert served.get("/connectors/agreements/").status_code in {302, 303}
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(15) == 0
        assert list(tmp_path.glob("visvaris-metrics-*")) == []
        assert "Traceback" not in "\n".join(served.lines())


def worker_lines(served: Served) -> list[str]:
    said = [json.loads(line)["event"] for line in served.lines() if line.startswith("{")]
    return [event for event in said if event.startswith("worker ")]


def await_line(served: Served, event: str) -> None:
    deadline = time.monotonic() + 20
    while event not in worker_lines(served) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert event in worker_lines(served)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_worker_runs_beside_it_and_ends_with_it(tmp_path: Path, how: signal.Signals) -> None:
    """Also with a server that was killed, and could tell nobody."""
    with serving(tmp_path, "--with-worker") as served:
        await_line(served, "worker started")
        children = Path(f"/proc/{served.process.pid}/task/{served.process.pid}/children").read_text().split()
        served.process.send_signal(how)
        served.process.wait(15)
        await_line(served, "worker stopped")
        assert "Traceback" not in "\n".join(served.lines())
    for child in children:  # of a killed granian its own processes stay behind
        with suppress(ProcessLookupError):
            os.kill(int(child), signal.SIGKILL)


def test_no_worker_runs_unless_asked_for(two_workers: Served) -> None:
    assert worker_lines(two_workers) == []
