"""How much processor time things take: in this process, and in the workers of a server.

Medians of several rounds, with the garbage collector on as it is in service. Wall-clock time is not used: it
would tell about the machine's other work.
"""

import statistics
import time
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

from idp.effects import Effects
from idp.methods.password.hashing import Argon2
from idp.methods.registry import Argon2Parameters
from tests.benchmarks.cases import Case
from tests.benchmarks.journeys import Person
from tests.benchmarks.messages import InProcess, Message, OverHttp
from tests.benchmarks.served import Server
from tests.benchmarks.world import World

ROUNDS = 5
SERVED_TIMES = 6
"""How many rounds' worth of requests a server gets: the kernel counts its time in hundredths of a second."""
SIGN_INS = 8
_CONNECTIONS = 8


def median_cpu(count: int, act: Callable[[], object]) -> float:
    return statistics.median(_cpu_of(count, act) for _ in range(ROUNDS))


def raw_signature() -> float:
    """ES256 over as many bytes as a token has, by the library that signs ours."""
    key = generate_private_key(SECP256R1())
    signed = b"x" * 500
    return median_cpu(1000, lambda: key.sign(signed, ECDSA(SHA256())))


def password_hash(world: World) -> float:
    """One check with the parameters of the settings."""
    settings = world.settings
    parameters = Argon2Parameters(
        time_cost=settings.argon2_time_cost,
        memory_kib=settings.argon2_memory_kib,
        parallelism=settings.argon2_parallelism,
    )
    argon2 = Argon2(parameters, Effects())
    stored = argon2.hash("a password of usual length")
    return median_cpu(5, lambda: argon2.verify(stored, "a password of usual length"))


def in_process(send: InProcess, case: Case) -> float:
    """Seconds for each request."""
    return statistics.median(_round(send, case) for _ in range(ROUNDS))


def sign_in_in_process(world: World, send: InProcess) -> float:
    person = Person(world, send)
    person.sign_in()
    return statistics.median(_sign_in(person, send) for _ in range(SIGN_INS))


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
