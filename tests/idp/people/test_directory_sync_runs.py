"""Reading a municipality's directory: how much is read, by whom, and when it means nothing or too much."""

import socket
import threading
from dataclasses import replace
from typing import Any

import pytest

from idp import worker
from idp.gateways.ldap import probe
from idp.gateways.ldap.changes import Changes
from idp.gateways.ldap.outcomes import DirectoryError, Fault
from idp.models.directory_sync import DirectorySyncRun, RunState
from idp.people.directories import USUAL_ATTRIBUTES
from idp.people.directory_sync import Asked, BusyError, StaleError, SyncError, open_changes
from idp.people.directory_sync_ledger import LEASE_SECONDS, RESUMED_SECONDS
from idp.storage import municipalities
from idp.storage.directory_sync import DirectorySyncStore
from tests.support.actors import Employee, Hall
from tests.support.at_once import at_once
from tests.support.builders import KEKAVA, RIGA, make_database
from tests.support.directories import ACCOUNT_PASSWORD, add_directory, connect, person
from tests.support.directory_sync import Synced, changes_of
from tests.support.relay import relay
from tests.support.samba import Controller

pytestmark = pytest.mark.allow_hosts(["127.0.0.0/8", "::1", "localhost"])


# Reading --------------------------------------------------------------------------------------------------


def test_an_incremental_reading_looks_at_what_changed_alone(synced: Synced, name: str):
    synced.employ_all([person(f"{name}n{number}") for number in range(8)])
    first = synced.run()
    assert first.run.is_full
    assert first.run.entries >= 8
    again = synced.run()
    assert (again.run.is_full, again.run.entries) == (False, 0)
    synced.riga.controller.change({"do": "set", "name": f"{name}n3", "attribute": "sn", "value": "Ozola"})
    changed = synced.run()
    assert changed.run.entries == 2, "in the list of changes, and as it is now"
    assert changes_of(changed) == {(f"{name}n3.ours", "data", "family_name")}


def test_nothing_is_written_to_the_directory(synced: Synced, name: str):
    """Its own count of changes stands still, whatever a reading finds."""
    anna = synced.employs(name)
    synced.run()
    synced.riga.controller.change({"do": "disable", "name": name})
    before = usn_of(synced)
    assert synced.changes() == {(anna.username, "blocked", "disabled")}
    synced.run(full=True)
    synced.run(dry=True)
    assert usn_of(synced) == before


def usn_of(synced: Synced) -> int:
    with open_changes(synced.directory, ACCOUNT_PASSWORD) as changes:
        return changes.source.usn


def test_a_dry_run_tells_everything_and_writes_nothing(mapped: Synced, name: str):
    anna = mapped.riga.employs(name)
    mapped.riga.controller.change({"do": "set", "name": name, "attribute": "sn", "value": "Ozola"})
    outcome = mapped.run(dry=True)
    (step,) = outcome.steps
    assert (step.data, step.give) == ({"family_name": "Ozola"}, ((anna.posts[0].id, "clerk"),))
    for table in ("directory_syncs", "directory_sync_runs", "directory_link_states", "directory_roles"):
        assert mapped.count(table) == 0
    assert mapped.user(anna).family_name == anna.user.family_name
    assert mapped.trail() == []


def test_another_controller_or_another_life_of_one_is_read_from_the_beginning(
    synced: Synced, name: str, monkeypatch: pytest.MonkeyPatch
):
    """Changes are counted by each controller for itself; one put back from a copy counts anew."""
    synced.employs(name)
    synced.run()
    assert not synced.run().run.is_full
    read_source = Changes._read_source
    for other in ("CN=NTDS Settings,CN=DC-OTHER 1", "CN=NTDS Settings,CN=DC-OTHER 2"):
        monkeypatch.setattr(
            Changes,
            "_read_source",
            lambda changes, other=other: replace(read_source(changes), name=other, usn=7),
        )
        assert synced.run().run.is_full
        assert not synced.run().run.is_full


def test_a_new_description_is_read_from_the_beginning(synced: Synced, name: str):
    synced.employs(name)
    synced.run()
    synced.riga.put(sync_minutes=15)
    assert synced.run().run.is_full


@pytest.mark.parametrize(
    "wrong", [{"user_filter": "(cn=nobody)"}, {"base_dns": ["OU=Nav,DC=ad,DC=riga,DC=test"]}]
)
def test_an_empty_answer_is_a_fault_and_nobody_is_gone(synced: Synced, name: str, wrong: dict[str, Any]):
    anna = synced.employs(name)
    synced.run()
    synced.riga.put(**wrong)
    with pytest.raises((SyncError, DirectoryError)):
        synced.run()
    assert not synced.is_blocked(anna)
    assert synced.runs()[0].state == RunState.FAILED
    assert synced.trail().count("directory.sync_failed") == 1
    with pytest.raises((SyncError, DirectoryError)):
        synced.run()
    assert synced.trail().count("directory.sync_failed") == 1, "the same fault is told once"


def test_a_directory_that_does_not_answer_changes_nothing(synced: Synced, name: str):
    anna = synced.employs(name)
    synced.run()
    synced.riga.put(controllers=["127.0.0.1:1"])
    with pytest.raises(DirectoryError):
        synced.run()
    assert not synced.is_blocked(anna)
    for _ in range(2):
        assert synced.runs()[0].state == RunState.FAILED
        assert synced.trail().count("directory.sync_failed") == 1
        with pytest.raises(DirectoryError):
            synced.run()


def test_an_account_that_sees_nobody_any_more_shuts_nobody_out(
    synced: Synced, name: str, monkeypatch: pytest.MonkeyPatch
):
    """Also in a reading of what changed, of which the rights were taken away meanwhile."""
    anna = synced.employs(name)
    synced.run()
    synced.riga.controller.change({"do": "set", "name": name, "attribute": "sn", "value": "Ozola"})
    pages = Changes._pages

    def blind(changes: Changes, base: str, condition: str, *args: Any, **more: Any) -> Any:
        is_list_of_changes = more.get("deleted", False)
        return pages(changes, base, condition, *args, **more) if is_list_of_changes else iter(())

    with monkeypatch.context() as patch:
        patch.setattr(Changes, "_pages", blind)
        with pytest.raises(SyncError):
            synced.run()
    assert not synced.is_blocked(anna)
    assert synced.changes() == {(anna.username, "data", "family_name")}


def test_a_reading_that_was_cut_off_goes_on_from_the_last_page(
    synced: Synced, name: str, monkeypatch: pytest.MonkeyPatch
):
    people = synced.employ_all([person(f"{name}n{number}") for number in range(12)])
    with relay(synced.riga.controller.address, 636) as network:
        monkeypatch.setattr(
            probe, "reach", lambda *_: socket.create_connection(network.listener.getsockname())
        )
        keep = DirectorySyncStore.keep_page

        def cut_after_two_pages(store: DirectorySyncStore, run: DirectorySyncRun, entries: Any) -> None:
            keep(store, run, entries)
            pages.append(run.position)
            if len(pages) == 2:
                network.cut()

        pages: list[int] = []
        monkeypatch.setattr(DirectorySyncStore, "keep_page", cut_after_two_pages)
        with pytest.raises(DirectoryError):
            synced.run()
        (left,) = synced.runs()
        assert (left.state, left.position, left.entries) == (RunState.INTERRUPTED, pages[-1], 10)
        outcome = synced.run()
        whole = synced.run(full=True)
    assert outcome.run.id == left.id
    assert outcome.run.state == RunState.APPLIED
    assert outcome.run.entries <= whole.run.entries + 1, "no page was read twice"
    assert not any(synced.is_blocked(each) for each in people)
    assert synced.count("directory_link_states") == 12


def test_who_moves_while_others_are_read_is_not_taken_for_gone(synced: Synced, name: str):
    """Between two bases: not in the first when that was read, nor in the second."""
    domain = synced.riga.controller
    synced.riga.put(base_dns=[f"OU=Arhīvs,{domain.base_dn}", f"OU=Darbinieki,{domain.base_dn}"])
    synced.employs(f"{name}b", entry={"unit": "Arhīvs"})
    anna = synced.employs(name, entry={"unit": "Darbinieki"})
    moved = []

    def move(what: str, _many: int) -> None:
        if what == "read" and not moved:
            moved.append(domain.change({"do": "move", "name": name, "unit": "Arhīvs"}))

    synced.page_size = 500
    synced.run(full=True, tell=move)
    assert moved
    assert not synced.is_blocked(anna)


# Too many -------------------------------------------------------------------------------------------------


@pytest.fixture
def crowded(synced: Synced, name: str) -> tuple[Synced, list[Employee]]:
    """Twelve people, of whom seven are disabled since they were read."""
    domain = synced.riga.controller
    names = [f"{name}n{number}" for number in range(12)]
    people = synced.employ_all([person(each) for each in names])
    synced.run()
    domain.change(*({"do": "disable", "name": each} for each in names[:7]))
    return synced, people


def test_too_many_at_once_are_held_and_all_else_is_done(crowded: tuple[Synced, list[Employee]], name: str):
    synced, people = crowded
    synced.riga.controller.change({"do": "set", "name": f"{name}n9", "attribute": "sn", "value": "Ozola"})
    outcome = synced.run()
    assert (outcome.run.state, outcome.run.counts) == (RunState.HELD, {"data": 1, "held": 7})
    assert not any(synced.is_blocked(each) for each in people)
    assert synced.user(people[9]).family_name == "Ozola"
    assert "7 of 12 people" in outcome.run.why
    assert synced.trail().count("directory.sync_held") == 1
    again = synced.run()
    assert (len(again.held), again.waits_as) == (7, outcome.run.id), "also when nothing changed since"
    assert [run.state for run in synced.runs()] == [RunState.APPLIED, RunState.HELD, RunState.APPLIED]
    assert synced.trail().count("directory.sync_held") == 1, "which is told once"


def test_an_administrator_confirms_exactly_what_was_held(crowded: tuple[Synced, list[Employee]]):
    synced, people = crowded
    held = synced.run().run
    synced.run(confirms=held.id, by="liga")
    assert [synced.is_blocked(each) for each in people] == [True] * 7 + [False] * 5
    confirmed = next(each for each in synced.runs() if each.id == held.id)
    assert (confirmed.state, confirmed.confirmed_by) == (RunState.CONFIRMED, "liga")
    assert "directory.sync_confirmed" in synced.trail()
    with pytest.raises(StaleError):
        synced.run(confirms=held.id, by="liga")


def test_what_changed_since_is_not_confirmed(crowded: tuple[Synced, list[Employee]], name: str):
    synced, people = crowded
    held = synced.run().run
    synced.riga.controller.change({"do": "disable", "name": f"{name}n8"})
    with pytest.raises(StaleError):
        synced.run(confirms=held.id)
    assert not any(synced.is_blocked(each) for each in people)
    now, before, _ = synced.runs()
    assert (before.id, before.state, now.state) == (held.id, RunState.SUPERSEDED, RunState.HELD)
    synced.run(confirms=now.id)
    assert sum(synced.is_blocked(each) for each in people) == 8


def test_nobody_confirms_a_reading_of_another_directory(crowded: tuple[Synced, list[Employee]]):
    """attack 40"""
    synced, people = crowded
    held = synced.run().run
    with synced.riga.hall.world.database.begin() as work:
        other = add_directory(work, name="Cits", municipality=KEKAVA)
    with pytest.raises(StaleError):
        synced.syncs.run(other, Asked(confirms=held.id))
    assert not any(synced.is_blocked(each) for each in people)


def test_a_hundred_who_confirm_at_once_confirm_once(crowded: tuple[Synced, list[Employee]]):
    synced, people = crowded
    held = synced.run().run
    syncs, directory = synced.syncs, synced.directory

    def confirm(_: int) -> bool:
        try:
            syncs.run(directory, Asked(confirms=held.id))
        except (BusyError, StaleError):
            return False
        return True

    assert at_once(100, confirm).count(True) == 1
    assert synced.trail().count("directory.sync_confirmed") == 1
    assert sum(synced.is_blocked(each) for each in people) == 7


def test_a_few_may_always_leave_and_a_share_given_holds_for_that_reading(
    crowded: tuple[Synced, list[Employee]],
):
    synced, people = crowded
    assert synced.run(share=60).run.state == RunState.APPLIED
    assert sum(synced.is_blocked(each) for each in people) == 7


# Whose turn -----------------------------------------------------------------------------------------------


def test_two_workers_do_not_read_one_directory_at_once(synced: Synced, name: str):
    synced.employs(name)
    syncs, directory, inside = synced.syncs, synced.directory, []

    def meanwhile(_what: str, _many: int) -> None:
        if not inside:
            inside.append("")
            with pytest.raises(BusyError):
                syncs.run(directory, Asked())

    syncs.run(directory, Asked(tell=meanwhile))
    assert inside
    assert len(synced.runs()) == 1


def test_a_worker_whose_lease_lapsed_writes_nothing_more(synced: Synced, hall: Hall, name: str):
    """It was paused; somebody else has read, and it must not put back what that found."""
    anna = synced.employs(name)
    synced.run()
    synced.riga.controller.change({"do": "disable", "name": name})
    syncs, directory, inside = synced.syncs, synced.directory, []

    def paused(_what: str, _many: int) -> None:
        if not inside:
            inside.append("")
            hall.clock.move(LEASE_SECONDS)
            syncs.run(directory, Asked())

    with pytest.raises(BusyError):
        syncs.run(directory, Asked(full=True, tell=paused))
    assert synced.is_blocked(anna)
    assert hall.events(anna).count("directory.person_blocked") == 1


def test_a_directory_is_due_when_its_minutes_are_over(synced: Synced, hall: Hall, name: str):
    assert synced.syncs.list_due() == []
    synced.riga.put(sync_minutes=15)
    assert [each.id for each in synced.syncs.list_due()] == [synced.directory.id]
    synced.run()
    assert synced.syncs.list_due() == []
    hall.clock.move(15 * 60)
    assert len(synced.syncs.list_due()) == 1
    synced.riga.put(enabled=False)
    assert synced.syncs.list_due() == []


# The worker -----------------------------------------------------------------------------------------------


class Looks(threading.Event):
    """Set after so many looks, without waiting in between."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.left = looks

    def wait(self, timeout: float | None = None) -> bool:
        self.left -= 1
        return self.left < 0 or self.is_set()


def test_the_worker_reads_what_is_due_and_one_that_fails_keeps_none_from_it(
    synced: Synced, hall: Hall, name: str
):
    synced.riga.put(sync_minutes=15)
    anna = synced.employs(name, entry={"state": "disabled"})
    with hall.world.database.begin() as work:
        add_directory(work, name="A", sync_minutes=15, controllers=["127.0.0.1:1"])
    worker.read_directories(synced.syncs, Looks(1))
    assert synced.is_blocked(anna)
    assert [run.asked_by for run in synced.runs()] == ["directory-sync"]
    worker.read_directories(synced.syncs, Looks(3))
    assert len(synced.runs()) == 1, "not before its minutes are over"


def test_a_worker_that_is_told_to_stop_leaves_the_reading_to_the_next(
    synced: Synced, hall: Hall, name: str, monkeypatch: pytest.MonkeyPatch
):
    synced.riga.put(sync_minutes=15)
    people = synced.employ_all([person(f"{name}n{number}") for number in range(12)])
    stop = Looks(1)
    keep = DirectorySyncStore.keep_page

    def stop_after_a_page(store: DirectorySyncStore, run: DirectorySyncRun, entries: Any) -> None:
        keep(store, run, entries)
        stop.set()

    with monkeypatch.context() as patch:
        patch.setattr(DirectorySyncStore, "keep_page", stop_after_a_page)
        worker.read_directories(synced.syncs, stop)
    (left,) = synced.runs()
    assert (left.state, left.entries) == (RunState.READING, 5)
    hall.clock.move(15 * 60)
    worker.read_directories(synced.syncs, Looks(1))
    (done,) = synced.runs()
    assert (done.id, done.state) == (left.id, RunState.APPLIED)
    assert not any(synced.is_blocked(each) for each in people)


def test_a_reading_that_was_left_too_long_ago_begins_anew(
    synced: Synced, hall: Hall, name: str, monkeypatch: pytest.MonkeyPatch
):
    synced.employ_all([person(f"{name}n{number}") for number in range(6)])
    keep = DirectorySyncStore.keep_page

    def away(store: DirectorySyncStore, run: DirectorySyncRun, entries: Any) -> None:
        keep(store, run, entries)
        raise DirectoryError(Fault.UNREACHABLE, "no answer in time")

    with monkeypatch.context() as patch:
        patch.setattr(DirectorySyncStore, "keep_page", away)
        with pytest.raises(DirectoryError):
            synced.run()
    hall.clock.move(RESUMED_SECONDS)
    again = synced.run()
    now, before = synced.runs()
    assert (now.id, before.state) == (again.run.id, RunState.FAILED)
    assert synced.count("directory_sync_entries") == 0


# The other database ---------------------------------------------------------------------------------------


def test_all_of_it_on_postgresql(postgres_url: str, riga_domain: Controller, name: str):
    database = make_database(postgres_url)
    with database.begin() as work:
        municipalities.load(work)
    database.dispose()
    hall = Hall(postgres_url)
    synced = Synced(connect(hall, riga_domain, attributes=USUAL_ATTRIBUTES, when_gone="suspend"))
    names = [f"{name}n{number}" for number in range(7)]
    people = synced.employ_all([person(each, given_name="Žanete") for each in names])
    elsewhere = synced.employs(name, municipalities=(RIGA, KEKAVA))
    riga_domain.change({"do": "group", "name": f"{name} group", "members": names})
    synced.riga.put(roles={riga_domain.change()[f"{name} group"]["dn"]: "clerk"})
    assert synced.run().run.counts == {"data": 7, "role_given": 7}
    assert synced.roles(people[0]) == ["clerk"]
    riga_domain.change(*({"do": "disable", "name": each} for each in (*names, name)))
    held = synced.run()
    assert held.run.counts == {"held": 8}
    synced.run(confirms=held.run.id)
    assert [post.municipality for post in synced.posts(elsewhere)] == [KEKAVA]
    assert not any(synced.user(each).is_active for each in people)
    riga_domain.change(*({"do": "enable", "name": each} for each in (*names, name)))
    assert synced.run().run.counts == {"returned": 8}
    assert all(synced.user(each).is_active for each in people)
    assert len(synced.posts(elsewhere)) == 2
    hall.close()
