"""People who use the provider as people do: they open pages, read them, fill in forms and press buttons.

The whole provider answers, in this process and over WSGI; nothing in it is replaced but the clock and the dice.
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
import pyotp
from pydantic import SecretStr

from idp.app import make_application
from idp.assembly import Provider, assemble
from idp.methods.registry import given_password, given_totp
from idp.models.clients import Client
from idp.models.people import Credential, Employment, PolicyRule, User, UserStatus
from idp.policy import NATIONAL, Level
from idp.settings import Settings
from tests.support.builders import MASTER_KEY, RIGA, Clock, World, add_employment, add_user
from tests.support.pages import Page, Parsed

ISSUER = "https://login.example.lv"
PASSWORD = "kaste-sniegs-gaisma"
EVERY_METHOD = ["password", "totp", "recovery_code"]
WITH_KEYS = [*EVERY_METHOD, "passkey", "security_key"]


@dataclass
class Employee:
    """What somebody knows and has: a name, a password, perhaps an authenticator on the phone."""

    user: User
    clock: Clock
    password: str = PASSWORD
    authenticator: pyotp.TOTP | None = None
    posts: list[Employment] = field(default_factory=list)

    @property
    def username(self) -> str:
        return self.user.username

    def code(self) -> str:
        """What the authenticator shows now."""
        assert self.authenticator is not None
        return self.authenticator.at(int(self.clock()))


@dataclass
class Hall:
    """The provider, with a municipality that allows every method at level one until a test says otherwise."""

    url: str
    issuer: str = ISSUER
    redis_url: str | None = None
    world: World = field(init=False)
    app: Any = field(init=False)
    provider: Provider = field(init=False)
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.world = World(self.url, self.redis_url)
        settings = Settings(
            issuer=self.issuer,
            database_url=self.url,
            redis_url=SecretStr(self.redis_url) if self.redis_url else None,
            master_keys=_master_keys(),
            **{"argon2_time_cost": 1, "argon2_memory_kib": 64, **self.options},
        )
        self.provider = assemble(settings, self.world.effects)
        self.app = make_application(self.provider)
        self.rule(NATIONAL)
        self.rule(RIGA)

    @property
    def clock(self) -> Clock:
        return self.world.clock

    def close(self) -> None:
        self.world.database.dispose()
        self.provider.storage.database.dispose()

    # What there is -------------------------------------------------------------------------------------

    def rule(self, scope: str, minimum: Level = Level.ONE_FACTOR, **columns: Any) -> None:
        """Replaces what the scope says: every method, unless `methods` names others."""
        values = {"methods": EVERY_METHOD, "first_enrolment": True, **columns}
        rule = PolicyRule(id=self.world.effects.new_id(), scope=scope, minimum_level=int(minimum), **values)
        with self.world.database.begin() as work:
            work.rules.replace_scope(scope, [rule])

    def employee(
        self,
        username: str = "anna",
        *,
        totp: bool = False,
        municipalities: Iterable[str] = (RIGA,),
        **columns: Any,
    ) -> Employee:
        values = {"given_name": "Anna", "family_name": "Bērziņa", **columns}
        with self.world.database.begin() as work:
            user = add_user(work, username, **values)
            posts = [add_employment(work, user.id, atvk) for atvk in municipalities]
        methods = tuple(self.provider.methods.values())
        password = given_password(methods, user, PASSWORD)
        assert isinstance(password, Credential)
        employee = Employee(user, self.clock, posts=posts)
        with self.world.database.begin() as work:
            work.people.add_credential(password)
            if totp:
                secret = self.world.effects.random(20)
                work.people.add_credential(given_totp(methods, user, secret))
                employee.authenticator = _authenticator(secret)
        return employee

    def block(self, employee: Employee) -> None:
        with self.world.database.begin() as work:
            work.people.set_status(employee.user.id, UserStatus.BLOCKED, at=self.clock())

    def add_client(self, client: Client) -> None:
        with self.world.database.begin() as work:
            work.clients.add(client)

    def browser(self, address: str = "192.0.2.10", **headers: str) -> "Browser":
        return Browser(self, address, headers)

    # What was written down -----------------------------------------------------------------------------

    def events(self, employee: Employee) -> list[str]:
        """Types of what the trail has about this person, oldest first."""
        with self.world.database.read() as work:
            return [event.type for event in reversed(work.audit.activity_of(employee.user.id))]


class Browser:
    """One browser at one address, with its cookies. Follows redirects within the provider, none beyond."""

    def __init__(self, hall: Hall, address: str, headers: dict[str, str]) -> None:
        transport = httpx.WSGITransport(app=hall.app, remote_addr=address)
        self.http = httpx.Client(
            transport=transport,
            base_url=hall.issuer,
            headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0", **headers},
        )
        self.page: Page
        self.left_for: str | None = None
        """The address outside the provider that it was sent to."""
        self.trail: list[str] = []

    def opens(self, path: str, **headers: str) -> Page:
        return self._arrive(self.http.get(path, headers=headers))

    def posts(self, path: str, data: dict[str, str] | None = None, **headers: str) -> Page:
        """As a form on one of the provider's pages would be sent."""
        return self._arrive(self.http.post(path, data=data or {}, headers=headers))

    def presses(self, button: str | None = None, **fields: str) -> Page:
        """Fills in the form on the page and presses its button."""
        form = self.page.form(*fields, button=button)
        name, value = form.buttons.get(button or "login-submit", ("", ""))
        data = {**form.fields, **fields, **({name: value} if name else {})}
        action = form.action or self.page.path
        if form.method == "get":
            return self.opens(str(httpx.URL(action).copy_merge_params(data)))
        return self.posts(action, data)

    def follows(self, link: str) -> Page:
        """By the link's id, or by its words."""
        return self.opens(self.page.content.links[link])

    def enters(self, who: Employee) -> Page:
        """Signs in on the page that is open, with the authenticator if the person is asked for it."""
        self.identifies(who)
        if self.page.has("code") and who.authenticator is not None:
            self.presses(code=who.code())
        return self.page

    def identifies(self, who: Employee, *, password: str | None = None) -> Page:
        return self.presses(username=who.username, password=password or who.password)

    def signs_in(self, who: Employee, path: str = "/") -> Page:
        self.opens(path)
        return self.enters(who)

    def signs_out(self) -> Page:
        self.opens("/logout")
        return self.presses("logout-confirm")

    @property
    def is_signed_in(self) -> bool:
        return not self.http.get("/account", follow_redirects=False).is_redirect

    @property
    def session(self) -> str | None:
        return self.http.cookies.get("__Host-visvaris-session")

    def _goes_on_to(self, target: httpx.URL) -> bool:
        return target.host == self.http.base_url.host

    def _arrive(self, response: httpx.Response) -> Page:
        self.left_for = None
        self.trail = [response.request.url.path]
        while response.next_request is not None:
            target = response.next_request.url
            if not self._goes_on_to(target):
                self.left_for = str(target)
                break
            response = self.http.send(response.next_request)
            self.trail.append(target.path)
        parts = urlsplit(str(response.url))
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        markup = response.text if "html" in response.headers.get("Content-Type", "") else ""
        self.page = Page(response.status_code, path, dict(response.headers), Parsed(markup))
        return self.page


def _authenticator(secret: bytes) -> pyotp.TOTP:
    return pyotp.TOTP(base64.b32encode(secret).decode())


def _master_keys() -> tuple[SecretStr, ...]:
    return (SecretStr(base64.urlsafe_b64encode(MASTER_KEY).decode()),)
