"""Device links, the code that authenticates each, and the four digits of a notification (spec sections
3.1 to 3.3).

Plain concatenation in a fixed order: nothing is URL-encoded, nothing is parsed and put together again.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from idp.gateways.smart_id.encodings import b64, b64url, decode_b64
from idp.gateways.smart_id.words import Flow, Scheme

_VERSION: Final = "1.0"


class PageLanguage(Enum):
    """Of the page that SK shows where no app is installed (ISO 639-2)."""

    ENGLISH = "eng"
    ESTONIAN = "est"
    RUSSIAN = "rus"
    LITHUANIAN = "lit"
    LATVIAN = "lav"
    DUTCH = "nld"
    FRENCH = "fra"
    GERMAN = "deu"


class SessionType(Enum):
    """We only ever authenticate; the others are in published examples."""

    AUTHENTICATION = "auth"
    SIGNATURE = "sign"
    CERTIFICATE_CHOICE = "cert"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkFacts:
    """What a link is authenticated with beside itself. `challenge` and `interactions` as they were sent."""

    scheme: Scheme
    protocol: str
    challenge: str = field(repr=False)
    relying_party_name: str
    brokered_name: str = ""
    interactions: str
    callback_url: str | None = field(repr=False)


def unprotected_link(
    *,
    base: str,
    flow: Flow,
    elapsed_seconds: int | None,
    session_token: str,
    session_type: SessionType = SessionType.AUTHENTICATION,
    language: PageLanguage,
) -> str:
    """`elapsed_seconds` since the answer to the request arrived, in QR links and in no other."""
    if flow is Flow.NOTIFICATION or (flow is Flow.QR) != (elapsed_seconds is not None):
        raise ValueError("seconds belong into QR links, and notifications have no link")
    elapsed = "" if elapsed_seconds is None else f"&elapsedSeconds={elapsed_seconds}"
    return (
        f"{base}?deviceLinkType={flow.value}{elapsed}&sessionToken={session_token}"
        f"&sessionType={session_type.value}&version={_VERSION}&lang={language.value}"
    )


def auth_code(link: str, flow: Flow, facts: LinkFacts, *, session_secret: str) -> str:
    """The callback counts only in links for the same device: a QR code of the same session has none."""
    callback_url = facts.callback_url if flow.same_device else None
    authenticated = "|".join(
        (
            facts.scheme.value,
            facts.protocol,
            facts.challenge,
            b64(facts.relying_party_name.encode()),
            b64(facts.brokered_name.encode()),
            facts.interactions,
            callback_url or "",
            link,
        )
    )
    return b64url(hmac.digest(decode_b64(session_secret), authenticated.encode(), "sha256"))


def protected_link(link: str, flow: Flow, facts: LinkFacts, *, session_secret: str) -> str:
    return f"{link}&authCode={auth_code(link, flow, facts, session_secret=session_secret)}"


def verification_code(challenge: bytes) -> str:
    """Four digits of the raw challenge; always by SHA-256, whatever hash the signature has."""
    digest = hashlib.sha256(challenge).digest()
    return f"{int.from_bytes(digest[-2:]) % 10000:04d}"
