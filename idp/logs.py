"""Logs: one JSON object a line on standard error, each with the id of its request, and never a secret.

What is written is chosen where it is written; `redact` stands behind that as a second wall. It goes by the
name of a value and by its look, and would rather hide too much. Libraries that log through the standard
module pass it too. Not here: the audit trail (`storage/audit.py`), which is evidence and lives in the
database.
"""

import json
import logging
import re
import sys
import time
from collections.abc import Mapping, MutableMapping
from functools import lru_cache
from typing import Any, Final, TextIO

import structlog
from structlog.contextvars import bind_contextvars, clear_contextvars, merge_contextvars
from structlog.processors import add_log_level
from structlog.typing import Processor

HIDDEN: Final = "[hidden]"
_DEEPEST: Final = 6
_PLAIN: Final = (bool, int, float, type(None))

_SECRET_NAMES: Final = re.compile(
    r"pass(word|phrase|wd)?|secret|token|code(?!_challenge_method)|otp|pin\b|answer|verifier|assertion|challenge"
    r"|authorization|cookie|credential|csrf|nonce|state|private|sealed|hash|key(?!_id)|dsn|database_url|redis_url",
    re.IGNORECASE,
)
_HARMLESS_NAMES: Final = frozenset({"status_code", "error_code", "reason_code", "token_type"})
_OURS: Final = frozenset({"timestamp", "level", "request_id"})
_CHATTY: Final = ("sqlalchemy", "httpx", "httpcore", "huey", "alembic", "authlib", "werkzeug")
"""These tell every statement, address or header at their lower levels, which no operator asked for."""
_SECRET_LOOKS: Final = re.compile(
    r"eyJ[\w-]{8,}(?:\.[\w-]*){1,4}"  # JOSE, compact
    r"|\bs1\.[0-9a-f]{8}\.[\w=-]+"  # sealed by us
    r"|\$(?:argon2|2[aby]\$)[^\s\"']+"  # password hashes
    r"|\b(?:Bearer|Basic|DPoP|Negotiate)\s+[\w.~+/=-]+"
    r"|(?<![\w-])[\w-]{43}(?![\w-])"  # 256 random bits, as our tokens are
    r"|\b(?:PNOLV-)?\d{6}-?\d{5}\b"  # personal codes
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"  # user and password in a URL
    r"|(?<=[?&#])[\w.-]+=[^&\s\"'#]*",  # values in a query
    re.IGNORECASE,
)
_HARMLESS: Final = re.compile(r"[A-Za-z/_-]{0,42}").fullmatch
"""No digit, dot or space, and too short for a token: none of the looks above. Most text is like that."""


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in event.items():
        if name not in _OURS:
            event[name] = _safe(name, value, 0)
    return event


def configure(level: str, stream: TextIO | None = None) -> None:
    """Once, when a process starts. Calling it again replaces what was."""
    output = stream or sys.stderr
    writer = structlog.WriteLogger(output)
    shared: list[Processor] = [merge_contextvars, add_log_level, _add_time]
    final: list[Processor] = [
        structlog.processors.ExceptionRenderer(
            structlog.tracebacks.ExceptionDictTransformer(show_locals=False, max_frames=30)
        ),
        redact,
        _as_json,
    ]
    structlog.configure(
        processors=[*shared, *final],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: writer,
        cache_logger_on_first_use=False,
    )
    _take_over_standard_logging(level, output, shared, final)


def _take_over_standard_logging(
    level: str, output: TextIO, shared: list[Processor], final: list[Processor]
) -> None:
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *final],
        )
    )
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))


def begin_request(request_id: str) -> None:
    """Everything this thread logs from now on carries the id, until the next request begins."""
    clear_contextvars()
    bind_contextvars(request_id=request_id)


def tell_request(*, method: str, path: str, status: int, milliseconds: float) -> None:
    """The line of a request: as `info` would write it, without a logger made for one line.

    Making one costs as much as all the steps, and nothing else is told of every request.
    """
    told: MutableMapping[str, Any] = {
        "method": method,
        "path": path,
        "status": status,
        "milliseconds": milliseconds,
    }
    chosen = structlog.get_config()
    if chosen["processors"][-1] is not _as_json or chosen["wrapper_class"] not in _TELL_OF_REQUESTS:
        _request_log.info("request", **told)
        return
    told["event"] = "request"
    told = add_log_level(None, "info", merge_contextvars(None, "info", told))
    chosen["logger_factory"]().info(
        _as_json(None, "info", redact(None, "info", _add_time(None, "info", told)))
    )


_TELL_OF_REQUESTS: Final = tuple(structlog.make_filtering_bound_logger(level) for level in ("info", "debug"))
_request_log = structlog.get_logger("visvaris.request")
_encode = json.JSONEncoder(ensure_ascii=False, default=str).encode


def _as_json(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
    return _encode(event)


def _add_time(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """ISO 8601 with microseconds, UTC."""
    seconds, fraction = divmod(time.time_ns(), 1_000_000_000)
    event["timestamp"] = f"{_second(seconds)}.{fraction // 1000:06}Z"
    return event


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def _safe(name: str, value: object, depth: int) -> object:
    if isinstance(value, _PLAIN):
        return value
    if _names_a_secret(name):
        return HIDDEN
    if isinstance(value, str):
        return value if _HARMLESS(value) else _SECRET_LOOKS.sub(HIDDEN, value)
    if isinstance(value, Mapping) and depth < _DEEPEST:
        return {str(inner): _safe(str(inner), content, depth + 1) for inner, content in value.items()}
    if isinstance(value, list | tuple | set | frozenset) and depth < _DEEPEST:
        return [_safe(name, content, depth + 1) for content in value]
    return _SECRET_LOOKS.sub(HIDDEN, str(value))


@lru_cache(maxsize=1000)
def _names_a_secret(name: str) -> bool:
    return name not in _HARMLESS_NAMES and _SECRET_NAMES.search(name) is not None
