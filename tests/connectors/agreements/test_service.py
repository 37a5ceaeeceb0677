"""Who sees which municipality, page by page."""

import pytest
from flask import Flask

from connectors.agreements.service import Agreements, UnknownCursorError, Viewer, read_municipalities
from connectors.agreements.words import programme_rows

CLERK = Viewer("0028000", frozenset({"clerk"}))
OPERATOR = Viewer(None, frozenset({"operator"}))
NOBODY = Viewer(None, frozenset())


@pytest.fixture(scope="module")
def agreements() -> Agreements:
    return Agreements(read_municipalities())


def names(agreements: Agreements, viewer: Viewer) -> list[str]:
    return [row.name for row in agreements.list_municipalities(viewer).rows]


def test_a_clerk_sees_the_own_municipality_and_an_operator_all(agreements: Agreements) -> None:
    """attack 40"""
    assert names(agreements, CLERK) == ["Dobeles novads"]
    assert len(names(agreements, OPERATOR)) == 42
    assert names(agreements, NOBODY) == []


@pytest.mark.parametrize("role", ["admin", "municipal_administrator", "Operator", "operators", ""])
def test_no_other_role_opens_other_municipalities(agreements: Agreements, role: str) -> None:
    """attack 41"""
    assert names(agreements, Viewer("0028000", frozenset({role}))) == ["Dobeles novads"]


def test_another_municipality_and_an_invented_one_are_alike(agreements: Agreements) -> None:
    """attack 40: nobody learns what exists."""
    assert agreements.find_municipality(CLERK, "0001000") is None
    assert agreements.find_municipality(CLERK, "9999999") is None
    assert agreements.find_municipality(OPERATOR, "9999999") is None
    assert agreements.find_municipality(OPERATOR, "0001000") is not None


def test_somebody_of_a_municipality_that_is_not_known_sees_nothing(agreements: Agreements) -> None:
    stray = Viewer("0055000", frozenset())
    assert names(agreements, stray) == []
    assert agreements.find_municipality(stray, "0055000") is None


@pytest.mark.parametrize("limit", [1, 7, 41, 42, 50])
def test_pages_hold_everything_once_in_order(agreements: Agreements, limit: int) -> None:
    seen: list[str] = []
    after = None
    while True:
        page = agreements.list_municipalities(OPERATOR, limit=limit, after=after)
        assert len(page.rows) <= limit
        seen += [row.name for row in page.rows]
        after = page.after
        if after is None:
            break
    assert seen == names(agreements, OPERATOR)


@pytest.mark.parametrize("after", ["0001000", "9999999", ""])
def test_a_cursor_of_somebody_elses_list_is_no_cursor(agreements: Agreements, after: str) -> None:
    """attack 40: the answer to a foreign cursor is that to an invented one."""
    with pytest.raises(UnknownCursorError):
        agreements.list_municipalities(CLERK, after=after)


def test_every_municipality_has_words_for_every_programme(agreements: Agreements) -> None:
    with Flask(__name__).app_context():
        for municipality in agreements.list_municipalities(OPERATOR).rows:
            rows = programme_rows(municipality.programmes)
            assert len(rows) == 4
            assert all(row.name and row.state_label and row.detail for row in rows)
