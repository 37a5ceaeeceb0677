"""Demands for a stronger or fresher sign-in (RFC 9470): read from challenges, sent on, and checked when it comes back."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.kit.effects import Effects
from connectors.kit.levels import Level
from connectors.kit.outbound import open_outbound
from connectors.kit.provider import Provider
from connectors.kit.relying_party import Registration, RelyingParty, SignedIn, SignInError, SignInFailure
from connectors.kit.step_up import NOTHING, Demand, StepUpNeededError, find_demand, hold_step_up
from tests.connectors.conftest import BASE_URL, Clock
from tests.support.demo_provider import CLIENT_ID, CLIENT_SECRET, StandIn

MFA = "urn:visvaris:acr:mfa"
ASKS = 'error="insufficient_user_authentication"'


@pytest.mark.parametrize(
    ("challenges", "demand"),
    [
        ([f'Bearer {ASKS}, acr_values="{MFA}", max_age="5"'], Demand(Level.MULTI_FACTOR, 5)),
        ([f'DPoP algs="ES256", {ASKS}, max_age="0"'], Demand(None, 0)),
        (
            ["Basic realm=x", f'Bearer {ASKS}, acr_values="unknown phr {MFA}"'],
            Demand(Level.PHISHING_RESISTANT),
        ),
        ([f'Bearer {ASKS}, acr_values="unknown"'], NOTHING),
        ([f'Bearer {ASKS}, max_age="-1"'], NOTHING),
        ([f'Bearer {ASKS}, max_age="٣"'], NOTHING),
        ([f'Bearer {ASKS}, max_age="99999999999"'], NOTHING),
        ([f'Bearer error="invalid_token", max_age="5", error_description="{MFA}"'], None),
        (['Bearer realm="say error=insufficient_user_authentication"'], None),
        ([], None),
    ],
)
def test_a_challenge_is_read(challenges: list[str], demand: Demand | None) -> None:
    assert find_demand(challenges) == demand


@given(st.lists(st.text(), max_size=3))
def test_no_challenge_makes_reading_fail(challenges: list[str]) -> None:
    assert find_demand(challenges) is None


@pytest.mark.parametrize(("status", "is_one"), [(401, True), (403, False), (200, False)])
def test_only_a_refusal_of_the_token_is_a_demand(status: int, is_one: bool) -> None:
    """RFC 9470 section 3: "HTTP status code 401" """
    answer = httpx.Response(status, headers={"WWW-Authenticate": f'Bearer {ASKS}, max_age="5"'})
    if not is_one:
        return hold_step_up(answer)
    with pytest.raises(StepUpNeededError) as needed:
        hold_step_up(answer)
    assert needed.value.demand == Demand(None, 5)
    return None


@pytest.fixture
def relying_party(provider: Provider, effects: Effects) -> Iterator[RelyingParty]:
    registration = Registration(CLIENT_ID, CLIENT_SECRET, f"{BASE_URL}/callback", f"{BASE_URL}/start")
    with open_outbound(None) as http:
        yield RelyingParty(registration, provider=provider, http=http, effects=effects)


def signs_in(relying_party: RelyingParty, demand: Demand) -> tuple[SignedIn, dict[str, str]]:
    """Through the stand-in, which takes no notice of what is demanded; and what it was asked."""
    beginning = relying_party.begin(return_to="/", lang="lv", demand=demand)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(beginning.url).query).items()}
    back = httpx.get(beginning.url, trust_env=False).headers["Location"]
    answer = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
    return relying_party.finish(answer, beginning.pending), asked


def failure(relying_party: RelyingParty, demand: Demand) -> SignInFailure:
    with pytest.raises(SignInError) as caught:
        signs_in(relying_party, demand)
    return caught.value.failure


def test_the_provider_is_asked_for_what_is_demanded(
    relying_party: RelyingParty, issuer: StandIn, clock: Clock
) -> None:
    issuer.in_id_token = {"acr": MFA, "auth_time": int(clock.at)}
    _, asked = signs_in(relying_party, Demand(Level.MULTI_FACTOR, 300))
    assert (asked["acr_values"], asked["max_age"]) == (MFA, "300")
    _, asked = signs_in(relying_party, NOTHING)
    assert {"acr_values", "max_age"}.isdisjoint(asked)


def test_what_came_of_it_is_checked_and_not_believed(
    relying_party: RelyingParty, issuer: StandIn, clock: Clock
) -> None:
    """attack 23: a step-up that the provider did not do is none"""
    issuer.in_id_token = {"acr": "urn:visvaris:acr:1fa", "auth_time": int(clock.at)}
    assert failure(relying_party, Demand(Level.MULTI_FACTOR)) is SignInFailure.TOO_WEAK
    issuer.in_id_token = {"acr": MFA, "auth_time": int(clock.at) - 400}
    assert failure(relying_party, Demand(Level.MULTI_FACTOR, 300)) is SignInFailure.TOO_OLD
    issuer.in_id_token = {"acr": MFA, "auth_time": None}
    assert failure(relying_party, Demand(max_age=300)) is SignInFailure.TOO_OLD
    issuer.in_id_token = {"acr": MFA, "auth_time": "now"}
    assert failure(relying_party, NOTHING) is SignInFailure.WRONG_CLAIMS


def test_the_same_demand_is_sent_again_only_when_time_has_passed(
    relying_party: RelyingParty, issuer: StandIn, clock: Clock
) -> None:
    issuer.in_id_token = {"acr": MFA, "auth_time": int(clock.at)}
    demand = Demand(Level.MULTI_FACTOR, 300)
    person, _ = signs_in(relying_party, demand)
    assert person.has_answered(demand, now=clock.at)
    assert not person.has_answered(demand, now=clock.at + 400)
    assert not person.has_answered(Demand(Level.MULTI_FACTOR), now=clock.at)
