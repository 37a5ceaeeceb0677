"""The provider's protocol core: one value in, one value out, and a table that says which rules hold where.

It knows neither Flask nor WSGI, so the endpoints machines use cost no more than what they do. The endpoints
people see (`/authorize`, `/logout`) are functions that the edge calls: `authorization`, `consents`, `logout`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from idp.effects import Effects
from idp.gateways.outbound import Outbound
from idp.login.flow import Login
from idp.login.standing import Standings
from idp.oidc import discovery, fapi2, implicit, registration_management
from idp.oidc.admin_access import AdminAccess
from idp.oidc.authorization_response import Responses
from idp.oidc.authorize import Authorization
from idp.oidc.authorize_reading import RequestReader
from idp.oidc.client_auth import ClientAuthenticator
from idp.oidc.core import Core, make_core
from idp.oidc.device_approval import DeviceApproval
from idp.oidc.device_authorization import DeviceAuthorization
from idp.oidc.discovery import Discovery
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.grants.authorization_code import AuthorizationCode
from idp.oidc.grants.base import Grant, TokenRequest
from idp.oidc.grants.client_credentials import ClientCredentials
from idp.oidc.grants.device_code import DeviceCodeGrant
from idp.oidc.grants.implicit import ImplicitTokens
from idp.oidc.grants.redemption import Redemption
from idp.oidc.grants.refresh_token import RefreshTokens
from idp.oidc.grants.token_exchange import TokenExchange
from idp.oidc.introspection import Introspection
from idp.oidc.logout import Logout
from idp.oidc.options import Options, RegistrationMode
from idp.oidc.par import PushedAuthorization
from idp.oidc.pending import PendingRequests
from idp.oidc.posted_requests import PostedRequests
from idp.oidc.pushed_requests import PushedRequests
from idp.oidc.registration import Registrations
from idp.oidc.registration_documents import Intake
from idp.oidc.registration_management import ClientConfiguration
from idp.oidc.request_objects import RequestObjects
from idp.oidc.request_sources import Sources
from idp.oidc.requests import Request, Response, error_response, json_response, refuse_duplicates
from idp.oidc.revocation import Revocation
from idp.oidc.userinfo import UserInfo
from idp.storage.open import Storage
from idp.storage.throttle import Throttle
from idp.storage.vault import Vault

_log = structlog.get_logger("visvaris.oidc")

_SECRET_PARAMETERS: Final = (
    *("client_secret", "client_assertion", "code", "code_verifier"),
    *("refresh_token", "access_token", "token", "password"),
    *("device_code", "subject_token", "actor_token"),
)

Check = Callable[[Request], None]
Handler = Callable[[Request], Response]


def form_comes_once(request: Request) -> None:
    refuse_duplicates(request.form)


def secrets_are_not_in_the_url(request: Request) -> None:
    """RFC 6749 section 2.3.1: "MUST NOT be included in the request URI", where logs would keep them."""
    if request.query and any(request.query.has(name) for name in _SECRET_PARAMETERS):
        raise ProtocolError(ErrorCode.INVALID_REQUEST, "A secret must not be sent in the URL.")


def body_is_a_form(request: Request) -> None:
    if not request.headers.get("content-type", "").lower().startswith("application/x-www-form-urlencoded"):
        raise ProtocolError(ErrorCode.INVALID_REQUEST, "The body must be application/x-www-form-urlencoded.")


_REGISTER: Final = "/register"
_FORM_CHECKS: Final = (body_is_a_form, form_comes_once, secrets_are_not_in_the_url)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`published`: any origin may read it, so a browser's preliminary OPTIONS is answered."""

    handlers: Mapping[str, Handler]
    checks: tuple[Check, ...] = ()
    published: bool = False

    @property
    def allowed(self) -> str:
        methods = {*self.handlers, "OPTIONS"} | ({"HEAD"} if "GET" in self.handlers else set())
        return ", ".join(sorted(methods))


class OpenIDProvider:
    def __init__(
        self,
        *,
        options: Options,
        storage: Storage,
        vault: Vault,
        login: Login,
        standings: Standings,
        outbound: Outbound,
        effects: Effects,
    ) -> None:
        core = make_core(options, storage=storage, vault=vault, outbound=outbound, effects=effects)
        self.issuer = options.issuer
        self.keys = core.keys
        self.clients = core.clients
        self.consents = core.consents
        self.logout = Logout(
            clients=core.clients, id_tokens=core.id_tokens, shelf=core.shelf, effects=effects
        )
        self.admin_access = AdminAccess(core)
        self.device = DeviceApproval(core, login=login, standings=standings, throttle=storage.throttle)
        self._device_authorization = DeviceAuthorization(
            issuer=options.issuer, device_codes=core.device_codes, effects=effects
        )
        parts = _request_parts(core)
        self.authorization = _authorization(core, parts, login=login, standings=standings)
        self._pushed_authorization = PushedAuthorization(
            reader=parts.reader, sources=parts.sources, pushed=parts.pushed, senders=core.senders
        )
        self._authenticator = ClientAuthenticator(core)
        self._introspection = Introspection(core)
        self._revocation = Revocation(core)
        self._senders = core.senders
        self._grants = _grants(core)
        documents = Discovery(options, keys=core.keys, highest=standings.highest)
        self._endpoints = {
            **self._table(UserInfo(core), documents),
            **_registration(core, storage.throttle),
        }

    def _table(self, userinfo: UserInfo, documents: Discovery) -> Mapping[str, Endpoint]:
        """Which methods each endpoint takes, and which rules hold before its handler runs."""
        configuration = Endpoint({"GET": documents.configuration}, published=True)
        return {
            "/par": Endpoint({"POST": self._par}, _FORM_CHECKS),
            "/token": Endpoint({"POST": self._token}, _FORM_CHECKS),
            "/device_authorization": Endpoint({"POST": self._device_authorize}, _FORM_CHECKS),
            "/introspect": Endpoint({"POST": self._introspect}, _FORM_CHECKS),
            "/revoke": Endpoint({"POST": self._revoke}, _FORM_CHECKS),
            "/userinfo": Endpoint({"GET": userinfo.respond, "POST": userinfo.respond}, (form_comes_once,)),
            "/jwks": Endpoint({"GET": documents.jwks}, published=True),
            **dict.fromkeys(discovery.PATHS, configuration),
        }

    def serves(self, path: str) -> bool:
        return (
            path in self._endpoints or path == _REGISTER or path.startswith(registration_management.ADDRESSES)
        )

    def respond(self, request: Request) -> Response:
        """Never raises for what a client did; the reason is logged with the reference it gets."""
        try:
            return self._respond(request)
        except ProtocolError as error:
            _log.info(
                "refused", path=request.path, error=error.error.value, why=error.detail or error.description
            )
            return error_response(error, reference=request.reference)

    def _respond(self, request: Request) -> Response:
        endpoint = self._endpoints.get(request.path)
        if endpoint is None and request.path.startswith(registration_management.ADDRESSES):
            endpoint = self._endpoints.get(registration_management.ADDRESSES)
        if endpoint is None:
            raise ProtocolError(ErrorCode.NOT_FOUND, "There is nothing at this address.", status=404)
        handler = endpoint.handlers.get("GET" if request.method == "HEAD" else request.method)
        if handler is None:
            return _without_handler(request, endpoint)
        for check in endpoint.checks:
            check(request)
        return handler(request)

    def _token(self, request: Request) -> Response:
        client = self._authenticator.authenticate(request)
        grant_type = request.form.get("grant_type")
        grant = self._grants.get(grant_type)
        if grant is None:
            raise ProtocolError(ErrorCode.UNSUPPORTED_GRANT_TYPE, "The grant type is not supported.")
        registered = grant_type in client.registered.get("grant_types", ("authorization_code",))
        if not registered or not fapi2.may_use_grant(client, grant.grant_type):
            raise ProtocolError(
                ErrorCode.UNAUTHORIZED_CLIENT, "The client is not registered for this grant type."
            )
        binding = self._senders.bind(request, client)
        asked = TokenRequest(client, request.form, request.remote, binding.bound_to)
        return json_response(grant.exchange(asked), headers=binding.headers)

    def _par(self, request: Request) -> Response:
        return self._pushed_authorization.respond(request, self._authenticator.authenticate(request))

    def _device_authorize(self, request: Request) -> Response:
        return self._device_authorization.respond(request, self._authenticator.authenticate(request))

    def _introspect(self, request: Request) -> Response:
        return self._introspection.respond(request, self._authenticator.authenticate(request))

    def _revoke(self, request: Request) -> Response:
        return self._revocation.respond(request, self._authenticator.authenticate(request))


def _registration(core: Core, throttle: Throttle) -> Mapping[str, Endpoint]:
    """Where it is off, there is nothing at its addresses, also for clients that registered before."""
    if core.options.registration is RegistrationMode.OFF:
        return {}
    intake = Intake(core.options, core.outbound, core.effects)
    registrations = Registrations(core, intake, throttle)
    configuration = ClientConfiguration(core, intake)
    return {
        _REGISTER: Endpoint({"POST": registrations.register}),
        registration_management.ADDRESSES: Endpoint(
            {"GET": configuration.read, "PUT": configuration.replace, "DELETE": configuration.remove}
        ),
    }


@dataclass(frozen=True, slots=True)
class _RequestParts:
    """What `/authorize` and `/par` read a request with."""

    reader: RequestReader
    sources: Sources
    pushed: PushedRequests


def _request_parts(core: Core) -> _RequestParts:
    pushed = PushedRequests(core.shelf, core.effects)
    objects = RequestObjects(
        issuer=core.options.issuer, keys=core.client_keys, outbound=core.outbound, effects=core.effects
    )
    offers_implicit = implicit.is_offered(core.options.registration)
    reader = RequestReader(core.id_tokens, core.subjects, core.effects, offers_implicit=offers_implicit)
    return _RequestParts(reader, Sources(objects, pushed), pushed)


def _authorization(core: Core, parts: _RequestParts, *, login: Login, standings: Standings) -> Authorization:
    return Authorization(
        clients=core.clients,
        codes=core.codes,
        implicit_tokens=ImplicitTokens(
            issuer=core.options.issuer,
            database=core.database,
            access_tokens=core.access_tokens,
            id_tokens=core.id_tokens,
            effects=core.effects,
        ),
        offers_implicit=implicit.is_offered(core.options.registration),
        consents=core.consents,
        sources=parts.sources,
        reader=parts.reader,
        responses=Responses(issuer=core.options.issuer, keys=core.keys, effects=core.effects),
        login=login,
        standings=standings,
        pending=PendingRequests(core.shelf, core.effects),
        pushed=parts.pushed,
        posted=PostedRequests(core.shelf, core.effects),
        effects=core.effects,
    )


def _grants(core: Core) -> Mapping[str, Grant]:
    issuer, access_tokens = core.options.issuer, core.access_tokens
    redemption = Redemption(
        database=core.database,
        access_tokens=access_tokens,
        id_tokens=core.id_tokens,
        effects=core.effects,
        refresh_seconds=core.options.refresh_seconds,
    )
    return by_type(
        AuthorizationCode(issuer=issuer, codes=core.codes, redemption=redemption),
        RefreshTokens(
            issuer=issuer, database=core.database, access_tokens=access_tokens, effects=core.effects
        ),
        ClientCredentials(issuer=issuer, access_tokens=access_tokens),
        DeviceCodeGrant(
            issuer=issuer,
            device_codes=core.device_codes,
            consents=core.consents,
            redemption=redemption,
            effects=core.effects,
        ),
        TokenExchange(
            issuer=issuer, database=core.database, access_tokens=access_tokens, effects=core.effects
        ),
    )


def by_type(*grants: Grant) -> Mapping[str, Grant]:
    return {grant.grant_type: grant for grant in grants}


def _without_handler(request: Request, endpoint: Endpoint) -> Response:
    allow = ("Allow", endpoint.allowed)
    if request.method != "OPTIONS":
        raise ProtocolError(
            ErrorCode.METHOD_NOT_ALLOWED, "This method is not allowed here.", status=405, headers=(allow,)
        )
    if not endpoint.published:
        return Response(204, (allow,))
    return Response(
        204, (allow, ("Access-Control-Allow-Origin", "*"), ("Access-Control-Allow-Methods", "GET"))
    )
