"""Who a certificate is about (spec section 5.6): names, the national code, the day of birth where
there is one.
"""

import datetime as dt
import re
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from cryptography.x509 import (
    Certificate,
    ExtensionNotFound,
    Extensions,
    NameOID,
    ObjectIdentifier,
    UnrecognizedExtension,
)

from idp.errors import Reason, Refused
from idp.gateways.smart_id import der

_IDENTIFIER: Final = re.compile(r"(PNO|PAS|IDC)([A-Z]{2})-([^\s\x00-\x1f]{1,64})", re.ASCII)
_DIRECTORY_ATTRIBUTES: Final = ObjectIdentifier("2.5.29.9")
_DATE_OF_BIRTH: Final = bytes.fromhex("2b06010505070901")  # 1.3.6.1.5.5.7.9.1
_GENERALIZED_TIME: Final = re.compile(rb"(\d{8})\d{6}Z")
_BALTIC_CODE: Final = re.compile(r"([1-6])(\d{6})\d{4}", re.ASCII)
_LATVIAN_CODE: Final = re.compile(r"(\d{2})(\d{2})(\d{2})-(\d)\d{3,4}", re.ASCII)
_LATVIAN_WITHOUT_DATE: Final = range(32, 40)
_WANTED: Final = (
    NameOID.COUNTRY_NAME,
    NameOID.COMMON_NAME,
    NameOID.SURNAME,
    NameOID.GIVEN_NAME,
    NameOID.SERIAL_NUMBER,
)


class IdentifierKind(Enum):
    """ETSI EN 319 412-1: a national code, a passport, an identity card."""

    NATIONAL_CODE = "PNO"
    PASSPORT = "PAS"
    IDENTITY_CARD = "IDC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """`country` is that which gave the code. Nothing of a person is in the repr."""

    kind: IdentifierKind
    country: str
    code: str = field(repr=False)
    given_name: str = field(repr=False)
    surname: str = field(repr=False)
    date_of_birth: dt.date | None = field(repr=False)

    @property
    def identifier(self) -> str:
        return f"{self.kind.value}{self.country}-{self.code}"


def identity_of(certificate: Certificate) -> Identity:
    """Raises Refused."""
    names = {oid: _single(certificate, oid) for oid in _WANTED}
    matched = _IDENTIFIER.fullmatch(names[NameOID.SERIAL_NUMBER])
    if matched is None:
        raise Refused(Reason.SMART_ID_CERTIFICATE_SUBJECT)
    kind, country, code = IdentifierKind(matched[1]), matched[2], matched[3]
    try:
        born = _born_by_attribute(certificate.extensions)
        if born is None and kind is IdentifierKind.NATIONAL_CODE:
            born = born_by_code(country, code)
    except ValueError:
        raise Refused(Reason.SMART_ID_CERTIFICATE_BIRTH) from None
    return Identity(
        kind=kind,
        country=country,
        code=code,
        given_name=names[NameOID.GIVEN_NAME],
        surname=names[NameOID.SURNAME],
        date_of_birth=born,
    )


def require_national_code(identity: Identity, *, countries: frozenset[str]) -> None:
    """For linking an identity to an account. Raises Refused."""
    if identity.kind is not IdentifierKind.NATIONAL_CODE:
        raise Refused(Reason.SMART_ID_IDENTIFIER_KIND)
    if identity.country not in countries:
        raise Refused(Reason.SMART_ID_COUNTRY)


def born_by_code(country: str, code: str) -> dt.date | None:
    """None where the code does not say. Raises ValueError for a day that never was, or another form of code.

    No checksum: it is for what people type, and not all codes in certificates have a right one.
    """
    match country:
        case "EE" | "LT":
            matched = _BALTIC_CODE.fullmatch(code)
            if matched is None:
                raise ValueError("not a code of that country")
            year, month, day = matched[2][:2], matched[2][2:4], matched[2][4:]
            return dt.date(1800 + 100 * ((int(matched[1]) - 1) // 2) + int(year), int(month), int(day))
        case "LV":
            if code[:2].isdecimal() and int(code[:2]) in _LATVIAN_WITHOUT_DATE:
                return None
            matched = _LATVIAN_CODE.fullmatch(code)
            if matched is None or matched[4] not in "012":
                raise ValueError("not a code of that country")
            return dt.date(1800 + 100 * int(matched[4]) + int(matched[3]), int(matched[2]), int(matched[1]))
        case _:
            return None


def _single(certificate: Certificate, oid: ObjectIdentifier) -> str:
    values = certificate.subject.get_attributes_for_oid(oid)
    if len(values) != 1 or not isinstance(values[0].value, str) or not values[0].value.strip():
        raise Refused(Reason.SMART_ID_CERTIFICATE_SUBJECT)
    return values[0].value


def _born_by_attribute(extensions: Extensions) -> dt.date | None:
    """RFC 3739 section 3.3.1; absent from some certificates. Raises ValueError when it cannot be read."""
    try:
        found = extensions.get_extension_for_oid(_DIRECTORY_ATTRIBUTES).value
    except ExtensionNotFound:
        return None
    if not isinstance(found, UnrecognizedExtension):
        raise ValueError("the library began to read this itself")  # noqa: TRY004  caught with the rest
    born = None
    for attribute in der.read(der.only(found.value, der.SEQUENCE)):
        if attribute.tag != der.SEQUENCE:
            raise ValueError("not an attribute")
        name, values = _pair(attribute.content)
        if name == _DATE_OF_BIRTH:
            if born is not None:
                raise ValueError("born twice")
            born = _date_in(der.only(values, der.GENERALIZED_TIME))
    return born


def _pair(content: bytes) -> tuple[bytes, bytes]:
    elements = list(der.read(content))
    if [element.tag for element in elements] != [der.OBJECT_IDENTIFIER, der.SET]:
        raise ValueError("not an attribute")
    return elements[0].content, elements[1].content


def _date_in(generalized_time: bytes) -> dt.date:
    matched = _GENERALIZED_TIME.fullmatch(generalized_time)
    if matched is None:
        raise ValueError("not a time in UTC")
    return dt.datetime.strptime(matched[1].decode(), "%Y%m%d").replace(tzinfo=dt.UTC).date()
