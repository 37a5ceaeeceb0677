"""Many attempts at the same moment, from threads or from processes."""

import multiprocessing
import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def at_once(attempts: int, act: Callable[[int], Result]) -> list[Result]:
    """Calls `act(0)` … in a thread each, all released together; what each returned, in no order."""
    barrier = threading.Barrier(attempts)
    results: list[Result] = []
    failures: list[BaseException] = []

    def attempt(number: int) -> None:
        try:
            barrier.wait(30)
            results.append(act(number))
        except BaseException as error:  # noqa: BLE001  handed to the test below
            failures.append(error)

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(attempts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return results


def in_processes(processes: int, act: Callable[..., int], *arguments: object) -> int:
    """The sum of what `act(*arguments)` returned in each of several new processes."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pytest", "idp.storage.migrate", "tests.support.builders"])
    with context.Pool(processes) as pool:
        pending = [pool.apply_async(act, arguments) for _ in range(processes)]
        return sum(result.get(120) for result in pending)
