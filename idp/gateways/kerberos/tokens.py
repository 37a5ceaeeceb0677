"""Takes apart what a browser sent, before the library sees any of it. Pure.

What passes is one initial SPNEGO token (RFC 4178) whose preferred mechanism is Kerberos and which brings the
ticket along (RFC 4121, RFC 4120 section 5.5.1). NTLM never passes, in whatever it is wrapped, and nothing
that would need a second answer. Only the ticket is handed on, so that what is accepted is what was looked
at. Of all this only the seal of the ticket proves anything: that is `acceptor.py`.
"""

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Final

from idp.gateways import der
from idp.gateways.kerberos.keytab import ENCTYPES
from idp.gateways.kerberos.outcomes import Refusal, TicketError

CHARACTERS_AT_MOST: Final = 64 * 1024
"""Windows makes tickets of up to 48 000 bytes; looked at before anything is decoded."""
SPNEGO: Final = bytes.fromhex("2b0601050502")
KERBEROS: Final = bytes.fromhex("2a864886f712010202")
_KERBEROS_AS_WINDOWS_WROTE_IT: Final = bytes.fromhex("2a864882f712010202")
NTLM: Final = bytes.fromhex("2b06010401823702020a")
_NTLM_MESSAGE: Final = b"NTLMSSP\x00"
_AP_REQ_FOLLOWS: Final = b"\x01\x00"
_GSS_TOKEN, _AP_REQ, _TICKET = 0x60, 0x6E, 0x61
_INTEGER, _OCTETS, _GENERAL_STRING = 0x02, 0x04, 0x1B
_NEGOTIATION_GOES_ON: Final = 0xA1


@dataclass(frozen=True, slots=True)
class Ticket:
    """`realm` as it stands outside of the seal. `fingerprint`: of the part that is made anew for each use."""

    realm: str
    fingerprint: str
    token: bytes = field(repr=False)
    """For the library, without what was around it."""
    mechanism: bytes = field(default=KERBEROS, repr=False)
    """By the name that the browser prefers for Kerberos."""


def read_token(text: str) -> Ticket:
    """What stands after `Negotiate`. Raises TicketError."""
    if len(text) > CHARACTERS_AT_MOST:
        raise TicketError(Refusal.TOO_LONG)
    try:
        token = base64.b64decode(text, validate=True)
        if token.startswith(_NTLM_MESSAGE):
            raise TicketError(Refusal.NTLM)
        if token[:1] == bytes([_NEGOTIATION_GOES_ON]):
            raise TicketError(Refusal.SEVERAL_LEGS)
        mechanism, inner = _preferred(token)
        return _ticket(mechanism, inner)
    except ValueError:
        raise TicketError(Refusal.UNREADABLE) from None


def accepted(ticket: Ticket, reply: bytes) -> str:
    """What the browser is told in turn, after `Negotiate`; nothing where it does not ask who we are."""
    if not reply:
        return ""
    parts = [
        (0xA0, _element(0x0A, b"\x00")),
        (0xA1, _element(der.OBJECT_IDENTIFIER, ticket.mechanism)),
        (0xA2, _element(_OCTETS, reply)),
    ]
    body = b"".join(_element(tag, content) for tag, content in parts)
    return base64.b64encode(_element(0xA1, _element(der.SEQUENCE, body))).decode()


def _preferred(token: bytes) -> tuple[bytes, bytes]:
    """The mechanism that stands first, and its token."""
    name, offer = tuple(der.read(der.only(token, _GSS_TOKEN)))
    if (name.tag, name.content) != (der.OBJECT_IDENTIFIER, SPNEGO):
        raise ValueError("no negotiation")
    members = _members(der.only(_of(offer, 0xA0), der.SEQUENCE))
    mechanisms = [each.content for each in der.read(der.only(members[0xA0], der.SEQUENCE))]
    if not mechanisms:
        raise ValueError("no mechanism")
    if mechanisms[0] == NTLM:
        raise TicketError(Refusal.NTLM)
    if mechanisms[0] not in {KERBEROS, _KERBEROS_AS_WINDOWS_WROTE_IT} or 0xA2 not in members:
        raise TicketError(Refusal.SEVERAL_LEGS)
    inner = der.only(members[0xA2], _OCTETS)
    if inner.startswith(_NTLM_MESSAGE):
        raise TicketError(Refusal.NTLM)
    return mechanisms[0], inner


def _ticket(mechanism: bytes, token: bytes) -> Ticket:
    framed = der.only(token, _GSS_TOKEN)
    head = _element(der.OBJECT_IDENTIFIER, KERBEROS) + _AP_REQ_FOLLOWS
    if not framed.startswith(head):
        raise ValueError("no Kerberos ticket")
    request = _members(der.only(der.only(framed.removeprefix(head), _AP_REQ), der.SEQUENCE))
    ticket = _members(der.only(der.only(request[0xA3], _TICKET), der.SEQUENCE))
    sealed = _members(der.only(ticket[0xA3], der.SEQUENCE))
    once = _members(der.only(request[0xA4], der.SEQUENCE))
    for part in (sealed, once):
        if int.from_bytes(der.only(part[0xA0], _INTEGER)) not in ENCTYPES:
            raise TicketError(Refusal.WEAK)
    return Ticket(
        realm=der.only(ticket[0xA1], _GENERAL_STRING).decode("ascii"),
        fingerprint=hashlib.sha256(der.only(once[0xA2], _OCTETS)).hexdigest(),
        token=token,
        mechanism=mechanism,
    )


class _Members(dict[int, bytes]):
    def __missing__(self, tag: int) -> bytes:
        raise ValueError("a member that is missing")


def _members(content: bytes) -> _Members:
    """By tag. Raises ValueError for one that is there twice."""
    found = list(der.read(content))
    members = _Members((each.tag, each.content) for each in found)
    if len(members) != len(found):
        raise ValueError("a member twice")
    return members


def _of(element: der.Element, tag: int) -> bytes:
    if element.tag != tag:
        raise ValueError("not the element that was expected")
    return element.content


def _element(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(octets)]) + octets + content
