"""Whether the time an answer takes tells who exists."""

import gc
import random
import statistics
import time

import pytest

from tests.support.actors import Hall

TRIES = 200
LARGEST_DIFFERENCE = 0.05
ROUNDS = 3
"""A machine that does other things at the same time may spoil a round; what is really different spoils them all."""
FIFTH = 5
"""It makes some answers slower and none quicker: the quickest fifth of them says what the work takes."""


def _difference(hall: Hall) -> float:
    """How far the three kinds lie apart, as a part of the smallest."""
    browser = hall.browser()
    kinds = {
        "unknown": ("nav-tada", "x" * 20),
        "wrong": ("anna", "x" * 20),
        "blocked": ("slegta", "kaste-sniegs-gaisma"),
    }
    took: dict[str, list[float]] = {kind: [] for kind in kinds}
    order = [kind for kind in kinds for _ in range(TRIES)]
    random.shuffle(order)
    gc.collect()
    gc.disable()
    try:
        for kind in order:
            username, password = kinds[kind]
            hall.clock.move(3600)
            form = browser.opens("/").form()
            data = {**form.fields, "username": username, "password": password}
            started = time.perf_counter()
            status = browser.http.post(form.action, data=data).status_code
            took[kind].append(time.perf_counter() - started)
            assert status == 422
    finally:
        gc.enable()
    work = [statistics.quantiles(times, n=FIFTH)[0] for times in took.values()]
    return (max(work) - min(work)) / min(work)


@pytest.mark.timeout(300)
def test_unknown_wrong_and_blocked_take_the_same_time(fresh_database: str) -> None:
    """Two hundred tries of each, with the real cost of a password (attack 28)."""
    hall = Hall(fresh_database, options={"argon2_time_cost": 2, "argon2_memory_kib": 19456})
    hall.employee("anna")
    hall.block(hall.employee("slegta"))
    seen = []
    for _ in range(ROUNDS):
        seen.append(_difference(hall))
        if seen[-1] < LARGEST_DIFFERENCE:
            break
    hall.close()
    assert min(seen) < LARGEST_DIFFERENCE, seen
