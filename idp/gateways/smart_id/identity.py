"""Who a certificate is about (spec section 5.6): names, the national code, the day of birth where
there is one.
"""

import datetime as dt
import re
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
from idp.gateways import der
from idp.gateways.identity import IdentifierKind, Identity, born_by_code

_IDENTIFIER: Final = re.compile(r"(PNO|PAS|IDC)([A-Z]{2})-([^\s\x00-\x1f]{1,64})", re.ASCII)
_DIRECTORY_ATTRIBUTES: Final = ObjectIdentifier("2.5.29.9")
_DATE_OF_BIRTH: Final = bytes.fromhex("2b06010505070901")  # 1.3.6.1.5.5.7.9.1
_GENERALIZED_TIME: Final = re.compile(rb"(\d{8})\d{6}Z")
_WANTED: Final = (
    NameOID.COUNTRY_NAME,
    NameOID.COMMON_NAME,
    NameOID.SURNAME,
    NameOID.GIVEN_NAME,
    NameOID.SERIAL_NUMBER,
)


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
