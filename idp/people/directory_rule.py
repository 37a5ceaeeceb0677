"""Whether the rule by which a directory's people are known can work, and may be trusted to. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from idp.models.arrivals import Match

CHANGED_BY_THEMSELVES: Final = frozenset(
    (
        *("assistant", "c", "cn", "description", "displayname", "facsimiletelephonenumber", "givenname"),
        *("homephone", "homepostaladdress", "info", "ipphone", "l", "mail", "mobile", "name"),
        *("otherfacsimiletelephonenumber", "otherhomephone", "otheripphone", "othermobile", "otherpager"),
        *("othertelephone", "pager", "personaltitle", "physicaldeliveryofficename", "postaladdress"),
        *("postalcode", "postofficebox", "proxyaddresses", "samaccountname", "sn", "st", "street"),
        *("streetaddress", "telephonenumber", "title", "url", "userprincipalname", "wwwhomepage"),
        "x121address",
    )
)
"""What Active Directory lets people write of themselves by its defaults (the property sets
Personal-Information and Web-Information), and mere names. Nobody is known by them.
"""


def rule_fault(columns: Mapping[str, Any]) -> tuple[str, str] | None:
    """The member that does not go with the others, and why."""
    rule, creates = Match(columns["arrival"]), columns["creates_accounts"]
    if fault := creation_fault(rule, creates=creates):
        return "creates_accounts", fault
    if not rule.reads_a_value:
        return None
    attribute = columns["attributes"].get(rule.value)
    if attribute is None:
        return "arrival", f"attributes must say where {rule.value} stands"
    if attribute.lower() in CHANGED_BY_THEMSELVES:
        return "arrival", f"people may change {attribute} of theirs, or it is a mere name"
    return None


def creation_fault(rule: Match, *, creates: bool) -> str | None:
    """The same for every source: whom no value could have found, nobody could know again."""
    if creates and not rule.reads_a_value:
        return "only where people are known by a value that their source says of them"
    return None
