"""What `visvaris client lint` finds: every rule by an application that has just this, and what would break."""

import json
from typing import Any

import pytest
from joserfc.jwk import ECKey

from idp.commands.client_lint import RULES, Finding, lint, lint_published
from idp.gateways.outbound import Outbound
from idp.models.clients import Client
from tests.support.remote import Remote, Reply

NOW, YEAR = 1_760_000_000.0, 365 * 86400
SECRET = {"hash": "h", "created_at": NOW, "expires_at": None}
STRICT: dict[str, Any] = {
    "redirect_uris": ["https://app.example.lv/callback"],
    "post_logout_redirect_uris": ["https://app.example.lv/"],
    "grant_types": ["authorization_code"],
    "token_endpoint_auth_method": "private_key_jwt",
    "token_endpoint_auth_signing_alg": "ES256",
    "scope": "openid profile",
    "dpop_bound_access_tokens": True,
    "require_pushed_authorization_requests": True,
}


def client(registered: dict[str, Any] | None = None, **columns: Any) -> Client:
    values = {"profile": "fapi2", **columns}
    return Client(
        client_id="x", name="x", created_at=NOW, registered={**STRICT, **(registered or {})}, **values
    )


def findings(made: Client) -> list[str]:
    return [found.finding for found in lint(made, now=NOW)]


def test_about_a_strict_application_there_is_nothing_to_say() -> None:
    assert findings(client()) == []


@pytest.mark.parametrize(
    ("made", "finding"),
    [
        (client(pkce_required=False), "PKCE is not required"),
        (
            client({"grant_types": ["authorization_code", "implicit"]}),
            "It may get tokens through the browser (implicit flow)",
        ),
        (client({"redirect_uris": ["http://app.example.lv/cb"]}), "A redirect leads over http"),
        (client({"redirect_uris": ["https://localhost/cb"]}), "A redirect leads to this computer"),
        (client({"redirect_uris": ["http://localhost/cb"]}, kind="installed"), "A redirect says localhost"),
        (client({"redirect_uris": [f"https://a.lv/{n}" for n in range(11)]}), "More than ten redirect URIs"),
        (client(kind="installed", secrets=[SECRET]), "An installed program has a secret"),
        (client(secrets=[{**SECRET, "created_at": NOW - YEAR - 1}]), "The secret is over a year old"),
        (client(secrets=[{**SECRET, "expires_at": NOW}]), "No secret of it is good any more"),
        (client({"post_logout_redirect_uris": []}), "No post_logout_redirect_uris"),
        (client({"scope": "profile"}), "The scope lacks openid"),
        (
            client({"scope": "openid person_code"}),
            "It may ask for person_code and has no legal basis on record",
        ),
        (client(demonstration=True), "It is of the demonstration"),
        (
            client({"token_endpoint_auth_method": "client_secret_basic"}),
            "It proves itself with a secret",
        ),
        (client({"token_endpoint_auth_signing_alg": "RS256"}), "Its assertions may be signed with RS256"),
        (
            client({"scope": "openid profile email phone address"}),
            "It may ask for all there is about a person",
        ),
        (client(profile="oidc"), "It could be held to FAPI 2.0"),
    ],
)
def test_each_rule_alone(made: Client, finding: str) -> None:
    assert findings(made) == [finding]


def test_rules_that_come_with_others() -> None:
    plain = client({"dpop_bound_access_tokens": False}, profile="oidc")
    assert "Its access tokens are good for whoever holds them" in findings(plain)
    plain = client({"require_pushed_authorization_requests": False}, profile="oidc")
    assert "Its authorization requests travel through the browser" in findings(plain)
    assert findings(client({"token_endpoint_auth_method": "client_secret_post"})) == [
        "The secret travels in the body",
        "It proves itself with a secret",
    ]


def test_every_finding_says_what_would_break() -> None:
    assert all(isinstance(finding, Finding) and finding.advice and finding.breaks for _, finding in RULES)
    assert len({finding.finding for _, finding in RULES}) == len(RULES)


@pytest.mark.parametrize(
    ("reply", "finding"),
    [
        (Reply(b"", 404), "jwks_uri answered with status 404"),
        (Reply(b"no"), "jwks_uri does not hold a JWK set of public keys"),
        (Reply(b'{"keys": []}'), "jwks_uri holds no key that can be used"),
        (
            Reply(json.dumps({"keys": [ECKey.generate_key("P-256").as_dict(private=True)]}).encode()),
            "jwks_uri does not hold a JWK set of public keys",
        ),
        (Reply(json.dumps({"keys": [ECKey.generate_key("P-256").as_dict(private=False)]}).encode()), None),
    ],
)
def test_what_it_publishes_is_looked_at(
    remote: Remote, outbound: Outbound, reply: Reply, finding: str | None
) -> None:
    remote.answers["/keys"] = reply
    found = [each.finding for each in lint_published(client({"jwks_uri": remote.url("/keys")}), outbound)]
    assert found == ([finding] if finding else [])


def test_a_sector_that_no_longer_lists_it_is_found(remote: Remote, outbound: Outbound) -> None:
    uri = remote.url("/sector")
    made = client({"sector_identifier_uri": uri, "subject_type": "pairwise"})
    remote.answers["/sector"] = Reply(json.dumps(STRICT["redirect_uris"]).encode())
    assert list(lint_published(made, outbound)) == []
    remote.answers["/sector"] = Reply(b"[]")
    (found,) = lint_published(made, outbound)
    assert found.finding == f"sector_identifier_uri {uri} does not list every one of redirect_uris"


def test_an_address_inside_is_not_asked(remote: Remote) -> None:
    """attack 9"""
    (found,) = lint_published(client({"jwks_uri": remote.url("/keys")}), Outbound())
    assert "may not be reached" in found.finding
    assert remote.received == []
