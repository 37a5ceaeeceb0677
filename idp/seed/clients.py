"""The demonstration's applications: ours, a stranger's, one installed on a computer, one on a device without
a browser, one without a person.

Each is a registration document like those `visvaris client add` reads. Their secrets are public and fixed; a
deployment that holds real people never has these clients.
"""

from collections.abc import Mapping
from typing import Any, Final

from idp.effects import Effects
from idp.models.clients import Client
from idp.oidc.client_metadata import OWN_MEMBER, register
from idp.oidc.client_secrets import needs_secret, secret_record
from idp.oidc.grant_types import DEVICE_CODE
from idp.seed import installed

AGREEMENTS: Final = "agreements"
AGREEMENTS_SECRET: Final = "demo-secret-of-agreements-on-this-computer"  # noqa: S105  public
_RIGA: Final = "0001000"
_READ: Final = "agreements.read"
_EVERYTHING: Final = "openid profile email phone address offline_access employment"
_OFFLINE: Final = ["authorization_code", "refresh_token"]


def agreements_url(issuer: str) -> str:
    """Where `serve --with-connectors` mounts it."""
    return f"{issuer}/connectors/agreements"


def secret_of(client_id: str) -> str:
    return AGREEMENTS_SECRET if client_id == AGREEMENTS else f"{client_id}-secret-on-this-computer"


def clients(issuer: str, effects: Effects) -> list[tuple[Client, str | None]]:
    """Each with its secret, where it has one."""
    made = []
    for client_id, document in _documents(issuer).items():
        client = register(document, effects).client
        secret = secret_of(client_id) if needs_secret(client.registered) else None
        client.client_id = client_id
        client.secrets = [secret_record(secret, client.created_at)] if secret else []
        client.demonstration = True
        made.append((client, secret))
    return made


def _documents(issuer: str) -> Mapping[str, dict[str, Any]]:
    return {
        AGREEMENTS: _agreements(agreements_url(issuer)),
        "demo-web": _web(agreements_url(issuer)),
        "demo-desktop": _desktop(agreements_url(issuer)),
        "demo-device": _device(),
        "demo-service": _service(agreements_url(issuer), own_url=f"{issuer}/demo-service"),
        **installed.documents(),
    }


def _agreements(home: str) -> dict[str, Any]:
    return {
        "client_name": "Pašvaldību līgumi",
        "client_uri": f"{home}/",
        "initiate_login_uri": f"{home}/",
        "redirect_uris": [f"{home}/callback"],
        "post_logout_redirect_uris": [f"{home}/start"],
        "backchannel_logout_uri": f"{home}/backchannel-logout",
        "backchannel_logout_session_required": True,
        "scope": f"openid profile employment {_READ}",
        OWN_MEMBER: {
            "first_party": True,
            "needs_employment": True,
            "audience": home,
            "resources": [home],
            "tile_group": "Līgumi",
            "tile_text": "Ko pašvaldība ir parakstījusi un kurām programmām tā pievienojusies",
        },
    }


def _web(agreements: str) -> dict[str, Any]:
    return {
        "client_name": "Citas iestādes lietotne",
        "client_uri": "http://localhost:9000/",
        "policy_uri": "https://visvaris.example/privacy",
        "tos_uri": "https://visvaris.example/terms",
        "redirect_uris": ["http://localhost:9000/callback", "http://127.0.0.1:9000/callback"],
        "post_logout_redirect_uris": ["http://localhost:9000/", "http://127.0.0.1:9000/"],
        "grant_types": _OFFLINE,
        "scope": f"{_EVERYTHING} person_code verified_identity {_READ}",
        OWN_MEMBER: {
            "resources": [agreements],
            "person_code_basis": "An example, for the demonstration alone",
        },
    }


def _desktop(agreements: str) -> dict[str, Any]:
    return {
        "client_name": "Darbvirsmas programma",
        "application_type": "native",
        "token_endpoint_auth_method": "none",
        "redirect_uris": [
            "http://127.0.0.1/callback",
            "http://[::1]/callback",
            "lv.visvaris.demo:/callback",
        ],
        "post_logout_redirect_uris": ["http://127.0.0.1/logged-out", "http://[::1]/logged-out"],
        "grant_types": _OFFLINE,
        "scope": f"{_EVERYTHING} {_READ}",
        OWN_MEMBER: {"resources": [agreements]},
    }


def _device() -> dict[str, Any]:
    return {
        "client_name": "Rindu tablo",
        "application_type": "native",
        "token_endpoint_auth_method": "none",
        "grant_types": [DEVICE_CODE, "refresh_token"],
        "scope": "openid profile employment offline_access",
    }


def _service(agreements: str, *, own_url: str) -> dict[str, Any]:
    return {
        "client_name": "Datu apmaiņas dienests",
        "grant_types": ["client_credentials"],
        "scope": _READ,
        OWN_MEMBER: {
            "audience": own_url,
            "resources": [agreements, own_url],
            "service_municipality": _RIGA,
        },
    }
