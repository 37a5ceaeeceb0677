from dataclasses import dataclass, field

import pytest

from idp.methods.password.pace import Pace


@dataclass
class Clock:
    now: float = 100.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pace(clock: Clock) -> Pace:
    return Pace(clock=clock, sleep=clock.sleep)


def test_nothing_waits_while_there_are_no_old_hashes(pace: Pace, clock: Clock) -> None:
    pace.failure(clock.now - 0.05)
    assert clock.slept == []


def test_a_quick_failure_lasts_as_long_as_the_slowest(pace: Pace, clock: Clock) -> None:
    """attack 28"""
    pace.slow_failure(clock.now - 0.4)
    pace.slow_failure(clock.now - 0.1)
    started = clock.now
    clock.now += 0.05
    pace.failure(started)
    assert clock.now - started == pytest.approx(0.4)


def test_nobody_waits_longer_than_a_second_and_a_half(pace: Pace, clock: Clock) -> None:
    """attack 43"""
    pace.slow_failure(clock.now - 60)
    pace.failure(clock.now)
    assert clock.slept == [pytest.approx(1.5)]


def test_a_day_without_old_hashes_ends_the_waiting(pace: Pace, clock: Clock) -> None:
    pace.slow_failure(clock.now - 0.4)
    clock.now += 24 * 3600
    pace.failure(clock.now)
    assert clock.slept == []
