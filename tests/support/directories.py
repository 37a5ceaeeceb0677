"""A municipality's directory for tests: a real domain controller with people in every state."""

from typing import Any

from idp.gateways.ldap.route import Route, controllers_of
from idp.models.directories import Directory, Encryption
from idp.storage.work import Work
from tests.support.builders import RIGA
from tests.support.samba import Controller

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
