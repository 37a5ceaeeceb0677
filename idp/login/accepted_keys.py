"""Which of a person's keys are of a kind they may use now, by what FIDO's list says now.

Looked at whenever a person is read, since rules, roles and the list may have changed after a key was set up.
Without a demand nothing is read; with one, a row for each model that was attested. The decision itself is
`attestation_policy.refusal`.
"""

from collections.abc import Mapping

from idp.attestation_policy import Demand, Key, Listing, refusal
from idp.errors import Reason
from idp.methods.base import Subject
from idp.models.authenticators import Attestation, AttestationRule, Binding
from idp.models.people import Backup, Credential
from idp.storage.work import Work


def refused_keys(work: Work, subject: Subject) -> Mapping[str, Reason]:
    """By the id of the credential: why it may not be used."""
    keys = [credential for credential in subject.credentials if credential.key_id is not None]
    if not subject.demands or not keys:
        return {}
    listings = {
        aaguid: _listing(work, aaguid)
        for aaguid in {key.aaguid for key in keys if key.attestation is not None}
        if aaguid is not None
    }
    found = {key.id: refusal(_told(key), subject.demands, listings.get(key.aaguid or "")) for key in keys}
    return {credential_id: reason for credential_id, reason in found.items() if reason is not None}


def demand_of(row: AttestationRule) -> Demand:
    return Demand(
        scope=row.scope,
        role=row.role,
        attestation=Attestation(row.attestation),
        aaguids=frozenset(row.aaguids),
        binding=Binding(row.binding),
    )


def _listing(work: Work, aaguid: str) -> Listing | None:
    statuses = work.authenticators.statuses_of(aaguid)
    return None if statuses is None else Listing(aaguid, statuses)


def _told(key: Credential) -> Key:
    return Key(
        aaguid=key.aaguid,
        attested=key.attestation is not None,
        device_bound=key.backup == Backup.DEVICE_BOUND.value,
    )
