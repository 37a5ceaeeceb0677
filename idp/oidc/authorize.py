"""The authorization endpoint (RFC 6749 section 3.1, OpenID Connect Core 3.1.2) between request and answer.

A request is judged, then held against what is known of the person; what is missing sends them to sign in or
to the consent page, and each of these comes back here with the request's id. Every answer names the issuer
(RFC 9207), errors too. Not here: pages and cookies (`web/oidc.py`), how a person signs in (`login/`), where a
request's parameters come from (`request_sources.py`), how an answer travels (`authorization_response.py`).
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

from idp.effects import Effects
from idp.login.flow import Login
from idp.login.sessions import SignedIn
from idp.login.standing import NeedsSignIn, NotAllowed, Satisfied, Standing, Standings
from idp.login.transaction import Requirements
from idp.models.clients import Client
from idp.models.methods import Proof
from idp.oidc import authorize_checks as checks
from idp.oidc import implicit
from idp.oidc.authorization_details import are_within, not_theirs
from idp.oidc.authorization_request import Answer, AuthorizationRequest, Prompt
from idp.oidc.authorization_response import Responses, recipient_of, recipient_of_refusal
from idp.oidc.authorize_checks import Asked
from idp.oidc.authorize_reading import RequestReader
from idp.oidc.authorize_requirements import (
    before_identifying,
    links_of,
    requirements_of,
    says_who,
    silent_error,
    told_level,
)
from idp.oidc.clients import Clients
from idp.oidc.codes import CodeContents, Codes
from idp.oidc.consent import Consents, Decider
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.grants.implicit import ImplicitTokens
from idp.oidc.pending import PendingRequests
from idp.oidc.posted_requests import PostedRequests
from idp.oidc.pushed_requests import PushedRequests
from idp.oidc.redirect_uris import form_action_source
from idp.oidc.request_sources import Sources, names_pushed_request
from idp.oidc.requests import Parameters
from idp.policy import Level


@dataclass(frozen=True, slots=True)
class SignIn:
    """Send the person to `/login/<transaction_id>`."""

    transaction_id: str
    ui_locales: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AskConsent:
    """Send the person to `/consent/<request_id>`."""

    request_id: str
    ui_locales: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Expired:
    """The request was answered before, is too old, or belongs to another browser."""


Outcome: TypeAlias = Answer | SignIn | AskConsent | Expired


@dataclass(frozen=True, slots=True)
class ConsentPage:
    """What the person is asked to agree to."""

    request: AuthorizationRequest
    client: Client
    signed_in: SignedIn


@dataclass(frozen=True, slots=True)
class Browser:
    """The browser that asks: its long-lived id, who is signed in there, and from which address."""

    id: str
    signed_in: SignedIn | None
    address: str = ""


class Authorization:
    def __init__(
        self,
        *,
        clients: Clients,
        codes: Codes,
        implicit_tokens: ImplicitTokens,
        offers_implicit: bool,
        consents: Consents,
        sources: Sources,
        reader: RequestReader,
        responses: Responses,
        login: Login,
        standings: Standings,
        pending: PendingRequests,
        pushed: PushedRequests,
        posted: PostedRequests,
        effects: Effects,
    ) -> None:
        self._clients = clients
        self._codes = codes
        self._implicit_tokens = implicit_tokens
        self._offers_implicit = offers_implicit
        self._consents = consents
        self._sources = sources
        self._reader = reader
        self._responses = responses
        self._login = login
        self._standings = standings
        self._pending = pending
        self._pushed = pushed
        self._posted = posted
        self._effects = effects

    # The four ways in ----------------------------------------------------------------------------------

    def begin(self, parameters: Parameters, browser: Browser) -> Outcome:
        """A request as it comes. Raises ProtocolError for what must be shown on a page of ours."""
        brought = self._brought(self._posted.expand(parameters))
        try:
            asked = self._sources.at_authorize(brought)
        except ProtocolError as error:
            if names_pushed_request(brought) or not checks.may_be_told(brought):
                raise
            return self._refusal_of(brought, error)
        checks.hold(checks.BEFORE_REDIRECT, asked)
        try:
            request = self._reader.read(asked)
        except ProtocolError as error:
            return self._refusal_of(asked, error)
        return self._go_on(request, asked.client, browser, request_id=None)

    def keep_posted(self, parameters: Parameters) -> Parameters:
        """One that fits into a URL and stands for one that does not. Raises ProtocolError."""
        return self._posted.keep(self._brought(parameters).parameters)

    def _brought(self, parameters: Parameters) -> Asked:
        brought = Asked(parameters, self._clients.get(parameters.get("client_id")))
        checks.hold(checks.BEFORE_READING, brought)
        return brought

    def resume(self, request_id: str, browser: Browser) -> Outcome:
        """The person is back from signing in. What was required is held against them again."""
        request = self._pending.find(request_id, browser=browser.id)
        if request is None:
            return Expired()
        return self._go_on(request, self._client_of(request), browser, request_id=request_id)

    def look_at_consent(self, request_id: str, browser: Browser) -> ConsentPage | Outcome:
        request = self._pending.find(request_id, browser=browser.id)
        if request is None:
            return Expired()
        client = self._client_of(request)
        judged = self._judge(request, client, browser)
        if not isinstance(judged, Satisfied) or not self._consents.is_needed(
            request, client, judged.signed_in.user_id
        ):
            return self._go_on(request, client, browser, request_id=request_id)
        shown = replace(request, shown_to=judged.signed_in.user_id)
        self._pending.keep(request_id, shown, browser=browser.id)
        return ConsentPage(shown, client, judged.signed_in)

    def decide_consent(self, request_id: str, browser: Browser, *, allow: bool) -> Outcome:
        request = self._pending.find(request_id, browser=browser.id)
        if request is None:
            return Expired()
        client = self._client_of(request)
        judged = self._judge(request, client, browser)
        if not isinstance(judged, Satisfied):
            return self._go_on(request, client, browser, request_id=request_id)
        if request.shown_to != judged.signed_in.user_id:
            return AskConsent(request_id)
        if not self._close(request, request_id):
            return Expired()
        decider = Decider(judged.signed_in.user_id, judged.signed_in.session_id, browser.address)
        if not allow:
            self._consents.refuse(request, decider)
            return self._refusal(request, client, ErrorCode.ACCESS_DENIED, "The person refused.")
        self._consents.give(request, decider)
        return self._answer(request, client, judged, browser)

    def _client_of(self, request: AuthorizationRequest) -> Client:
        """As it is now: disabled perhaps, or without that redirect URI, since the person began to sign in."""
        client = self._clients.get(request.client_id)
        asked = Asked(Parameters([("redirect_uri", request.redirect_uri)]), client)
        checks.hold((checks.client_is_enabled, *checks.BEFORE_REDIRECT), asked)
        return client

    # Judging -------------------------------------------------------------------------------------------

    def _go_on(
        self, request: AuthorizationRequest, client: Client, browser: Browser, *, request_id: str | None
    ) -> Outcome:
        match self._judge(request, client, browser):
            case Answer() as answer:
                return answer if self._close(request, request_id) else Expired()
            case Requirements() as requirements:
                return self._send_to_sign_in(request, client, browser, requirements, request_id)
            case Satisfied() as satisfied:
                if self._consents.is_needed(request, client, satisfied.signed_in.user_id):
                    return self._ask_consent(request, client, browser, request_id)
                if not self._close(request, request_id):
                    return Expired()
                return self._answer(request, client, satisfied, browser)

    def _ask_consent(
        self, request: AuthorizationRequest, client: Client, browser: Browser, request_id: str | None
    ) -> Outcome:
        if not request.wants(Prompt.NONE):
            kept = self._pending.keep(request_id, request, browser=browser.id)
            return AskConsent(kept, request.ui_locales)
        if not self._close(request, request_id):
            return Expired()
        description = "The person has not agreed to this yet."
        return self._refusal(request, client, ErrorCode.CONSENT_REQUIRED, description)

    def _close(self, request: AuthorizationRequest, request_id: str | None) -> bool:
        """Whether this is the one answer to the request; of any number that try at once, one is."""
        if request_id is not None and not self._pending.spend(request_id, request):
            return False
        return request.pushed is None or self._pushed.spend(request.pushed)

    def _judge(
        self, request: AuthorizationRequest, client: Client, browser: Browser
    ) -> Satisfied | Requirements | Answer:
        """Satisfied, or what a sign-in must fulfil, or the error that goes back."""
        try:
            implicit.hold(client, request.response_type, offered=self._offers_implicit)
        except ProtocolError as over:
            # Registration was closed, or the client changed, since the request was read (attack 7).
            return self._refusal(request, client, over.error, over.description)
        requirements = requirements_of(request, client)
        if requirements.fresh:
            # Whatever was proven before; also by the clock of another machine, which may be ahead of ours.
            return before_identifying(request, client)
        standing = self._standings.of(browser.signed_in, requirements)
        if isinstance(standing, Satisfied) and are_within(
            request.authorization_details, standing.municipality
        ):
            return self._prefer(request, requirements, standing)
        if self._asks_for_another_municipality(request, client, browser, standing):
            error = not_theirs()
            return self._refusal(request, client, error.error, error.description)
        if request.wants(Prompt.NONE):
            return self._refusal(request, client, *silent_error(standing))
        if isinstance(standing, NeedsSignIn) and says_who(standing.reason):
            return before_identifying(request, client)
        return requirements

    def _asks_for_another_municipality(
        self, request: AuthorizationRequest, client: Client, browser: Browser, standing: Standing
    ) -> bool:
        """The person may use the application, but not for the municipality that its details name."""
        if not request.authorization_details or isinstance(standing, NeedsSignIn):
            return False
        without = self._standings.of(browser.signed_in, before_identifying(request, client))
        return not isinstance(without, NotAllowed)

    def _prefer(
        self, request: AuthorizationRequest, requirements: Requirements, satisfied: Satisfied
    ) -> Satisfied | Requirements:
        """`acr_values` are wishes: the first that this person can reach is asked for, the rest are not."""
        for level in map(Level, request.preferred_levels):
            if level <= satisfied.level:
                return satisfied
            wanted = replace(requirements, level=level)
            stronger = self._standings.of(satisfied.signed_in, wanted)
            if isinstance(stronger, Satisfied):
                return stronger
            if not request.wants(Prompt.NONE) and self._can_reach(satisfied, wanted):
                return wanted
        return satisfied

    def _can_reach(self, satisfied: Satisfied, wanted: Requirements) -> bool:
        """With the ways to sign in that the person has, or with one they may set up on the way."""
        person = self._standings.find_person(satisfied.signed_in.user_id)
        if person is None:
            return False
        decide = partial(self._standings.decide, person, wanted, acting=satisfied.employment)
        now, begun = self._effects.now(), decide(proofs=satisfied.signed_in.proofs)
        sets = (person.usable, *({*person.usable, method} for method in begun.enrollable))
        return any(decide(proofs=[Proof(method, now) for method in methods]).enough for methods in sets)

    def _send_to_sign_in(
        self,
        request: AuthorizationRequest,
        client: Client,
        browser: Browser,
        requirements: Requirements,
        request_id: str | None,
    ) -> SignIn:
        request_id = self._pending.keep(request_id, replace(request, asked_person=True), browser=browser.id)
        return SignIn(
            self._login.start(
                requirements,
                return_to=f"/authorize/{request_id}",
                browser=browser.id,
                application_name=client.name,
                third_party=not client.first_party,
                client_links=links_of(client),
                redirect_origin=form_action_source(request.redirect_uri),
                client_id=client.client_id,
                signed_in=browser.signed_in,
            ),
            request.ui_locales,
        )

    # Answering -----------------------------------------------------------------------------------------

    def _answer(
        self, request: AuthorizationRequest, client: Client, satisfied: Satisfied, browser: Browser
    ) -> Answer:
        granted = _granted(request, satisfied)
        if not request.response_type.is_implicit:
            code = self._codes.issue(granted)
            return self._responses.to(recipient_of(request, client), (("code", code),))
        try:
            fields = self._implicit_tokens.issue(
                granted,
                client,
                request.response_type,
                address=browser.address,
                tells_scope=request.is_narrowed,
            )
        except ProtocolError as error:
            return self._refusal(request, client, error.error, error.description)
        return self._responses.to(recipient_of(request, client), fields)

    def _refusal(
        self, request: AuthorizationRequest, client: Client, error: ErrorCode, description: str
    ) -> Answer:
        fields = (("error", error.value), ("error_description", description))
        return self._responses.to(recipient_of(request, client), fields)

    def _refusal_of(self, asked: Asked, error: ProtocolError) -> Answer | Expired:
        """The client and its redirect URI are known to be right; nothing else of the request is."""
        if asked.pushed is not None and not self._pushed.spend(asked.pushed):
            return Expired()
        fields = (("error", error.error.value), ("error_description", error.description))
        recipient = recipient_of_refusal(
            asked.parameters, asked.client, offers_implicit=self._offers_implicit
        )
        return self._responses.to(recipient, fields)


def _granted(request: AuthorizationRequest, satisfied: Satisfied) -> CodeContents:
    """With what a code would be bound to, where one is made for it."""
    return CodeContents(
        client_id=request.client_id,
        redirect_uri=request.redirect_uri,
        code_challenge=request.code_challenge,
        user_id=satisfied.signed_in.user_id,
        session_id=satisfied.signed_in.session_id,
        scopes=request.scopes,
        resources=request.resources,
        nonce=request.nonce,
        acr=told_level(request, satisfied.level).acr,
        amr=satisfied.amr,
        auth_time=satisfied.auth_time,
        employment_id=satisfied.employment.id if satisfied.employment is not None else None,
        municipality=satisfied.municipality,
        claims=request.claims,
        verified_claims=request.verified_claims,
        authorization_details=request.authorization_details,
        dpop_jkt=request.dpop_jkt,
    )
