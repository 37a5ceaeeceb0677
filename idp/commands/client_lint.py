"""What could be safer about an application, and what would break if one just made it so: one small rule each.

Two kinds: what is weak, which somebody should change, and what could be stricter, which is a choice. What
would break is told from what is registered; how an application behaves is not recorded, so nothing is said of
it. Advice only, nothing here refuses.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from idp.effects import Instant
from idp.gateways.outbound import Outbound, OutboundError
from idp.models.clients import Client, ClientKind, Profile
from idp.oidc.client_keys import import_usable_keys
from idp.oidc.errors import ProtocolError
from idp.oidc.grant_types import IMPLICIT
from idp.oidc.sectors import sector_of

_OLD_SECONDS: Final = 365 * 86400
_LOCAL: Final = {"localhost", "127.0.0.1", "::1"}
_REDIRECT_URIS_MANY: Final = 10
_ABOUT_THE_PERSON: Final = frozenset({"profile", "email", "phone", "address"})
_BY_SECRET: Final = frozenset({"client_secret_basic", "client_secret_post", "client_secret_jwt"})
_BY_CERTIFICATE: Final = frozenset({"tls_client_auth", "self_signed_tls_client_auth"})


@dataclass(frozen=True, slots=True)
class Finding:
    """`breaks`: what stops working if it is tightened before the application has changed."""

    finding: str
    advice: str
    breaks: str
    weak: bool = True


Rule = Callable[[Client, Instant], bool]


def _without_pkce(client: Client, _now: Instant) -> bool:
    return _uses_codes(client) and not client.pkce_required


def _local_redirect(client: Client, _now: Instant) -> bool:
    return client.kind == ClientKind.WEB.value and any(
        urlsplit(uri).hostname in _LOCAL for uri in _redirect_uris(client)
    )


def _localhost_by_name(client: Client, _now: Instant) -> bool:
    return client.kind == ClientKind.INSTALLED.value and any(
        urlsplit(uri).hostname == "localhost" for uri in _redirect_uris(client)
    )


def _tokens_through_the_browser(client: Client, _now: Instant) -> bool:
    return IMPLICIT in client.registered.get("grant_types", ())


def _redirect_in_the_clear(client: Client, _now: Instant) -> bool:
    """Beyond this computer, where no such URI can be registered any more."""
    return any(
        urlsplit(uri).scheme == "http" and urlsplit(uri).hostname not in _LOCAL
        for uri in _redirect_uris(client)
    )


def _many_redirects(client: Client, _now: Instant) -> bool:
    return len(_redirect_uris(client)) > _REDIRECT_URIS_MANY


def _secret_in_a_body(client: Client, _now: Instant) -> bool:
    return _method(client) == "client_secret_post"


def _installed_with_a_secret(client: Client, _now: Instant) -> bool:
    return client.kind == ClientKind.INSTALLED.value and bool(client.secrets)


def _old_secret(client: Client, now: Instant) -> bool:
    return bool(client.secrets) and all(
        now - secret["created_at"] > _OLD_SECONDS for secret in client.secrets
    )


def _no_current_secret(client: Client, now: Instant) -> bool:
    """Every secret it has is over: it cannot authenticate."""
    return bool(client.secrets) and all(
        secret.get("expires_at") is not None and secret["expires_at"] <= now for secret in client.secrets
    )


def _no_way_back_after_logout(client: Client, _now: Instant) -> bool:
    return _uses_codes(client) and not client.registered.get("post_logout_redirect_uris")


def _no_scope_of_ours(client: Client, _now: Instant) -> bool:
    return _uses_codes(client) and "openid" not in _scopes(client)


def _person_code_in_vain(client: Client, _now: Instant) -> bool:
    return "person_code" in _scopes(client) and client.person_code_basis is None


def _demonstration(client: Client, _now: Instant) -> bool:
    return client.demonstration


def _secret_rather_than_key(client: Client, _now: Instant) -> bool:
    return _method(client) in _BY_SECRET and client.kind != ClientKind.INSTALLED.value


def _rs256_assertions(client: Client, _now: Instant) -> bool:
    return (
        _method(client) == "private_key_jwt"
        and client.registered.get("token_endpoint_auth_signing_alg", "RS256") == "RS256"
    )


def _bearer_tokens(client: Client, _now: Instant) -> bool:
    return not (
        client.registered.get("dpop_bound_access_tokens")
        or client.registered.get("tls_client_certificate_bound_access_tokens")
        or client.profile == Profile.FAPI2.value
    )


def _unpushed_requests(client: Client, _now: Instant) -> bool:
    return (
        _uses_codes(client)
        and client.profile != Profile.FAPI2.value
        and not client.registered.get("require_pushed_authorization_requests")
    )


def _wide_scope(client: Client, _now: Instant) -> bool:
    return _scopes(client) >= _ABOUT_THE_PERSON


def _fapi2_candidate(client: Client, _now: Instant) -> bool:
    return (
        client.profile == Profile.OIDC.value
        and client.pkce_required
        and _method(client) in {"private_key_jwt", *_BY_CERTIFICATE}
        and not _rs256_assertions(client, _now)
    )


def _uses_codes(client: Client) -> bool:
    return "authorization_code" in client.registered.get("grant_types", ())


def _redirect_uris(client: Client) -> tuple[str, ...]:
    return tuple(client.registered.get("redirect_uris", ()))


def _method(client: Client) -> str:
    return str(client.registered.get("token_endpoint_auth_method", "client_secret_basic"))


def _scopes(client: Client) -> frozenset[str]:
    return frozenset(client.registered.get("scope", "").split())


_NOTHING: Final = "Nothing."

RULES: Final[tuple[tuple[Rule, Finding], ...]] = (
    (
        _without_pkce,
        Finding(
            "PKCE is not required",
            "Set pkce_required once the application sends S256.",
            "Sign-ins that come without code_challenge: they get invalid_request.",
        ),
    ),
    (
        _tokens_through_the_browser,
        Finding(
            "It may get tokens through the browser (implicit flow)",
            "Use code with PKCE, then take implicit, id_token and id_token token out of its registration.",
            "Sign-ins that ask for id_token or id_token token: they get unauthorized_client. While"
            " IDP_REGISTRATION is not open, they get unsupported_response_type already.",
        ),
    ),
    (
        _redirect_in_the_clear,
        Finding(
            "A redirect leads over http",
            "Register its https address.",
            "Sign-ins that name the http address, until the application names the other.",
        ),
    ),
    (
        _local_redirect,
        Finding(
            "A redirect leads to this computer",
            "Remove it where real people sign in.",
            "Sign-ins of developers who run the application on their own computer.",
        ),
    ),
    (
        _localhost_by_name,
        Finding(
            "A redirect says localhost",
            "Use 127.0.0.1 and [::1] (RFC 8252 section 8.3).",
            "Versions of the program that still name localhost.",
        ),
    ),
    (
        _secret_in_a_body,
        Finding(
            "The secret travels in the body",
            "Use client_secret_basic or private_key_jwt.",
            "Every token request, until the application sends the secret in the header or signs with a key.",
        ),
    ),
    (
        _installed_with_a_secret,
        Finding(
            "An installed program has a secret",
            "Use the method none with PKCE.",
            "Versions of the program that still send the secret: they get invalid_client.",
        ),
    ),
    (
        _old_secret,
        Finding(
            "The secret is over a year old",
            "Run: visvaris client rotate-secret",
            "Nothing for seven days; then whatever still uses the old secret.",
        ),
    ),
    (
        _no_current_secret,
        Finding("No secret of it is good any more", "Run: visvaris client rotate-secret", _NOTHING),
    ),
    (
        _no_way_back_after_logout,
        Finding(
            "No post_logout_redirect_uris",
            "Without one, people stay on our page after signing out.",
            _NOTHING,
        ),
    ),
    (_no_scope_of_ours, Finding("The scope lacks openid", "Without it there is no ID token.", _NOTHING)),
    (
        _person_code_in_vain,
        Finding(
            "It may ask for person_code and has no legal basis on record",
            "Record the basis, or take the scope away; until then the claim is left out.",
            "Sign-ins that ask for person_code: they get invalid_scope.",
        ),
    ),
    (_demonstration, Finding("It is of the demonstration", "Its secret is public.", _NOTHING)),
    (
        _many_redirects,
        Finding(
            "More than ten redirect URIs",
            "Register each application of its own, and remove those out of use.",
            "Sign-ins that name an address which is removed.",
        ),
    ),
    (
        _secret_rather_than_key,
        Finding(
            "It proves itself with a secret",
            "Use private_key_jwt: a key that never leaves the application.",
            "Every token request, until the application has a key, publishes it and signs assertions.",
            weak=False,
        ),
    ),
    (
        _rs256_assertions,
        Finding(
            "Its assertions may be signed with RS256",
            "Register token_endpoint_auth_signing_alg PS256, ES256 or EdDSA.",
            "Token requests signed with RS256; for ES256 or EdDSA the application needs another key.",
            weak=False,
        ),
    ),
    (
        _bearer_tokens,
        Finding(
            "Its access tokens are good for whoever holds them",
            "Bind them: dpop_bound_access_tokens or tls_client_certificate_bound_access_tokens.",
            "Token requests without a DPoP proof or certificate, and each API that reads no DPoP header.",
            weak=False,
        ),
    ),
    (
        _unpushed_requests,
        Finding(
            "Its authorization requests travel through the browser",
            "Register require_pushed_authorization_requests.",
            "Sign-ins whose link carries the parameters, until the application posts them to /par.",
            weak=False,
        ),
    ),
    (
        _wide_scope,
        Finding(
            "It may ask for all there is about a person",
            "Take away the scopes it has no use for.",
            "Sign-ins that ask for a scope which is taken away: they get invalid_scope.",
            weak=False,
        ),
    ),
    (
        _fapi2_candidate,
        Finding(
            "It could be held to FAPI 2.0",
            "Register it anew with the profile fapi2.",
            "Requests not pushed, tokens not bound, assertions whose aud is anything but the issuer.",
            weak=False,
        ),
    ),
)


def lint(client: Client, *, now: Instant) -> Iterator[Finding]:
    return (finding for rule, finding in RULES if rule(client, now))


def lint_published(client: Client, outbound: Outbound) -> Iterator[Finding]:
    """What the application publishes, fetched as the provider would fetch it."""
    uri = client.registered.get("jwks_uri")
    if uri is not None:
        yield from _problem_with_keys(uri, outbound)
    if client.registered.get("sector_identifier_uri") is not None:
        try:
            sector_of(client.registered, outbound)
        except ProtocolError as error:
            yield Finding(
                error.description,
                "Mend the document at that address.",
                "A change of the registration is refused.",
            )


def _problem_with_keys(uri: str, outbound: Outbound) -> Iterator[Finding]:
    advice = "Mend what is published there."
    breaks = "It cannot prove itself with a key we have not seen, nor read what is encrypted for it."
    try:
        if not import_usable_keys(json.loads(outbound.fetch(uri).body)):
            yield Finding("jwks_uri holds no key that can be used", advice, breaks)
    except OutboundError as error:
        yield Finding(f"jwks_uri {error.why}", advice, breaks)
    except (ValueError, RecursionError):
        yield Finding("jwks_uri does not hold a JWK set of public keys", advice, breaks)
