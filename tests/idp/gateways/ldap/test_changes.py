"""Reading many entries page by page, against a real domain controller."""

import socket
from collections.abc import Iterator
from itertools import count, pairwise
from typing import Any

import pytest

from idp.gateways.ldap import probe
from idp.gateways.ldap.changes import Changes, Found, instant_of
from idp.gateways.ldap.door import Door
from idp.gateways.ldap.outcomes import DirectoryError, Fault
from tests.support.directories import ENTRIES, person, route_to
from tests.support.relay import relay
from tests.support.samba import ADMINISTRATOR_PASSWORD, Controller

pytestmark = pytest.mark.allow_hosts(["127.0.0.0/8", "::1", "localhost"])
DATA = ("given_name", "family_name", "person_code")
_names = count()


@pytest.fixture
def name() -> str:
    """Of nobody in the directory yet."""
    return f"changes{next(_names)}"


@pytest.fixture
def changes(riga_domain: Controller) -> Iterator[Changes]:
    with opened(riga_domain) as made:
        yield made


def called(found: Found) -> str:
    return found.entry.dn.partition(",")[0].removeprefix("CN=")


def opened(controller: Controller, **changed: Any) -> Changes:
    return Changes(Door(route_to(controller, **changed)), DATA, page_size=3)


def test_everybody_is_read_once_in_small_pages_in_the_order_of_their_changes(
    changes: Changes, riga_domain: Controller
):
    pages = list(changes.people(riga_domain.base_dn, since=0))
    assert all(len(page.found) <= 3 for page in pages)
    assert all(before.position < after.position for before, after in pairwise(pages))
    names = [called(found) for page in pages for found in page.found]
    assert len(names) == len(set(names))
    assert {each["name"] for each in ENTRIES if each["do"] == "user"} <= set(names)
    rest = list(changes.people(riga_domain.base_dn, since=pages[1].position))
    assert [called(found) for page in rest for found in page.found] == names[5:]


def test_what_is_read_of_an_entry(changes: Changes, riga_domain: Controller):
    found = {
        called(each): each for page in changes.people(riga_domain.base_dn, since=0) for each in page.found
    }
    assert found["anna"].entry.values == {"given_name": "Anna", "family_name": "Bērziņa"}
    assert (found["anna"].entry.is_disabled, found["anna"].expires_at) == (False, None)
    assert found["disabled_must_change"].entry.is_disabled
    assert not found["must_change"].entry.is_disabled
    assert found["account_expired"].expires_at == 0.0


@pytest.mark.parametrize(
    ("ticks", "instant"), [(0, None), (2**63 - 1, None), (116_444_736_000_000_000, 0.0), (1, -11_644_473_600)]
)
def test_when_an_account_expires(ticks: int, instant: float | None):
    assert instant_of(ticks) == pytest.approx(instant)


def test_what_changed_since_is_told_wherever_it_is_now(riga_domain: Controller, name: str):
    guid = riga_domain.change(person(name, unit="Darbinieki"))[name]["guid"]
    inside = f"OU=Darbinieki,{riga_domain.base_dn}"
    with opened(riga_domain, base_dns=(inside,)) as before:
        known = before.source.usn
        assert [found.entry.guid for (found,) in before.by_guid([guid])] == [guid]
        assert list(before.changed(since=known + 1)) == []
    riga_domain.change({"do": "move", "name": name, "unit": "Arhīvs"})
    with opened(riga_domain, base_dns=(inside,)) as after:
        assert after.source.name == before.source.name
        (page,) = after.changed(since=known + 1)
        assert (page.guids, page.position) == ((guid,), after.source.usn)
        assert [found for page in after.by_guid([guid]) for found in page] == []


def test_what_is_deleted_is_told_to_an_account_that_may_see_it(riga_domain: Controller, name: str):
    guid = riga_domain.change(person(name))[name]["guid"]
    with opened(riga_domain) as before:
        known = before.source.usn
    riga_domain.change({"do": "delete", "name": name})
    with opened(riga_domain) as ours:
        assert list(ours.changed(since=known + 1)) == []
    administrator = {"account": riga_domain.upn("Administrator"), "password": ADMINISTRATOR_PASSWORD}
    with opened(riga_domain, **administrator) as theirs:
        assert guid in {each for page in theirs.changed(since=known + 1) for each in page.guids}


def test_members_are_those_of_groups_within_too(riga_domain: Controller, changes: Changes, name: str):
    """Also in a circle."""
    found = riga_domain.change(
        person(name),
        person(f"{name}b"),
        {"do": "group", "name": f"{name} i", "members": [name]},
        {"do": "group", "name": f"{name} o", "members": [f"{name} i", f"{name}b"]},
        {"do": "members", "name": f"{name} i", "members": [f"{name} o"]},
    )
    outer, inner = found[f"{name} o"]["dn"], found[f"{name} i"]["dn"]
    within = changes.groups_within(outer)
    assert within is not None
    assert set(within) == {outer, inner}
    assert changes.members_of(outer) == {found[f"{name}b"]["guid"]}
    assert changes.members_of(inner) == {found[name]["guid"]}
    assert changes.has_changed_groups(since=0)
    assert not changes.has_changed_groups(since=changes.source.usn + 10**6)


@pytest.mark.parametrize("dn", ["CN=Nav,DC=ad,DC=riga,DC=test", "CN=*)(cn=*,DC=nav", "nothing"])
def test_a_group_that_is_not_there(changes: Changes, dn: str):
    """attack 38"""
    assert changes.groups_within(dn) is None


def test_a_base_that_is_not_there_is_no_empty_answer(changes: Changes):
    with pytest.raises(DirectoryError) as caught:
        list(changes.people("OU=Nav,DC=ad,DC=riga,DC=test", since=0))
    assert caught.value.fault is Fault.BROKEN


def test_who_may_not_read_whether_people_are_disabled_reads_nobody(
    changes: Changes, riga_domain: Controller, monkeypatch: pytest.MonkeyPatch
):
    pages = changes._pages

    def hidden(*args: Any, **more: Any) -> Any:
        for rows in pages(*args, **more):
            yield [(dn, {k: v for k, v in cells.items() if k != "userAccountControl"}) for dn, cells in rows]

    monkeypatch.setattr(changes, "_pages", hidden)
    with pytest.raises(DirectoryError, match="userAccountControl"):
        list(changes.people(riga_domain.base_dn, since=0))


def test_pages_out_of_order_are_a_fault(
    changes: Changes, riga_domain: Controller, monkeypatch: pytest.MonkeyPatch
):
    """Whoever goes on from a position would never see what came before it."""
    pages = changes._pages
    monkeypatch.setattr(changes, "_pages", lambda *args, **more: reversed(list(pages(*args, **more))))
    with pytest.raises(DirectoryError, match="out of order"):
        list(changes.people(riga_domain.base_dn, since=0))


def test_a_page_that_does_not_come_is_waited_for_no_longer_than_any_answer(
    riga_domain: Controller, monkeypatch: pytest.MonkeyPatch
):
    with relay(riga_domain.address, 636) as network:
        target = network.listener.getsockname()
        monkeypatch.setattr(probe, "reach", lambda *_: socket.create_connection(target))
        with opened(riga_domain) as changes:
            pages = changes.people(riga_domain.base_dn, since=0)
            next(pages)
            changes._seconds = 0.3
            network.frozen = True
            with pytest.raises(DirectoryError, match="in time") as caught:
                next(pages)
    assert caught.value.fault is Fault.UNREACHABLE


def test_a_connection_that_is_cut_is_told_as_such(riga_domain: Controller, monkeypatch: pytest.MonkeyPatch):
    with relay(riga_domain.address, 636) as network:
        target = network.listener.getsockname()
        monkeypatch.setattr(probe, "reach", lambda *_: socket.create_connection(target))
        with opened(riga_domain) as changes:
            pages = changes.people(riga_domain.base_dn, since=0)
            next(pages)
            network.cut()
            with pytest.raises(DirectoryError) as caught:
                next(pages)
    assert caught.value.fault is Fault.UNREACHABLE
