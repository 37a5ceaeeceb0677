"""What comes back, by the browser and over the wire, read strictly: members nobody knows are passed over,
wrong types and shapes are refused. Who came back is believed only when every check here holds.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from idp.errors import Reason, Refused
from idp.gateways.eparaksts.outcomes import of_returned_error
from idp.gateways.eparaksts.ways import Way
from idp.gateways.identity import IdentifierKind, Identity, born_by_code

SCOPE: Final = "urn:lvrtc:fpeil:aa"
LONGEST_BODY: Final = 16 * 1024
_LONGEST_QUERY: Final = 4000
_LONGEST_TOKEN: Final = 4096
_LONGEST_NAME: Final = 200
_OURS: Final = frozenset({"code", "state", "error"})
_CODE: Final = re.compile(r"[\x21-\x7e]{1,1024}")
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)
"""RFC 6750 section 2.1: what may stand in the header."""
_SERIAL_NUMBER: Final = re.compile(r"(PNO|PAS|IDC)([A-Z]{2})-([!-~]{1,64})", re.ASCII)
_LATVIAN_CODE: Final = re.compile(r"\d{6}-\d{5}", re.ASCII)
_DOMAIN: Final = "citizen"


def read_return(query: str) -> dict[str, str]:
    """`query` as it arrived, undecoded: each of ours at most once, the state always, and a code or an error.
    Raises Refused.
    """
    broken = Refused(Reason.EPARAKSTS_RETURN_BROKEN)
    if len(query) > _LONGEST_QUERY or not query.isascii():
        raise broken
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError:
        raise broken from None
    ours = [(name, value) for name, value in pairs if name in _OURS]
    found = dict(ours)
    if len(found) != len(ours) or "state" not in found or ("code" in found) == ("error" in found):
        raise broken
    return found


def code_in(returned: Mapping[str, str]) -> str:
    """Of a return whose state was ours. Raises Refused, also for the error that came in its place."""
    if "error" in returned:
        raise Refused(of_returned_error(returned["error"]))
    if not _CODE.fullmatch(returned["code"]):
        raise Refused(Reason.EPARAKSTS_RETURN_BROKEN)
    return returned["code"]


def read_token(body: bytes) -> str:
    """The access token. Raises Refused."""
    answer = _object(body)
    if _text(answer, "token_type", Reason.EPARAKSTS_TOKEN_TYPE).lower() != "bearer":
        raise Refused(Reason.EPARAKSTS_TOKEN_TYPE)
    if "scope" in answer and SCOPE not in _text(answer, "scope", Reason.EPARAKSTS_SCOPE).split():
        raise Refused(Reason.EPARAKSTS_SCOPE)
    token = _text(answer, "access_token", Reason.EPARAKSTS_ANSWER_BROKEN, longest=_LONGEST_TOKEN)
    if not _TOKEN.fullmatch(token):
        raise Refused(Reason.EPARAKSTS_ANSWER_BROKEN)
    return token


def read_error(body: bytes) -> str | None:
    """Of an answer that is none; None where it does not say."""
    try:
        return _text(_object(body), "error", Reason.EPARAKSTS_ANSWER_BROKEN)
    except Refused:
        return None


def read_person(body: bytes, way: Way) -> Identity:
    """Raises Refused."""
    claims = _object(body)
    _text(claims, "sub", Reason.EPARAKSTS_SUBJECT)
    if _text(claims, "domain", Reason.EPARAKSTS_DOMAIN) != _DOMAIN:
        raise Refused(Reason.EPARAKSTS_DOMAIN)
    _require_way(claims, way)
    given_name, surname, _ = (_name(claims, name) for name in ("given_name", "family_name", "name"))
    return _identity(
        _text(claims, "serial_number", Reason.EPARAKSTS_SERIAL_NUMBER), given_name=given_name, surname=surname
    )


def _require_way(claims: Mapping[str, Any], way: Way) -> None:
    if _text(claims, "acr", Reason.EPARAKSTS_ACR) not in way.acrs:
        raise Refused(Reason.EPARAKSTS_ACR)
    methods = claims.get("amr")
    if not isinstance(methods, list) or not all(isinstance(method, str) for method in methods):
        raise Refused(Reason.EPARAKSTS_AMR)
    if way.amrs.isdisjoint(methods):
        raise Refused(Reason.EPARAKSTS_AMR)


def _identity(serial_number: str, *, given_name: str, surname: str) -> Identity:
    matched = _SERIAL_NUMBER.fullmatch(serial_number)
    if matched is None:
        raise Refused(Reason.EPARAKSTS_SERIAL_NUMBER)
    kind, country, code = IdentifierKind(matched[1]), matched[2], matched[3]
    if kind is not IdentifierKind.NATIONAL_CODE:
        raise Refused(Reason.EPARAKSTS_IDENTIFIER_KIND)
    if country != "LV":
        raise Refused(Reason.EPARAKSTS_COUNTRY)
    if not _LATVIAN_CODE.fullmatch(code):
        raise Refused(Reason.EPARAKSTS_SERIAL_NUMBER)
    try:
        born = born_by_code(country, code)
    except ValueError:
        raise Refused(Reason.EPARAKSTS_SERIAL_NUMBER) from None
    return Identity(
        kind=kind, country=country, code=code, given_name=given_name, surname=surname, date_of_birth=born
    )


def _name(claims: Mapping[str, Any], name: str) -> str:
    value = _text(claims, name, Reason.EPARAKSTS_NAMES, longest=_LONGEST_NAME).strip()
    if not value:
        raise Refused(Reason.EPARAKSTS_NAMES)
    return value


def _object(body: bytes) -> Mapping[str, Any]:
    if len(body) > LONGEST_BODY:
        raise Refused(Reason.EPARAKSTS_ANSWER_BROKEN)
    try:
        answer = json.loads(body.decode("utf-8"), object_pairs_hook=_without_repetition)
    except (ValueError, RecursionError):
        raise Refused(Reason.EPARAKSTS_ANSWER_BROKEN) from None
    if not isinstance(answer, dict):
        raise Refused(Reason.EPARAKSTS_ANSWER_BROKEN)
    return answer


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member stands twice")
    return found


def _text(holder: Mapping[str, Any], name: str, otherwise: Reason, *, longest: int = 1024) -> str:
    value = holder.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= longest or not value.isprintable():
        raise Refused(otherwise)
    return value
