"""Addresses that programs and researchers look for under `/.well-known`. Not here: discovery
(`protocol.py`).
"""

from datetime import UTC, datetime
from typing import Final

from flask import Blueprint, Response, jsonify
from werkzeug.wrappers import Response as AnyResponse

from idp.web.http import see_other
from idp.web.site import site

blueprint = Blueprint("wellknown", __name__)

_VALID_SECONDS: Final = 180 * 24 * 3600


@blueprint.get("/.well-known/change-password")
def change_password() -> AnyResponse:
    """W3C "A Well-Known URL for Changing Passwords"."""
    known = next(method.facts.id for method in site().methods.values() if method.facts.with_username)
    return see_other(f"/account/methods/{known}")


@blueprint.get("/.well-known/webauthn")
def related_origins() -> Response:
    """WebAuthn Level 3, section 5.11.1: which origins may use the passkeys of this domain.

    Browsers read it on behalf of those origins, so it must be readable from them.
    """
    response = jsonify(origins=list(site().origins))
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.headers["Cache-Control"] = "public, max-age=300"
    return response


@blueprint.get("/.well-known/security.txt")
def security_txt() -> Response:
    """RFC 9116."""
    expires = datetime.fromtimestamp(site().effects.now() + _VALID_SECONDS, UTC)
    lines = (
        f"Contact: mailto:{site().support_contact}",
        f"Expires: {expires:%Y-%m-%dT00:00:00Z}",
        "Preferred-Languages: lv, en",
        f"Canonical: {site().issuer}/.well-known/security.txt",
    )
    return Response("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
