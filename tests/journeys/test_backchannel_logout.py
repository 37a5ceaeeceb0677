"""However somebody is signed out of the running provider, a real worker tells every application they had opened.

Two applications: the register of agreements, mounted as `make run` does it, and a stranger's, which takes notices over TLS
and judges each of them by itself.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from idp.effects import Effects
from idp.models.notices import LogoutNotice
from idp.oidc.client_metadata import register
from idp.storage.outbox import State
from tests.support.actors import PASSWORD
from tests.support.certificates import Authority
from tests.support.checkout import ROOT
from tests.support.logout_receiver import LogoutReceiver, assert_one_each
from tests.support.relying_party import RelyingParty
from tests.support.remote import Remote
from tests.support.running_server import NetworkBrowser, Resident, RunningServer, running_server
from tests.support.services import stop

HOME = "/connectors/agreements/"
KEKAVA = "0031000"
LOOPBACK = "127.0.0.0/8,::1/128"


@pytest.fixture(scope="module")
def _server_with_worker(authority: Authority) -> Iterator[RunningServer]:
    settings = {"IDP_OUTBOUND_ALLOW": LOOPBACK, "IDP_OUTBOUND_CA_FILE": str(authority.ca_file)}
    with running_server("--with-worker", **settings) as started:
        yield started


@dataclass
class Day:
    """The provider with its worker, and a stranger's application that wishes to be told."""

    server: RunningServer
    remote: Remote
    party: RelyingParty = field(init=False)
    receiver: LogoutReceiver = field(init=False)

    def __post_init__(self) -> None:
        self.party = self.register(
            client_name="Telpu rezervācija",
            redirect_uris=["https://telpas.example/callback"],
            backchannel_logout_uri=self.remote.url("/ended"),
            scope="openid profile",
        )
        self.receiver = LogoutReceiver(
            self.remote, "/ended", self.server.issuer, self.party.client_id, self.party.keys
        )

    def register(self, *, resources: tuple[str, ...] = (), **metadata: Any) -> RelyingParty:
        own = {"first_party": True, "resources": list(resources)}
        registration = register({**metadata, "visvaris": own}, Effects())
        with self.server.database.begin() as work:
            work.clients.add(registration.client)
        return RelyingParty(
            issuer=self.server.issuer,
            client_id=registration.client.client_id,
            redirect_uri=metadata["redirect_uris"][0],
            http=self.server.http,
            secret=registration.secret,
        )

    def arrives(self, who: Resident) -> tuple[NetworkBrowser, str]:
        """Opens both applications in one browser; the session's id as the stranger's learned it."""
        browser = self.server.browser()
        browser.signs_in(who, HOME)
        assert browser.page.path == HOME
        question = self.party.ask()
        browser.opens(question.url)
        answer = self.party.read_answer(question, browser.left_for or "")
        return browser, self.party.redeem(question, answer["code"]).claims["sid"]

    def notices_of(self, session_id: str) -> dict[str, LogoutNotice]:
        with self.server.database.read() as work:
            found = work.notices.list_notices(now=time.time(), limit=1000)
        return {notice.client_id: notice for notice in found if notice.session_id == session_id}

    def await_quiet(self) -> None:
        """Until nothing of earlier tests is on its way."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with self.server.database.read() as work:
                if not work.notices.list_notices(State.WAITING, now=time.time()):
                    return
            time.sleep(0.1)

    def await_delivery(self, session_id: str) -> None:
        """Both have taken it, each once: the register, whose answer is written down here, and the stranger."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            found = self.notices_of(session_id)
            if len(found) == 2 and all(notice.delivered_at for notice in found.values()):
                break
            time.sleep(0.1)
        found = self.notices_of(session_id)
        assert set(found) == {"agreements", self.party.client_id}
        for notice in found.values():
            assert notice.delivered_at is not None, notice.last_error
            assert (notice.attempts, notice.last_error) == (1, None)
            assert notice.delivered_at - notice.created_at < 15
        assert_one_each([self.receiver], {session_id})

    def command(self, *arguments: str, given: str | None = None) -> None:
        subprocess.run(
            [Path(sys.executable).with_name("visvaris"), *arguments],
            cwd=ROOT,
            env=dict(self.server.environment),
            input=given,
            text=True,
            check=True,
            capture_output=True,
        )

    def operators_token(self) -> str:
        resource = f"{self.server.issuer}/api/v1"
        console = self.register(
            client_name="Pārvaldība",
            redirect_uris=["https://console.example/callback"],
            scope="openid visvaris.admin",
            resources=(resource,),
        )
        question = console.ask(scope="openid visvaris.admin", resource=resource)
        browser = self.server.browser()
        browser.signs_in(self.server.residents["operators"], question.url)
        answer = console.read_answer(question, browser.left_for or "")
        return console.redeem(question, answer["code"]).access_token


@pytest.fixture
def day(_server_with_worker: RunningServer, remote: Remote) -> Iterator[Day]:
    yield Day(_server_with_worker, remote)
    _server_with_worker.close_browsers()


Way = Callable[[Day, NetworkBrowser, Resident, str], None]


def _at_the_portal(_day: Day, browser: NetworkBrowser, _who: Resident, _session_id: str) -> None:
    browser.signs_out()


def _from_the_register(_day: Day, browser: NetworkBrowser, _who: Resident, _session_id: str) -> None:
    browser.opens(HOME)
    browser.presses("connector-logout")


def _from_the_stranger(day: Day, browser: NetworkBrowser, _who: Resident, _session_id: str) -> None:
    question = day.party.ask(prompt="none")
    browser.opens(question.url)
    code = day.party.read_answer(question, browser.left_for or "")["code"]
    browser.opens(f"/logout?id_token_hint={day.party.redeem(question, code).id_token}")
    assert browser.page.path == "/logged-out"


def _on_the_account_page(day: Day, _browser: NetworkBrowser, who: Resident, session_id: str) -> None:
    elsewhere = day.server.browser()
    elsewhere.signs_in(who, "/account")
    elsewhere.posts("/account/sessions/end", {"session_id": session_id, "csrf_token": _csrf(elsewhere)})


def _all_others_on_the_account_page(
    day: Day, _browser: NetworkBrowser, who: Resident, _session_id: str
) -> None:
    elsewhere = day.server.browser()
    elsewhere.signs_in(who, "/account")
    elsewhere.posts("/account/sessions/end-others", {"csrf_token": _csrf(elsewhere)})


def _by_a_new_password(day: Day, _browser: NetworkBrowser, who: Resident, _session_id: str) -> None:
    elsewhere = day.server.browser()
    elsewhere.signs_in(who, "/account/methods/password")
    new = "garais-zirgs-akumulators"
    elsewhere.presses(current_password=PASSWORD, new_password=new, new_password_again=new)
    assert elsewhere.page.path == "/account"


def _blocked(day: Day, _browser: NetworkBrowser, who: Resident, _session_id: str) -> None:
    day.command("user", "block", who.username)


def _methods_reset(day: Day, _browser: NetworkBrowser, who: Resident, _session_id: str) -> None:
    day.command("user", "reset-methods", who.username, "--password-stdin", given="garais-zirgs-akumulators\n")


def _by_an_administrator(day: Day, _browser: NetworkBrowser, _who: Resident, session_id: str) -> None:
    reply = day.server.http.delete(
        f"{day.server.issuer}/api/v1/sessions/{session_id}",
        headers={"Authorization": f"Bearer {day.operators_token()}"},
    )
    assert reply.status_code == 204, reply.text


def _the_next_person_signs_in(day: Day, browser: NetworkBrowser, _who: Resident, _session_id: str) -> None:
    """attack 22"""
    question = day.party.ask(prompt="login")
    browser.opens(question.url)
    browser.enters(day.server.hire(KEKAVA))


def _csrf(browser: NetworkBrowser) -> str:
    """As every form of the account page has it."""
    return browser.opens("/account/methods/password").form("new_password").fields["csrf_token"]


@pytest.mark.parametrize(
    "way",
    [
        *(_at_the_portal, _from_the_register, _from_the_stranger, _on_the_account_page),
        *(_all_others_on_the_account_page, _by_a_new_password, _blocked, _methods_reset),
        *(_by_an_administrator, _the_next_person_signs_in),
    ],
)
def test_whichever_way_a_session_ends_every_application_is_told_once(day: Day, way: Way) -> None:
    """attack 22, attack 30"""
    who = day.server.hire(KEKAVA)
    browser, session_id = day.arrives(who)
    way(day, browser, who, session_id)
    day.await_delivery(session_id)


def test_the_register_destroys_what_it_kept_of_the_person(day: Day) -> None:
    browser, session_id = day.arrives(day.server.hire(KEKAVA))
    cookies = dict(browser.http.cookies)
    day.await_quiet()
    before = len(_ended_in_register(day))
    assert day.notices_of(session_id) == {}
    browser.signs_out()
    day.await_delivery(session_id)
    assert _ended_in_register(day)[before:] == [1]
    kept = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    late = day.server.http.get(f"{day.server.issuer}{HOME}", headers=kept)
    assert late.headers["Location"].startswith(f"{day.server.issuer}/authorize?")


def _ended_in_register(day: Day) -> list[int]:
    lines = [line for line in day.server.log.read_text().splitlines() if "signed_out_by_provider" in line]
    return [json.loads(line)["sessions"] for line in lines]


def test_one_that_failed_is_told_again_by_the_same_worker(day: Day) -> None:
    browser, session_id = day.arrives(day.server.hire(KEKAVA))
    day.receiver.trouble.append(500)
    browser.signs_out()
    (taken,) = day.receiver.await_taken(1, seconds=30)
    assert taken["sid"] == session_id
    first, second = day.receiver.came
    assert second[1] - first[1] >= 4.9
    assert "logout notice not delivered" in day.server.log.read_text()
    assert [token for token in day.receiver.raw() if token in day.server.log.read_text()] == []


def test_several_workers_tell_of_each_session_once(day: Day, tmp_path: Path) -> None:
    who = day.server.hire(KEKAVA)
    sessions = {day.arrives(who)[1] for _ in range(5)}
    with ExitStack() as stack:
        for number in range(2):
            log = stack.enter_context((tmp_path / f"worker-{number}").open("wb"))
            worker = subprocess.Popen(
                [Path(sys.executable).with_name("visvaris"), "worker"],
                cwd=ROOT,
                env=dict(day.server.environment),
                stdout=log,
                stderr=log,
            )
            stack.callback(stop, worker)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and not all(
            "worker started" in (tmp_path / f"worker-{number}").read_text() for number in range(2)
        ):
            time.sleep(0.1)
        day.command("user", "block", who.username)
        day.receiver.await_taken(5, seconds=30)
    assert_one_each([day.receiver], sessions)
