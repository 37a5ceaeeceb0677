"""Whether the rule by which an upstream's people are known can work, and may be trusted to. Pure."""

from typing import Final

from idp.models.arrivals import Match
from idp.people.directory_rule import CHANGED_BY_THEMSELVES, creation_fault

_CHANGED: Final = CHANGED_BY_THEMSELVES | frozenset(
    (
        *("address", "birthdate", "email", "email_verified", "emails", "family_name", "gender", "given_name"),
        *("locale", "middle_name", "nickname", "phone_number", "phone_number_verified", "picture"),
        *("preferred_username", "profile", "unique_name", "updated_at", "upn", "verified_primary_email"),
        *("verified_secondary_email", "website", "zoneinfo"),
    )
)
"""What people or their administrators change of themselves (OpenID Connect Core 5.1, Entra ID, AD FS, and the
attributes of a directory that they pass on), and mere names. Nobody is known by them.
"""


def rule_fault(match: Match, claim: str, *, creates_accounts: bool) -> str | None:
    """In one sentence, for who says it."""
    if match.reads_a_value != bool(claim):
        return "--match with a value and --match-claim belong together."
    if claim.lower() in _CHANGED:
        return "Nobody is known by an address or a name: they change, and go to others."
    fault = creation_fault(match, creates=creates_accounts)
    return f"--create-accounts: {fault}." if fault else None
