"""Access tokens bound to the client's TLS certificate (RFC 8705 section 3), whoever read it from the connection."""

import base64
import hashlib
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from idp.oidc.authorize import Browser
from idp.oidc.options import Options
from idp.oidc.requests import Request
from idp.web.protocol import ProtocolEndpoints
from tests.idp.oidc.house import ISSUER, House
from tests.support.authorization_requests import JWKS, KEYS
from tests.support.certificates import Authority
from tests.support.dpop import proving
from tests.support.relying_party import ProviderError, RelyingParty

BOUND = {"tls_client_certificate_bound_access_tokens": True}
NATIVE = {
    "application_type": "native",
    "token_endpoint_auth_method": "none",
    "redirect_uris": ["http://127.0.0.1/callback"],
}


class Proxied(ProtocolEndpoints):
    """The edge, with a certificate as a trusted proxy would have told it."""

    certificate: bytes | None = None

    def _read(self, environ: Any) -> Request:
        return replace(super()._read(environ), certificate=self.certificate)


@dataclass(frozen=True)
class Certificates:
    ours: bytes
    theirs: bytes


@pytest.fixture(scope="module")
def certificates(authority: Authority) -> Certificates:
    made = [
        authority.client(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), name=f"bound-{name}").der
        for name in ("ours", "theirs")
    ]
    return Certificates(*made)


@pytest.fixture
def edge(house: House) -> Proxied:
    """What the house's applications speak to from now on."""
    proxied = Proxied(house.openid, trusted_proxies=())
    house.http = httpx.Client(transport=httpx.WSGITransport(app=proxied), base_url=ISSUER)
    return proxied


def x5t(certificate: bytes) -> str:
    """RFC 8705 section 3.1"""
    return base64.urlsafe_b64encode(hashlib.sha256(certificate).digest()).rstrip(b"=").decode()


def described(party: RelyingParty) -> dict[str, Any]:
    return party.introspect(party.own_token().access_token)


def test_a_token_is_bound_to_the_certificate(house: House, edge: Proxied, certificates: Certificates) -> None:
    """RFC 8705 sections 3.1 and 3.2; the token's type stays Bearer"""
    party = house.add_service(**BOUND)
    edge.certificate = certificates.ours
    answer = described(party)
    assert (answer["token_type"], answer["cnf"]) == ("Bearer", {"x5t#S256": x5t(certificates.ours)})


def test_without_a_certificate_there_is_no_token(house: House, edge: Proxied) -> None:
    """RFC 8705 section 3.4: what the client registered for it gets, or nothing"""
    with pytest.raises(ProviderError, match="invalid_request"):
        house.add_service(**BOUND).own_token()


def test_a_certificate_nobody_registered_for_binds_nothing(
    house: House, edge: Proxied, certificates: Certificates
) -> None:
    edge.certificate = certificates.ours
    assert "cnf" not in described(house.add_service())


def test_a_fapi_client_may_bind_by_certificate(
    house: House, edge: Proxied, certificates: Certificates
) -> None:
    """FAPI 2.0 section 5.3.2.1"""
    party = house.add_service(
        jwks=JWKS, token_endpoint_auth_method="private_key_jwt", own={"profile": "fapi2"}, **BOUND
    )
    party.key = KEYS["ES256"]
    with pytest.raises(ProviderError):
        party.own_token()
    edge.certificate = certificates.ours
    assert described(party)["cnf"] == {"x5t#S256": x5t(certificates.ours)}


def test_key_and_certificate_together_bind_to_both(
    house: House, edge: Proxied, browser: Browser, certificates: Certificates
) -> None:
    edge.certificate = certificates.ours
    party = proving(house.add_client(**BOUND))
    token = house.tokens_for(party, browser).access_token
    assert party.introspect(token)["cnf"] == {"jkt": party.jkt, "x5t#S256": x5t(certificates.ours)}
    assert party.show(token).status_code == 200
    for other in (None, certificates.theirs):
        edge.certificate = other
        assert party.show(token).status_code == 401


def test_userinfo_takes_it_from_the_same_certificate_only(
    house: House, edge: Proxied, browser: Browser, certificates: Certificates
) -> None:
    """RFC 8705 section 3: "the same certificate"; attack 16: no downgrade to a bearer token"""
    edge.certificate = certificates.ours
    party = house.add_client(**BOUND)
    tokens = house.tokens_for(party, browser)
    assert party.userinfo(tokens.access_token)["sub"] == tokens.claims["sub"]
    for other in (None, certificates.theirs, certificates.ours + b"\0"):
        edge.certificate = other
        with pytest.raises(ProviderError, match="invalid_token"):
            party.userinfo(tokens.access_token)


def test_it_does_not_come_as_dpop(
    house: House, edge: Proxied, browser: Browser, certificates: Certificates
) -> None:
    edge.certificate = certificates.ours
    party = house.add_client(**BOUND)
    token = house.tokens_for(party, browser).access_token
    reply = proving(party).show(token)
    assert (reply.status_code, reply.json()["error"]) == (401, "invalid_token")


def test_a_public_clients_refresh_token_is_bound_too(
    house: House, edge: Proxied, browser: Browser, certificates: Certificates
) -> None:
    """RFC 8705 section 4; attack 14"""
    party = house.add_client(**NATIVE, **BOUND)
    party.redirect_uri = "http://127.0.0.1:45000/callback"
    edge.certificate = certificates.ours
    tokens = house.tokens_for(party, browser, scope="openid offline_access")
    edge.certificate = certificates.theirs
    with pytest.raises(ProviderError, match="invalid_grant"):
        party.refresh(tokens.refresh_token or "")
    edge.certificate = certificates.ours
    assert party.refresh(tokens.refresh_token or "").refresh_token


def test_a_confidential_client_may_change_its_certificate(
    house: House, edge: Proxied, browser: Browser, certificates: Certificates
) -> None:
    """RFC 8705 section 4: its refresh tokens are bound by its authentication"""
    party = house.add_client(**BOUND)
    edge.certificate = certificates.ours
    tokens = house.tokens_for(party, browser, scope="openid offline_access")
    edge.certificate = certificates.theirs
    fresh = party.refresh(tokens.refresh_token or "")
    assert party.introspect(fresh.access_token)["cnf"] == {"x5t#S256": x5t(certificates.theirs)}


@pytest.mark.parametrize("supported", [True, False])
def test_discovery_promises_it_where_certificates_come_through(house: House, supported: bool) -> None:
    """RFC 8705 section 3.3"""
    options = Options(issuer=ISSUER, refresh_seconds=86400, client_certificates=supported)
    said = House(house.world, options=options).add_client().metadata()
    assert said.get("tls_client_certificate_bound_access_tokens", False) is supported
