"""The device of docs/examples, run as what it is: a process that shows a code, and beside it somebody's phone."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.test_browser import confirm, identify, watched
from tests.support.browser import OpenPage
from tests.support.checkout import ROOT
from tests.support.running_server import RunningServer
from tests.support.services import stop

EXAMPLE = ROOT / "docs" / "examples" / "device_client.py"
SECONDS = 30
VALMIERA = "0054000"

pytestmark = pytest.mark.browser


@dataclass
class Board:
    """The device's screen, read by somebody who stands before it."""

    process: "subprocess.Popen[str]"
    screen: str
    page: str
    code: str
    number: int

    def says_at_last(self) -> tuple[int, str, str]:
        """Its exit code, and what it said since on either stream."""
        said, complaint = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, said, complaint


@contextmanager
def started(server: RunningServer, *, client_id: str = "demo-device") -> Iterator[Board]:
    """Warnings are errors there, too."""
    command = [sys.executable, "-W", "error", EXAMPLE, "--issuer", server.issuer, "--client-id", client_id]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdout=pipe, stderr=pipe, text=True, encoding="utf-8", cwd=ROOT
    ) as process:
        try:
            yield _board(process)  # type: ignore[arg-type]
        finally:
            stop(process)  # type: ignore[arg-type]


def _board(process: "subprocess.Popen[str]") -> Board:
    assert process.stdout is not None
    screen = ""
    while not (number := re.search(r"Number to pick there: (\d\d)\n", screen)):
        line = process.stdout.readline()
        assert line, "the device stopped"
        screen += line
    page, code = re.search(r"Open (\S+) on", screen), re.search(r"Code: (\S+)", screen)
    assert page is not None
    assert code is not None
    return Board(process, screen, page[1], code[1], int(number[1]))


def test_the_phone_lets_the_device_in(server: RunningServer, phone: Page) -> None:
    clerk = server.hire(VALMIERA, totp=True, given_name="Ilze", family_name="Krūmiņa")
    with started(server) as board:
        assert "█" in board.screen, "a QR code"
        with watched(phone):
            phone.goto(board.page)
            expect(phone.locator("#code")).to_be_focused()
            phone.locator("#code").fill(board.code.lower().replace("-", " "))
            phone.locator("#login-submit").click()
            identify(phone, clerk)
            confirm(phone, clerk.code())
            expect(phone.locator("#page-title")).to_have_text("Vai ļaut šai ierīcei pieslēgties?")
            phone.locator(f"#number-{board.number}").click()
            expect(phone.locator("#page-title")).to_have_text("Ierīcei atļauts pieslēgties")
            phone.reload()
            expect(phone.locator("#page-title")).to_have_text("Ierīcei atļauts pieslēgties")
        assert board.says_at_last() == (0, "Signed in: Ilze Krūmiņa, Valmieras novads\n", "")


def test_a_wrong_number_keeps_the_device_out(server: RunningServer, phone: Page) -> None:
    """attack 15: whoever was only sent the code."""
    with started(server) as board:
        phone.goto(f"{board.page}?user_code={board.code}")
        expect(phone.locator("#code")).to_have_value(board.code)
        phone.locator("#login-submit").click()
        identify(phone, server.hire())
        phone.locator(f".numbers button:not(#number-{board.number})").first.click()
        expect(phone.locator("#error-code")).to_have_text("device_number_mismatch")
        assert board.says_at_last() == (1, "", "Not signed in: access_denied\n")


def test_it_works_with_scripts_off_and_says_no_when_the_person_does(
    server: RunningServer, open_page: OpenPage
) -> None:
    page = open_page(java_script_enabled=False)
    with started(server) as board:
        page.goto(board.page)
        page.locator("#code").fill(board.code)
        page.locator("#login-submit").click()
        identify(page, server.hire())
        page.locator("#device-deny").click()
        expect(page.locator("#page-title")).to_have_text("Ierīcei piekļuve atteikta")
        assert board.says_at_last() == (1, "", "Not signed in: access_denied\n")


def test_the_keyboard_is_enough(server: RunningServer, desk: Page) -> None:
    with started(server) as board:
        desk.goto(board.page)
        desk.keyboard.type(board.code)
        desk.keyboard.press("Enter")
        identify(desk, server.hire())
        desk.locator(f"#number-{board.number}").focus()
        desk.keyboard.press("Enter")
        expect(desk.locator("#page-title")).to_have_text("Ierīcei atļauts pieslēgties")
        assert board.says_at_last()[0] == 0


def test_a_device_nobody_registered_says_so(server: RunningServer) -> None:
    command = [sys.executable, EXAMPLE, "--issuer", server.issuer, "--client-id", "nobody"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert (run.returncode, run.stderr) == (1, "Not allowed to ask: invalid_client\n")
