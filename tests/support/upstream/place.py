"""A provider with an upstream beside it, and people of the municipality that has one."""

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

from idp.events import Event, EventType
from idp.gateways.patience import Patience
from idp.login.upstream_links import leaving_method, link
from idp.models.audit import AuditEvent
from idp.models.upstreams import ClientAuth, Upstream
from idp.oidc.upstream import CALLBACK_PATH
from idp.oidc.upstream_assertion import make_key
from idp.policy import NATIONAL, Level
from tests.support.actors import EVERY_METHOD, Browser, Employee, Hall
from tests.support.builders import RIGA
from tests.support.certificates import Authority
from tests.support.pages import Page
from tests.support.remote import remote_server
from tests.support.upstream.provider import CLIENT_ID, SECRET, TENANT, Shape
from tests.support.upstream.provider import Upstream as Provider

DOMAIN = "riga.example"
ADDRESS = f"anna.berzina@{DOMAIN}"
METHOD = "upstream_oidc"
ALL = [*EVERY_METHOD, METHOD]


@dataclass
class Place:
    hall: Hall
    op: Provider
    row: Upstream = field(init=False)

    def allow(self, minimum: Level = Level.ONE_FACTOR) -> None:
        self.hall.rule(NATIONAL, methods=ALL)
        self.hall.rule(RIGA, minimum, methods=ALL)

    def add(self, municipality: str = RIGA, domains: tuple[str, ...] = (DOMAIN,), **columns: Any) -> Upstream:
        entra = {"tenant": TENANT} if self.op.shape is Shape.ENTRA else {}
        values = {"name": "Rīgas konts", "issuer": self.op.issuer, "client_id": CLIENT_ID, **entra, **columns}
        upstream = Upstream(
            id=self.hall.world.effects.new_id(),
            municipality=municipality,
            client_secret_sealed="",
            created_at=self.hall.clock(),
            **values,
        )
        secret = SECRET
        if upstream.auth == ClientAuth.PRIVATE_KEY_JWT.value:
            key = make_key(upstream.id, self.hall.world.effects)
            secret, upstream.certificate = key.private, key.certificate
        with self.hall.world.database.begin() as work:
            work.upstreams.add(upstream, secret, domains)
        self.row = upstream
        return upstream

    def link(self, who: Employee, subject: str | None = None) -> None:
        """As an administrator does it."""
        key = self.op.who.key
        named = subject or (f"oid-{key}" if self.op.shape is Shape.ENTRA else self.op.sub_of(self.op.who))
        method = leaving_method(self.hall.provider.methods)
        with self.hall.world.database.begin() as work:
            event = Event(type=EventType.METHOD_ENROLLED, actor_id="test")
            link(work, method, self.row, named, who.user, event, replaces=False)

    def leaves(self, browser: Browser, address: str = ADDRESS, path: str = "/") -> str:
        """Opens the log-in page and types an address; where the browser is sent."""
        browser.opens(path)
        page = browser.presses(username=address, password="")
        assert page.has("leave"), page.words
        return page.content.links["leave"]

    def signs_in(self, browser: Browser, address: str = ADDRESS, path: str = "/") -> Page:
        return browser.opens(self.op.visit(self.leaves(browser, address, path)))

    def has_patience(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """With what is asked of upstreams for one request."""
        party = self.hall.provider.methods[METHOD]._party
        for each in (party, self.hall.provider.upstream_logout):
            each._patience = Patience(seconds, clock)

    def events(self, kind: str) -> list[AuditEvent]:
        with self.hall.world.database.read() as work:
            trail = (work.audit.find(seq) for seq in range(1, 200))
            return [each for each in trail if each is not None and each.type == kind]

    def reasons(self) -> list[str]:
        return [str(each.reason) for each in self.events("method.failed")]

    def proofs(self, who: Employee) -> list[dict[str, Any]]:
        """Of the latest session."""
        with self.hall.world.database.read() as work:
            sessions = work.sessions.of_user(who.user.id, now=self.hall.clock(), idle_seconds=1e9)
        return sessions[0].proofs

    def sessions(self, who: Employee) -> int:
        with self.hall.world.database.read() as work:
            return len(work.sessions.of_user(who.user.id, now=self.hall.clock(), idle_seconds=1e9))


@contextmanager
def place_of(url: str, authority: Authority, shape: Shape = Shape.ENTRA) -> Iterator[Place]:
    options = {
        "outbound_ca_file": authority.ca_file,
        "outbound_allow": (ip_network("127.0.0.0/8"), ip_network("::1/128")),
    }
    hall = Hall(url, options=options)
    trust = ssl.create_default_context(cafile=authority.ca_file)
    try:
        with remote_server(authority.server()) as remote:
            made = Place(hall, Provider(remote, trust, hall.clock, shape))
            made.allow()
            yield made
    finally:
        hall.close()


def callback(upstream_id: str, **parameters: str) -> str:
    return f"{CALLBACK_PATH}/{upstream_id}?" + "&".join(
        f"{name}={value}" for name, value in parameters.items()
    )
