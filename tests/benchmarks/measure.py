"""How much processor time things take: in this process, and in the workers of a server.

Medians of several rounds, with the garbage collector on as it is in service. Wall-clock time is not used: it
would tell about the machine's other work.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from unittest import mock

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

from idp.methods.password.hashing import Argon2
from tests.benchmarks.cases import Case
from tests.benchmarks.journeys import Person
from tests.benchmarks.messages import InProcess, Message, OverHttp
from tests.benchmarks.served import Server
from tests.benchmarks.world import World

ROUNDS = 7
SERVED_TIMES = 6
"""How many rounds' worth of requests a server gets: the kernel counts its time in hundredths of a second."""
SIGN_INS = 12
_CONNECTIONS = 8
_KEY = generate_private_key(SECP256R1())
_SIGNED = b"x" * 500


def raw_signature() -> float:
    """ES256 over as many bytes as a token has, by the library that signs ours."""
    return _cpu_of(500, lambda: _KEY.sign(_SIGNED, ECDSA(SHA256())))


@dataclass(frozen=True, slots=True)
class Timed:
    """One request, and how many raw signatures take as long: measured in turns, since a machine's pace varies."""

    seconds: float
    signatures: float


def in_process(send: InProcess, case: Case) -> Timed:
    seconds, signatures = [], []
    for _ in range(ROUNDS):
        signature = raw_signature()
        seconds.append(_round(send, case))
        signatures.append(seconds[-1] / signature)
    return Timed(statistics.median(seconds), statistics.median(signatures))


@dataclass(frozen=True, slots=True)
class SignIn:
    """A whole one, the check of the password's hash in it, and the rest."""

    whole: float
    hashing: float
    rest: float


def sign_in_in_process(world: World, send: InProcess) -> SignIn:
    person = Person(world, send)
    person.sign_in()
    whole, hashing = [], []
    for _ in range(SIGN_INS):
        with _hashing_timed() as spent:
            whole.append(_sign_in(person, send))
        hashing.append(sum(spent))
    rest = [one - other for one, other in zip(whole, hashing, strict=True)]
    return SignIn(statistics.median(whole), statistics.median(hashing), statistics.median(rest))


@contextmanager
def _hashing_timed() -> Iterator[list[float]]:
    """What each check of a hash took, in place: beside a loop of nothing else it would seem cheaper."""
    spent: list[float] = []
    verify = Argon2.verify

    def timed(self: Argon2, stored: str, password: str) -> bool:
        before = time.process_time()
        try:
            return verify(self, stored, password)
        finally:
            spent.append(time.process_time() - before)

    with mock.patch.object(Argon2, "verify", timed):
        yield spent


def served(server: Server, case: Case) -> float:
    """Seconds of all workers for each request; one connection, so one of them does the work."""
    messages = case.prepare(case.count * SERVED_TIMES)
    _warm(server.port, case.prepare(_CONNECTIONS * 4), case.status)
    send = OverHttp(server.port)
    before = server.worker_cpu()
    for message in messages:
        send(message).expect(case.status)
    spent = server.worker_cpu() - before
    send.close()
    return spent / len(messages)


def sign_in_served(server: Server, world: World) -> float:
    send = OverHttp(server.port)
    person = Person(world, send)
    person.sign_in()
    before = server.worker_cpu()
    for _ in range(SIGN_INS * 2):
        person.sign_in()
    spent = server.worker_cpu() - before
    send.close()
    return spent / (SIGN_INS * 2)


def _round(send: InProcess, case: Case) -> float:
    messages = case.prepare(case.count)
    before = send.cpu
    replies = send.send_all(messages)
    spent = send.cpu - before
    for reply in replies:
        reply.expect(case.status)
    return spent / len(messages)


def _sign_in(person: Person, send: InProcess) -> float:
    before = send.cpu
    person.sign_in()
    return send.cpu - before


def _warm(port: int, messages: list[Message], status: int) -> None:
    """Over several connections, so that both workers have done it."""
    connections: list[OverHttp] = [OverHttp(port) for _ in range(_CONNECTIONS)]
    for number, message in enumerate(messages):
        connections[number % _CONNECTIONS](message).expect(status)
    for connection in connections:
        connection.close()


def _cpu_of(count: int, act: Callable[[], object]) -> float:
    before = time.process_time()
    for _ in range(count):
        act()
    return (time.process_time() - before) / count
