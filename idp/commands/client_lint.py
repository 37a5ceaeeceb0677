"""What could be safer about an application: one small rule each. Advice only, nothing here refuses."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from idp.effects import Instant
from idp.models.clients import Client, ClientKind

_OLD_SECONDS = 365 * 86400
_LOCAL = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True)
class Finding:
    finding: str
    advice: str


Rule = Callable[[Client, Instant], bool]


def _without_pkce(client: Client, _now: Instant) -> bool:
    return _uses_codes(client) and not client.pkce_required


def _local_redirect(client: Client, _now: Instant) -> bool:
    return client.kind == ClientKind.WEB.value and any(
        urlsplit(uri).hostname in _LOCAL for uri in client.registered.get("redirect_uris", ())
    )


def _localhost_by_name(client: Client, _now: Instant) -> bool:
    return client.kind == ClientKind.INSTALLED.value and any(
        urlsplit(uri).hostname == "localhost" for uri in client.registered.get("redirect_uris", ())
    )


def _secret_in_a_body(client: Client, _now: Instant) -> bool:
    return client.registered.get("token_endpoint_auth_method") == "client_secret_post"


def _installed_with_a_secret(client: Client, _now: Instant) -> bool:
    return client.kind == ClientKind.INSTALLED.value and bool(client.secrets)


def _old_secret(client: Client, now: Instant) -> bool:
    return bool(client.secrets) and all(
        now - secret["created_at"] > _OLD_SECONDS for secret in client.secrets
    )


def _no_way_back_after_logout(client: Client, _now: Instant) -> bool:
    return _uses_codes(client) and not client.registered.get("post_logout_redirect_uris")


def _no_scope_of_ours(client: Client, _now: Instant) -> bool:
    return _uses_codes(client) and "openid" not in client.registered.get("scope", "").split()


def _demonstration(client: Client, _now: Instant) -> bool:
    return client.demonstration


def _uses_codes(client: Client) -> bool:
    return "authorization_code" in client.registered.get("grant_types", ())


RULES: tuple[tuple[Rule, Finding], ...] = (
    (_without_pkce, Finding("PKCE is not required", "Set pkce_required once the application sends S256.")),
    (_local_redirect, Finding("A redirect leads to this computer", "Remove it where real people sign in.")),
    (
        _localhost_by_name,
        Finding("A redirect says localhost", "Use 127.0.0.1 and [::1] (RFC 8252 section 8.3)."),
    ),
    (
        _secret_in_a_body,
        Finding("The secret travels in the body", "Use client_secret_basic or private_key_jwt."),
    ),
    (
        _installed_with_a_secret,
        Finding("An installed program has a secret", "Use the method none with PKCE."),
    ),
    (_old_secret, Finding("The secret is over a year old", "Run: visvaris client rotate-secret")),
    (
        _no_way_back_after_logout,
        Finding("No post_logout_redirect_uris", "Without one, people stay on our page after signing out."),
    ),
    (_no_scope_of_ours, Finding("The scope lacks openid", "Without it there is no ID token.")),
    (_demonstration, Finding("It is of the demonstration", "Its secret is public.")),
)


def lint(client: Client, *, now: Instant) -> Iterator[Finding]:
    return (finding for rule, finding in RULES if rule(client, now))
