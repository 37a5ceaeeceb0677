"""Sessions on shared computers that nobody ended: found by an index, ended once, and not when used meanwhile."""

import pytest

from idp.login.sessions import end_shared_that_are_over
from idp.models.municipality_rules import MunicipalityRules
from idp.models.notices import LogoutNotice
from idp.storage import sessions
from idp.storage.unit import Unit
from idp.storage.work import Work
from tests.support.at_once import at_once
from tests.support.builders import (
    KEKAVA,
    RIGA,
    START,
    World,
    add_client,
    add_employment,
    add_municipality,
    add_session,
    add_user,
)

ELSEWHERE = 3600.0
MINUTE = 60.0


def ended(work: Work, now: float) -> list[str]:
    return [left.session_id for left in work.sessions.end_shared_that_are_over(now, idle_seconds=ELSEWHERE)]


def notices(world: World) -> list[LogoutNotice]:
    with world.database.read() as work:
        return work.notices.list_notices(now=START)


def test_each_has_the_limit_of_its_persons_municipalities(world: World) -> None:
    with world.database.begin() as work:
        add_municipality(work)
        add_municipality(work, KEKAVA)
        work.municipality_rules.put(RIGA, MunicipalityRules(shared_idle_minutes=30))
        work.municipality_rules.put(KEKAVA, MunicipalityRules(shared_idle_minutes=2))
        for name, posts in {"one": [RIGA], "both": [RIGA, KEKAVA], "none": [], "was": [RIGA, KEKAVA]}.items():
            user = add_user(work, name)
            for atvk in posts:
                over = START - 1 if name == "was" and atvk == KEKAVA else None
                add_employment(work, user.id, atvk, ends_at=over)
            add_session(work, user.id, name, id=name, shared=True)
        add_session(work, user.id, "own", id="own")
    told = {}
    for minutes in (1, 2, 9, 10, 29, 30):
        with world.database.begin() as work:
            told[minutes] = sorted(ended(work, START + minutes * MINUTE))
    assert told == {1: [], 2: ["both"], 9: [], 10: ["none"], 29: [], 30: ["one", "was"]}


def test_one_that_is_in_use_ends_by_its_absolute_limit(world: World) -> None:
    with world.database.begin() as work:
        add_session(
            work, add_user(work).id, "t", id="s", shared=True, last_seen_at=START + 99, expires_at=START + 100
        )
        assert ended(work, START + 99) == []
        assert ended(work, START + 100) == ["s"]


def test_one_that_was_used_after_it_was_found_stays(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who came back in that very moment is not thrown out."""
    with world.database.begin() as work:
        user = add_user(work)
        for name in ("used", "unused"):
            add_session(work, user.id, name, id=name, shared=True)
    look = Unit.rows
    with world.database.begin() as work:

        def rows(unit: object, statement: object, *values: object) -> object:
            found = look(unit, statement, *values)  # type: ignore[arg-type]
            if statement is sessions._SHARED_AND_OVER:
                work.sessions.touch("used", START + 600)
            return found

        monkeypatch.setattr(Unit, "rows", rows)
        assert ended(work, START + 600) == ["unused"]


def test_everybody_who_looks_at_once_ends_it_once(world: World) -> None:
    """attack 31: workers on several machines, and the next person signing in"""
    with world.database.begin() as work:
        user = add_user(work)
        client = add_client(work, registered={"backchannel_logout_uri": "https://app.example.lv/ended"})
        for name in ("a", "b", "c"):
            add_session(work, user.id, name, id=name, shared=True)
            work.sessions.add_client(name, client.client_id, START)

    def look(number: int) -> int:
        with world.database.begin() as work:
            if number % 2:
                return int(work.sessions.end_left_behind("b", START + 600) is not None)
            return end_shared_that_are_over(work, START + 600, idle_seconds=ELSEWHERE)

    assert sum(at_once(8, look)) == 3
    assert sorted(notice.session_id for notice in notices(world)) == ["a", "b", "c"]


def test_more_than_a_batch_takes_another(world: World) -> None:
    with world.database.begin() as work:
        user = add_user(work)
        for number in range(sessions._OVER_AT_ONCE + 1):
            add_session(work, user.id, f"t{number}", shared=True)
    with world.database.begin() as work:
        assert len(ended(work, START + 600)) == sessions._OVER_AT_ONCE
        assert len(ended(work, START + 600)) == 1
        assert ended(work, START + 600) == []


def test_only_a_session_on_a_shared_computer_is_left_behind(world: World) -> None:
    with world.database.begin() as work:
        user = add_user(work)
        add_session(work, user.id, "own")
        add_session(work, user.id, "shared", id="s", shared=True)
        assert work.sessions.end_left_behind("own", START) is None
        assert work.sessions.end_left_behind("", START) is None
        left = work.sessions.end_left_behind("shared", START)
        assert left is not None
        assert (left.session_id, left.user_id) == ("s", user.id)
        assert work.sessions.end_left_behind("shared", START) is None
