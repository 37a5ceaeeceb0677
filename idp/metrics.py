"""What is measured for Prometheus, and how it is read when several processes serve.

With `PROMETHEUS_MULTIPROC_DIR` set, as `visvaris serve` does, every process counts into files of that
directory and whoever is asked adds them up. Labels come from closed lists: no user, client or address is ever
one. Not here: the address `/metrics` and its guard (`web/metrics.py`).
"""

import os
from functools import cache
from typing import Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

MULTIPROCESS_DIR: Final = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE: Final = CONTENT_TYPE_LATEST

REQUEST_SECONDS: Final = Histogram(
    "visvaris_request_seconds",
    "Time to answer a request, by the kind of page or endpoint and by the first digit of the status.",
    ["place", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
)
HASH_WAIT_SECONDS: Final = Histogram(
    "visvaris_password_hash_wait_seconds",
    "Time a password waited for its turn to be hashed.",
    buckets=(0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0),
)
DIRECTORY_ANSWERS: Final = Counter(
    "visvaris_directory_answers_total",
    "What became of asking a municipality's directory about a password: answered, or why not.",
    ["outcome"],
)
DIRECTORY_CIRCUITS: Final = Counter(
    "visvaris_directory_circuits_total",
    "Controllers that were left out because they did not answer (opened), and taken in again (closed).",
    ["change"],
)

_PLACES: Final = frozenset(
    {
        *("authorize", "token", "introspect", "revoke", "userinfo", "jwks", "logout", "login", "consent"),
        *("logged-out", "account", "admin", "api", "scim", "static", "healthz", "metrics", ".well-known"),
        *("par", "register", "device", "device_authorization", "connectors"),
    }
)


def place_of(path: str) -> str:
    """The first part of a path when it is one of ours; what strangers make up shares one label."""
    first = path[1:].partition("/")[0]
    if first in _PLACES:
        return first
    return "portal" if not first else "other"


@cache
def request_seconds(place: str, status: str) -> Histogram:
    """The histogram of a place and the first digit of a status, found once."""
    return REQUEST_SECONDS.labels(place, f"{status}xx")


def registry() -> CollectorRegistry:
    """What all processes counted together, or this one where it is alone."""
    if MULTIPROCESS_DIR not in os.environ:
        return REGISTRY
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return together


def exposition() -> bytes:
    return generate_latest(registry())
