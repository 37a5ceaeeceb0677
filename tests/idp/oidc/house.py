"""The protocol core with real storage and nothing else: no pages, no cookies, no network.

People do not type passwords here; their sessions are put into the database with the proofs a test wants.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

import httpx
from sqlalchemy import text

from idp.crypto import token_hash
from idp.gateways.outbound import Outbound
from idp.login.completion import Completion
from idp.login.flow import Login
from idp.login.limits import Limits
from idp.login.sessions import Sessions
from idp.login.standing import Standings
from idp.login.transaction import Transactions
from idp.methods.registry import Argon2Parameters, Methods, WebAuthnParty, methods
from idp.models.clients import Client
from idp.models.people import Employment, User
from idp.oidc.authorization_request import Answer
from idp.oidc.authorize import AskConsent, Browser, ConsentPage, Outcome, SignIn
from idp.oidc.client_metadata import register
from idp.oidc.implicit import is_offered
from idp.oidc.options import Options
from idp.oidc.requests import Parameters
from idp.oidc.server import OpenIDProvider
from idp.storage.approval_requests import ApprovalRequests
from idp.storage.schema import metadata
from idp.web.protocol import ProtocolEndpoints
from tests.support.builders import (
    RIGA,
    World,
    add_credential,
    add_employment,
    add_rule,
    add_session,
    add_user,
)
from tests.support.relying_party import FORM, Question, RelyingParty, Tokens, query_of

ISSUER = "https://login.example.lv"
CALLBACK = "https://app.example.lv/callback"
EVERY_METHOD = ["password", "totp", "recovery_code"]
EVERYTHING = "openid profile email phone address employment offline_access"


@dataclass
class House:
    world: World
    options: Options = field(default_factory=lambda: Options(issuer=ISSUER, refresh_seconds=30 * 86400))
    outbound: Outbound = field(default_factory=Outbound)
    sessions: Sessions = field(init=False)
    openid: OpenIDProvider = field(init=False)
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        world, effects, storage = self.world, self.world.effects, self.world.storage
        ways = Methods(
            methods(
                effects=effects,
                vault=world.vault,
                parameters=Argon2Parameters(time_cost=1, memory_kib=8, parallelism=1),
                hashes_at_once=1,
                issuer_name="test",
                webauthn=WebAuthnParty(id="localhost", name="test", origins=(ISSUER,)),
                approvals=ApprovalRequests(storage.shelf, effects),
                issuer=ISSUER,
            )
        )
        standings = Standings(storage.database, ways, effects)
        self.sessions = Sessions(storage.database, effects, idle_seconds=3600, absolute_seconds=12 * 3600)
        transactions = Transactions(storage.shelf, world.vault, effects)
        limits = Limits(storage.throttle, storage.shelf, effects)
        completion = Completion(
            database=storage.database,
            standings=standings,
            sessions=self.sessions,
            transactions=transactions,
            limits=limits,
        )
        self.login = Login(
            database=storage.database,
            methods=ways,
            standings=standings,
            transactions=transactions,
            completion=completion,
            limits=limits,
            effects=effects,
        )
        self.openid = OpenIDProvider(
            options=self.options,
            storage=storage,
            vault=world.vault,
            login=self.login,
            standings=standings,
            outbound=self.outbound,
            effects=effects,
        )
        self.wsgi = ProtocolEndpoints(self.openid, trusted_proxies=())
        self.http = httpx.Client(transport=httpx.WSGITransport(app=self.wsgi), base_url=ISSUER)

    # Who there is ----------------------------------------------------------------------------------------

    def add_person(self, username: str = "anna", **columns: Any) -> User:
        """With a password, and nobody's employee yet."""
        values = {"given_name": "Anna", "family_name": "Bērziņa", **columns}
        with self.world.database.begin() as work:
            user = add_user(work, username, **values)
            add_credential(work, user.id, "password")
        return user

    def give_authenticator(self, user: User) -> None:
        with self.world.database.begin() as work:
            add_credential(work, user.id, "totp")

    def employ(self, user: User, municipality: str = RIGA, **columns: Any) -> Employment:
        with self.world.database.begin() as work:
            return add_employment(work, user.id, municipality, **columns)

    def permit(self, scope: str, **columns: Any) -> None:
        """Every method, in place of what was permitted there before."""
        with self.world.database.begin() as work:
            work.rules.replace_scope(scope, [])
            add_rule(work, scope, EVERY_METHOD, **columns)

    def sign_in(
        self, user: User, *ways: str, at: float | None = None, employment: Employment | None = None
    ) -> Browser:
        """A browser in which this person has just passed these ways, the password if none are named."""
        effects = self.world.effects
        token = effects.new_token()
        proofs = [{"method": way, "at": effects.now() if at is None else at} for way in ways or ("password",)]
        with self.world.database.begin() as work:
            add_session(
                work,
                user.id,
                token_hash(token),
                proofs=proofs,
                employment_id=employment.id if employment else None,
            )
        return Browser(effects.new_token(), self.sessions.find(token), "192.0.2.7")

    def stranger(self) -> Browser:
        return Browser(self.world.effects.new_token(), None, "192.0.2.7")

    def end_session(self, browser: Browser) -> None:
        assert browser.signed_in is not None
        with self.world.database.begin() as work:
            now = self.world.effects.now()
            work.sessions.end(browser.signed_in.session_id, now)
            work.grants.revoke_session_families(browser.signed_in.session_id, now, keep_offline=True)

    # Applications ----------------------------------------------------------------------------------------

    def add_client(self, *, own: Mapping[str, Any] | None = None, **metadata: Any) -> RelyingParty:
        """Registered as `visvaris client add` does it; ours unless `own` says otherwise."""
        document = {
            "client_name": "Lietotne",
            "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": EVERYTHING,
            "visvaris": {"first_party": True, **(own or {})},
            **metadata,
        }
        registration = register(
            document,
            self.world.effects,
            vault=self.world.vault,
            outbound=self.outbound,
            offers_implicit=is_offered(self.options.registration),
        )
        with self.world.database.begin() as work:
            work.clients.add(registration.client)
        return self.relying_party(registration.client, registration.secret)

    def add_service(self, *, own: Mapping[str, Any] | None = None, **metadata: Any) -> RelyingParty:
        document = {
            "grant_types": ["client_credentials"],
            "scope": "fines.read fines.write",
            "redirect_uris": [],
        }
        return self.add_client(own=own, **{**document, **metadata})

    def relying_party(self, client: Client, secret: str | None) -> RelyingParty:
        registered = client.registered
        return RelyingParty(
            issuer=ISSUER,
            client_id=client.client_id,
            redirect_uri=next(iter(registered.get("redirect_uris", ())), ""),
            http=self.http,
            secret=secret,
            auth_method=registered["token_endpoint_auth_method"],
            algorithm=registered["id_token_signed_response_alg"],
            now=self.world.clock,
        )

    # What happens ----------------------------------------------------------------------------------------

    def visit(self, question: Question, browser: Browser) -> Outcome:
        """The browser follows the application's link."""
        return self.openid.authorization.begin(Parameters.parse(query_of(question.url)), browser)

    def code_for(self, party: RelyingParty, browser: Browser, **asked: str | None) -> tuple[Question, str]:
        question = party.ask(**asked)
        return question, self.code_in(party, question, self.visit(question, browser))

    def code_in(self, party: RelyingParty, question: Question, outcome: object) -> str:
        assert isinstance(outcome, Answer), outcome
        return party.read_answer(question, outcome.location())["code"]

    def tokens_for(self, party: RelyingParty, browser: Browser, **asked: str | None) -> Tokens:
        question, code = self.code_for(party, browser, **asked)
        return party.redeem(question, code)

    def agree(self, outcome: object, browser: Browser, *, allow: bool = True) -> Outcome:
        """The person reads the consent page and presses a button."""
        assert isinstance(outcome, AskConsent), outcome
        page = self.openid.authorization.look_at_consent(outcome.request_id, browser)
        assert isinstance(page, ConsentPage), page
        return self.openid.authorization.decide_consent(outcome.request_id, browser, allow=allow)

    def post(
        self, path: str, form: Mapping[str, str | None], headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """A form posted by nobody in particular."""
        sent = urlencode({name: value for name, value in form.items() if value is not None})
        return self.post_raw(path, sent, headers or {})

    def post_raw(self, path: str, body: str, headers: Mapping[str, str]) -> httpx.Response:
        return self.http.post(path, content=body, headers={**FORM, **headers})

    def rows_in_all_tables(self) -> dict[str, int]:
        with self.world.database.read() as work:
            connection = work.connection()
            return {
                name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()
                for name in metadata.tables
            }

    def events(self, user: User) -> list[str]:
        with self.world.database.read() as work:
            return [event.type for event in work.audit.activity_of(user.id)]

    def request_of(self, outcome: object, browser: Browser) -> str:
        """The authorization request a sign-in will come back to."""
        assert isinstance(outcome, SignIn), outcome
        transaction = self.login.find(outcome.transaction_id, browser=browser.id)
        assert transaction is not None
        return transaction.return_to.removeprefix("/authorize/")

    def come_back(self, outcome: object, browser: Browser, user: User) -> "Back":
        """The person has signed in meanwhile, in the same browser."""
        request_id = self.request_of(outcome, browser) if isinstance(outcome, SignIn) else ""
        return Back(request_id, replace(browser, signed_in=self.sign_in(user).signed_in))


@dataclass(frozen=True)
class Back:
    request_id: str
    browser: Browser
