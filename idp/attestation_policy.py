"""Which passkeys and security keys a person may use, by what their municipalities and roles demand.

Pure: no clock, no storage. All demands on a person hold together, of every post and role and of the operator,
so the strictest wins and no demand can allow what another refuses. A list of models is believed only together
with an attestation: without one a key may say it is any model. Not here: checking attestations
(`methods/webauthn/`), whether keys may be used at all (`policy.py`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, assert_never

from idp.errors import Reason
from idp.models.authenticators import NO_MODEL, Attestation, Binding

UNTRUSTED: Final = frozenset(
    {
        "ATTESTATION_KEY_COMPROMISE",
        "REVOKED",
        "USER_KEY_PHYSICAL_COMPROMISE",
        "USER_KEY_REMOTE_COMPROMISE",
        "USER_VERIFICATION_BYPASS",
    }
)
"""FIDO Metadata Service 3.1, section 3.1.4. One of them is enough, whatever was reported later: an update
that mends the model does not reach keys that were sold, and nothing here tells those apart.
"""
REFUSALS: Final = frozenset(
    {
        Reason.KEY_NOT_ATTESTED,
        Reason.KEY_NOT_LISTED,
        Reason.KEY_MODEL_UNTRUSTED,
        Reason.KEY_NOT_CHOSEN,
        Reason.KEY_NOT_DEVICE_BOUND,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What one scope asks of the keys of everybody in it, or of those with a role there."""

    scope: str
    role: str = ""
    attestation: Attestation = Attestation.NONE
    aaguids: frozenset[str] = frozenset()
    binding: Binding = Binding.ANY

    @property
    def wants_statement(self) -> bool:
        """Whether browsers must be asked for an attestation, or keys that could count would not."""
        return self.attestation is not Attestation.NONE or self.binding is Binding.BOUND_OR_ATTESTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """`attested`: its maker's word for the AAGUID was checked when it was made."""

    aaguid: str | None
    attested: bool
    device_bound: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """What FIDO's list says now of one model."""

    aaguid: str
    statuses: frozenset[str]

    @property
    def is_trusted(self) -> bool:
        return self.statuses.isdisjoint(UNTRUSTED)


def applicable(demands: Iterable[Demand], roles: Mapping[str, frozenset[str]]) -> tuple[Demand, ...]:
    """Those that are about a person who is in these scopes, with these roles in each."""
    return tuple(
        demand
        for demand in demands
        if demand.scope in roles and (not demand.role or demand.role in roles[demand.scope])
    )


def refusal(key: Key, demands: Iterable[Demand], listing: Listing | None) -> Reason | None:
    """Why this key may not be used; `listing` is of its model, None where there is none."""
    if listing is not None and (listing.aaguid != key.aaguid or listing.aaguid == NO_MODEL):
        listing = None
    refusals = (_refused_by(demand, key, listing) for demand in demands)
    return next((reason for reason in refusals if reason is not None), None)


def _refused_by(demand: Demand, key: Key, listing: Listing | None) -> Reason | None:
    return _unproven(demand, key, listing) or _unbound(demand.binding, key, listing)


def _unproven(demand: Demand, key: Key, listing: Listing | None) -> Reason | None:
    match demand.attestation:
        case Attestation.NONE:
            return None
        case Attestation.MDS:
            return _unvouched(key, listing)
        case Attestation.LIST:
            return _unvouched(key, listing) or (
                None if key.aaguid in demand.aaguids else Reason.KEY_NOT_CHOSEN
            )
        case _:
            assert_never(demand.attestation)


def _unbound(binding: Binding, key: Key, listing: Listing | None) -> Reason | None:
    match binding:
        case Binding.ANY:
            return None
        case Binding.BOUND_OR_ATTESTED:
            is_fit = key.device_bound or _unvouched(key, listing) is None
        case Binding.BOUND:
            is_fit = key.device_bound
        case _:
            assert_never(binding)
    return None if is_fit else Reason.KEY_NOT_DEVICE_BOUND


def _unvouched(key: Key, listing: Listing | None) -> Reason | None:
    if not key.attested:
        return Reason.KEY_NOT_ATTESTED
    if listing is None:
        return Reason.KEY_NOT_LISTED
    return None if listing.is_trusted else Reason.KEY_MODEL_UNTRUSTED
