"""What a connector takes from the provider's own publications, and how often it asks."""

from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey

from connectors.kit.provider import Provider, ProviderUnavailableError
from tests.connectors.conftest import Clock
from tests.support.demo_provider import ES_KEY, StandIn

NEW_KEY = ECKey.generate_key("P-256", {"kid": "es-2", "use": "sig", "alg": "ES256"})


def finds(provider: Provider, kid: str, algorithm: str = "ES256") -> bool:
    return provider.find_key(kid, algorithm=algorithm) is not None


def test_a_published_key_is_found_and_kept(provider: Provider, issuer: StandIn) -> None:
    assert all(finds(provider, "es-1") for _ in range(5))
    assert (issuer.asked["/jwks"], issuer.asked["/.well-known/openid-configuration"]) == (1, 1)


def test_a_key_published_later_is_found_when_a_token_names_it(
    provider: Provider, issuer: StandIn, clock: Clock
) -> None:
    assert finds(provider, "es-1")
    issuer.published.append(NEW_KEY)
    clock.at += 31
    assert finds(provider, "es-2")


def test_invented_key_names_do_not_become_a_flood(provider: Provider, issuer: StandIn, clock: Clock) -> None:
    """attack 43: a thousand tokens with invented key names cost the provider one request in half a minute."""
    assert not any(finds(provider, f"invented-{number}") for number in range(200))
    assert issuer.asked["/jwks"] == 1
    clock.at += 31
    assert not any(finds(provider, f"invented-{number}") for number in range(200))
    assert issuer.asked["/jwks"] == 2


def test_a_withdrawn_key_is_forgotten_within_the_hour(
    provider: Provider, issuer: StandIn, clock: Clock
) -> None:
    assert finds(provider, "es-1")
    issuer.published.remove(ES_KEY)
    clock.at += 3601
    assert not finds(provider, "es-1")


def test_known_keys_stay_good_while_the_provider_is_away_but_not_for_ever(
    provider: Provider, issuer: StandIn, clock: Clock
) -> None:
    assert finds(provider, "es-1")
    issuer.answers["/jwks"] = (503, "")
    clock.at += 3601
    assert finds(provider, "es-1")
    clock.at += 24 * 3600
    with pytest.raises(ProviderUnavailableError):
        provider.find_key("es-1", algorithm="ES256")


def test_after_a_failure_the_provider_is_asked_again(
    provider: Provider, issuer: StandIn, clock: Clock
) -> None:
    issuer.answers["/jwks"] = (503, "")
    with pytest.raises(ProviderUnavailableError):
        provider.metadata()
    del issuer.answers["/jwks"]
    clock.at += 31
    assert provider.metadata().issuer == issuer.issuer


def test_a_key_serves_only_the_algorithm_it_is_for(provider: Provider) -> None:
    """attack 16: an RSA key does not check ES256, nor the other way about."""
    assert not finds(provider, "rs-1", "ES256")
    assert not finds(provider, "es-1", "RS256")
    assert finds(provider, "rs-1", "RS256")


@pytest.mark.parametrize(
    "key",
    [
        OctKey.generate_key(256, {"kid": "x"}),
        ECKey.generate_key("P-384", {"kid": "x"}),
        ECKey.generate_key("P-256", {"kid": "x", "use": "enc"}),
        ECKey.generate_key("P-256", {"kid": "x", "alg": "ECDH-ES"}),
        ECKey.generate_key("P-256", {}),
    ],
    ids=["symmetric", "other curve", "for encryption", "for another algorithm", "nameless"],
)
def test_other_keys_of_the_set_are_not_used(provider: Provider, issuer: StandIn, key: Any) -> None:
    issuer.published.append(key)
    assert not finds(provider, "x")
    assert finds(provider, "es-1")


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "http://127.0.0.1:1"},
        {"issuer": None},
        {"jwks_uri": "http://127.0.0.1:1/jwks"},
        {"token_endpoint": "https://evil.example/token"},
        {"end_session_endpoint": None},
        {"userinfo_endpoint": 7},
        {"authorization_response_iss_parameter_supported": None},
        {"authorization_response_iss_parameter_supported": False},
    ],
    ids=str,
)
def test_metadata_of_another_issuer_or_another_origin_is_refused(
    provider: Provider, issuer: StandIn, change: dict[str, Any]
) -> None:
    """attack 10: whoever answers for another issuer, or sends the code elsewhere, is not believed."""
    issuer.in_metadata = change
    with pytest.raises(ProviderUnavailableError):
        provider.metadata()


@pytest.mark.parametrize("body", ["", "[]", "{", "null", '{"keys": 7}', '{"keys": {}}'])
def test_a_key_set_that_is_none_is_refused(provider: Provider, issuer: StandIn, body: str) -> None:
    issuer.answers["/jwks"] = (200, body)
    with pytest.raises(ProviderUnavailableError):
        provider.metadata()


@pytest.mark.parametrize("body", ['{"keys": [7, null, {"kty": "EC", "kid": "x"}, {"kty": "?", "kid": "y"}]}'])
def test_a_broken_key_is_left_out(provider: Provider, issuer: StandIn, body: str) -> None:
    issuer.answers["/jwks"] = (200, body)
    assert not finds(provider, "x")


def test_a_redirect_is_not_followed(provider: Provider, issuer: StandIn) -> None:
    """attack 9: the metadata is read where it was asked for."""
    issuer.answers["/.well-known/openid-configuration"] = (302, "")
    with pytest.raises(ProviderUnavailableError):
        provider.metadata()
