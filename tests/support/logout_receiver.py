"""An application's end of back-channel logout, as a stranger would write it (Back-Channel Logout 1.0 section 2.6).

What came is kept as it came and judged in the test's own thread; it knows no code of the provider.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from joserfc import jws, jwt
from joserfc.jwk import KeySet

from tests.support.remote import Received, Remote, Reply

EVENT = "http://schemas.openid.net/event/backchannel-logout"


@dataclass
class LogoutReceiver:
    """`trouble`: statuses to answer with first; None hangs up on the caller's patience instead."""

    remote: Remote
    path: str
    issuer: str
    client_id: str
    keys: Callable[[], KeySet]
    now: Callable[[], float] = time.time
    algorithm: str = "RS256"
    trouble: deque[int | None] = field(default_factory=deque)
    slow: float = 0.0
    came: list[tuple[Received, float, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.remote.answers[self.path] = self._answer

    @property
    def url(self) -> str:
        return self.remote.url(self.path)

    def _answer(self, received: Received) -> Reply:
        status = self.trouble.popleft() if self.trouble else 200
        self.came.append((received, self.now(), status or 0))
        time.sleep(self.slow if status is not None else 6)
        return Reply(status=status or 200, headers={"Cache-Control": "no-store"})

    def taken(self) -> list[dict[str, Any]]:
        """The claims of those that were answered with 200 or 204."""
        return [self._judged(received, at) for received, at, status in self.came if status in {200, 204}]

    def all_that_came(self) -> list[dict[str, Any]]:
        return [self._judged(received, at) for received, at, _ in self.came]

    def raw(self) -> list[str]:
        return [dict(parse_qsl(received.body.decode()))["logout_token"] for received, _, _ in self.came]

    def await_taken(self, count: int, *, seconds: float = 20.0) -> list[dict[str, Any]]:
        """Once so many have come; a little longer, to see whether there is one too many."""
        deadline = time.monotonic() + seconds
        while len(self.taken()) < count and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.3)
        taken = self.taken()
        assert len(taken) == count, taken
        return taken

    def _judged(self, received: Received, at: float) -> dict[str, Any]:
        assert received.method == "POST"
        assert received.headers["Content-Type"] == "application/x-www-form-urlencoded"
        pairs = parse_qsl(received.body.decode("ascii"), strict_parsing=True)
        assert [name for name, _ in pairs] == ["logout_token"]
        header = jws.extract_compact(pairs[0][1].encode()).headers()
        assert (header["typ"], header["alg"]) == ("logout+jwt", self.algorithm)
        claims = dict(jwt.decode(pairs[0][1], self.keys(), algorithms=[self.algorithm]).claims)
        assert claims["iss"] == self.issuer
        assert claims["aud"] in (self.client_id, [self.client_id])
        assert abs(claims["iat"] - at) < 10
        assert claims["iat"] < claims["exp"] <= claims["iat"] + 120
        assert claims["events"] == {EVENT: {}}
        assert claims["jti"]
        assert claims["sub"]
        assert claims["sid"]
        assert "nonce" not in claims
        return claims


def assert_one_each(receivers: list[LogoutReceiver], session_ids: set[str]) -> None:
    """Exactly one notice for each session reached every application, and no two share a name."""
    for receiver in receivers:
        taken = receiver.taken()
        assert sorted(claims["sid"] for claims in taken) == sorted(session_ids)
        assert len({claims["jti"] for claims in taken}) == len(taken)
