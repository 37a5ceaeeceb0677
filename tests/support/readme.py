"""Does what README tells a newcomer to do: takes the commands out of its `sh` blocks and runs them, in order, in a copy of the checkout.

The copy borrows the environment that runs the tests, so nothing is installed twice.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.support.checkout import ROOT, tracked_files
from tests.support.services import free_port

FENCE = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEREDOC = re.compile(r"<<-?\s*['\"]?(\w+)['\"]?")
SERVES = re.compile(r"\bmake (?:-\S+ )*run\b|\bvisvaris serve\b")
WORKS = re.compile(r"\bvisvaris worker\b")
ALREADY_DONE = re.compile(
    r"^(?:git clone|cd|sudo apt-get|apt-get)\b"
)  # the copy is there, and so are the packages
OTHER_TARGETS = re.compile(r"^(?:[A-Z_]+=\S+ )*make\b(?!.*\brun\b)")
EXAMPLE = re.compile(r"docs/examples/(\w+)\.py")
COMMAND_SECONDS = 60
START_SECONDS = 90


def commands_of(markdown: str) -> list[str]:
    """One string a command: continued lines and here-documents stay whole, comments and prompts go."""
    commands: list[str] = []
    for block in FENCE.findall(markdown):
        lines = iter(block.splitlines())
        for line in lines:
            command = line.removeprefix("$ ").rstrip()
            while command.endswith("\\"):
                command += "\n" + next(lines)
            if match := HEREDOC.search(command):
                for inner in lines:
                    command += "\n" + inner
                    if inner.strip() == match.group(1):
                        break
            if command.strip() and not command.lstrip().startswith("#"):
                commands.append(command)
    return commands


@dataclass(slots=True)
class Newcomer:
    """Somebody at a terminal in a fresh checkout."""

    checkout: Path
    port: int
    smart_id_port: int = field(default_factory=free_port)
    exported: list[str] = field(default_factory=list)
    running: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def types(self, command: str) -> None:
        command = re.sub(r"\bPORT=\d+", f"PORT={self.port}", command).replace(
            "localhost:8000", f"localhost:{self.port}"
        )
        if command.startswith("export "):
            self.exported.append(command)
        elif ALREADY_DONE.match(command):
            return
        elif SERVES.search(command):
            self.leaves()
            self._starts(command)
            self._waits_until_ready()
        elif WORKS.search(command):
            self._starts(command)
            time.sleep(1)
            assert self.running[-1].poll() is None, self._log()
        elif OTHER_TARGETS.match(command):
            self._does(command.replace("make", "make --dry-run", 1))
        elif match := EXAMPLE.search(command):
            name = match.group(1)
            tests = (ROOT / "tests").rglob("test_*.py")
            assert any(name in path.read_text() for path in tests), f"no test runs {name}.py"
        else:
            self._does(command)

    def leaves(self) -> None:
        for process in self.running:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.running:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.running.clear()

    def _does(self, command: str) -> None:
        done = subprocess.run(
            ["sh", "-euc", self._script(command)],
            cwd=self.checkout,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"

    def _starts(self, command: str) -> None:
        with (self.checkout / "log").open("ab") as log:
            self.running.append(
                subprocess.Popen(
                    ["sh", "-euc", self._script(command)],
                    cwd=self.checkout,
                    env=self._environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            )

    def _waits_until_ready(self) -> None:
        ready = f"http://localhost:{self.port}/healthz/ready"
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.running[-1].poll() is None:
            with suppress(httpx.HTTPError):
                if httpx.get(ready, trust_env=False).status_code == httpx.codes.OK:
                    return
            time.sleep(0.1)
        raise AssertionError(f"the server did not become ready:\n{self._log()}")

    def _log(self) -> str:
        return (self.checkout / "log").read_text(errors="replace")

    def _script(self, command: str) -> str:
        return "\n".join([*self.exported, command])

    def _environment(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("IDP_", "PYTEST", "MAKE", "MFLAGS"))
        }
        own_commands = self.checkout / ".venv/bin"
        return kept | {
            "PATH": f"{own_commands}{os.pathsep}{os.environ['PATH']}",
            "PORT": str(self.port),
            "SMART_ID_PORT": str(self.smart_id_port),
            "PYTHONPATH": str(self.checkout),
        }


@contextmanager
def newcomer(place: Path) -> Iterator[Newcomer]:
    for path in tracked_files():
        target = place / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, target)
    environment = place / ".venv"
    environment.mkdir()
    (environment / "bin").symlink_to(Path(sys.prefix) / "bin")
    for lock in ("run", "test"):
        (environment / f".{lock}-installed").touch()
    person = Newcomer(place, free_port())
    try:
        yield person
    finally:
        person.leaves()
