"""The client for what a connector calls: bounded in time and size, and it goes only where it was sent.

It follows no redirect, reads no proxy from the environment and takes no compressed answer (a small answer
could unpack into a large one). It does not decide which addresses may be called; callers take them from
settings or from the provider's own metadata.
"""

import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

ANSWER_BYTES = 512 * 1024
ANSWER_SECONDS = 10.0


class TooMuchError(httpx.TransportError):
    """The answer was longer, slower or otherwise encoded than we take."""


class _Bounded(httpx.SyncByteStream):
    def __init__(self, stream: httpx.SyncByteStream, *, limit: int, deadline: float) -> None:
        self._stream = stream
        self._limit = limit
        self._deadline = deadline

    def __iter__(self) -> Iterator[bytes]:
        taken = 0
        for chunk in self._stream:
            taken += len(chunk)
            if taken > self._limit:
                raise TooMuchError("the answer is too long")
            if time.monotonic() > self._deadline:
                raise TooMuchError("the answer takes too long")
            yield chunk

    def close(self) -> None:
        self._stream.close()


class _BoundedTransport(httpx.HTTPTransport):
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        deadline = time.monotonic() + ANSWER_SECONDS
        answer = super().handle_request(request)
        if not isinstance(answer.stream, httpx.SyncByteStream) or "Content-Encoding" in answer.headers:
            answer.close()
            raise TooMuchError("the answer is encoded")
        bounded = _Bounded(answer.stream, limit=ANSWER_BYTES, deadline=deadline)
        return httpx.Response(
            answer.status_code, headers=answer.headers, stream=bounded, extensions=answer.extensions
        )


def open_outbound(ca_file: Path | None) -> httpx.Client:
    """The system's certificate authorities, unless a file names others."""
    trust = ssl.create_default_context(cafile=ca_file)
    return httpx.Client(
        transport=_BoundedTransport(verify=trust, trust_env=False),
        timeout=httpx.Timeout(5.0, connect=3.0),
        headers={
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "visvaris-connector",
        },
        follow_redirects=False,
        trust_env=False,
    )
