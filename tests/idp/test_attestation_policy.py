"""Which keys may be used: every demand holds, the strictest wins, and five properties of all decisions."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.attestation_policy import REFUSALS, UNTRUSTED, Demand, Key, Listing, applicable, refusal
from idp.errors import Reason
from idp.models.authenticators import NO_MODEL, Attestation, Binding
from idp.policy import NATIONAL, OPERATOR

RIGA, OGRE = "0001000", "0040000"
MODEL, OTHER = "2fc0579f-8113-47ea-b116-bb5a8db9202a", "11111111-2222-4333-8444-555555555555"
GOOD = Listing(MODEL, frozenset({"FIDO_CERTIFIED_L1"}))
REVOKED = Listing(MODEL, frozenset({"FIDO_CERTIFIED_L1", "REVOKED"}))
ATTESTED = Key(aaguid=MODEL, attested=True, device_bound=True)
SYNCED = Key(aaguid=MODEL, attested=False, device_bound=False)
MDS = Demand(scope=RIGA, attestation=Attestation.MDS)
OPERATORS = Demand(scope=OPERATOR, binding=Binding.BOUND_OR_ATTESTED)

keys = st.builds(
    Key,
    aaguid=st.sampled_from([MODEL, OTHER, NO_MODEL, None]),
    attested=st.booleans(),
    device_bound=st.booleans(),
)
listings = st.none() | st.builds(
    Listing,
    st.sampled_from([MODEL, OTHER, NO_MODEL]),
    st.frozensets(st.sampled_from(["FIDO_CERTIFIED", "UPDATE_AVAILABLE", "FROM_THE_FUTURE", *UNTRUSTED])),
)
demands = st.builds(
    Demand,
    scope=st.sampled_from([NATIONAL, OPERATOR, RIGA, OGRE]),
    role=st.sampled_from(["", "admin"]),
    attestation=st.sampled_from(Attestation),
    aaguids=st.frozensets(st.sampled_from([MODEL, OTHER, NO_MODEL])),
    binding=st.sampled_from(Binding),
)


@pytest.mark.parametrize(
    ("key", "demand", "listing", "expected"),
    [
        (SYNCED, Demand(scope=RIGA), None, None),
        (ATTESTED, MDS, GOOD, None),
        (ATTESTED, MDS, None, Reason.KEY_NOT_LISTED),
        (ATTESTED, MDS, REVOKED, Reason.KEY_MODEL_UNTRUSTED),
        (ATTESTED, MDS, Listing(OTHER, frozenset()), Reason.KEY_NOT_LISTED),
        (SYNCED, MDS, GOOD, Reason.KEY_NOT_ATTESTED),
        (SYNCED, OPERATORS, GOOD, Reason.KEY_NOT_DEVICE_BOUND),
        (Key(aaguid=MODEL, attested=True, device_bound=False), OPERATORS, GOOD, None),
        (Key(aaguid=MODEL, attested=True, device_bound=False), OPERATORS, REVOKED, Reason.KEY_NOT_DEVICE_BOUND),
        (Key(aaguid=NO_MODEL, attested=False, device_bound=True), OPERATORS, None, None),
        (ATTESTED, Demand(scope=RIGA, binding=Binding.BOUND), None, None),
    ],
)  # fmt: skip
def test_what_one_demand_says_of_one_key(
    key: Key, demand: Demand, listing: Listing | None, expected: Reason | None
) -> None:
    assert refusal(key, [demand], listing) is expected


def test_a_demand_is_on_those_who_are_in_its_scope_with_its_role() -> None:
    asked = [
        Demand(scope=NATIONAL),
        Demand(scope=OPERATOR),
        Demand(scope=RIGA),
        Demand(scope=RIGA, role="admin"),
        Demand(scope=OGRE),
        Demand(scope=OGRE, role="admin"),
        Demand(scope=NATIONAL, role="admin"),
    ]
    roles = {NATIONAL: frozenset({"admin"}), RIGA: frozenset({"admin"}), OGRE: frozenset({"clerk"})}
    held = applicable(asked, roles)
    assert [(demand.scope, demand.role) for demand in held] == [
        (NATIONAL, ""),
        (RIGA, ""),
        (RIGA, "admin"),
        (OGRE, ""),
        (NATIONAL, "admin"),
    ]


@given(keys, listings)
def test_without_a_demand_every_key_may_be_used(key: Key, listing: Listing | None) -> None:
    assert refusal(key, [], listing) is None


@given(keys, st.lists(demands, max_size=4), demands, listings)
def test_a_further_demand_never_lets_a_key_in(
    key: Key, asked: list[Demand], further: Demand, listing: Listing | None
) -> None:
    if refusal(key, asked, listing) is not None:
        assert refusal(key, [*asked, further], listing) is not None
        assert refusal(key, [further, *asked], listing) is not None


@given(keys, st.lists(demands, max_size=3), listings)
def test_the_order_of_demands_decides_nothing(key: Key, asked: list[Demand], listing: Listing | None) -> None:
    verdicts = {refusal(key, order, listing) is None for order in permutations(asked)}
    each = all(refusal(key, [demand], listing) is None for demand in asked)
    assert verdicts == {each}


@given(keys, demands, listings)
def test_nothing_is_vouched_for_by_what_is_not_attested_listed_and_trusted(
    key: Key, demand: Demand, listing: Listing | None
) -> None:
    """attack 32: AAGUID zero, `none` where a list is asked"""
    if demand.attestation is Attestation.NONE or refusal(key, [demand], listing) is not None:
        return
    assert key.attested
    assert listing is not None
    assert key.aaguid == listing.aaguid != NO_MODEL
    assert listing.statuses.isdisjoint(UNTRUSTED)
    assert demand.attestation is Attestation.MDS or key.aaguid in demand.aaguids


@given(keys, demands, listings)
def test_an_attestation_is_asked_for_wherever_it_could_decide(
    key: Key, demand: Demand, listing: Listing | None
) -> None:
    with_it, without = (
        refusal(Key(aaguid=key.aaguid, attested=told, device_bound=key.device_bound), [demand], listing)
        for told in (True, False)
    )
    assert with_it is None or without is not None, "and never does harm"
    if (with_it is None) != (without is None):
        assert demand.wants_statement


@given(keys, st.lists(demands, max_size=3), listings)
def test_every_refusal_has_the_same_words(key: Key, asked: list[Demand], listing: Listing | None) -> None:
    reason = refusal(key, asked, listing)
    assert reason is None or reason in REFUSALS
    assert len({each.public for each in REFUSALS}) == 1
