"""What comes over the wire, read strictly: members nobody knows are passed over, wrong types and
shapes are refused.

Nothing read here is believed yet; `verification.py` does that.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, TypeVar

from idp.errors import Reason, Refused
from idp.gateways.smart_id.encodings import STANDARD, decode_b64, is_sha256_b64url
from idp.gateways.smart_id.outcomes import of_end_result
from idp.gateways.smart_id.words import PROTOCOL, Algorithm, Flow, Level, Screen

Known = TypeVar("Known", Flow, Screen, Level, Algorithm)

LONGEST_BODY: Final = 64 * 1024
_LONGEST_STRING: Final = 16 * 1024
_SESSION_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_SESSION_TOKEN: Final = re.compile(r"[A-Za-z0-9]{24,128}", re.ASCII)
_LINK_BASE: Final = re.compile(r"https://[A-Za-z0-9.:\[\]-]+(?:/[A-Za-z0-9._~/-]*)?", re.ASCII)
_SHORTEST_SECRET: Final = 24
_LONGEST_SECRET: Final = 256
_LONGEST_LINK_BASE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """A session of device links. Only the token may be seen by a browser."""

    session_id: str = field(repr=False)
    session_token: str = field(repr=False)
    session_secret: str = field(repr=False)
    device_link_base: str


@dataclass(frozen=True, slots=True)
class Running:
    """Nobody has answered yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """Without a signature. `screen` is where a person cancelled, as the service names it, or empty."""

    reason: Reason
    screen: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskAndSalt:
    """Parameters of PSS as the service states them."""

    hash: str
    mask: str
    mask_hash: str
    salt_length: int
    trailer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """The service says OK; that proves nothing."""

    document_number: str = field(repr=False)
    value: bytes = field(repr=False)
    server_random: str = field(repr=False)
    user_challenge: str = field(repr=False)
    flow: Flow
    algorithm: Algorithm
    parameters: MaskAndSalt | None
    certificate: bytes = field(repr=False)
    level: Level
    screen: Screen


SessionState: TypeAlias = Running | Ended | Signed


def read_created(body: bytes) -> Created:
    """Raises Refused."""
    answer = _object(body)
    secret, base = _text(answer, "sessionSecret"), _text(answer, "deviceLinkBase")
    token = _text(answer, "sessionToken")
    if not _SHORTEST_SECRET <= len(secret) <= _LONGEST_SECRET or not _SESSION_TOKEN.fullmatch(token):
        raise _broken()
    if len(base) > _LONGEST_LINK_BASE or not _LINK_BASE.fullmatch(base):
        raise _broken()
    _decoded(secret)
    return Created(
        session_id=_session_id(answer), session_token=token, session_secret=secret, device_link_base=base
    )


def read_notified(body: bytes) -> str:
    """The session's id, which is all there is. Raises Refused."""
    return _session_id(_object(body))


def read_session(body: bytes) -> SessionState:
    """Raises Refused."""
    return session_in(_object(body))


def session_in(answer: Mapping[str, Any]) -> SessionState:
    """Raises Refused."""
    match _text(answer, "state"):
        case "RUNNING":
            return Running()
        case "COMPLETE":
            result = _member(answer, "result")
            reason = of_end_result(_text(result, "endResult"))
            return _signed(answer, result) if reason is None else Ended(reason=reason, screen=_screen(result))
        case _:
            raise _broken()


def has_error(body: bytes, code: str) -> bool:
    """Whether an error's body (RFC 9457, or nothing at all) lists this code."""
    try:
        errors = _object(body).get("errors", [])
    except Refused:
        return False
    return isinstance(errors, list) and any(
        isinstance(error, dict) and error.get("code") == code for error in errors
    )


def _signed(answer: Mapping[str, Any], result: Mapping[str, Any]) -> Signed:
    if _text(answer, "signatureProtocol") != PROTOCOL:
        raise Refused(Reason.SMART_ID_PROTOCOL)
    signature, certificate = _member(answer, "signature"), _member(answer, "cert")
    server_random, user_challenge = _text(signature, "serverRandom"), _text(signature, "userChallenge")
    if len(server_random) < 24 or not STANDARD.fullmatch(server_random):
        raise _broken()
    if not is_sha256_b64url(user_challenge):
        raise _broken()
    algorithm = _one_of(Algorithm, signature, "signatureAlgorithm", Reason.SMART_ID_ALGORITHM)
    return Signed(
        document_number=_text(result, "documentNumber"),
        value=_decoded(_text(signature, "value")),
        server_random=server_random,
        user_challenge=user_challenge,
        flow=_one_of(Flow, signature, "flowType", Reason.SMART_ID_FLOW),
        algorithm=algorithm,
        parameters=_parameters(signature) if algorithm is Algorithm.PSS else None,
        certificate=_decoded(_text(certificate, "value")),
        level=_one_of(Level, certificate, "certificateLevel", Reason.SMART_ID_LEVEL),
        screen=_one_of(Screen, answer, "interactionTypeUsed", Reason.SMART_ID_INTERACTION),
    )


def _parameters(signature: Mapping[str, Any]) -> MaskAndSalt:
    parameters = _member(signature, "signatureAlgorithmParameters")
    mask = _member(parameters, "maskGenAlgorithm")
    salt = parameters.get("saltLength")
    if type(salt) is not int:
        raise _broken()
    return MaskAndSalt(
        hash=_text(parameters, "hashAlgorithm"),
        mask=_text(mask, "algorithm"),
        mask_hash=_text(_member(mask, "parameters"), "hashAlgorithm"),
        salt_length=salt,
        trailer=_text(parameters, "trailerField"),
    )


def _screen(result: Mapping[str, Any]) -> str:
    """One of those we know, or empty: it is shown to operators, and comes from outside."""
    details = result.get("details")
    named = details.get("interaction") if isinstance(details, dict) else None
    known = {screen.value for screen in Screen} | {"verificationCodeChoice"}
    return named if isinstance(named, str) and named in known else ""


def _one_of(kind: type[Known], holder: Mapping[str, Any], name: str, otherwise: Reason) -> Known:
    try:
        return kind(_text(holder, name))
    except ValueError:
        raise Refused(otherwise) from None


def _session_id(answer: Mapping[str, Any]) -> str:
    session_id = _text(answer, "sessionID")
    if not _SESSION_ID.fullmatch(session_id):
        raise _broken()
    return session_id


def _object(body: bytes) -> Mapping[str, Any]:
    if len(body) > LONGEST_BODY:
        raise _broken()
    try:
        answer = json.loads(body.decode("utf-8"), object_pairs_hook=_without_repetition)
    except (ValueError, RecursionError):
        raise _broken() from None
    if not isinstance(answer, dict):
        raise _broken()
    return answer


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member stands twice")
    return found


def _member(holder: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = holder.get(name)
    if not isinstance(value, dict):
        raise _broken()
    return value


def _text(holder: Mapping[str, Any], name: str) -> str:
    value = holder.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_STRING or not value.isprintable():
        raise _broken()
    return value


def _decoded(text: str) -> bytes:
    try:
        return decode_b64(text)
    except ValueError:
        raise _broken() from None


def _broken() -> Refused:
    return Refused(Reason.SMART_ID_ANSWER_BROKEN)
