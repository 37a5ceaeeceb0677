"""The installed application of docs/examples, run as what it is: a process with a browser beside it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Queue
from threading import Thread
from typing import IO
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from tests.support.at_once import at_once
from tests.support.checkout import ROOT
from tests.support.dpop import proving
from tests.support.relying_party import ProviderError, RelyingParty, Tokens
from tests.support.running_server import NetworkBrowser, Resident, RunningServer
from tests.support.services import stop

EXAMPLE = ROOT / "docs" / "examples" / "desktop_client.py"
SECONDS = 30
VALMIERA = "0054000"
SCOPE = "openid profile employment offline_access"
REFRESH_ONCE = """
import json, sys, urllib.parse, urllib.request
form = urllib.parse.urlencode(json.load(sys.stdin)).encode()
print(urllib.request.urlopen(sys.argv[1], form, timeout=20).read().decode())
"""


@dataclass
class Program:
    process: "subprocess.Popen[str]"
    said: "Queue[str]"

    def next_line(self) -> str:
        return self.said.get(timeout=SECONDS)

    def presses_enter(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def ends(self) -> tuple[int, str]:
        """Its exit code and what it said on standard error."""
        assert self.process.stderr is not None
        complaint = self.process.stderr.read()
        return self.process.wait(SECONDS), complaint


@contextmanager
def started(server: RunningServer, client_id: str = "demo-desktop") -> Iterator[Program]:
    """Warnings are errors there, too."""
    command = [sys.executable, "-W", "error", EXAMPLE, "--no-browser"]
    registration = ["--issuer", server.issuer, "--client-id", client_id]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [*command, *registration], stdin=pipe, stdout=pipe, stderr=pipe, text=True, encoding="utf-8", cwd=ROOT
    ) as process:
        said: Queue[str] = Queue()
        assert process.stdout is not None
        reader = Thread(target=_read, args=(process.stdout, said))
        reader.start()
        try:
            yield Program(process, said)  # type: ignore[arg-type]
        finally:
            stop(process)  # type: ignore[arg-type]
            reader.join(SECONDS)


def _read(lines: IO[str], said: "Queue[str]") -> None:
    for line in lines:
        said.put(line.rstrip("\n"))


def consents(browser: NetworkBrowser, who: Resident, url: str) -> str:
    """Signs in and agrees; the address at which the program waits."""
    browser.signs_in(who, url)
    browser.presses("consent-allow")
    assert browser.left_for is not None
    return browser.left_for


def desktop(server: RunningServer) -> RelyingParty:
    return server.application("demo-desktop", redirect_uri="http://127.0.0.1:45678/callback")


def signed_in(server: RunningServer, who: Resident) -> tuple[NetworkBrowser, Tokens]:
    application, browser = desktop(server), server.browser()
    question = application.ask(scope=SCOPE)
    answer = application.read_answer(question, consents(browser, who, question.url))
    return browser, application.redeem(question, answer["code"])


# The program ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("client_id", ["demo-desktop", "nino"])
def test_it_signs_in_renews_its_tokens_and_signs_out(server: RunningServer, client_id: str):
    """As `nino`, which gets no tokens but bound ones, it shows that each of its requests proves its key."""
    clerk = server.hire(VALMIERA, totp=True, given_name="Ilze", family_name="Krūmiņa")
    browser = server.browser()
    with started(server, client_id) as program:
        asked = program.next_line()
        assert parse_qs(urlsplit(asked).query)["code_challenge_method"] == ["S256"]

        waiting_at = consents(browser, clerk, asked)
        assert urlsplit(waiting_at).hostname == "127.0.0.1"
        assert "Varat aizvērt" in httpx.get(waiting_at).text

        assert program.next_line() == "Signed in: Ilze Krūmiņa, Valmieras novads"
        assert browser.is_signed_in

        program.presses_enter()
        browser.opens(program.next_line().removeprefix("Press Enter to sign out. "))
        assert browser.page.path == "/logged-out"
        assert not browser.is_signed_in
        assert program.ends() == (0, "")


def test_it_says_so_when_the_person_refuses(server: RunningServer):
    browser = server.browser()
    with started(server) as program:
        browser.signs_in(server.hire(), program.next_line())
        browser.presses("consent-deny")
        httpx.get(browser.left_for or "")
        assert program.ends() == (1, "Not signed in: access_denied\n")


@pytest.mark.parametrize("changed", [{"iss": "https://other-issuer.example"}, {"iss": None}])
def test_it_redeems_no_code_of_an_answer_that_does_not_name_its_issuer(
    server: RunningServer, changed: dict[str, str | None]
):
    """Attack 10: mix-up. Another provider's answer, with the right state, gets no code from it."""
    with started(server) as program:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(program.next_line()).query).items()}
        answer = {"state": asked["state"], "code": "of-another-provider", "iss": server.issuer, **changed}
        sent = {name: value for name, value in answer.items() if value is not None}
        httpx.get(f"{asked['redirect_uri']}?{urlencode(sent)}")
        assert program.ends() == (1, "Not signed in: the answer is to another request\n")


def test_it_takes_no_answer_to_a_question_it_did_not_ask(server: RunningServer):
    """Attack 24: login CSRF. An attacker's code, sent to the port, does not sign the program in as the attacker."""
    attacker = server.browser()
    with started(server) as program:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(program.next_line()).query).items()}
        question = desktop(server).ask(scope=SCOPE, redirect_uri=asked["redirect_uri"])
        httpx.get(consents(attacker, server.hire(), question.url))
        assert program.ends() == (1, "Not signed in: the answer is to another request\n")


# The seven installed applications -------------------------------------------------------------------------

SEVEN = ["nino", "nekip", "sopa", "pers", "dzimts", "gvedis", "bridzis"]


@pytest.mark.parametrize("client_id", SEVEN)
def test_an_installed_application_has_only_tokens_that_are_bound_to_its_key(
    server: RunningServer, client_id: str
):
    """Attack 14: what somebody copies from the computer's disk is worth nothing without the key"""
    program = proving(server.application(client_id, redirect_uri="http://[::1]:45678/callback"))
    question = program.ask(scope=SCOPE)
    answered = consents(server.browser(), server.hire(VALMIERA), question.url)
    tokens = program.redeem(question, program.read_answer(question, answered)["code"])
    renewed = program.refresh(tokens.refresh_token or "")
    assert program.userinfo(renewed.access_token)["sub"] == tokens.claims["sub"]

    thief = server.application(client_id)
    with pytest.raises(ProviderError, match="invalid_dpop_proof"):
        thief.refresh(renewed.refresh_token or "")
    with pytest.raises(ProviderError, match="invalid_grant"):
        proving(thief).refresh(renewed.refresh_token or "")
    with pytest.raises(ProviderError, match="invalid_token"):
        thief.userinfo(renewed.access_token)


def test_two_proofs_in_one_request_are_none_whatever_the_server_makes_of_them(server: RunningServer):
    """RFC 9449 section 4.3: two headers of one name reach us as one, or not at all"""
    program = proving(server.application("nino"))
    pair = [program.prove("POST", "/token") for _ in range(2)]
    asked = {"grant_type": "refresh_token", "refresh_token": "x"}
    assert program.post_with("/token", asked, *pair).json()["error"] == "invalid_dpop_proof"
    assert program.post_with("/token", asked, pair[0]).json()["error"] == "invalid_grant"


# Two processes of one program ----------------------------------------------------------------------------


def test_two_processes_with_one_refresh_token_get_the_same_answer(server: RunningServer):
    """Attack 14: what two programs do within seconds is a retry; neither destroys the session of the other."""
    _, tokens = signed_in(server, server.hire(VALMIERA))
    form = {
        "grant_type": "refresh_token",
        "client_id": "demo-desktop",
        "refresh_token": tokens.refresh_token or "",
    }

    def one_process(_: int) -> str:
        return subprocess.run(
            [sys.executable, "-c", REFRESH_ONCE, f"{server.issuer}/token"],
            input=httpx.Response(200, json=form).text,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    first, second = at_once(2, one_process)
    assert first == second
    answer = httpx.Response(200, text=first).json()
    application = desktop(server)
    assert application.userinfo(answer["access_token"])["sub"] == tokens.claims["sub"]
    assert application.refresh(answer["refresh_token"]).refresh_token


def test_the_old_token_after_its_successor_was_used_ends_the_family(server: RunningServer):
    """Attack 14: that is no retry. Somebody has a copy, and nobody can tell who."""
    _, tokens = signed_in(server, server.hire(VALMIERA))
    application = desktop(server)
    second = application.refresh(tokens.refresh_token or "")
    third = application.refresh(second.refresh_token or "")
    for stale_or_newest in (tokens.refresh_token, third.refresh_token):
        with pytest.raises(ProviderError, match="invalid_grant"):
            application.refresh(stale_or_newest or "")
    with pytest.raises(ProviderError):
        application.userinfo(third.access_token)


def test_a_retry_by_another_application_is_none(server: RunningServer):
    """Attack 14: the kept answer is for the client that had it, whoever else shows the token."""
    _, tokens = signed_in(server, server.hire(VALMIERA))
    renewed = desktop(server).refresh(tokens.refresh_token or "")
    for token in (tokens.refresh_token, renewed.refresh_token):
        with pytest.raises(ProviderError, match="invalid_grant"):
            server.application("demo-web").refresh(token or "")


def test_the_program_stays_signed_in_when_the_browser_signs_out(server: RunningServer):
    """It asked for `offline_access`; what ends it is revoking its own token, as the example does."""
    browser, tokens = signed_in(server, server.hire(VALMIERA))
    browser.signs_out()
    application = desktop(server)
    renewed = application.refresh(tokens.refresh_token or "")
    assert application.userinfo(renewed.access_token)["sub"] == tokens.claims["sub"]

    assert application.revoke(renewed.refresh_token or "").status_code == 200
    with pytest.raises(ProviderError, match="invalid_grant"):
        application.refresh(renewed.refresh_token or "")


def test_two_people_in_turn_at_one_computer_have_programs_of_their_own(server: RunningServer):
    """Attack 22: the program's second user, in the same browser, gets their own name, session and tokens."""
    first, second = server.hire(), server.hire(VALMIERA)
    application, browser = desktop(server), server.browser()
    seen = []
    for who in (first, second):
        question = application.ask(scope=SCOPE)
        code = application.read_answer(question, consents(browser, who, question.url))["code"]
        tokens = application.redeem(question, code)
        seen.append((tokens.claims["sub"], tokens.claims["sid"], tokens.refresh_token))
        browser.signs_out()
    assert not set(seen[0]) & set(seen[1])
