"""Requests for colleagues to vouch, as rows: every step once, of however many who try it at the same moment."""

import pytest

from idp.errors import AlreadyExistsError
from idp.models.municipality_rules import MunicipalityRules
from idp.models.vouching import StoppedBy, VouchingRequest, VouchingState
from idp.storage.municipalities import load
from tests.support.at_once import at_once
from tests.support.builders import KEKAVA, RIGA, START, World, add_user

DAY = 86400.0
AT_ONCE = 30


def row(request_id: str = "r1", **columns: object) -> VouchingRequest:
    values = {
        "id": request_id,
        "number": f"number of {request_id}",
        "user_id": "anna",
        "municipality": RIGA,
        "named": "n",
        "browser": f"browser of {request_id}",
        "address": "192.0.2.10",
        "user_agent": "Firefox",
        "shown": 42,
        "choices": [17, 42, 63],
        "stop_hash": f"stop {request_id}",
        "asked_at": START,
        "expires_at": START + DAY,
    }
    return VouchingRequest(**{**values, **columns})


@pytest.fixture
def request_(world: World) -> VouchingRequest:
    made = row()
    with world.database.begin() as work:
        load(work)
        add_user(work, "anna", id="anna")
        work.vouchings.add(made)
    return made


def found(world: World, request_id: str = "r1") -> VouchingRequest:
    with world.database.read() as work:
        request = work.vouchings.find(request_id)
    assert request is not None
    return request


def first(world: World, voucher: str = "berta", now: float = START) -> bool:
    with world.database.begin() as work:
        return work.vouchings.vouch_first("r1", voucher, now)


def second(world: World, voucher: str = "karlis", *, seen: str = "berta", now: float = START) -> bool:
    with world.database.begin() as work:
        return work.vouchings.vouch_second(
            "r1", voucher, first=seen, now=now, ready_at=now + DAY, until=now + 4 * DAY
        )


def finish(world: World, now: float, ticket: str = "t1") -> bool:
    with world.database.begin() as work:
        return work.vouchings.finish("r1", ticket, now)


def stop(world: World, now: float, by: StoppedBy = StoppedBy.OWNER) -> bool:
    with world.database.begin() as work:
        return work.vouchings.stop("r1", by, now)


def test_a_request_is_found_by_everything_that_names_it(world: World, request_: VouchingRequest) -> None:
    with world.database.read() as work:
        assert work.vouchings.find("r1") == request_
        assert work.vouchings.find_by_number("number of r1") == request_
        assert work.vouchings.find_by_stop("stop r1") == request_
        assert work.vouchings.find_open(browser="browser of r1", named="n", now=START) == request_
        assert work.vouchings.of_browser("browser of r1", START) == [request_]
        assert work.vouchings.of_user("anna", START) == [request_]
        assert work.vouchings.find("r2") is work.vouchings.find_by_number("x") is None
        assert work.vouchings.of_user("anna", START + DAY) == work.vouchings.of_browser("x", START) == []


def test_a_browser_has_one_open_request_for_a_name(world: World, request_: VouchingRequest) -> None:
    twice = row("r2", browser=request_.browser)
    with pytest.raises(AlreadyExistsError), world.database.begin() as work:
        work.vouchings.add(twice)
    with world.database.begin() as work:
        work.vouchings.add(row("r3", browser=request_.browser, named="another"))
        work.vouchings.add(row("r4", browser="another"))
        work.vouchings.close_stale(browser=request_.browser, named="n", now=START + DAY - 1)
    with pytest.raises(AlreadyExistsError), world.database.begin() as work:
        work.vouchings.add(row("r5", browser=request_.browser))
    with world.database.begin() as work:
        work.vouchings.close_stale(browser=request_.browser, named="n", now=START + DAY)
        work.vouchings.add(row("r6", browser=request_.browser))
    assert found(world).stopped_by == "expired"
    assert found(world, "r3").stopped_at is None


def test_two_different_people_vouch_and_none_for_themself(world: World, request_: VouchingRequest) -> None:
    assert not first(world, "anna")
    assert first(world, "berta")
    assert not first(world, "karlis")
    assert not second(world, "berta")
    assert not second(world, "anna")
    assert not second(world, "karlis", seen="somebody else")
    assert second(world, "karlis")
    assert not second(world, "dace")
    request = found(world)
    assert request.vouchers == ("berta", "karlis")
    assert (request.ready_at, request.expires_at) == (START + DAY, START + 4 * DAY)


def test_states_follow_the_clock(world: World, request_: VouchingRequest) -> None:
    assert request_.state(START + DAY - 1) is VouchingState.WAITING
    assert request_.state(START + DAY) is VouchingState.EXPIRED
    first(world)
    second(world)
    request = found(world)
    assert request.state(START + DAY - 1) is VouchingState.COOLING
    assert request.state(START + DAY) is VouchingState.READY
    assert request.state(START + 4 * DAY - 1) is VouchingState.READY
    assert request.state(START + 4 * DAY) is VouchingState.EXPIRED


def test_it_is_used_after_the_delay_and_before_the_end_and_once(
    world: World, request_: VouchingRequest
) -> None:
    assert not finish(world, START)
    first(world)
    assert not finish(world, START)
    second(world)
    assert not finish(world, START + DAY - 0.001)
    assert not finish(world, START + 4 * DAY)
    assert finish(world, START + DAY)
    assert not finish(world, START + DAY, "t2")
    assert not stop(world, START + DAY)
    assert found(world).ticket_id == "t1"


def test_nobody_vouches_for_what_expired_or_was_stopped(world: World, request_: VouchingRequest) -> None:
    assert not first(world, now=START + DAY)
    assert first(world)
    assert not second(world, now=START + DAY)
    assert stop(world, START)
    assert not second(world)
    assert not stop(world, START)
    assert found(world).stopped_by == "owner"


def test_one_who_presses_a_hundred_times_counts_once(world: World, request_: VouchingRequest) -> None:
    """attack 11: as often as a finger can, at the same moment"""

    def press(_number: int) -> int:
        return first(world) or second(world, "berta")

    assert sum(at_once(100, press)) == 1
    assert found(world).vouchers == ("berta",)


def test_of_many_who_are_second_at_once_one_is(world: World, request_: VouchingRequest) -> None:
    first(world)
    assert sum(at_once(AT_ONCE, lambda number: second(world, f"voucher {number}"))) == 1


def test_a_hundred_who_use_it_at_once_use_it_once(world: World, request_: VouchingRequest) -> None:
    first(world)
    second(world)
    assert sum(at_once(100, lambda number: finish(world, START + DAY, f"t{number}"))) == 1


def test_stopped_and_used_at_once_is_one_of_them(world: World, request_: VouchingRequest) -> None:
    """attack 34: who stops it first has stopped it."""
    first(world)
    second(world)

    def act(number: int) -> str:
        if number % 2:
            return "used" if finish(world, START + DAY, f"t{number}") else ""
        return "stopped" if stop(world, START + DAY) else ""

    (done,) = filter(None, at_once(AT_ONCE, act))
    assert found(world).state(START + DAY).value == {"used": "finished", "stopped": "stopped"}[done]


def test_all_of_a_person_are_stopped_together(world: World, request_: VouchingRequest) -> None:
    with world.database.begin() as work:
        work.vouchings.add(row("r2"))
        add_user(work, "berta", id="berta")
        work.vouchings.add(row("r3", user_id="berta"))
        assert sorted(work.vouchings.stop_of_user("anna", StoppedBy.REPORT, START)) == ["r1", "r2"]
        assert work.vouchings.stop_of_user("anna", StoppedBy.REPORT, START) == []
    assert found(world, "r3").stopped_at is None


def test_who_came_back_in_by_it_is_known_for_a_while(world: World, request_: VouchingRequest) -> None:
    first(world)
    second(world)
    finish(world, START + DAY)
    with world.database.read() as work:
        assert work.vouchings.was_let_in("anna", START + DAY - 1)
        assert not work.vouchings.was_let_in("anna", START + DAY)
        assert not work.vouchings.was_let_in("berta", START)


def test_old_ones_go_and_those_that_were_used_stay_longer(world: World, request_: VouchingRequest) -> None:
    first(world)
    second(world)
    finish(world, START + DAY)
    with world.database.begin() as work:
        work.vouchings.add(row("r2", named="another"))
        assert work.vouchings.remove_old(unused_before=START + DAY, used_before=START) == 0
        assert work.vouchings.remove_old(unused_before=START + 2 * DAY, used_before=START + DAY) == 1
        assert work.vouchings.find("r2") is None
        assert work.vouchings.remove_old(unused_before=START, used_before=START + 2 * DAY) == 1


@pytest.mark.parametrize("hours", [-1, 169])
def test_a_delay_is_from_an_hour_to_a_week(hours: int) -> None:
    with pytest.raises(ValueError, match="vouching_hours"):
        MunicipalityRules(vouching_hours=hours)


def test_nobody_vouches_until_a_municipality_says_so(world: World, request_: VouchingRequest) -> None:
    """Off is the default, and changing another rule leaves it as it was."""
    with world.database.begin() as work:
        assert work.municipality_rules.of(RIGA).vouching_hours == 0
        assert not work.municipality_rules.is_vouching_anywhere()
        work.municipality_rules.put(KEKAVA, MunicipalityRules(remember_days=3))
        assert not work.municipality_rules.is_vouching_anywhere()
        work.municipality_rules.put(KEKAVA, MunicipalityRules(remember_days=3, vouching_hours=168))
        assert work.municipality_rules.of(KEKAVA) == MunicipalityRules(remember_days=3, vouching_hours=168)
        assert work.municipality_rules.is_vouching_anywhere()
