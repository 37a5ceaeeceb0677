"""The way back from the app on the same device (spec section 5.1): what is sent along, and whether it
is what we sent for.

That the browser is the one that started, its cookie says: who calls this has to have looked already,
and to have taken the pending session off its shelf, so that a callback counts once.
"""

import hmac
import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, quote

from idp.errors import Reason, Refused
from idp.gateways.smart_id.encodings import b64url, decode_b64, sha256_b64url

_VALUE: Final = "value"
_DIGEST: Final = "sessionSecretDigest"
_VERIFIER: Final = "userChallengeVerifier"
_VERIFIER_SHAPE: Final = re.compile(r"[A-Za-z0-9_-]{43,128}", re.ASCII)
_URL: Final = re.compile(r"https://[^|#]+")
_LONGEST_URL: Final = 1800
_LONGEST_QUERY: Final = 2000
VALUE_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """A callback of this session. Without a verifier when the person cancelled."""

    verifier: str | None = field(repr=False)


def callback_url(address: str, value: str) -> str:
    """The exact string that is sent, authenticated and signed. Raises ValueError."""
    url = f"{address}?{_VALUE}={quote(value, safe='')}"
    if "?" in address or not _URL.fullmatch(url) or len(url) > _LONGEST_URL:
        raise ValueError("a callback is an https URL without query, fragment or vertical bar")
    return url


def can_return_to(issuer: str) -> bool:
    """The service takes callbacks over https alone: for http://localhost there is only the code to scan."""
    return _URL.fullmatch(issuer) is not None


def new_value(random: bytes) -> str:
    return b64url(random)


def check_callback(query: str, *, expected_value: str, session_secret: str) -> Returned:
    """`query` as it arrived, undecoded; what else stands in it is passed over. Raises Refused."""
    values = _values(query)
    if not hmac.compare_digest(values[_VALUE].encode(), expected_value.encode()):
        raise Refused(Reason.SMART_ID_CALLBACK_VALUE)
    digest = sha256_b64url(decode_b64(session_secret))
    if not hmac.compare_digest(values[_DIGEST].encode(), digest.encode()):
        raise Refused(Reason.SMART_ID_CALLBACK_SECRET)
    return Returned(verifier=values.get(_VERIFIER))


def check_verifier(returned: Returned, user_challenge: str) -> None:
    """The verifier is hashed as the text it is, not as what it encodes. Raises Refused."""
    verifier = returned.verifier
    if verifier is None or not _VERIFIER_SHAPE.fullmatch(verifier):
        raise Refused(Reason.SMART_ID_CALLBACK_BROKEN)
    hashed = sha256_b64url(verifier.encode("ascii"))
    if not hmac.compare_digest(hashed.encode(), user_challenge.encode()):
        raise Refused(Reason.SMART_ID_CALLBACK_VERIFIER)


def _values(query: str) -> dict[str, str]:
    """Each of ours at most once, and the first two always."""
    if len(query) > _LONGEST_QUERY or not query.isascii():
        raise Refused(Reason.SMART_ID_CALLBACK_BROKEN)
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError:
        raise Refused(Reason.SMART_ID_CALLBACK_BROKEN) from None
    ours = [(name, value) for name, value in pairs if name in {_VALUE, _DIGEST, _VERIFIER}]
    found = dict(ours)
    if len(found) != len(ours) or not {_VALUE, _DIGEST} <= found.keys():
        raise Refused(Reason.SMART_ID_CALLBACK_BROKEN)
    return found
