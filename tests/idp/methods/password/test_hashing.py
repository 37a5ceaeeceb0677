import threading
import time

import pytest

from idp.effects import Effects
from idp.methods.password.hashing import Argon2, Argon2Parameters, TooBusyError, Turns, calibrate

CHEAP = Argon2Parameters(time_cost=1, memory_kib=64, parallelism=1)


def test_a_hash_is_argon2id_with_the_parameters_given() -> None:
    argon2 = Argon2(CHEAP, Effects())
    stored = argon2.hash("zirnis uz jumta")
    assert stored.startswith("$argon2id$v=19$m=64,t=1,p=1$")
    assert argon2.verify(stored, "zirnis uz jumta")
    assert not argon2.verify(stored, "zirnis uz jumtA")
    assert not argon2.is_outdated(stored)
    assert argon2.hash("zirnis uz jumta") != stored


def test_a_hash_made_with_other_parameters_is_outdated_and_still_fits() -> None:
    stored = Argon2(Argon2Parameters(time_cost=1, memory_kib=32, parallelism=1), Effects()).hash(
        "zirnis uz jumta"
    )
    argon2 = Argon2(CHEAP, Effects())
    assert argon2.is_outdated(stored)
    assert argon2.verify(stored, "zirnis uz jumta")


@pytest.mark.parametrize("parameters", ["m=4194304,t=1,p=1", "m=64,t=400,p=1", "m=640,t=1,p=64"])
def test_a_stored_hash_that_asks_for_too_much_is_not_checked(parameters: str) -> None:
    """attack 43"""
    started = time.process_time()
    assert not Argon2(CHEAP, Effects()).verify(
        f"$argon2id$v=19${parameters}$c2FsdHNhbHQ$" + "A" * 43, "password"
    )
    assert time.process_time() - started < 0.1


@pytest.mark.parametrize("stored", ["", "$argon2id$", "$argon2id$v=19$m=64,t=1,p=1$c2FsdA", "$2b$04$x"])
def test_a_damaged_hash_fits_nothing(stored: str) -> None:
    argon2 = Argon2(CHEAP, Effects())
    assert not argon2.verify(stored, "")
    assert argon2.is_outdated(stored)


def test_nobody_costs_what_somebody_costs() -> None:
    """attack 28"""
    argon2 = Argon2(Argon2Parameters(time_cost=2, memory_kib=4096, parallelism=1), Effects())
    stored = argon2.hash("zirnis uz jumta")

    def fastest(check: object) -> float:
        took = []
        for _ in range(30):
            started = time.thread_time()
            check()  # type: ignore[operator]
            took.append(time.thread_time() - started)
        return min(took)

    somebody = fastest(lambda: argon2.verify(stored, "wrong"))
    nobody = fastest(lambda: argon2.verify_for_nobody("wrong"))
    assert abs(somebody - nobody) < 0.3 * somebody


def test_only_so_many_are_hashed_at_once_and_the_rest_wait_their_turn() -> None:
    """attack 43"""
    turns = Turns(2)
    lock = threading.Lock()
    inside: list[int] = [0]
    most: list[int] = [0]

    def hash_one() -> None:
        with turns.turn():
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            time.sleep(0.01)
            with lock:
                inside[0] -= 1

    threads = [threading.Thread(target=hash_one) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [2]


def test_who_waits_too_long_is_sent_away() -> None:
    """attack 43"""
    turns = Turns(1)
    with turns.turn(), pytest.raises(TooBusyError), turns.turn(patience=0.01):
        pass
    with turns.turn(patience=0.01):
        pass


def test_calibration_stays_within_its_target_and_above_the_floor() -> None:
    seconds = iter(range(10**6))
    parameters, took = calibrate(
        0.5, clock=lambda: float(next(seconds))
    )  # each hash takes one second on this clock
    assert parameters == Argon2Parameters(time_cost=2, memory_kib=19456, parallelism=1)
    assert took == 1.0


def test_calibration_uses_what_the_machine_can_do() -> None:
    parameters, took = calibrate(0.05, memory_kib=1024, clock=time.process_time)
    assert parameters.memory_kib * parameters.time_cost > 2048
    assert took < 0.5
