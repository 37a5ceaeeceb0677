"""Makes the two data files of municipalities from the customer's table.

The provider and the agreements connector never import each other, so each has a file of its own. Only the
columns a program needs are taken over; names keep their diacritics and rows stand in Latvian order. It is
deliberately not run by any build: the files it writes are committed, and a test compares them.

Usage: python tools/make_municipalities.py SOURCE
"""

import argparse
import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PROVIDER_FILE = ROOT / "idp" / "data" / "municipalities.json"
AGREEMENTS_FILE = ROOT / "connectors" / "agreements" / "municipalities.json"

LATVIAN_ALPHABET = "aābcčdeēfgģhiījkķlļmnņoprsštuūvzž"
PRESCHOOL_MOVES_ON = "2026-01-01"

Row = dict[str, Any]


def latvian_order(name: str) -> list[int]:
    """Long vowels are letters of their own (Augšdaugavas before Ādažu), as in the state's own code list."""
    return [LATVIAN_ALPHABET.find(letter) for letter in name.casefold()]


def identity(source: Row) -> Row:
    return {key: source[key] for key in ("atvk", "iso_3166_2", "name", "short", "authority", "type")}


def programmes(source: Row) -> Row:
    return {
        "csdd_fines": {
            "state": source["csdd_fine_exchange"],
            "known_problems": source["csdd_fine_exchange_known_problems"],
            "inferred": source["csdd_fine_exchange_basis"] != "stated in seed",
        },
        "enz": {
            "state": "in_use" if source["uses_enz"] else "not_used",
            "free_vehicle_lookup": source["csdd_vehicle_lookup_free"],
        },
        "preschool": {
            "state": "moves_to_state" if source["pii_migrates_2026_01_01"] else "not_listed",
            "moves_on": PRESCHOOL_MOVES_ON if source["pii_migrates_2026_01_01"] else None,
        },
        "baris": {
            "state": "stage_3_missing" if source["baris_stage3"] is False else "not_reported_missing",
            "fund_and_agency_exchange": source["baris_ugf_vsaa_exchange_possible"],
            "npais_forwarding": source["npais_ugf_vsaa_forwarding"],
        },
    }


def predecessor(source: Row, *, atvk_by_iso: dict[str, str]) -> Row:
    since = re.search(r"\d{4}-\d{2}-\d{2}", source["legal_successor_from"])
    if since is None:
        message = f"{source['name']}: legal_successor_from holds no date"
        raise ValueError(message)
    return {
        "atvk": source["atvk"],
        "iso_3166_2": source["iso_3166_2"],
        "name": source["name"],
        "successor_atvk": atvk_by_iso[source["merged_into"]],
        "successor_since": since.group(),
    }


def write(path: Path, content: Row) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("source", type=Path, help="the customer's municipalities.json")
    source = json.loads(arguments.parse_args().source.read_text(encoding="utf-8"))
    rows = sorted(source["municipalities"], key=lambda row: latvian_order(row["name"]))
    atvk_by_iso = {row["iso_3166_2"]: row["atvk"] for row in rows}
    write(
        PROVIDER_FILE,
        {
            "municipalities": [identity(row) for row in rows],
            "predecessors": [predecessor(row, atvk_by_iso=atvk_by_iso) for row in source["predecessors"]],
        },
    )
    write(
        AGREEMENTS_FILE,
        {"municipalities": [{**identity(row), "programmes": programmes(row)} for row in rows]},
    )


if __name__ == "__main__":
    main()
