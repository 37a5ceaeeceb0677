"""The two files of municipalities: whole, alike, in Latvian order, and made by the committed tool."""

import json
from collections import Counter
from typing import Any

import pytest

from connectors.agreements.service import (
    DATA_FILE,
    FineExchange,
    Municipality,
    OrphansCourt,
    PoliceLog,
    Preschool,
    read_municipalities,
)
from connectors.kit.pages import ROOT

IDENTITY = ["atvk", "iso_3166_2", "name", "short", "authority", "type"]


@pytest.fixture(scope="module")
def provider_file() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((ROOT / "idp/data/municipalities.json").read_text(encoding="utf-8"))
    return content


@pytest.fixture(scope="module")
def rows() -> list[Municipality]:
    return list(read_municipalities())


def test_both_files_name_the_same_municipalities_in_the_same_order(provider_file: dict[str, Any]) -> None:
    connector_file = json.loads(DATA_FILE.read_text(encoding="utf-8"))
    ours = [{key: row[key] for key in IDENTITY} for row in connector_file["municipalities"]]
    assert ours == provider_file["municipalities"]


def test_there_are_seven_state_cities_and_thirty_five_districts(rows: list[Municipality]) -> None:
    assert Counter(row.type for row in rows) == {"valstspilsēta": 7, "novads": 35}
    for column in ("atvk", "iso_3166_2", "name", "short", "authority"):
        assert len({getattr(row, column) for row in rows}) == 42


def test_names_have_their_diacritics(rows: list[Municipality]) -> None:
    names = {row.name for row in rows}
    assert {"Ķekavas novads", "Līvānu novads", "Rēzeknes valstspilsēta", "Dienvidkurzemes novads"} <= names
    assert all(row.name.endswith((" novads", " valstspilsēta")) for row in rows)


def test_madona_has_the_code_it_got_with_varaklani(provider_file: dict[str, Any]) -> None:
    (predecessor,) = provider_file["predecessors"]
    assert predecessor["name"] == "Varakļānu novads"
    assert predecessor["successor_atvk"] == "0038001"
    (madona,) = [row for row in provider_file["municipalities"] if row["iso_3166_2"] == "LV-059"]
    assert madona["atvk"] == "0038001"


def test_rows_stand_in_latvian_order(rows: list[Municipality]) -> None:
    names = [row.short for row in rows]
    for before, after in [
        ("Augšdaugavas nov.", "Ādažu nov."),
        ("Ādažu nov.", "Balvu nov."),
        ("Bauskas nov.", "Cēsu nov."),
        ("Jūrmala", "Krāslavas nov."),
        ("Kuldīgas nov.", "Ķekavas nov."),
        ("Ķekavas nov.", "Liepāja"),
        ("Limbažu nov.", "Līvānu nov."),
        ("Rēzekne", "Rīga"),
        ("Saulkrastu nov.", "Siguldas nov."),
    ]:
        assert names.index(before) < names.index(after), (before, after)


def test_districts_stand_as_their_codes_do(rows: list[Municipality]) -> None:
    """The state numbered the districts in Latvian order, which makes its code list an independent witness."""
    codes = [row.atvk for row in rows if row.type == "novads"]
    assert codes == sorted(codes)


def test_programme_states_add_up_as_the_briefing_counts_them(rows: list[Municipality]) -> None:
    states = [row.programmes for row in rows]
    assert Counter(state.fines for state in states) == {
        FineExchange.SWITCHING: 1,
        FineExchange.OLD: 13,
        FineExchange.FORMER: 9,
        FineExchange.MANUAL: 19,
    }
    assert sum(state.police_log is PoliceLog.IN_USE for state in states) == 22
    assert sum(state.preschool is Preschool.MOVES_TO_STATE for state in states) == 18
    assert sum(state.orphans_court is OrphansCourt.STAGE_3_MISSING for state in states) == 5
    assert [row.short for row in rows if row.programmes.free_vehicle_lookup] == ["Rīga"]
    assert [row.short for row in rows if row.programmes.fines_known_problems] == ["Kuldīgas nov."]
