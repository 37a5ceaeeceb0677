from collections.abc import Callable

import pytest
from sqlalchemy import text

from idp.events import Event, EventType
from idp.storage.audit import AuditReport
from tests.support.at_once import at_once
from tests.support.builders import World

LENGTH = 6


def event(number: int = 0, **values: str) -> Event:
    return Event(
        type=EventType.SIGNED_IN, user_id=f"user {number}", detail={"ķ": number, "a": True}, **values
    )


def append(world: World, count: int = LENGTH) -> None:
    for number in range(count):
        with world.database.begin() as work:
            work.audit.append(event(number))


def verify(world: World, progress: Callable[[int], None] | None = None) -> AuditReport:
    with world.database.read() as work:
        return work.audit.verify(progress)


def tamper(world: World, *statements: str) -> None:
    """As somebody who may write to the tables but does not hold the master key."""
    with world.database.begin() as work:
        for statement in statements:
            work.connection().execute(text(statement))


def test_an_empty_trail_holds(world: World):
    assert verify(world) == AuditReport(ok=True, checked=0)


def test_a_trail_as_written_holds(world: World):
    append(world)
    seen: list[int] = []
    assert verify(world, seen.append) == AuditReport(ok=True, checked=LENGTH)
    assert seen == [LENGTH]


def test_a_long_trail_is_read_in_pieces(world: World):
    with world.database.begin() as work:
        for number in range(2100):
            work.audit.append(event(number))
    seen: list[int] = []
    assert verify(world, seen.append).ok
    assert seen == [1000, 2000, 2100]


def test_an_event_is_there_exactly_when_its_cause_is(world: World):
    append(world, 2)
    with pytest.raises(ZeroDivisionError), world.database.begin() as work:
        work.audit.append(event(3))
        _ = 1 / 0
    append(world, 1)
    assert verify(world) == AuditReport(ok=True, checked=3)


def test_the_very_first_event_rolled_back_leaves_no_trace(world: World):
    with pytest.raises(ZeroDivisionError), world.database.begin() as work:
        work.audit.append(event())
        _ = 1 / 0
    assert verify(world) == AuditReport(ok=True, checked=0)
    append(world)
    assert verify(world).ok


def test_several_events_of_one_cause(world: World):
    with world.database.begin() as work:
        for number in range(3):
            work.audit.append(event(number))
    assert verify(world) == AuditReport(ok=True, checked=3)


@pytest.mark.parametrize(
    "column",
    [
        "at",
        "type",
        "user_id",
        "actor_id",
        "municipality",
        "client_id",
        "session_id",
        "method",
        "reason",
        "address",
        "detail",
        "mac",
    ],
)
def test_any_change_of_a_record_is_found(world: World, column: str):
    append(world)
    tamper(
        world,
        f"UPDATE audit_events SET {column} = {'1.5' if column == 'at' else chr(39) + 'x' + chr(39)} WHERE seq = 3",
    )
    report = verify(world)
    assert (report.ok, report.first_bad_seq, report.checked) == (False, 3, 2)


@pytest.mark.parametrize("seq", [1, 3, LENGTH])
def test_a_removed_record_is_found(world: World, seq: int):
    append(world)
    tamper(world, f"DELETE FROM audit_events WHERE seq = {seq}")
    report = verify(world)
    assert (report.ok, report.first_bad_seq) == (False, seq)


def test_a_removed_record_is_found_when_the_others_close_the_gap(world: World):
    append(world)
    close = "UPDATE audit_events SET seq = seq - 1 WHERE seq = "
    tamper(world, "DELETE FROM audit_events WHERE seq = 3", *(f"{close}{seq}" for seq in (4, 5, 6)))
    tamper(world, "UPDATE audit_head SET seq = 5")
    assert verify(world).first_bad_seq == 3


def test_an_inserted_record_is_found(world: World):
    append(world)
    open_gap = [f"UPDATE audit_events SET seq = seq + 1 WHERE seq = {seq}" for seq in (6, 5, 4)]
    copy = "INSERT INTO audit_events SELECT 4, at, type, user_id, actor_id, municipality, client_id, session_id, method, reason, address, detail, mac FROM audit_events WHERE seq = 3"
    tamper(world, *open_gap, copy, "UPDATE audit_head SET seq = 7")
    assert verify(world).first_bad_seq == 4


def test_a_record_appended_by_hand_is_found(world: World):
    append(world)
    copy = "INSERT INTO audit_events SELECT 7, at, type, user_id, actor_id, municipality, client_id, session_id, method, reason, address, detail, mac FROM audit_events WHERE seq = 6"
    tamper(world, copy)
    assert verify(world).problem == "records after the head"


def test_reordered_records_are_found(world: World):
    append(world)
    tamper(
        world,
        *(
            f"UPDATE audit_events SET seq = {new} WHERE seq = {old}"
            for old, new in ((3, 99), (4, 3), (99, 4))
        ),
    )
    assert verify(world).first_bad_seq == 3


def test_a_cut_tail_is_found_also_when_the_head_is_moved_back(world: World):
    append(world)
    tamper(world, "DELETE FROM audit_events WHERE seq > 4")
    assert verify(world).problem == "the end is missing"
    tamper(world, "UPDATE audit_head SET seq = 4, mac = (SELECT mac FROM audit_events WHERE seq = 4)")
    assert not verify(world).ok


def test_a_cut_tail_is_not_healed_by_what_is_written_after_it(world: World):
    append(world)
    tamper(world, "DELETE FROM audit_events WHERE seq > 4")
    tamper(world, "UPDATE audit_head SET seq = 4, mac = (SELECT mac FROM audit_events WHERE seq = 4)")
    append(world, 3)
    assert verify(world).first_bad_seq == 5


@pytest.mark.parametrize("again", [True, False])
def test_a_trail_emptied_to_the_ground_is_found(world: World, again: bool):
    append(world)
    tamper(world, "DELETE FROM audit_events", "DELETE FROM audit_head")
    if again:
        append(world, 3)
    assert not verify(world).ok


def test_another_key_does_not_make_a_trail(world: World):
    append(world)
    tamper(world, "DELETE FROM sealed_secrets")
    with World(world.url) as other:
        assert not verify(other).ok
        append(other, 2)
        assert verify(other).first_bad_seq == 1


def test_appends_in_parallel_keep_the_chain(world: World):
    def add(number: int) -> None:
        with world.database.begin() as work:
            work.audit.append(event(number))
            work.audit.append(event(number))

    at_once(30, add)
    assert verify(world) == AuditReport(ok=True, checked=60)


def test_a_person_sees_their_own_activity_the_latest_first(world: World):
    with world.database.begin() as work:
        for number in (1, 2, 1, 1):
            work.audit.append(event(number))
        first = work.audit.activity_of("user 1", limit=2)
        rest = work.audit.activity_of("user 1", before_seq=first[-1].seq)
    assert [entry.seq for entry in first + rest] == [4, 3, 1]
    assert first[0].detail == '{"a":true,"\\u0137":1}'
    assert first[0].type == "sign_in.completed"
