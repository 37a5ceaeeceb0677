"""How one directory is reached and searched: all that the door needs to know of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from idp.gateways.ldap.values import Controller, controller_from
from idp.models.directories import Binding, Directory, Encryption

_USUAL_PORTS: Final = {Encryption.LDAPS: 636, Encryption.STARTTLS: 389}


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    controllers: tuple[Controller, ...]
    encryption: Encryption
    ca_pem: str = field(repr=False)
    account: str
    password: str = field(repr=False)
    base_dns: tuple[str, ...]
    user_filter: str
    attributes: Mapping[str, str]
    realm: str
    bind: Binding = Binding.SIMPLE

    def uri(self, controller: Controller) -> str:
        scheme = "ldaps" if self.encryption is Encryption.LDAPS else "ldap"
        return f"{scheme}://{controller}"


def route_to(directory: Directory, password: str) -> Route:
    """`password` is that of our account there, or its keytab in base64.

    Raises ValueError for controllers that are none.
    """
    encryption = Encryption(directory.encryption)
    return Route(
        controllers=controllers_of(directory.controllers, encryption),
        encryption=encryption,
        ca_pem=directory.ca_certificates,
        account=directory.account,
        password=password,
        base_dns=tuple(directory.base_dns),
        user_filter=directory.user_filter,
        attributes=directory.attributes,
        realm=directory.realm,
        bind=Binding(directory.bind),
    )


def controllers_of(texts: list[str], encryption: Encryption) -> tuple[Controller, ...]:
    return tuple(controller_from(text, usual_port=_USUAL_PORTS[encryption]) for text in texts)
