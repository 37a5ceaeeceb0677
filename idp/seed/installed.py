"""The installed applications of the demonstration: programs on computers, each with a key of its own.

Public clients: they keep no secret, their tokens are bound to their key (RFC 9449), and the person is asked,
since any program on the computer could say it is one of them (RFC 8252 section 8.6). They stand on no portal
page: a browser cannot start them.
"""

from collections.abc import Mapping
from typing import Any, Final

from idp.oidc.client_metadata import OWN_MEMBER

_NAMES: Final = {
    "nino": "NINO (nekustamā īpašuma nodoklis)",
    "nekip": "NEKIP",
    "sopa": "SOPA (sociālā palīdzība)",
    "pers": "PERS (deklarētās dzīvesvietas)",
    "dzimts": "DZIMTS (dzimtsaraksti)",
    "gvedis": "GVEDIS (grāmatvedība)",
    "bridzis": "BRIDZIS",
}


def documents() -> Mapping[str, dict[str, Any]]:
    """Registration documents by client id."""
    return {client_id: _document(client_id, name) for client_id, name in _NAMES.items()}


def _document(client_id: str, name: str) -> dict[str, Any]:
    return {
        "client_name": name,
        "application_type": "native",
        "token_endpoint_auth_method": "none",
        "redirect_uris": [
            "http://127.0.0.1/callback",
            "http://[::1]/callback",
            f"lv.visvaris.{client_id}:/callback",
        ],
        "post_logout_redirect_uris": ["http://127.0.0.1/logged-out", "http://[::1]/logged-out"],
        "grant_types": ["authorization_code", "refresh_token"],
        "scope": "openid profile employment offline_access",
        "dpop_bound_access_tokens": True,
        OWN_MEMBER: {"needs_employment": True},
    }
