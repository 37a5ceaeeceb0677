"""The requests that are measured, and the way to each: a person who signs in, an application, a service."""

import base64
import hashlib
import json
import re
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, urlencode, urlsplit

import pyotp
from joserfc import jwt

from idp.seed.people import PASSWORD, PEOPLE
from tests.benchmarks.messages import Message, Reply, Send, form
from tests.benchmarks.world import ISSUER, REDIRECT_URI, SCOPES, SERVICE, SERVICE_KEY, SERVICE_KID, World
from tests.support.dpop import new_key, proof

_PERSON = next(person for person in PEOPLE if person.has_totp)
_KEY = new_key()
_CSRF = re.compile(rb'name="csrf_token" value="([^"]+)"')
_VERIFIER = secrets.token_urlsafe(32)
_CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(_VERIFIER.encode()).digest()).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Tokens:
    access_token: str
    refresh_token: str


class Person:
    """One person at one browser."""

    def __init__(self, world: World, send: Send) -> None:
        self._world = world
        self._send = send
        self._cookies: dict[str, str] = {}

    def sign_in(self) -> str:
        """From the application's link to its code: six requests."""
        self._cookies.clear()
        self._world.forget_spent_codes()
        door = self._follow(self.authorize())
        page = self._ask(Message("GET", door)).expect(200)
        door = self._answer(page, door, username=_PERSON.username, password=PASSWORD, method="password")
        page = self._ask(Message("GET", door)).expect(200)
        code = pyotp.TOTP(_PERSON.totp_secret or "").now()
        resume = self._answer(page, door, code=code, method="totp")
        return code_of(self._ask(Message("GET", resume)))

    def authorize(self) -> Message:
        asked = {
            "response_type": "code",
            "client_id": self._world.client_id,
            "redirect_uri": REDIRECT_URI,
            "scope": SCOPES,
            "state": secrets.token_urlsafe(16),
            "nonce": secrets.token_urlsafe(16),
            "code_challenge": _CHALLENGE,
            "code_challenge_method": "S256",
        }
        cookies = (("Cookie", "; ".join(f"{name}={value}" for name, value in self._cookies.items())),)
        return Message("GET", f"/authorize?{urlencode(asked)}", cookies if self._cookies else ())

    def _answer(self, page: Reply, door: str, **fields: str) -> str:
        found = _CSRF.search(page.body)
        token = found[1].decode() if found else ""
        return self._follow(form(door, {**fields, "csrf_token": token}))

    def _follow(self, message: Message) -> str:
        return self._ask(message).expect(303).header("Location")

    def _ask(self, message: Message) -> Reply:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        others = tuple(header for header in message.headers if header[0] != "Cookie")
        headers = (*others, ("Cookie", cookies)) if cookies else others
        reply = self._send(Message(message.method, message.target, headers, message.body))
        for name, value in reply.headers:
            if name.lower() == "set-cookie":
                cookie, _, rest = value.partition("=")
                self._cookies[cookie] = rest.partition(";")[0]
        return reply


class Application:
    """Confidential, with its secret in the Authorization header."""

    def __init__(self, world: World, send: Send, person: Person) -> None:
        self._send = send
        self._person = person
        self._basic = _basic(world.client_id, world.client_secret)

    def redemption(self, code: str) -> Message:
        asked = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT_URI,
            "code_verifier": _VERIFIER,
        }
        return form("/token", asked, self._basic)

    def refreshing(self, tokens: Tokens) -> Message:
        asked = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
        return form("/token", asked, self._basic)

    def pushing(self) -> Message:
        """RFC 9126: the same request as `Person.authorize` brings."""
        asked = {
            name: values[0]
            for name, values in parse_qs(urlsplit(self._person.authorize().target).query).items()
        }
        return form("/par", asked, self._basic)

    def introspection(self, tokens: Tokens) -> Message:
        return form("/introspect", {"token": tokens.access_token}, self._basic)

    def new_codes(self, count: int) -> list[str]:
        """For a person who is signed in."""
        return [code_of(self._send(self._person.authorize())) for _ in range(count)]

    def new_tokens(self, count: int) -> list[Tokens]:
        """Each of a family of its own."""
        return self._tokens(self.redemption(code) for code in self.new_codes(count))

    def newer_tokens(self, count: int) -> list[Tokens]:
        """All of one family: quicker to make, and never seen by whoever is asked about them."""
        made = self.new_tokens(1)
        while len(made) <= count:
            made += self._tokens([self.refreshing(made[-1])])
        return made[1:]

    def _tokens(self, messages: Iterable[Message]) -> list[Tokens]:
        answers = [json.loads(self._send(message).expect(200).body) for message in messages]
        return [Tokens(answer["access_token"], answer["refresh_token"]) for answer in answers]


def userinfo(tokens: Tokens) -> Message:
    return Message("GET", "/userinfo", (("Authorization", f"Bearer {tokens.access_token}"),))


def client_credentials(world: World) -> Message:
    return form("/token", {"grant_type": "client_credentials"}, _basic(SERVICE, world.service_secret))


def client_credentials_by_assertion(world: World) -> Message:
    """RFC 7523, with a `jti` of its own."""
    now, client_id = int(time.time()), world.signing_service_id
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": ISSUER,
        "jti": secrets.token_urlsafe(16),
        "iat": now,
        "exp": now + 60,
    }
    assertion = jwt.encode({"alg": "ES256", "kid": SERVICE_KID}, claims, SERVICE_KEY, algorithms=["ES256"])
    asked = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion,
    }
    return form("/token", asked)


def with_proof(message: Message) -> Message:
    """The same request with a DPoP proof of its own, good for ten seconds."""
    shown = proof(_KEY, method=message.method, url=f"{ISSUER}{message.target}", now=time.time())
    return replace(message, headers=(*message.headers, ("DPoP", shown)))


def code_of(reply: Reply) -> str:
    location = reply.expect(303).header("Location")
    return parse_qs(urlsplit(location).query)["code"][0]


def _basic(client_id: str, secret: str) -> tuple[str, str]:
    return "Authorization", "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()
