"""Our own account let in by Kerberos, with a keytab, by a controller that gives tickets."""

import base64
import os
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from idp.gateways.ldap import account, probe
from idp.gateways.ldap.diagnosis import Asked, StepName, diagnose
from idp.gateways.ldap.door import Door
from idp.gateways.ldap.outcomes import Bind, Change, DirectoryError, Fault
from idp.gateways.ldap.route import Route
from idp.models.directories import Binding, Encryption
from tests.support.at_once import at_once
from tests.support.directories import PASSWORD, person, route_to
from tests.support.samba import Controller, another_controller

pytestmark = pytest.mark.allow_hosts(["127.0.0.0/8", "::1", "localhost"])
HOST = "dc-riga.ad.riga.test"
NEW = "Pavisam-jauna-88"


@pytest.fixture(scope="module")
def kdc(_riga_domain: Controller) -> Iterator[Controller]:
    changes = [
        {"do": "service", "of": "DC-RIGA$", "name": f"ldap/{HOST}"},
        person("changes_by_ticket"),
    ]
    with another_controller(_riga_domain, changes=changes, host=HOST) as controller:
        yield controller


@pytest.fixture(scope="module")
def keytab(kdc: Controller, tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("keytab") / "visvaris.keytab"
    kdc.change({"do": "keytab", "name": "visvaris", "file": str(file)})
    return base64.b64encode(file.read_bytes()).decode()


@pytest.fixture(scope="module", autouse=True)
def _kerberos_as_before() -> Iterator[None]:
    """What a process is told of realms it keeps; here others come after."""
    before = os.environ.get("KRB5_CONFIG")
    yield
    account._configuration.clear()
    account._realms.clear()
    os.environ.pop("KRB5_CONFIG", None)
    if before is not None:
        os.environ["KRB5_CONFIG"] = before


@pytest.fixture(autouse=True)
def _name_is_known(kdc: Controller, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the municipality's name server said so."""
    ask = socket.getaddrinfo

    def answers(host: Any, *more: Any, **named: Any) -> Any:
        return ask(kdc.address if host == HOST else host, *more, **named)

    monkeypatch.setattr(probe.socket, "getaddrinfo", answers)


def route_by(keytab: str, kdc: Controller, **changed: Any) -> Route:
    return route_to(
        kdc,
        controllers=[HOST],
        **{"bind": Binding.GSSAPI, "password": keytab, "realm": kdc.realm.lower(), **changed},
    )


@pytest.mark.parametrize("encryption", list(Encryption))
def test_it_is_let_in_and_finds_people(kdc: Controller, keytab: str, encryption: Encryption):
    door = Door(route_by(keytab, kdc, encryption=encryption))
    found = door.find_by_account_name("anna")
    assert found is not None
    assert door.bind(found.upn, PASSWORD) is Bind.PASSED
    assert door.bind(found.upn, "wrong") is Bind.WRONG_PASSWORD
    door.close()


def test_a_password_is_changed_by_it(kdc: Controller, keytab: str):
    door = Door(route_by(keytab, kdc))
    found = door.find_by_account_name("changes_by_ticket")
    assert found is not None
    assert door.change_password(found, old=PASSWORD, new=NEW) is Change.CHANGED
    assert door.bind(found.upn, NEW) is Bind.PASSED
    door.close()


def test_all_steps_of_the_way_work(kdc: Controller, keytab: str):
    steps = list(diagnose(route_by(keytab, kdc), Asked(attempts=3, attempt_minutes=30)))
    assert all(step.works for step in steps), steps
    assert StepName.ACCOUNT in {step.name for step in steps}


def test_threads_get_their_tickets_at_once(kdc: Controller, keytab: str):
    door = Door(route_by(keytab, kdc))
    at_once(8, lambda _: door.greet())
    door.close()


def test_a_keytab_of_another_key_is_refused_and_not_told(kdc: Controller, keytab: str):
    raw = base64.b64decode(keytab)
    for head, length in ((b"\x00\x12\x00\x20", 32), (b"\x00\x11\x00\x10", 16), (b"\x00\x17\x00\x10", 16)):
        raw = re.sub(re.escape(head) + b"." * length, head + b"\x07" * length, raw, flags=re.DOTALL)
    wrong = base64.b64encode(raw).decode()
    stranger = Door(route_by(wrong, kdc))
    with pytest.raises(DirectoryError) as caught:
        stranger.greet()
    assert caught.value.fault is Fault.ACCOUNT_REFUSED
    assert "Preauthentication failed" in caught.value.told
    assert wrong[40:80] not in repr(caught.value) + repr(stranger)
    Door(route_by(keytab, kdc)).greet()


def test_an_account_that_is_not_in_the_keytab_is_refused(kdc: Controller, keytab: str):
    stranger = Door(route_by(keytab, kdc, account="nobody@ad.riga.test"))
    with pytest.raises(DirectoryError) as caught:
        stranger.greet()
    assert caught.value.fault is Fault.ACCOUNT_REFUSED


def test_a_controller_that_is_no_service_of_the_realm_is_said_so(kdc: Controller, keytab: str):
    by_address = Door(route_to(kdc, bind=Binding.GSSAPI, password=keytab, realm=kdc.realm))
    with pytest.raises(DirectoryError) as caught:
        by_address.greet()
    assert caught.value.fault is Fault.ACCOUNT_REFUSED
    assert "Server not found" in caught.value.told


def test_where_nobody_gives_tickets_there_is_no_answer(riga_domain: Controller, keytab: str):
    with another_controller(riga_domain) as none:
        door = Door(route_to(none, bind=Binding.GSSAPI, password=keytab, realm=none.realm))
        with pytest.raises(DirectoryError) as caught:
            door.greet()
    assert caught.value.fault is Fault.UNREACHABLE


def test_who_waits_for_a_ticket_goes_away_in_time(
    kdc: Controller, keytab: str, monkeypatch: pytest.MonkeyPatch
):
    over = threading.Event()
    monkeypatch.setattr(account, "_converse", lambda *_: over.wait())
    door = Door(route_by(keytab, kdc), patience=4.0)
    with pytest.raises(DirectoryError, match="no ticket in time"):
        door.greet()
    over.set()


@pytest.mark.parametrize(
    ("encoded", "fault"),
    [
        ("!", "it must be a keytab file in base64"),
        (base64.b64encode(b"\x05\x02").decode(), "it is no keytab"),
        (base64.b64encode(b"no keytab").decode(), "it is no keytab"),
        (base64.b64encode(b"\x05\x02\x00\x00").decode(), None),
    ],
)
def test_what_is_no_keytab_is_refused(encoded: str, fault: str | None):
    assert account.keytab_fault(encoded) == fault


def test_nothing_of_a_keytab_is_in_a_file(kdc: Controller, keytab: str, tmp_path: Path):
    door = Door(route_by(keytab, kdc))
    door.greet()
    door.close()
    assert account._configuration
    assert "password" not in account._krb5_conf(account._realms)
    assert list(tmp_path.iterdir()) == []
