"""The Foundation's suite at a browser of its own: it asks as its modules do, walks through our pages, and checks what comes back.

The person is the demonstration's, whose every standard claim is filled; the applications are registered by an operator, plain
confidential clients without PKCE. `response_mode` is what tells the Form Post plan from the Basic one.
"""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from idp.oidc.client_metadata import register
from idp.seed.demonstration import seed
from idp.seed.people import PASSWORD
from tests.support.actors import ISSUER, Browser, Employee, Hall
from tests.support.authorization_requests import sent_as
from tests.support.relying_party import Question, RelyingParty, Tokens

CALLBACK = "https://suite.example.lv/test/a/visvaris/callback"
EVERYTHING = "openid profile email address phone offline_access"


def demonstration_person(hall: Hall, username: str) -> Employee:
    seed(
        hall.provider.storage.database,
        tuple(hall.provider.methods.values()),
        hall.world.effects,
        issuer=ISSUER,
    )
    with hall.world.database.read() as work:
        user = work.people.find_user_by_username(username)
    assert user is not None
    return Employee(user, hall.clock, password=PASSWORD)


@dataclass
class Suite:
    hall: Hall
    person: Employee
    response_mode: str | None = None
    browser: Browser = field(init=False)

    def __post_init__(self) -> None:
        self.browser = self.hall.browser()

    def client(self, **metadata: Any) -> RelyingParty:
        document = {
            "client_name": "Conformance suite",
            "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": EVERYTHING,
            "visvaris": {"pkce_required": False},
            **metadata,
        }
        registration = register(document, self.hall.world.effects)
        self.hall.add_client(registration.client)
        return RelyingParty(
            issuer=ISSUER,
            client_id=registration.client.client_id,
            redirect_uri=CALLBACK,
            http=httpx.Client(transport=httpx.WSGITransport(app=self.hall.app), base_url=ISSUER),
            secret=registration.secret,
            auth_method=registration.client.registered["token_endpoint_auth_method"],
            now=self.hall.clock,
        )

    def asks(self, party: RelyingParty, **asked: str | None) -> Question:
        plain = {"code_challenge": None, "code_challenge_method": None, "response_mode": self.response_mode}
        return party.ask(**{**plain, **asked})

    def opens(self, question: Question) -> None:
        """The browser is sent to us. Where it stops, the module looks."""
        parts = urlsplit(question.url)
        self.browser.opens(f"{parts.path}?{parts.query}")

    def posts(self, question: Question) -> None:
        """The same by a form of the suite's page, which is another site."""
        page = {"Sec-Fetch-Site": "cross-site", "Origin": "https://suite.example.lv"}
        self.browser.posts("/authorize", dict(question.parameters), **page)

    def person_goes_on(self) -> None:
        """Signs in and allows, where our pages ask for it."""
        if self.is_asked_to_sign_in:
            self.browser.enters(self.person)
        if self.browser.left_for is None and self.browser.page.has("consent-allow"):
            self.browser.presses("consent-allow")

    @property
    def is_asked_to_sign_in(self) -> bool:
        return self.browser.left_for is None and self.browser.page.has("password")

    def answer(self, party: RelyingParty, question: Question) -> dict[str, str]:
        """What came to the redirect URI, in the way that was asked for. Raises ProviderError."""
        if self.response_mode is None:
            assert self.browser.left_for is not None, self.browser.page
            return party.read_answer(question, self.browser.left_for)
        assert self.browser.left_for is None
        form = self.browser.page.form("iss")
        assert (form.action, form.method) == (question.parameters["redirect_uri"], "post")
        return party.check_answer(question, list(form.fields.items()))

    def authorizes(self, party: RelyingParty, **asked: str | None) -> tuple[Question, str]:
        question = self.asks(party, **asked)
        self.opens(question)
        self.person_goes_on()
        return question, self.answer(party, question)["code"]

    def signs_in(self, party: RelyingParty, **asked: str | None) -> Tokens:
        question, code = self.authorizes(party, **asked)
        return party.redeem(question, code)


def inside(question: Question, party: RelyingParty, token: str, **beside: str) -> Question:
    """The question, asked by a request object; what OpenID Connect wants outside stands there too."""
    return sent_as(question, party, request=token, response_type="code", scope="openid", **beside)
