"""`/metrics` for Prometheus, behind a bearer token; without one set, the address does not exist here.

Not here: the listener of its own that `visvaris serve` opens where `IDP_METRICS_LISTEN` says so.
"""

import hmac

from flask import Blueprint, Response, abort, request

from idp.metrics import CONTENT_TYPE, exposition


def blueprint(token: str | None) -> Blueprint:
    pages = Blueprint("metrics", __name__)

    @pages.get("/metrics")
    def metrics() -> Response:
        if token is None:
            abort(404)
        if not is_bearer(request.headers.get("Authorization", ""), token):
            abort(Response(status=401, headers={"WWW-Authenticate": 'Bearer realm="visvaris metrics"'}))
        return Response(exposition(), content_type=CONTENT_TYPE)

    return pages


def is_bearer(header: str, token: str) -> bool:
    """Compared in constant time, so that the token cannot be guessed letter by letter."""
    scheme, _, given = header.partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(given.encode(errors="replace"), token.encode())
