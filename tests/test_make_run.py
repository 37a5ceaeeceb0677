"""`make run` as the README promises it: the provider and the emulated Smart-ID, started together and ending together."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from tests.support.readme import Newcomer, newcomer

pytestmark = [pytest.mark.docs, pytest.mark.timeout(300)]
PATIENCE = 90.0


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Newcomer]:
    with newcomer(tmp_path) as somebody:
        yield somebody


@contextmanager
def running(person: Newcomer, *command: str) -> Iterator["subprocess.Popen[bytes]"]:
    """In a group of its own, as a terminal has it; whatever is left of it is ended."""
    environment = person._environment() | {
        "VENV": ".venv",
        "IDP_ISSUER": f"http://localhost:{person.port}",
    }
    with (person.checkout / "log").open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=person.checkout,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def await_that(holds: Callable[[], object], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, log.read_text(errors="replace")
        time.sleep(0.1)


def answers(url: str) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(url, trust_env=False).status_code == httpx.codes.OK
    return False


def living(group: int) -> list[str]:
    """Commands of the processes of a group; those that ended and wait to be buried are none."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            state, _, its_group, *_ = (process / "stat").read_text().rpartition(")")[2].split()
            if int(its_group) == group and state != "Z":
                found.append((process / "cmdline").read_text())
    return found


def test_both_answer_and_both_end(person: Newcomer):
    ready, phone = (
        f"http://localhost:{person.port}/healthz/ready",
        f"http://localhost:{person.smart_id_port}/phone",
    )
    log, settings = person.checkout / "log", person.checkout / "var/smart-id/settings"

    with running(person, "make", "run") as process:
        await_that(lambda: answers(ready), log)
        assert httpx.get(ready, trust_env=False).json() == {"status": "ok", "smart_id": "ok"}
        assert answers(phone)
        assert phone in log.read_text()
        before = settings.read_text()
        os.killpg(process.pid, signal.SIGINT)
        process.wait(PATIENCE)
        await_that(lambda: not living(process.pid), log)
        assert not answers(ready)
        assert not answers(phone)
    with running(person, "tools/run") as process:
        await_that(lambda: answers(ready), log)
        assert answers(phone)
        assert settings.read_text() == before
        assert any("smart_id" in command for command in living(process.pid))
        process.kill()
        process.wait()
        await_that(lambda: not any("smart_id" in command for command in living(process.pid)), log)


def test_a_port_in_use_is_told_with_what_to_do(person: Newcomer):
    log = person.checkout / "log"
    with (
        socket.create_server(("127.0.0.1", person.smart_id_port)),
        running(person, "make", "run") as process,
    ):
        assert process.wait(PATIENCE) != 0
    assert f"Open http://localhost:{person.port}" not in log.read_text()
    assert f"cannot use port {person.smart_id_port}" in log.read_text()
    assert "make run SMART_ID_PORT=" in log.read_text()


def test_whoever_has_set_up_smart_id_is_left_alone(person: Newcomer):
    """Their settings are wrong here, and it is they that are complained of."""
    log = person.checkout / "log"
    command = ["env", "IDP_SMART_ID_BASE_URL=https://sid.demo.sk.ee/smart-id-rp/v3", "tools/run"]
    with running(person, *command) as process:
        assert process.wait(PATIENCE) != 0
    assert "IDP_SMART_ID_" in log.read_text()
    assert not (person.checkout / "var/smart-id").exists()
