"""A municipality's directory for tests: a real domain controller with people in every state."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from idp.gateways.ldap.connection import close, library
from idp.gateways.ldap.connection import connect as connect_to
from idp.gateways.ldap.route import Route, controllers_of
from idp.models.directories import Directory, Encryption
from idp.people import directories
from idp.policy import NATIONAL
from idp.storage.database import Database
from idp.storage.work import Work
from tests.support.actors import EVERY_METHOD, Employee, Hall
from tests.support.builders import KEKAVA, RIGA
from tests.support.samba import ADMINISTRATOR_PASSWORD, Controller

PASSWORD = "Zala-pils-1201"
ACCOUNT_PASSWORD = "Meklet-drikst-77"
LOCKS_AFTER = 5
STATES = ("disabled", "account_expired", "password_expired", "must_change", "disabled_must_change")
CLERKS = "Lietveži"


def person(name: str, **more: Any) -> dict[str, Any]:
    return {"do": "user", "name": name, "password": PASSWORD, **more}


ENTRIES = (
    {"do": "lock-out", "after": LOCKS_AFTER},
    {"do": "unit", "name": "Darbinieki"},
    {"do": "unit", "name": "Arhīvs"},
    {"do": "user", "name": "visvaris", "password": ACCOUNT_PASSWORD},
    person("anna", unit="Darbinieki", given_name="Anna", family_name="Bērziņa"),
    person("juris"),
    *(person(state, state=state) for state in STATES),
    {"do": "group", "name": "Juristi", "members": ["anna"]},
    {"do": "group", "name": CLERKS, "members": ["Juristi"]},
)


def route_to(controller: Controller, **changed: Any) -> Route:
    encryption = changed.get("encryption", Encryption.LDAPS)
    texts = changed.pop("controllers", [controller.address])
    values: dict[str, Any] = {
        "encryption": encryption,
        "ca_pem": controller.ca_pem,
        "account": controller.upn("visvaris"),
        "password": ACCOUNT_PASSWORD,
        "base_dns": (controller.base_dn,),
        "user_filter": "(&(objectCategory=person)(objectClass=user))",
        "attributes": {"given_name": "givenName", "family_name": "sn"},
        "realm": controller.suffix,
        "controllers": controllers_of(texts, encryption),
    }
    return Route(**values | changed)


def add_directory(work: Work, **columns: Any) -> Directory:
    directory_id = work.effects.new_id()
    values: dict[str, Any] = {
        "municipality": RIGA,
        "name": "Rīgas domēns",
        "controllers": ["dc1.ad.riga.test", "dc2.ad.riga.test:636"],
        "encryption": "ldaps",
        "ca_certificates": "none",
        "account": "visvaris@ad.riga.test",
        "base_dns": ["DC=ad,DC=riga,DC=test"],
        "user_filter": "(objectClass=user)",
        "attributes": {"given_name": "givenName"},
        "upn_suffixes": ["ad.riga.test"],
        "netbios_name": "RIGA",
        "realm": "AD.RIGA.TEST",
        "roles": {"CN=Lietveži,DC=ad,DC=riga,DC=test": "clerk"},
        "attempts": 3,
        "attempt_minutes": 30,
        "created_at": work.effects.now(),
        "updated_at": work.effects.now(),
    }
    sealed = work.directories.seal_password(directory_id, columns.pop("password", "secret"))
    directory = Directory(id=directory_id, password_sealed=sealed, **values | columns)
    work.directories.add(directory)
    return directory


def description_of(controller: Controller, **changed: Any) -> dict[str, Any]:
    """As an administrator describes it to `visvaris directory add`."""
    values: dict[str, Any] = {
        "municipality": RIGA,
        "name": "Rīgas domēns",
        "controllers": [controller.address],
        "ca_certificates": controller.ca_pem,
        "account": controller.upn("visvaris"),
        "password": ACCOUNT_PASSWORD,
        "base_dns": [controller.base_dn],
        "upn_suffixes": [controller.suffix],
        "netbios_name": controller.netbios,
        "realm": controller.realm,
    }
    return values | changed


@dataclass
class Connected:
    """A directory of a municipality in the provider, and the controller behind it."""

    hall: Hall
    controller: Controller
    directory: Directory

    def link(self, employee: Employee, name: str) -> Employee:
        """The employee, whose password from now on is that of the entry."""
        guid = self.controller.change()[name]["guid"]
        with self.hall.world.database.begin() as work:
            directories.link(work, self.directory, employee.user, guid, work.effects, by="test")
        return replace(employee, password=PASSWORD)

    def employs(self, name: str, **columns: Any) -> Employee:
        """Somebody with a name of ours that is not the entry's, and linked to it."""
        return self.link(self.hall.employee(f"{name}.ours", **columns), name)

    def put(self, **columns: Any) -> None:
        self.hall.clock.move(1)
        for column, value in columns.items():
            setattr(self.directory, column, value)
        self.directory.updated_at = self.hall.clock()
        with self.hall.world.database.begin() as work:
            work.directories.put(self.directory)


def connect(hall: Hall, controller: Controller, **columns: Any) -> Connected:
    described = description_of(controller)
    password = described.pop("password")
    with hall.world.database.begin() as work:
        directory = add_directory(work, password=password, **described | columns)
    for scope in (NATIONAL, RIGA, KEKAVA):
        hall.rule(scope, methods=[*EVERY_METHOD, "directory"])
    return Connected(hall, controller, directory)


def connect_municipality(
    database: Database, controller: Controller, atvk: str, links: Mapping[str, str], **columns: Any
) -> None:
    """A directory of that municipality, and who is which of its entries: GUIDs by username."""
    described = description_of(controller, municipality=atvk)
    password = described.pop("password")
    with database.begin() as work:
        directory = add_directory(work, password=password, **described | columns)
        for username, guid in links.items():
            user = work.people.find_user_by_username(username)
            assert user is not None
            directories.link(work, directory, user, guid, work.effects, by="test")


def forgive(controller: Controller) -> None:
    """Nobody has tried a wrong password, and nobody is locked out."""
    ldap = library()
    route = route_to(controller)
    connection = connect_to(route, route.controllers[0], 30)
    connection.simple_bind_s(controller.upn("Administrator"), ADMINISTRATOR_PASSWORD)
    tried = "(&(objectClass=user)(badPwdCount>=1))"
    for dn, _ in connection.search_ext_s(controller.base_dn, ldap.SCOPE_SUBTREE, tried, ["1.1"]):
        if dn is not None:
            connection.modify_s(dn, [(ldap.MOD_REPLACE, "lockoutTime", [b"0"])])
    close(connection)
