"""One run: what is measured in which order, and how each number is held against its target."""

import sys
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import bare, directories, measure, passkeys, served
from tests.benchmarks.cases import Case, Target, cases
from tests.benchmarks.measure import SignIn, Timed
from tests.benchmarks.messages import InProcess, Message
from tests.benchmarks.report import Baselines, Cost, Fact, Measured
from tests.benchmarks.served import Server
from tests.benchmarks.world import make_world

SIGN_IN_TARGET = Target(microseconds=12_000)
MEGABYTES_AT_MOST = 140.0
READY_SECONDS_AT_MOST = 2.0
_BARE = Case(name="bare Flask route", prepare=lambda count: [Message("GET", "/")] * count)


@dataclass(frozen=True, slots=True)
class Pair:
    """One request, here and under granian."""

    in_process: Timed
    served: float


def measure_all(directory: Path) -> Measured:
    _tell("raw signature, password hash, bare Flask")
    baselines = _baselines(directory)
    world = make_world(directory)
    send = InProcess(world.application)
    wanted = cases(world, send)
    here = {case.name: _in_process(send, case) for case in wanted}
    sign_in = measure.sign_in_in_process(world, send)
    with served.provider(world.environment, directory / "server.log") as server:
        at_rest = server.megabytes()
        there = {case.name: _served(server, case) for case in wanted}
        sign_in_served = measure.sign_in_served(server, world)
        _tell("passkeys")
        by_passkey = passkeys.costs(world, send, server, baselines)
        facts = _facts(server, at_rest=at_rest)
    _tell("a directory")
    by_clock = directories.facts(world, send)
    costs = [_cost(case.name, Pair(here[case.name], there[case.name]), case.target) for case in wanted]
    return Measured(
        baselines=baselines,
        costs=[
            Cost(name="one raw ES256 signature", in_process=baselines.signature, signatures=1.0),
            Cost(name=_BARE.name, in_process=baselines.flask_in_process, served=baselines.flask_served),
            *costs,
            *_sign_in_costs(sign_in, sign_in_served, baselines),
            *by_passkey,
        ],
        facts=facts,
        directories=by_clock,
    )


def _baselines(directory: Path) -> Baselines:
    with served.bare_flask(directory / "bare.log") as server:
        here = measure.in_process(InProcess(bare.application), _BARE)
        there = measure.served(server, _BARE)
    return Baselines(
        signature=here.seconds / here.signatures, flask_in_process=here.seconds, flask_served=there
    )


def _sign_in_costs(here: SignIn, there: float, baselines: Baselines) -> list[Cost]:
    rest = Pair(Timed(here.rest, here.rest / baselines.signature), there - here.hashing)
    return [
        Cost(name="sign-in, all six requests", in_process=here.whole, served=there),
        Cost(name="– the password's hash in it", in_process=here.hashing),
        _cost("– the rest of it", rest, SIGN_IN_TARGET),
    ]


def _in_process(send: InProcess, case: Case) -> Timed:
    _tell(f"in process: {case.name}")
    return measure.in_process(send, case)


def _served(server: Server, case: Case) -> float:
    _tell(f"under granian: {case.name}")
    return measure.served(server, case)


def _cost(name: str, pair: Pair, target: Target) -> Cost:
    """Either bound is enough. The targets are for what is measured in process."""
    bounds: list[tuple[str, bool]] = []
    if target.raw_signatures is not None:
        words = f"{target.raw_signatures:g} raw signatures"
        bounds.append((words, pair.in_process.signatures <= target.raw_signatures))
    if target.microseconds is not None:
        bounds.append((f"{target.microseconds:g} µs", pair.in_process.seconds * 1e6 <= target.microseconds))
    return Cost(
        name=name,
        in_process=pair.in_process.seconds,
        signatures=pair.in_process.signatures,
        served=pair.served,
        target=" or ".join(words for words, _ in bounds),
        is_met=any(is_met for _, is_met in bounds) if bounds else None,
    )


def _facts(server: Server, *, at_rest: float) -> list[Fact]:
    workers = server.worker_megabytes()
    return [
        Fact(
            name="proportional memory when ready, with the process that started them",
            measured=f"{at_rest:.0f} MB",
            target=f"under {MEGABYTES_AT_MOST:.0f} MB",
            is_met=at_rest < MEGABYTES_AT_MOST,
        ),
        Fact(
            name="the two workers after all the above",
            measured=f"{workers:.0f} MB",
            target=f"under {MEGABYTES_AT_MOST:.0f} MB",
            is_met=workers < MEGABYTES_AT_MOST,
        ),
        Fact(name="the same with the process that started them", measured=f"{server.megabytes():.0f} MB"),
        Fact(
            name="from start to ready",
            measured=f"{server.seconds_to_ready:.2f} s",
            target=f"under {READY_SECONDS_AT_MOST:g} s",
            is_met=server.seconds_to_ready < READY_SECONDS_AT_MOST,
        ),
    ]


def _tell(what: str) -> None:
    sys.stderr.write(f"{what}\n")
