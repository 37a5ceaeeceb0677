"""The door to a directory, against a real domain controller."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idp.gateways.ldap.door import Door
from idp.gateways.ldap.outcomes import Bind, Change, DirectoryError, Fault
from idp.gateways.ldap.pool import IDLE_SECONDS, LEFT_OUT_SECONDS
from idp.models.directories import Encryption
from tests.support.certificates import Authority
from tests.support.directories import CLERKS, LOCKS_AFTER, PASSWORD, STATES, forgive, person, route_to
from tests.support.relay import relay
from tests.support.samba import Controller

pytestmark = pytest.mark.allow_hosts(["127.0.0.0/8", "::1", "localhost"])
NEW = "Pavisam-jauna-88"
PATIENCE = 0.5
"""Of who knows that no answer comes."""


@pytest.fixture
def door(riga_domain: Controller) -> Iterator[Door]:
    made = Door(route_to(riga_domain))
    yield made
    made.close()


@contextmanager
def silent() -> Iterator[str]:
    """Takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def fault_of(door: Door) -> Fault:
    with pytest.raises(DirectoryError) as caught:
        door.find_by_account_name("anna")
    return caught.value.fault


# Passwords ------------------------------------------------------------------------------------------------


def test_the_right_password_passes(door: Door, riga_domain: Controller):
    assert door.bind(riga_domain.upn("anna"), PASSWORD) is Bind.PASSED


@pytest.mark.parametrize(
    ("name", "password", "expected"),
    [
        ("anna", "wrong", Bind.WRONG_PASSWORD),
        ("nobody", PASSWORD, Bind.WRONG_PASSWORD),
        ("disabled", PASSWORD, Bind.DISABLED),
        ("account_expired", PASSWORD, Bind.ACCOUNT_EXPIRED),
        ("password_expired", PASSWORD, Bind.PASSWORD_EXPIRED),
        ("must_change", PASSWORD, Bind.MUST_CHANGE),
        ("disabled_must_change", PASSWORD, Bind.DISABLED),
    ],
)
def test_each_state_of_an_account_is_told_apart(
    door: Door, riga_domain: Controller, name: str, password: str, expected: Bind
):
    assert door.bind(riga_domain.upn(name), password) is expected


@pytest.mark.parametrize("name", STATES)
def test_who_does_not_know_the_password_learns_nothing_of_the_account(
    door: Door, riga_domain: Controller, name: str
):
    assert door.bind(riga_domain.upn(name), "wrong") is Bind.WRONG_PASSWORD


def test_an_account_is_locked_out_in_the_end(door: Door, riga_domain: Controller):
    riga_domain.change(person("locked"))
    upn = riga_domain.upn("locked")
    assert [door.bind(upn, "wrong") for _ in range(LOCKS_AFTER)] == [Bind.WRONG_PASSWORD] * LOCKS_AFTER
    assert door.bind(upn, PASSWORD) is Bind.LOCKED_OUT
    assert door.lock_out().threshold == LOCKS_AFTER
    forgive(riga_domain)
    assert door.bind(upn, PASSWORD) is Bind.PASSED


def test_an_empty_password_is_never_asked_about(riga_domain: Controller):
    """attack 38: many directories take it for a bind of nobody, which passes."""
    unreachable = Door(route_to(riga_domain, controllers=["127.0.0.1:1"]))
    assert unreachable.bind(riga_domain.upn("anna"), "") is Bind.EMPTY_PASSWORD
    assert unreachable.bind(riga_domain.upn("anna"), "x\x00") is Bind.WRONG_PASSWORD
    assert unreachable.bind(riga_domain.upn("anna"), "\ud800") is Bind.WRONG_PASSWORD


def test_nobody_costs_a_search_and_a_bind_and_is_never_somebody(door: Door, riga_domain: Controller):
    before = door.find_by_account_name("anna")
    for _ in range(LOCKS_AFTER + 1):
        door.bind_nobody("wrong")
    assert door.find_by_account_name("anna") == before
    assert door.bind(riga_domain.upn("anna"), PASSWORD) is Bind.PASSED


# A new password -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["must_change", "password_expired", "fine"])
def test_the_owner_changes_a_password_also_one_that_is_over(door: Door, riga_domain: Controller, state: str):
    name = f"changes_{state}"
    riga_domain.change(person(name, state=state))
    entry = door.find_by_account_name(name)
    assert entry is not None
    assert door.change_password(entry, old="wrong", new=NEW) is Change.WRONG_PASSWORD
    assert door.change_password(entry, old=PASSWORD, new="short") is Change.AGAINST_POLICY
    assert door.change_password(entry, old=PASSWORD, new=PASSWORD) is Change.AGAINST_POLICY
    assert door.change_password(entry, old=PASSWORD, new="") is Change.REFUSED
    assert door.change_password(entry, old=PASSWORD, new=NEW) is Change.CHANGED
    assert door.bind(entry.upn, NEW) is Bind.PASSED


# Who is it ------------------------------------------------------------------------------------------------


def test_an_entry_is_found_by_every_name_and_by_its_immutable_id(door: Door, riga_domain: Controller):
    found = door.find_by_upn(riga_domain.upn("anna"))
    assert found is not None
    assert found.values == {"given_name": "Anna", "family_name": "Bērziņa"}
    assert found.account_name == "anna"
    assert door.find_by_account_name("ANNA") == found
    assert door.find_by_guid(found.guid) == found


def test_who_is_renamed_and_moved_stays_who_they_are(door: Door, riga_domain: Controller):
    guid = riga_domain.change(person("liga", unit="Darbinieki"))["liga"]["guid"]
    riga_domain.change(
        {"do": "move", "name": "liga", "unit": "Arhīvs"},
        {"do": "rename", "name": "liga", "to": "liga.ozola", "upn": riga_domain.upn("liga.ozola")},
    )
    found = door.find_by_guid(guid)
    assert found is not None
    assert found.upn == riga_domain.upn("liga.ozola")
    assert "Arhīvs" in found.dn
    assert door.bind(found.upn, PASSWORD) is Bind.PASSED


def test_a_new_entry_of_the_same_name_is_somebody_else(door: Door, riga_domain: Controller):
    """attack 39"""
    first = riga_domain.change(person("zane"))["zane"]["guid"]
    second = riga_domain.change({"do": "delete", "name": "zane"}, person("zane"))["zane"]["guid"]
    assert first != second
    assert door.find_by_guid(first) is None


def test_nobody_outside_the_bases_is_found(riga_domain: Controller):
    """attack 38"""
    inside = Door(route_to(riga_domain, base_dns=(f"OU=Darbinieki,{riga_domain.base_dn}",)))
    assert inside.find_by_account_name("anna") is not None
    assert inside.find_by_account_name("juris") is None
    assert inside.find_by_account_name("Administrator") is None


def test_a_base_that_is_not_there_finds_nobody(riga_domain: Controller):
    assert Door(route_to(riga_domain, base_dns=("OU=Nav,DC=nav",))).find_by_account_name("anna") is None


def test_groups_within_groups_count(door: Door, riga_domain: Controller):
    group = riga_domain.change()[CLERKS]["dn"]
    anna, juris = door.find_by_account_name("anna"), door.find_by_account_name("juris")
    assert anna is not None
    assert juris is not None
    assert door.in_group(anna, group)
    assert not door.in_group(juris, group)
    assert not door.in_group(juris, f"{group})(objectClass=*")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.text(max_size=40), st.text(alphabet="*()\\\x00|&=!~<>anju", max_size=20)))
def test_nothing_typed_means_anything_in_a_filter(door: Door, typed: str):
    """attack 38: whoever is found has exactly that name."""
    for found in (door.find_by_account_name(typed), door.find_by_upn(typed)):
        assert found is None or typed.casefold() in {found.account_name.casefold(), found.upn.casefold()}


# Whom we talk to ------------------------------------------------------------------------------------------


def test_starttls_is_as_good(riga_domain: Controller):
    door = Door(route_to(riga_domain, encryption=Encryption.STARTTLS))
    assert door.find_by_account_name("anna") is not None
    assert door.bind(riga_domain.upn("anna"), PASSWORD) is Bind.PASSED


@pytest.mark.parametrize("encryption", list(Encryption))
def test_another_authority_is_not_believed_and_hears_no_password(
    riga_domain: Controller, tmp_path: Path, encryption: Encryption
):
    """attack 38"""
    stranger = Authority(tmp_path / "stranger").ca_file.read_text()
    assert fault_of(Door(route_to(riga_domain, ca_pem=stranger, encryption=encryption))) is Fault.UNTRUSTED
    with pytest.raises(DirectoryError) as caught:
        Door(route_to(riga_domain, ca_pem=stranger, encryption=encryption)).bind("anna@x", PASSWORD)
    assert caught.value.fault is Fault.UNTRUSTED
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize("lenient", [("LDAPTLS_REQCERT", "never"), ("LDAPTLS_CACERT", "/dev/null")])
def test_the_environment_weakens_nothing(
    riga_domain: Controller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lenient: tuple[str, str]
):
    monkeypatch.setenv(*lenient)
    stranger = Authority(tmp_path / "stranger").ca_file.read_text()
    assert fault_of(Door(route_to(riga_domain, ca_pem=stranger))) is Fault.UNTRUSTED
    assert Door(route_to(riga_domain)).find_by_account_name("anna") is not None


def test_a_certificate_for_another_name_is_not_believed(riga_domain: Controller):
    with relay(riga_domain.address, 636, at="127.0.0.1") as elsewhere:
        door = Door(route_to(riga_domain, controllers=[elsewhere.address]))
        assert fault_of(door) is Fault.UNTRUSTED


def test_our_own_account_may_be_refused_and_the_password_is_not_told(riga_domain: Controller):
    with pytest.raises(DirectoryError) as caught:
        Door(route_to(riga_domain, password="Nepareiza-parole-1")).find_by_account_name("anna")
    assert caught.value.fault is Fault.ACCOUNT_REFUSED
    assert "Nepareiza" not in str(caught.value)


def test_a_route_keeps_its_password_to_itself(riga_domain: Controller):
    route = route_to(riga_domain)
    assert route.password not in repr(route)
    assert route.password not in repr(Door(route))


# When one is down -----------------------------------------------------------------------------------------


def test_the_next_controller_answers_when_the_first_is_down(riga_domain: Controller):
    door = Door(route_to(riga_domain, controllers=["127.0.0.1:1", riga_domain.address]))
    assert door.bind(riga_domain.upn("anna"), PASSWORD) is Bind.PASSED
    assert door.find_by_account_name("anna") is not None


def test_silence_is_not_waited_for_and_left_out_for_a_while(riga_domain: Controller):
    now = [0.0]
    with silent() as mute:
        door = Door(route_to(riga_domain, controllers=[mute, riga_domain.address]), clock=lambda: now[0])
        assert door.bind(riga_domain.upn("anna"), PASSWORD) is Bind.PASSED
        first, second = door.route.controllers
        assert (door.pool.lets(first, now[0]), door.pool.lets(second, now[0])) == (False, True)
        assert door.pool.lets(first, now[0] + LEFT_OUT_SECONDS)


def test_no_controller_is_unreachable_and_then_so_at_once(riga_domain: Controller):
    with silent() as mute:
        door = Door(route_to(riga_domain, controllers=[mute]), patience=PATIENCE)
        assert fault_of(door) is Fault.UNREACHABLE
        assert list(door.pool.out) == list(door.route.controllers)
        assert fault_of(door) is Fault.UNREACHABLE


def test_a_kept_connection_that_was_cut_is_replaced(riga_domain: Controller):
    with relay(riga_domain.address, 636, at=riga_domain.address) as between:
        door = Door(route_to(riga_domain, controllers=[between.address]))
        assert door.find_by_account_name("anna") is not None
        between.cut()
        assert door.find_by_account_name("anna") is not None


def test_a_controller_that_falls_silent_is_not_waited_for(riga_domain: Controller):
    with relay(riga_domain.address, 636, at=riga_domain.address) as between:
        door = Door(route_to(riga_domain, controllers=[between.address]))
        door.greet()
        door.patience = PATIENCE
        between.frozen = True
        assert fault_of(door) is Fault.UNREACHABLE
        assert list(door.pool.out) == list(door.route.controllers)


def test_who_has_no_upn_binds_by_their_dn(door: Door, riga_domain: Controller):
    riga_domain.change(person("no_upn"), {"do": "unset", "name": "no_upn", "attribute": "userPrincipalName"})
    entry = door.find_by_account_name("no_upn")
    assert entry is not None
    assert entry.binds_as == entry.dn
    assert door.bind(entry.binds_as, PASSWORD) is Bind.PASSED
    assert door.bind(entry.binds_as, "wrong") is Bind.WRONG_PASSWORD


def test_a_connection_that_was_idle_for_long_is_not_used_again(riga_domain: Controller):
    now = [0.0]
    door = Door(route_to(riga_domain), clock=lambda: now[0])
    door.greet()
    (kept,) = door.pool._kept
    door.greet()
    assert door.pool._kept == [kept]
    now[0] += IDLE_SECONDS + 1
    door.greet()
    assert door.pool._kept != [kept]
