"""Cases on both databases: one at a time for each person, each event once, over once."""

import pytest

from idp.errors import AlreadyExistsError
from idp.events import Event, EventType
from idp.models.cases import Case, CaseReport
from idp.storage.cases import CaseState
from tests.support.at_once import at_once
from tests.support.builders import (
    KEKAVA,
    RIGA,
    World,
    add_client,
    add_family,
    add_refresh,
    add_session,
    add_user,
)


def a_case(world: World, user_id: str, case_id: str = "case", *municipalities: str) -> Case:
    case = Case(id=case_id, user_id=user_id, opened_at=world.clock())
    with world.database.begin() as work:
        work.cases.add(case, municipalities or [RIGA])
    return case


def a_person(world: World, name: str = "anna") -> str:
    with world.database.begin() as work:
        return add_user(work, name).id


def test_a_case_is_found_as_it_was_written(world: World):
    anna = a_person(world)
    case = a_case(world, anna, "case", KEKAVA, RIGA)
    with world.database.begin() as work:
        assert work.cases.find_held("case") == work.cases.find("case") == case
        assert work.cases.find_unfinished(anna) == case
        assert work.cases.municipalities_of("case") == [RIGA, KEKAVA]
        assert work.cases.find("other") is None
        assert work.cases.find_by_event(7) is None
        assert work.cases.add_report(CaseReport(event_seq=7, case_id="case", at=1.0, session_id="s"))
        assert work.cases.find_by_event(7) == case
        assert [each.session_id for each in work.cases.reports_of("case")] == ["s"]


def test_a_person_is_in_the_middle_of_one_case_at_a_time(world: World):
    anna = a_person(world)
    a_case(world, anna)
    with pytest.raises(AlreadyExistsError):
        a_case(world, anna, "second")
    a_case(world, a_person(world, "berta"), "another's")
    with world.database.begin() as work:
        assert work.cases.finish("case", 2.0)
        assert work.cases.find_unfinished(anna) is None
    a_case(world, anna, "second")
    with world.database.begin() as work:
        assert work.cases.close("second", "administrator", 3.0)
    a_case(world, anna, "third")


def test_an_event_is_reported_once_of_a_hundred_at_once(world: World):
    a_case(world, a_person(world))

    def report(number: int) -> bool:
        with world.database.begin() as work:
            return work.cases.add_report(CaseReport(event_seq=5, case_id="case", at=float(number)))

    assert at_once(100, report).count(True) == 1


def test_a_case_is_opened_once_of_many_at_once(world: World):
    anna = a_person(world)

    def open_one(number: int) -> bool:
        with world.database.begin() as work:
            assert work.people.hold_user(anna)
            if work.cases.find_unfinished(anna) is not None:
                return False
            work.cases.add(Case(id=f"case-{number}", user_id=anna, opened_at=1.0), [RIGA])
            return True

    assert at_once(20, open_one).count(True) == 1


def test_what_is_over_does_not_change_and_is_over_once(world: World):
    a_case(world, a_person(world))
    step = {"step": "kept", "at": 1.0, "about": "x", "label": "Atslēga"}
    with world.database.begin() as work:
        assert work.cases.set_steps("case", [step])
        assert work.cases.finish("case", 2.0)
        assert not work.cases.finish("case", 3.0)
        assert not work.cases.set_steps("case", [])
        assert work.cases.close("case", "administrator", 4.0)
        assert not work.cases.close("case", "another", 5.0)
        case = work.cases.find("case")
    assert case is not None
    assert (case.steps, case.finished_at, case.closed_at, case.closed_by) == (
        *([step], 2.0, 4.0),
        "administrator",
    )


def test_cases_are_listed_by_state_municipality_and_page(world: World):
    for name, atvk in (("a", RIGA), ("b", KEKAVA), ("c", RIGA)):
        a_case(world, a_person(world, name), name, atvk)
    with world.database.begin() as work:
        work.cases.close("c", "administrator", 2.0)
        listed = [
            work.cases.list_cases(),
            work.cases.list_cases(CaseState.OPEN),
            work.cases.list_cases(CaseState.CLOSED),
            work.cases.list_cases(municipality=RIGA),
            work.cases.list_cases(CaseState.OPEN, municipality=RIGA),
            work.cases.list_cases(after="a", limit=1),
        ]
    assert ["".join(case.id for case in each) for each in listed] == ["abc", "ab", "c", "ac", "a", "b"]


def test_activity_is_chosen_by_type_and_time(world: World):
    types = (EventType.SIGNED_IN, EventType.SIGNED_OUT, EventType.CONSENT_GIVEN)
    for number in range(9):
        world.clock.move(10)
        with world.database.begin() as work:
            work.audit.append(Event(type=types[number % 3], user_id="anna"))
            work.audit.append(Event(type=EventType.SIGNED_IN, user_id="berta"))
    with world.database.read() as work:
        chosen = [
            work.audit.activity_of("anna", types=[EventType.SIGNED_OUT]),
            work.audit.activity_of("anna", types=[]),
            work.audit.activity_of("anna", since=world.clock() - 20),
            work.audit.activity_of("anna", types=types[:2], before_seq=9, limit=2),
        ]
        found = work.audit.find(3)
    assert [[event.seq for event in each] for each in chosen] == [[15, 9, 3], [], [17, 15, 13], [7, 3]]
    assert found is not None
    assert (found.user_id, found.type) == ("anna", "session.signed_out")


def test_a_story_is_the_events_named_those_of_the_sessions_and_all_since(world: World):
    with world.database.begin() as work:
        for session in ("s1", "s2", None, "s2", "s1"):
            work.audit.append(Event(type=EventType.TOKENS_ISSUED, user_id="anna", session_id=session))
        work.audit.append(Event(type=EventType.SIGNED_IN, user_id="berta", session_id="s1"))
    world.clock.move(10)
    with world.database.begin() as work:
        work.audit.append(Event(type=EventType.CASE_OPENED, user_id="anna"))
    with world.database.read() as work:
        told = {
            name: [
                event.seq
                for event in work.audit.story_of("anna", seqs=seqs, session_ids=ids, since=since, limit=limit)
            ]
            for name, seqs, ids, since, limit in (
                ("session", {2}, {"s2"}, world.clock(), 10),
                ("event", {3}, set(), world.clock(), 10),
                ("later in it", {5}, {"s1"}, world.clock(), 10),
                ("bounded", {1}, {"s1", "s2"}, 0.0, 2),
            )
        }
    assert told == {"session": [2, 4, 7], "event": [3, 7], "later in it": [5, 7], "bounded": [1, 2]}


def test_an_application_was_last_used_when_it_last_got_tokens(world: World):
    with world.database.begin() as work:
        anna, berta = add_user(work).id, add_user(work, "berta").id
        for client in ("a", "b"):
            add_client(work, client)
        family = add_family(work, anna, "a", created_at=10.0)
        add_refresh(work, family.id, "r1", issued_at=10.0)
        add_refresh(work, family.id, "r2", issued_at=30.0)
        add_family(work, anna, "b", created_at=20.0)
        add_family(work, berta, "b", created_at=90.0)
        assert work.grants.last_used_of(anna) == {"a": 30.0, "b": 20.0}


def test_browsers_of_sessions_and_the_language_of_a_person(world: World):
    with world.database.begin() as work:
        anna = add_user(work)
        one = add_session(work, anna.id, "hash", user_agent="Firefox")
        assert work.sessions.user_agents_of([one.id, "nothing"]) == {one.id: "Firefox"}
        assert work.sessions.user_agents_of([]) == {}
        assert anna.language is None
        assert work.people.set_language(anna.id, "en", at=5.0)
        row = work.sessions.find_by_token("hash")
        assert row is not None
        assert (row.language, work.people.get_user(anna.id).language) == ("en", "en")
