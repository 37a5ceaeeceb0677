"""What an application is told of a confirmed identity: what is known, what of it was asked for, what fits.

OpenID Connect for Identity Assurance 1.0 and OpenID Identity Assurance Schema Definition 1.0. Whatever is not
asked for is not told; whatever does not meet what was required of it is left out, and never an error (section
5.7.3). Not here: the form of requests (`verified_requests.py`), who may ask (`claims.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from idp.effects import Instant
from idp.models.confirmations import Confirmation, Confirmed, ConfirmedBy
from idp.models.in_person import DocumentKind
from idp.oidc.verified_requests import LIMITS, SCOPE_OF_CLAIM, Asked, VerifiedRequest

TRUST_FRAMEWORK: Final = "eidas"

_RECORDS: Final = {
    ConfirmedBy.SMART_ID: "urn:visvaris:record:smart-id",
    ConfirmedBy.EPARAKSTS: "urn:visvaris:record:eparaksts",
}
"""Types of our own: none of those predefined means what a trust service says of who authenticated there."""
_DOCUMENTS: Final = {
    DocumentKind.PASSPORT: "passport",
    DocumentKind.IDENTITY_CARD: "idcard",
    DocumentKind.RESIDENCE_PERMIT: "urn:visvaris:document:residence-permit",
}
"""The first two are predefined."""
_CHECKS: Final = {
    ConfirmedBy.SMART_ID: ("auth", "vcrypt"),
    ConfirmedBy.EPARAKSTS: ("auth",),
    ConfirmedBy.IN_PERSON: ("vpip",),
}
"""Predefined check methods: authentication; security features that are cryptographic; looking at a document
in person.
"""

METADATA: Final[Mapping[str, list[str]]] = {
    "trust_frameworks_supported": [TRUST_FRAMEWORK],
    "evidence_supported": ["electronic_record", "document"],
    "electronic_records_supported": list(_RECORDS.values()),
    "documents_supported": list(_DOCUMENTS.values()),
    "documents_check_methods_supported": list(_CHECKS[ConfirmedBy.IN_PERSON]),
    "claims_in_verified_claims_supported": list(SCOPE_OF_CLAIM),
}
"""Section 8."""

_REQUIRED: Final = {
    "evidence": "type",
    "check_details": "check_method",
    "record": "type",
    "document_details": "type",
}
"""Without which the schema knows no such element (section 5.7.4)."""


@dataclass(frozen=True, slots=True)
class _At:
    """A moment, told to the second."""

    at: Instant

    def __str__(self) -> str:
        return datetime.fromtimestamp(int(self.at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Known:
    """Members of `verification` are texts, moments, mappings of them, and tuples of such mappings."""

    verification: Mapping[str, Any]
    claims: Mapping[str, str] = field(repr=False)


class _UnmetError(Exception):
    """What is known does not meet what was required of it, or nothing is known of that."""


def known_of(confirmed: Confirmed, *, person_code: str | None) -> Known:
    """`person_code`: where it may be told. References to what happened stay here: they would be the same for
    every application, and so a name for the person across sectors.
    """
    confirmation = confirmed.confirmation
    claims = {"given_name": confirmed.given_name, "family_name": confirmed.family_name}
    if person_code is not None:
        claims["person_code"] = person_code
    verification = {
        "trust_framework": TRUST_FRAMEWORK,
        "assurance_level": confirmation.assurance,
        "time": _At(confirmation.confirmed_at),
        "evidence": (_evidence(confirmation),),
    }
    return Known(verification, {name: value for name, value in claims.items() if value})


def _evidence(confirmation: Confirmation) -> Mapping[str, Any]:
    by, at = ConfirmedBy(confirmation.confirmed_by), _At(confirmation.confirmed_at)
    checks = tuple({"check_method": method, "time": at} for method in _CHECKS[by])
    if by is ConfirmedBy.IN_PERSON:
        document = {"type": _DOCUMENTS[DocumentKind(confirmation.flow)]}
        return {"type": "document", "check_details": checks, "document_details": document}
    return {"type": "electronic_record", "check_details": checks, "record": {"type": _RECORDS[by]}}


def answer(asked: Asked, known: Known, *, now: Instant) -> Any:
    """The value of `verified_claims`; None when there is nothing to tell. Requests are each on their own
    (section 5.6).
    """
    if not isinstance(asked, list):
        return _answer_to(asked, known, now)
    return [told for request in asked if (told := _answer_to(request, known, now)) is not None] or None


def _answer_to(request: VerifiedRequest, known: Known, now: Instant) -> dict[str, Any] | None:
    try:
        verification = _members(known.verification, request["verification"], now)
    except _UnmetError:
        return None
    claims = {
        name: value
        for name, wish in request["claims"].items()
        if (value := known.claims.get(name)) is not None and _meets(value, wish or {}, now)
    }
    return {"verification": verification, "claims": claims} if claims else None


def _members(known: Mapping[str, Any], wishes: Mapping[str, Any], now: Instant) -> dict[str, Any]:
    if not LIMITS.isdisjoint(wishes):
        raise _UnmetError  # a restriction of one value, where there are members
    picked = {name: _pick(name, known.get(name), wish, now) for name, wish in wishes.items()}
    return {name: value for name, value in picked.items() if value is not None}


def _pick(name: str, known: object, wish: Any, now: Instant) -> Any:
    """None for nothing to tell: what has members is told by those of them that were asked for."""
    match known:
        case None:
            if _restricts(wish):
                raise _UnmetError
            return None
        case Mapping():
            told = _members(known, wish, now) if wish is not None else {}
            return told if _REQUIRED[name] in told else None
        case tuple():
            return _entries(name, known, wish, now) if wish is not None else None
        case _:
            if not _meets(known, wish or {}, now):
                raise _UnmetError
            return str(known)


def _entries(
    name: str, known: Sequence[Mapping[str, Any]], wishes: list[Mapping[str, Any]], now: Instant
) -> list[dict[str, Any]] | None:
    """Section 5.4: wishes are filters, one of which must fit, and the first that does says what is told."""
    fitting = [fit for entry in known if (fit := _first_fit(entry, wishes, now)) is not None]
    if not fitting:
        raise _UnmetError
    return [entry for entry in fitting if _REQUIRED[name] in entry] or None


def _first_fit(
    known: Mapping[str, Any], wishes: list[Mapping[str, Any]], now: Instant
) -> dict[str, Any] | None:
    for wish in wishes:
        try:
            return _members(known, wish, now)
        except _UnmetError:
            continue
    return None


def _meets(known: object, wish: Mapping[str, Any], now: Instant) -> bool:
    """Section 5.5. The age is that of now, when it is told, however long ago it was asked for."""
    told = str(known)
    if "value" in wish and wish["value"] != told:
        return False
    if "values" in wish and told not in wish["values"]:
        return False
    if "max_age" in wish and not (isinstance(known, _At) and now - int(known.at) <= wish["max_age"]):
        return False
    return not any(_restricts(inner) for name, inner in wish.items() if name not in LIMITS)


def _restricts(wish: Any) -> bool:
    """Whether it is more than a wish to be told: a restriction must not be ignored."""
    match wish:
        case dict():
            return not LIMITS.isdisjoint(wish) or any(map(_restricts, wish.values()))
        case list():
            return any(map(_restricts, wish))
        case _:
            return False
