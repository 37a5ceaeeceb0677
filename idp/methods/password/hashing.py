"""argon2id (RFC 9106): how passwords are hashed, and how many at once.

Not here: hashes that older systems made (`legacy_hashes.py`) and which passwords are good enough
(`strength.py`).
"""

import base64
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import BoundedSemaphore

from argon2 import PasswordHasher, Type, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError

from idp.effects import Effects

_SALT_BYTES = 16
_HASH_BYTES = 32
_LONGEST_WAIT_SECONDS = 15.0

# A stored hash says itself how dear it is to check; one dearer than this is not ours, and is not checked.
_MOST_MEMORY_KIB = 1 << 20
_MOST_TIME_COST = 20
_MOST_PARALLELISM = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Argon2Parameters:
    time_cost: int
    memory_kib: int
    parallelism: int


class TooBusyError(Exception):
    """So many passwords are being hashed that this one did not get its turn in time."""


class Turns:
    """One semaphore for the process: hashes beyond its size wait their turn, so that memory stays bounded."""

    def __init__(self, at_once: int) -> None:
        # Late, since `visvaris serve` must say first where its processes count.
        from idp.metrics import HASH_WAIT_SECONDS

        self._semaphore = BoundedSemaphore(at_once)
        self._waiting = HASH_WAIT_SECONDS

    @contextmanager
    def turn(self, *, patience: float = _LONGEST_WAIT_SECONDS) -> Iterator[None]:
        """Raises TooBusyError after `patience` seconds in the queue."""
        with self._waiting.time():
            has_turn = self._semaphore.acquire(timeout=patience)
        if not has_turn:
            raise TooBusyError
        try:
            yield
        finally:
            self._semaphore.release()


class Argon2:
    def __init__(self, parameters: Argon2Parameters, effects: Effects) -> None:
        self._hasher = _hasher(parameters)
        self._effects = effects
        self._nobody = _encoded(
            parameters, salt=effects.random(_SALT_BYTES), digest=effects.random(_HASH_BYTES)
        )

    def hash(self, password: str) -> str:
        return self._hasher.hash(password, salt=self._effects.random(_SALT_BYTES))

    def recognises(self, stored: str) -> bool:
        return stored.startswith("$argon2id$")

    def verify(self, stored: str, password: str) -> bool:
        try:
            parameters = extract_parameters(stored)
        except InvalidHashError:
            return False
        if (
            parameters.memory_cost > _MOST_MEMORY_KIB
            or parameters.time_cost > _MOST_TIME_COST
            or parameters.parallelism > _MOST_PARALLELISM
        ):
            return False
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    def verify_for_nobody(self, password: str) -> None:
        """The same work as `verify`, for a person or a hash that does not exist."""
        self.verify(self._nobody, password)

    def is_outdated(self, stored: str) -> bool:
        try:
            return self._hasher.check_needs_rehash(stored)
        except InvalidHashError:
            return True


def calibrate(
    target_seconds: float,
    *,
    memory_kib: int = 19456,
    parallelism: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[Argon2Parameters, float]:
    """The dearest parameters within `target_seconds` on this machine, and the seconds they take.

    Memory first, as RFC 9106 section 4 advises: it doubles while two passes fit, up to 256 MiB; then passes
    are added. Never below two passes over 19 MiB.
    """
    parameters = Argon2Parameters(time_cost=2, memory_kib=memory_kib, parallelism=parallelism)
    seconds = _measure(parameters, clock)
    while seconds * 2 <= target_seconds and parameters.memory_kib * 2 <= 262144:
        parameters = replace(parameters, memory_kib=parameters.memory_kib * 2)
        seconds = _measure(parameters, clock)
    passes = min(_MOST_TIME_COST, max(2, int(parameters.time_cost * target_seconds / seconds)))
    if passes != parameters.time_cost:
        parameters = replace(parameters, time_cost=passes)
        seconds = _measure(parameters, clock)
    return parameters, seconds


def _measure(parameters: Argon2Parameters, clock: Callable[[], float]) -> float:
    hasher = _hasher(parameters)
    took = []
    for _ in range(3):
        started = clock()
        hasher.hash("a password of usual length", salt=bytes(_SALT_BYTES))
        took.append(clock() - started)
    return statistics.median(took)


def _hasher(parameters: Argon2Parameters) -> PasswordHasher:
    return PasswordHasher(
        time_cost=parameters.time_cost,
        memory_cost=parameters.memory_kib,
        parallelism=parameters.parallelism,
        hash_len=_HASH_BYTES,
        salt_len=_SALT_BYTES,
        type=Type.ID,
    )


def _encoded(parameters: Argon2Parameters, *, salt: bytes, digest: bytes) -> str:
    """A well-formed hash of no known password, made without hashing."""
    cost = f"m={parameters.memory_kib},t={parameters.time_cost},p={parameters.parallelism}"
    salt_text, digest_text = (base64.b64encode(part).rstrip(b"=").decode() for part in (salt, digest))
    return f"$argon2id$v=19${cost}${salt_text}${digest_text}"
