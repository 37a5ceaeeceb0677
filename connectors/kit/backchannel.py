"""The provider says that somebody signed out (OpenID Connect Back-Channel Logout 1.0): sessions here end.

The token is judged as a stranger's (section 2.6): signature, type, issuer, audience, times, event, no nonce,
and a `jti` that counts once. It ends the sessions of its `sid`, or, where it names none, all of its `sub`.
Pages do not depend on it, for each asks the provider anyway (`browser.py`); it destroys what is kept of who
never comes back, and is all that an application has which does not ask.
"""

from http import HTTPStatus

import structlog
from flask import Blueprint, Response, json, request

from connectors.kit import jose
from connectors.kit.effects import Effects
from connectors.kit.jose import BadTokenError, Claims, Expected, Fault
from connectors.kit.provider import Provider, ProviderUnavailableError
from connectors.kit.sessions import SESSION, of_session, of_subject
from connectors.kit.shelf import Shelf

EVENT = "http://schemas.openid.net/event/backchannel-logout"
LONGEST_SECONDS = 600.0
"""Such a token is read at once; one that claims to be good for longer is not what we were told to expect."""

_EXPECTED = Expected(algorithms=frozenset({"RS256", "ES256"}), types=frozenset({"logout+jwt"}))
_SEEN = "logout-token"

_log = structlog.get_logger()


class SignOuts:
    def __init__(self, *, client_id: str, provider: Provider, shelf: Shelf, effects: Effects) -> None:
        self._client_id = client_id
        self._provider = provider
        self._shelf = shelf
        self._effects = effects

    def end(self, token: str) -> int:
        """How many sessions it ended. Raises BadTokenError; ProviderUnavailableError without keys."""
        claims = self._read(token)
        jti, expires_at = jose.text(claims, "jti"), jose.number(claims, "exp")
        if not self._shelf.add(_SEEN, jti, expires_at=expires_at + 2 * jose.SKEW_SECONDS):
            raise BadTokenError(Fault.REPLAYED)
        return self._shelf.take_labelled(SESSION, _whose(claims))

    def blueprint(self) -> Blueprint:
        routes = Blueprint("backchannel", __name__)

        @routes.post("/backchannel-logout")
        def backchannel_logout() -> Response:
            return self._answer()

        return routes

    def _answer(self) -> Response:
        try:
            ended = self.end(_logout_token())
        except BadTokenError as error:
            _log.warning("logout_token_refused", why=error.fault.value)
            return _answered(HTTPStatus.BAD_REQUEST, error="invalid_request")
        except ProviderUnavailableError as error:
            _log.warning("logout_token_not_read", why=str(error))
            return _answered(HTTPStatus.SERVICE_UNAVAILABLE, error="temporarily_unavailable")
        _log.info("signed_out_by_provider", sessions=ended)
        return _answered(HTTPStatus.OK)

    def _read(self, token: str) -> Claims:
        now = self._effects.now()
        claims = jose.read(token, provider=self._provider, expected=_EXPECTED, now=now)
        if not jose.is_only_audience(claims, self._client_id):
            raise BadTokenError(Fault.AUDIENCE)
        if jose.number(claims, "exp") - now > LONGEST_SECONDS:
            raise BadTokenError(Fault.CLAIMS)
        if "nonce" in claims:
            raise BadTokenError(Fault.CLAIMS)  # or an ID token could be passed off as this
        events = claims.get("events")
        if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):
            raise BadTokenError(Fault.CLAIMS)
        return claims


def _whose(claims: Claims) -> str:
    return of_session(jose.text(claims, "sid")) if "sid" in claims else of_subject(jose.text(claims, "sub"))


def _logout_token() -> str:
    given = request.form.getlist("logout_token")
    if len(given) != 1 or "logout_token" in request.args:
        raise BadTokenError(Fault.MALFORMED)
    return given[0]


def _answered(status: HTTPStatus, **body: str) -> Response:
    response = Response(json.dumps(body), status=status.value, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
