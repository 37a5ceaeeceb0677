"""Loads the municipalities and what is allowed at first.

Part of `visvaris db upgrade` and not of a migration, since the data file changes on its own.
What is there is decided by people: a rule is only made together with the municipality it is for.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import bindparam, select, update

from idp.models.latvian import SortKey, sort_key
from idp.models.people import Municipality, PolicyRule
from idp.storage.prepared import Prepared
from idp.storage.unit import table_of
from idp.storage.work import Work

_DATA = Path(__file__).parents[1] / "data"
_MUNICIPALITIES_FILE = _DATA / "municipalities.json"
_RULES_FILE = _DATA / "first_rules.json"
_COUNTRY_WIDE = ("national", "operator")
_HUES = 360
_HUE_STEP = 137
"""Near the golden angle, so that neighbours in the list differ."""

_municipalities = table_of(Municipality)
_FACTS = {
    "iso_3166_2": "iso_3166_2",
    "name": "name",
    "short_name": "short",
    "authority": "authority",
    "type": "type",
}
"""Columns that follow the file, and what they are called there."""
_KNOWN = Prepared(select(_municipalities.c.atvk))
_CORRECT = Prepared(
    update(_municipalities)
    .where(_municipalities.c.atvk == bindparam("code"))
    .values({column: bindparam(f"new_{column}") for column in _FACTS})
)


def load(work: Work) -> int:
    """Adds what is missing and corrects names; how many municipalities were added.

    Stages, colours and rules that exist stay as they are: loading again undoes nothing an administrator did.
    """
    entries = sorted(_read(_MUNICIPALITIES_FILE)["municipalities"], key=_name_order)
    first_rules = _read(_RULES_FILE)
    known = {row[0] for row in work.rows(_KNOWN)}
    if not known:
        for scope in _COUNTRY_WIDE:
            work.rules.add(_rule(work, scope, first_rules[scope]))
    for position, entry in enumerate(entries):
        facts = {column: str(entry[member]) for column, member in _FACTS.items()}
        if entry["atvk"] in known:
            work.changed(
                _CORRECT, {"code": entry["atvk"], **{f"new_{column}": fact for column, fact in facts.items()}}
            )
        else:
            work.add(Municipality(atvk=entry["atvk"], hue=position * _HUE_STEP % _HUES, **facts))
            work.rules.add(_rule(work, entry["atvk"], first_rules["municipality"]))
    return sum(entry["atvk"] not in known for entry in entries)


def _rule(work: Work, scope: str, first: Mapping[str, Any]) -> PolicyRule:
    return PolicyRule(
        id=work.effects.new_id(),
        scope=scope,
        methods=list(first["methods"]),
        minimum_level=first["minimum_level"],
        first_enrolment=first["first_enrolment"],
    )


def _read(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def _name_order(entry: Mapping[str, str]) -> SortKey:
    return sort_key(entry["name"])
