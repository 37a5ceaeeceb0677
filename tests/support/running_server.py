"""The provider as it is deployed: granian, a port on loopback, a database of its own, the connectors mounted.

Started once for each test process and stopped by its process id. The demonstration is in it; a test that needs people
nobody else signs in as hires its own. What is slow on purpose, hashing, is made quick by settings.
"""

import base64
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pyotp

from idp.effects import Effects
from idp.methods.registry import Argon2Parameters, WebAuthnParty, given_password, given_totp, methods
from idp.models.people import Credential, Employment
from idp.seed.demonstration import Demonstration, seed
from idp.storage import migrate, municipalities
from idp.storage.approval_requests import ApprovalRequests
from idp.storage.database import Database
from idp.storage.shelves import SqlShelf
from tests.support.actors import PASSWORD, Browser
from tests.support.builders import MASTER_KEY, RIGA, add_employment, add_user, make_vault
from tests.support.checkout import ROOT
from tests.support.relying_party import RelyingParty
from tests.support.services import free_port, stop

START_SECONDS = 60.0
STEP_SECONDS = 30
UNDER_WAY_SECONDS = 5
"""As long as a code may be under way on a machine that does much else."""
NO_BROWSER = WebAuthnParty(id="localhost", name="tests", origins=())
"""For making passwords and secrets; passkeys are made in browsers."""
CHEAP_HASHES = {
    "IDP_ARGON2_TIME_COST": "1",
    "IDP_ARGON2_MEMORY_KIB": "64",
    "IDP_ARGON2_PARALLELISM": "1",
}


@dataclass
class Resident:
    """Somebody who can sign in at the running server, whose clock is the real one."""

    username: str
    password: str
    totp_secret: str | None = None
    last_step: int = 0

    @property
    def authenticator(self) -> pyotp.TOTP | None:
        return pyotp.TOTP(self.totp_secret) if self.totp_secret is not None else None

    def code(self) -> str:
        """The earliest code that is still good when it arrives: each is good once, so a fourth within half a minute has
        to wait for its time.
        """
        assert self.authenticator is not None
        step = max(self.last_step + 1, int(time.time() + UNDER_WAY_SECONDS) // STEP_SECONDS - 1)
        while step > int(time.time()) // STEP_SECONDS + 1:
            time.sleep(0.2)
        self.last_step = step
        return self.authenticator.generate_otp(step)


@dataclass
class RunningServer:
    issuer: str
    database: Database
    demonstration: Demonstration
    log: Path
    listens_at: str
    environment: Mapping[str, str] = field(repr=False)
    """In which commands see the same database."""
    residents: dict[str, Resident] = field(init=False)
    clients: dict[str, Mapping[str, Any]] = field(init=False)
    _browsers: list["NetworkBrowser"] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.residents = {
            user["username"]: Resident(user["username"], user["password"], user["totp_secret"])
            for user in self.demonstration.users
        }
        self.clients = {client["client_id"]: client for client in self.demonstration.clients}

    @property
    def agreements(self) -> str:
        return f"{self.issuer}/connectors/agreements"

    @cached_property
    def http(self) -> httpx.Client:
        """For what programs ask; people have browsers."""
        return httpx.Client(timeout=20)

    def browser(self) -> "NetworkBrowser":
        opened = NetworkBrowser(self.issuer)
        self._browsers.append(opened)
        return opened

    def close_browsers(self) -> None:
        while self._browsers:
            self._browsers.pop().http.close()

    def application(self, client_id: str, *, redirect_uri: str | None = None) -> RelyingParty:
        known = self.clients[client_id]
        return RelyingParty(
            issuer=self.issuer,
            client_id=client_id,
            redirect_uri=redirect_uri or known["redirect_uris"][0],
            http=self.http,
            secret=known["client_secret"],
            auth_method=known["token_endpoint_auth_method"],
        )

    def hire(
        self,
        *atvk: str,
        totp: bool = False,
        given_name: str = "Jānis",
        family_name: str = "Kalniņš",
        **columns: Any,
    ) -> Resident:
        """Somebody new with a post in each of these municipalities, in Riga unless told."""
        name = f"darbinieks-{uuid4().hex[:12]}"
        effects = Effects()
        ways = methods(
            effects=effects,
            vault=make_vault(effects),
            parameters=Argon2Parameters(time_cost=1, memory_kib=64, parallelism=1),
            hashes_at_once=1,
            issuer_name="tests",
            webauthn=NO_BROWSER,
            approvals=ApprovalRequests(SqlShelf(self.database, effects), effects),
            issuer=self.issuer,
        )
        with self.database.begin() as work:
            user = add_user(
                work, name, given_name=given_name, family_name=family_name, demonstration=True, **columns
            )
            for municipality in atvk or (RIGA,):
                add_employment(work, user.id, municipality)
        password = given_password(ways, user, PASSWORD)
        assert isinstance(password, Credential)
        secret = effects.random(20)
        with self.database.begin() as work:
            work.people.add_credential(password)
            if totp:
                work.people.add_credential(given_totp(ways, user, secret))
        return Resident(name, PASSWORD, base64.b32encode(secret).decode() if totp else None)

    def post_of(self, who: Resident, atvk: str) -> Employment:
        with self.database.read() as work:
            user = work.people.find_user_by_username(who.username)
            assert user is not None
            posts = work.people.employments_of(user.id, now=time.time())
        return next(post for post in posts if post.municipality == atvk)


class NetworkBrowser(Browser):
    """A browser that reaches the server over the network; it stays at the issuer's origin, as far as it is let."""

    def __init__(self, issuer: str) -> None:
        self.http = httpx.Client(
            base_url=issuer, timeout=20, headers={"User-Agent": "Mozilla/5.0 Firefox/140.0"}
        )
        self.left_for: str | None = None
        self.trail: list[str] = []
        self.stops_at: str | None = None
        """A path at which it stops, to be looked at as `left_for`."""

    @property
    def session(self) -> str | None:
        return self.http.cookies.get("visvaris-session")

    def works_for(self, post: Employment) -> None:
        """Chooses the municipality, where the page asks."""
        self.presses(municipality=post.id)

    def _goes_on_to(self, target: httpx.URL) -> bool:
        own = self.http.base_url
        return (target.scheme, target.netloc) == (own.scheme, own.netloc) and target.path != self.stops_at


@contextmanager
def running_server(
    *options: str, issuer: str | None = None, port: int | None = None, **settings: str
) -> Iterator[RunningServer]:
    """`options` of `visvaris serve`; `issuer`, when people reach it through something in front; `settings`
    beyond the usual ones, by their names.
    """
    with tempfile.TemporaryDirectory(prefix="vv-server-") as scratch:
        home = Path(scratch)
        port = port or free_port()
        listens_at = f"http://localhost:{port}"
        issuer = issuer or listens_at
        url = f"sqlite:///{home / 'visvaris.sqlite3'}"
        database, demonstration = _filled(url, issuer)
        log = home / "log"
        command = [
            Path(sys.executable).with_name("visvaris"),
            "serve",
            "--port",
            str(port),
            "--with-connectors",
            *options,
        ]
        environment = _environment(url, issuer) | settings
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            _await_ready(process, listens_at, log)
            server = RunningServer(issuer, database, demonstration, log, listens_at, environment)
            yield server
            server.http.close()
        finally:
            stop(process, patience=20)
            database.dispose()


def _filled(url: str, issuer: str) -> tuple[Database, Demonstration]:
    """What `visvaris db upgrade` and `visvaris seed demo` do, without a process for each."""
    migrate.upgrade(url)
    effects = Effects()
    vault = make_vault(effects)
    database = Database(url, vault=vault, effects=effects)
    with database.begin() as work:
        municipalities.load(work)
    ways = methods(
        effects=effects,
        vault=vault,
        parameters=Argon2Parameters(time_cost=1, memory_kib=64, parallelism=1),
        hashes_at_once=1,
        issuer_name="tests",
        webauthn=NO_BROWSER,
        approvals=ApprovalRequests(SqlShelf(database, effects), effects),
        issuer=issuer,
    )
    return database, seed(database, ways, effects, issuer=issuer)


def _environment(url: str, issuer: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("IDP_", "CONNECTOR_"))}
    return kept | {
        "IDP_ISSUER": issuer,
        "IDP_DATABASE_URL": url,
        "IDP_MASTER_KEYS": base64.urlsafe_b64encode(MASTER_KEY).decode(),
        **CHEAP_HASHES,
    }


def _await_ready(process: "subprocess.Popen[bytes]", listens_at: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{listens_at}/healthz/ready").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise RuntimeError(f"the provider did not start:\n{log.read_text(errors='replace')}")
