"""Takes a new list of authenticators over in place of the last, whole or not at all, and says what changed.

Not here: whether the list is FIDO's (`metadata_blob.py`).
"""

from base64 import b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cryptography.x509 import Certificate, load_der_x509_certificate

from idp.attestation_policy import UNTRUSTED
from idp.effects import Instant
from idp.methods.webauthn.attestation import Makers
from idp.methods.webauthn.metadata_blob import Blob
from idp.models.authenticators import AuthenticatorModel
from idp.storage.work import Work


class OlderListError(Exception):
    """One with a higher number was loaded before: whoever brings this may be hiding what was revoked."""

    def __init__(self, number: int) -> None:
        super().__init__(f"list {number} was loaded before")
        self.number = number


@dataclass(frozen=True, slots=True, kw_only=True)
class Untrusted:
    """A model that was trusted, or not listed, before. `keys`: how many people's keys say they are of it."""

    aaguid: str
    description: str
    statuses: tuple[str, ...]
    keys: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """`is_new` is false when this very list had been loaded before; nothing changed then."""

    is_new: bool
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    untrusted: tuple[Untrusted, ...] = ()


def take_over(work: Work, blob: Blob, *, now: Instant) -> Changes:
    """Raises OlderListError."""
    store = work.authenticators
    last = store.find_blob()
    if not store.accept_blob(number=blob.number, next_update=blob.next_update, at=now):
        last = store.find_blob()
        if last is None or last.number > blob.number:
            raise OlderListError(last.number if last else blob.number)
        return Changes(is_new=False)
    before = {model.aaguid: model for model in store.list_models()}
    after = {model.aaguid: model for model in blob.models}
    added = tuple(aaguid for aaguid in after if aaguid not in before)
    removed = tuple(aaguid for aaguid in before if aaguid not in after)
    changed = tuple(
        aaguid
        for aaguid, model in after.items()
        if aaguid in before and _told(model) != _told(before[aaguid])
    )
    store.remove(removed)
    store.put(after[aaguid] for aaguid in (*added, *changed))
    store.name_keys()
    return Changes(
        is_new=True,
        added=added,
        changed=changed,
        removed=removed,
        untrusted=tuple(_newly_untrusted(work, before, (after[aaguid] for aaguid in (*added, *changed)))),
    )


def makers_of(model: AuthenticatorModel | None, now: Instant) -> Makers:
    roots = model.roots if model is not None else ()
    return Makers(roots=tuple(_certificate(root) for root in roots), now=now)


def _newly_untrusted(
    work: Work, before: Mapping[str, AuthenticatorModel], models: Iterable[AuthenticatorModel]
) -> Iterable[Untrusted]:
    for model in models:
        earlier = before[model.aaguid].statuses if model.aaguid in before else frozenset()
        if model.statuses & UNTRUSTED and not earlier & UNTRUSTED:
            yield Untrusted(
                aaguid=model.aaguid,
                description=model.description,
                statuses=tuple(sorted(model.statuses & UNTRUSTED)),
                keys=work.authenticators.count_keys(model.aaguid),
            )


def _told(model: AuthenticatorModel) -> tuple[object, ...]:
    return model.description, model.status_reports, model.attestation_types, model.roots


def _certificate(root: str) -> Certificate:
    return load_der_x509_certificate(b64decode(root))
