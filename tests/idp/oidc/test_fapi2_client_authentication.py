"""What FAPI 2.0 asks of a client and of how it proves itself (Security Profile 5.3.2.1, 5.3.2.2, 5.4)."""

from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey
from sqlalchemy import text

from idp.effects import Effects
from idp.models.clients import Profile
from idp.oidc import fapi2
from idp.oidc.client_metadata import register
from idp.oidc.errors import ProtocolError
from idp.oidc.options import Options
from tests.idp.oidc.house import CALLBACK, ISSUER, House
from tests.support.builders import START, make_vault
from tests.support.client_certificates import self_signed
from tests.support.proxy import through_proxy
from tests.support.relying_party import RelyingParty

REFUSED = (401, "invalid_client")
ACCEPTED = (200, "")
EC = ECKey.generate_key("P-256", {"kid": "one"})
JWKS = {"keys": [{**EC.as_dict(private=False), "kid": "one"}]}


@pytest.fixture
def bank(house: House) -> RelyingParty:
    return fapi(house, EC)


def fapi(house: House, key: Key, *, method: str = "private_key_jwt", **metadata: Any) -> RelyingParty:
    """A client of the profile. It asks about tokens and gets none, so that what it proves is all there is to it."""
    jwks = {"keys": [{**key.as_dict(private=False), "kid": key.kid}]}
    document = {
        "grant_types": ["client_credentials"],
        "scope": "fines.read",
        "token_endpoint_auth_method": method,
        "jwks": jwks,
        **metadata,
    }
    return of_profile(house, document, key)


def of_profile(house: House, document: dict[str, Any], key: Key | None) -> RelyingParty:
    client = register(document, house.world.effects, vault=house.world.vault).client
    client.profile = Profile.FAPI2.value
    with house.world.database.begin() as work:
        work.clients.add(client)
    party = house.relying_party(client, None)
    party.key = key
    return party


def asserted(party: RelyingParty, **changed: Any) -> tuple[int, str]:
    alg = changed.pop("alg", None)
    return asks(party, party.assertion_form(party.assertion(alg=alg, **changed)))


def asks(party: RelyingParty, form: dict[str, str]) -> tuple[int, str]:
    reply = party.http.post("/introspect", data={"token": "x", **form})
    return reply.status_code, reply.json().get("error", "")


# The assertion -------------------------------------------------------------------------------------------


def test_the_issuer_as_text_is_the_audience(bank: RelyingParty) -> None:
    """Module: ensure-client-assertion-with-iss-aud-succeeds"""
    assert asserted(bank, aud=ISSUER) == ACCEPTED


@pytest.mark.parametrize(
    "audience",
    [
        [ISSUER],
        [ISSUER, f"{ISSUER}/token"],
        [ISSUER, "https://other.example"],
        f"{ISSUER}/token",
        f"{ISSUER}/par",
        f"{ISSUER}/introspect",
        f"{ISSUER}/",
        ISSUER.upper(),
        "https://other.example",
        "",
        None,
    ],
    ids=str,
)
def test_any_other_audience_is_refused(bank: RelyingParty, audience: Any) -> None:
    """attack 17: an array, the token endpoint and the PAR endpoint too"""
    assert asserted(bank, aud=audience) == REFUSED


@pytest.mark.parametrize("claim", ["iat", "nbf"])
@pytest.mark.parametrize(("ahead", "answer"), [(8, ACCEPTED), (10, ACCEPTED), (11, REFUSED), (70, REFUSED)])
def test_a_clock_may_be_ten_seconds_ahead(
    bank: RelyingParty, claim: str, ahead: int, answer: tuple[int, str]
) -> None:
    """5.3.2.1: up to 10 seconds must be accepted, more than 60 refused; in between it is ours to say"""
    assert asserted(bank, **{claim: int(START) + ahead}) == answer


def test_an_assertion_without_an_end_is_refused(bank: RelyingParty) -> None:
    assert asserted(bank, exp=None) == REFUSED
    assert asserted(bank, exp=int(START) - 60) == REFUSED


def test_a_jti_works_once(bank: RelyingParty) -> None:
    """attack 17"""
    assert asserted(bank, jti="once") == ACCEPTED
    assert asserted(bank, jti="once") == REFUSED
    assert asserted(bank, jti=None) == REFUSED


RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
ED = OKPKey.generate_key("Ed25519", {"kid": "ed"})


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize(
    ("key", "alg", "answer"),
    [(EC, "ES256", ACCEPTED), (RSA, "PS256", ACCEPTED), (ED, "EdDSA", ACCEPTED), (RSA, "RS256", REFUSED)],
    ids=["ES256", "PS256", "EdDSA", "RS256"],
)
def test_algorithms_of_the_profile_and_no_others(
    house: House, key: Key, alg: str, answer: tuple[int, str]
) -> None:
    """5.4.1; attack 16"""
    assert asserted(fapi(house, key), alg=alg) == answer


def test_a_registered_algorithm_does_not_bring_another_in(house: House) -> None:
    """One that was registered before the client came under the profile"""
    assert asserted(fapi(house, RSA, token_endpoint_auth_signing_alg="RS256"), alg="RS256") == REFUSED


# The method ----------------------------------------------------------------------------------------------


def test_a_certificate(house: House) -> None:
    hall = House(house.world, options=Options(issuer=ISSUER, refresh_seconds=86400, client_certificates=True))
    shown = self_signed(START)
    document = {
        "grant_types": ["client_credentials"],
        "scope": "fines.read",
        "token_endpoint_auth_method": "self_signed_tls_client_auth",
        "jwks": {"keys": [shown.jwk()]},
    }
    party = of_profile(hall, document, None)
    for certificate, answer in ((shown, ACCEPTED), (self_signed(START), REFUSED), (None, REFUSED)):
        party.http = through_proxy(hall.openid, shown=certificate)
        assert asks(party, {"client_id": party.client_id}) == answer


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "client_secret_jwt", "none"])
def test_a_client_that_came_under_the_profile_with_a_secret_is_refused(house: House, method: str) -> None:
    """attack 17: held where it is used, not only where it is registered"""
    grants = {"grant_types": ["authorization_code"], "response_types": ["code"], "redirect_uris": [CALLBACK]}
    party = house.add_client(token_endpoint_auth_method=method, **grants)
    if method == "client_secret_jwt":
        party.key = OctKey.import_key(party.secret or "")
    before = party.post("/revoke", {"token": "x"}).status_code
    set_profile(house, party)
    after = party.post("/revoke", {"token": "x"})
    assert (before, after.status_code, after.json()["error"]) == (200, *REFUSED)


def set_profile(house: House, party: RelyingParty) -> None:
    """As an operator with a database at hand; the clients that are kept in memory are read again a second later."""
    with house.world.database.begin() as work:
        statement = text("UPDATE clients SET profile = 'fapi2' WHERE client_id = :client")
        work.connection().execute(statement, {"client": party.client_id})
    house.world.clock.move(2)


# The registration ----------------------------------------------------------------------------------------

GOOD: dict[str, Any] = {
    "token_endpoint_auth_method": "private_key_jwt",
    "grant_types": ["authorization_code", "refresh_token"],
    "response_types": ["code"],
    "redirect_uris": [CALLBACK],
    "application_type": "web",
    "id_token_signed_response_alg": "ES256",
    "dpop_bound_access_tokens": True,
    "jwks": JWKS,
}
NATIVE = {"application_type": "native"}
FAPI = {"profile": "fapi2"}


def test_a_registration_that_holds_every_rule() -> None:
    assert fapi2.broken_rule(GOOD, FAPI) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"token_endpoint_auth_method": "tls_client_auth"},
        {"token_endpoint_auth_method": "self_signed_tls_client_auth"},
        {"dpop_bound_access_tokens": None, "tls_client_certificate_bound_access_tokens": True},
        {"grant_types": ["client_credentials"], "redirect_uris": []},
        {"token_endpoint_auth_signing_alg": "PS256"},
        {**NATIVE, "redirect_uris": ["http://127.0.0.1/cb", "http://[::1]:80/cb", CALLBACK]},
    ],
)
def test_what_else_is_in_order(changed: dict[str, Any]) -> None:
    assert fapi2.broken_rule({**GOOD, **changed}, FAPI) is None


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"token_endpoint_auth_method": "client_secret_basic"}, "token_endpoint_auth_method"),
        ({"token_endpoint_auth_method": "client_secret_post"}, "token_endpoint_auth_method"),
        ({"token_endpoint_auth_method": "client_secret_jwt"}, "token_endpoint_auth_method"),
        ({"token_endpoint_auth_method": "none"}, "token_endpoint_auth_method"),
        ({"token_endpoint_auth_signing_alg": "RS256"}, "must be one of"),
        ({"id_token_signed_response_alg": "RS256"}, "must be one of"),
        ({"request_object_signing_alg": "RS256"}, "must be one of"),
        ({"request_object_signing_alg": "none"}, "must be one of"),
        ({"introspection_signed_response_alg": "RS256"}, "must be one of"),
        ({"grant_types": ["authorization_code", "password"]}, "grant_types"),
        ({"grant_types": ["implicit"]}, "grant_types"),
        ({"redirect_uris": [CALLBACK, "http://localhost/cb"]}, "redirect_uris"),
        ({"redirect_uris": ["http://127.0.0.1/cb"]}, "redirect_uris"),
        ({**NATIVE, "redirect_uris": ["lv.example.app:/cb"]}, "redirect_uris"),
        ({**NATIVE, "redirect_uris": ["http://localhost/cb"]}, "redirect_uris"),
        ({"dpop_bound_access_tokens": None}, "dpop_bound_access_tokens"),
        ({"dpop_bound_access_tokens": False}, "dpop_bound_access_tokens"),
        ({"dpop_bound_access_tokens": "true"}, "dpop_bound_access_tokens"),
    ],
)
def test_a_rule_that_is_broken_is_named(changed: dict[str, Any], named: str) -> None:
    assert named in (fapi2.broken_rule({**GOOD, **changed}, FAPI) or "")
    assert fapi2.broken_rule({**GOOD, **changed}, {}) is None, "the rules are this profile's alone"


def test_pkce_cannot_be_let_off() -> None:
    """attack 13"""
    assert "pkce_required" in (fapi2.broken_rule(GOOD, {**FAPI, "pkce_required": False}) or "")


def test_a_registration_that_breaks_a_rule_is_refused() -> None:
    effects = Effects()
    plain = {"redirect_uris": [CALLBACK], "visvaris": {"profile": "fapi2"}}
    with pytest.raises(ProtocolError, match="token_endpoint_auth_method must be one of"):
        register(plain, effects, vault=make_vault(effects))
    keyed = {**plain, "token_endpoint_auth_method": "private_key_jwt", "jwks": JWKS}
    with pytest.raises(ProtocolError, match="tls_client_certificate_bound_access_tokens must be true"):
        register(keyed, effects)
    with pytest.raises(ProtocolError, match="must be one of ES256, PS256, EdDSA"):
        register({**keyed, "id_token_signed_response_alg": "RS256"}, effects)


def test_what_we_sign_for_it_is_by_an_algorithm_of_the_profile() -> None:
    assert fapi2.defaults(FAPI) == {"id_token_signed_response_alg": "ES256"}
    assert fapi2.defaults({}) == {}


def test_signed_introspection_is_by_an_algorithm_of_the_profile(bank: RelyingParty) -> None:
    form = {"token": "x", **bank.assertion_form(bank.assertion())}
    reply = bank.http.post(
        "/introspect", data=form, headers={"Accept": "application/token-introspection+jwt"}
    )
    assert jws.extract_compact(reply.content).headers()["alg"] == "ES256"
