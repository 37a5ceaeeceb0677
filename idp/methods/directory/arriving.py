"""Who proved an entry that is nobody's, by password or ticket: what the directory says of them, by its rule.

Not here: whose account that is (`login/arrivals.py`).
"""

from idp.gateways.ldap.values import Entry
from idp.methods.base import Arrived, Rejected
from idp.methods.directory.doors import Asked
from idp.models.arrivals import Match, is_number
from idp.models.person_code import PersonCode


def arrived(
    asked: Asked, entry: Entry, *, method: str, refused: Rejected | None = None, reply: str = ""
) -> Arrived:
    """`method`: by which they proved it. Raises DirectoryError."""
    values = entry.values
    return Arrived(
        source=asked.directory.id,
        subject=entry.guid,
        method=method,
        rule=asked.directory.arrival,
        matched=_matched(asked, entry),
        given_name=values.get("given_name", ""),
        family_name=values.get("family_name", ""),
        names=tuple(name for name in (entry.account_name, entry.upn) if name),
        refused=refused,
        reply=reply,
    )


def _matched(asked: Asked, entry: Entry) -> str:
    """Empty where it is missing, more than one, malformed, or another entry's too."""
    rule = Match(asked.directory.arrival)
    ours = rule.value
    value = entry.values.get(ours, "")
    if not (rule.reads_a_value and value) or ours in entry.several:
        return ""
    sought = _sought(rule, value)
    return value if sought and asked.door.is_only_one(entry, ours, sought) else ""


def _sought(rule: Match, value: str) -> str | tuple[str, ...]:
    """What no other entry may have, however it is written there; empty for what can be none."""
    if rule is not Match.PERSON_CODE:
        return value if is_number(value) else ""
    try:
        code = PersonCode.parse(value)
    except ValueError:
        return ""
    return (code.number[:6], code.number[6:]) if code.country == "LV" else (code.number,)
