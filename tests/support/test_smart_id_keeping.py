"""The emulator as a process: its authorities survive a restart, it needs nothing that only tests need, and says why it cannot start."""

import json
import re
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import packages_distributions
from pathlib import Path

from cryptography import x509

from tests.support.builders import START
from tests.support.checkout import ROOT
from tests.support.smart_id.authority import SmartIdAuthority
from tests.support.smart_id.keeping import keep, kept_people, kept_server, private_folder
from tests.support.smart_id.running import pin_of
from tests.support.smart_id.studio import Studio

RESPONDER = "https://localhost:8001/ocsp"


def certificates(authority: SmartIdAuthority) -> list[x509.Certificate]:
    return [authority.root.certificate, *(each.certificate for each in authority.issuers.values())]


def test_authorities_are_the_same_after_a_restart_and_still_issue(tmp_path: Path):
    folder = private_folder(tmp_path / "kept")
    before = kept_people(folder, key_bits=2048)
    before.tell_responder(RESPONDER)
    keep(before, folder)
    after = kept_people(folder, key_bits=2048)
    after.tell_responder(RESPONDER)
    assert certificates(after) == certificates(before)
    assert after.anchors_pem == before.anchors_pem
    assert Studio(after).take().judged(now=START)


def test_another_port_gives_issuers_that_name_it_and_keeps_their_keys(tmp_path: Path):
    folder = private_folder(tmp_path / "kept")
    before = kept_people(folder, key_bits=2048)
    before.tell_responder(RESPONDER)
    keep(before, folder)
    after = kept_people(folder, key_bits=2048)
    after.tell_responder("https://localhost:9001/ocsp")
    assert after.root.certificate == before.root.certificate
    mine, theirs = after.issuer("qualified").certificate, before.issuer("qualified").certificate
    assert mine != theirs
    assert mine.public_key() == theirs.public_key()


def test_the_servers_certificate_stays_until_it_is_about_to_expire(tmp_path: Path):
    folder = private_folder(tmp_path / "kept")
    ca_file, issued = kept_server(folder)
    pin, vouching = pin_of(issued), ca_file.read_bytes()
    assert pin_of(kept_server(folder)[1]) == pin
    assert ca_file.read_bytes() == vouching
    issued.key.unlink()
    assert pin_of(kept_server(folder)[1]) != pin


def test_nobody_else_reads_the_keys(tmp_path: Path):
    folder = private_folder(tmp_path / "kept")
    people = kept_people(folder, key_bits=2048)
    keep(people, folder)
    kept_server(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    secret = [file for file in folder.iterdir() if b"PRIVATE KEY" in file.read_bytes()]
    assert len(secret) == 5
    assert {stat.S_IMODE(file.stat().st_mode) for file in secret} == {0o600}


def test_a_port_in_use_is_told_and_nothing_is_served():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "tests.support.smart_id", "--port", port],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 1
    assert done.stdout == ""
    assert f"cannot use port {port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_it_ends_with_its_parent(tmp_path: Path):
    """Also when that was killed and could say nothing."""
    settings = tmp_path / "settings"
    script = f'"{sys.executable}" -m tests.support.smart_id --port 0 --settings "{settings}" --ends-with $$ & echo $!; wait'
    parent = subprocess.Popen(
        ["sh", "-c", script], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert parent.stdout
    emulator = int(parent.stdout.readline())
    await_that(settings.exists)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    await_that(lambda: not lives(emulator))


def test_make_run_installs_all_that_it_needs():
    script = "import sys, json, tests.support.smart_id.__main__; print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    by_module = packages_distributions()
    needed = {
        re.sub(r"[-_.]+", "-", distribution).lower()
        for module in json.loads(done.stdout)
        for distribution in by_module.get(module, [])
    }
    installed = re.findall(r"^([A-Za-z0-9._-]+)==", (ROOT / "requirements/run.txt").read_text(), re.MULTILINE)
    assert "cryptography" in needed
    assert needed - {re.sub(r"[-_.]+", "-", name).lower() for name in installed} <= {"visvaris", "setuptools"}


def await_that(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def lives(pid: int) -> bool:
    """A zombie that nobody has buried yet does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
