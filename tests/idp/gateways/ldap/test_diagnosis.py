"""What an administrator is told of the way to their directory, step by step."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from idp.gateways.ldap.diagnosis import Asked, Step, StepName, diagnose
from idp.gateways.ldap.door import Door
from idp.gateways.ldap.outcomes import DirectoryError, Fault
from idp.gateways.ldap.route import Route
from idp.models.directories import Encryption
from tests.support.certificates import Authority, Issued
from tests.support.directories import CLERKS, LOCKS_AFTER, PASSWORD, route_to
from tests.support.relay import relay
from tests.support.samba import Controller

pytestmark = pytest.mark.allow_hosts(["127.0.0.0/8", "::1", "localhost"])
CAREFUL = Asked(attempts=LOCKS_AFTER - 1, attempt_minutes=30)


@contextmanager
def shows(issued: Issued) -> Iterator[str]:
    """A server that shows this certificate to whoever asks, and has nothing more to say."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)

    def serve() -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            with near, suppress(OSError), context.wrap_socket(near, server_side=True):
                pass

    with socket.create_server(("127.0.0.1", 0), backlog=16) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def last(route: Route, asked: Asked = CAREFUL) -> Step:
    return list(diagnose(route, asked))[-1]


@pytest.mark.parametrize("encryption", list(Encryption))
def test_all_steps_are_gone_when_all_works(riga_domain: Controller, encryption: Encryption):
    group = riga_domain.change()[CLERKS]["dn"]
    asked = Asked(person=riga_domain.upn("anna"), groups=(group,), attempts=3, attempt_minutes=30)
    steps = list(diagnose(route_to(riga_domain, encryption=encryption), asked))
    assert [step.name for step in steps] == list(StepName)
    assert all(step.works for step in steps)
    assert "objectGUID" in steps[-2].told
    assert steps[-1].told == "A member."


def test_a_name_that_nobody_knows(riga_domain: Controller, monkeypatch: pytest.MonkeyPatch):
    def nobody_knows(*_: object, **__: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody_knows)
    step = last(route_to(riga_domain, controllers=["dc9.ad.riga.test"]))
    assert (step.name, step.works) == (StepName.NAME, False)
    assert "dc9.ad.riga.test is not known here" in step.told


def test_a_port_where_nothing_listens(riga_domain: Controller):
    step = last(route_to(riga_domain, controllers=["127.0.0.1:1"]))
    assert (step.name, step.works) == (StepName.PORT, False)
    assert "Nothing listens on port 1" in step.told


def test_a_certificate_of_another_authority(riga_domain: Controller, tmp_path: Path):
    stranger = Authority(tmp_path / "stranger").ca_file.read_text()
    step = last(route_to(riga_domain, ca_pem=stranger))
    assert (step.name, step.works) == (StepName.TLS, False)
    assert "Is the CA certificate given here the one" in step.told


def test_a_certificate_that_has_expired(riga_domain: Controller):
    expired = riga_domain.authority.expired_server("127.0.0.1")
    with shows(expired) as address:
        step = last(route_to(riga_domain, controllers=[address]))
        with pytest.raises(DirectoryError) as caught:
            Door(route_to(riga_domain, controllers=[address])).bind("anna", PASSWORD)
    assert (step.name, step.works) == (StepName.TLS, False)
    assert "Give the controller a new certificate." in step.told
    assert caught.value.fault is Fault.UNTRUSTED


def test_a_certificate_for_another_name(riga_domain: Controller):
    with relay(riga_domain.address, 636) as elsewhere:
        step = last(route_to(riga_domain, controllers=[elsewhere.address]))
    assert (step.name, step.works) == (StepName.TLS, False)
    assert "must name 127.0.0.1" in step.told


def test_a_port_that_does_not_speak_tls(riga_domain: Controller):
    step = last(route_to(riga_domain, controllers=[f"{riga_domain.address}:389"]))
    assert (step.name, step.works) == (StepName.TLS, False)


def test_our_account_is_not_let_in(riga_domain: Controller):
    step = last(route_to(riga_domain, account=riga_domain.upn("nobody")))
    assert (step.name, step.works) == (StepName.ACCOUNT, False)
    assert "does not let our account in" in step.told


def test_a_base_that_is_not_there_and_a_filter_that_finds_nobody(riga_domain: Controller):
    steps = list(diagnose(route_to(riga_domain, base_dns=("OU=Nav,DC=nav",)), CAREFUL))
    assert [step.works for step in steps if step.name is StepName.SEARCH] == [False]
    steps = list(diagnose(route_to(riga_domain, user_filter="(cn=nobody)"), CAREFUL))
    assert [step.told for step in steps if not step.works] == ["The filter finds nobody here. Check both."]


@pytest.mark.parametrize(("attempts", "minutes"), [(LOCKS_AFTER, 30), (3, 29)])
def test_as_many_attempts_as_lock_somebody_out(riga_domain: Controller, attempts: int, minutes: int):
    step = last(route_to(riga_domain), Asked(attempts=attempts, attempt_minutes=minutes))
    assert (step.name, step.works) == (StepName.LOCK_OUT, False)
    assert f"at most {LOCKS_AFTER - 1} attempts" in step.told


@pytest.mark.parametrize("name", ["nobody", "*", "disabled"])
def test_a_person_who_cannot_sign_in(riga_domain: Controller, name: str):
    step = last(route_to(riga_domain), Asked(person=name, attempts=3, attempt_minutes=30))
    assert (step.name, step.works) == (StepName.PERSON, False)


def test_one_controller_that_is_down_is_told_and_the_next_asked(riga_domain: Controller):
    steps = list(diagnose(route_to(riga_domain, controllers=["127.0.0.1:1", riga_domain.address]), CAREFUL))
    assert [step.name for step in steps if not step.works] == [StepName.PORT]
    assert steps[-1].name is StepName.LOCK_OUT
