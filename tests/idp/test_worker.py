"""Background jobs: what they remove, when keys rotate, and that the worker stops when it is told to."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from idp import worker
from idp.crypto import Sealer
from idp.effects import Effects
from idp.models.clients import InitialAccessToken
from idp.models.contacts import ContactAddress
from idp.models.keys import KeyState
from idp.models.mails import Mail
from idp.models.people import User
from idp.models.sessions import BrowserSession
from idp.oidc.keys import KeyRing
from idp.storage import migrate
from idp.storage.open import Storage, open_storage
from idp.storage.outbox import State, state_of
from idp.storage.vault import Vault

DAY = 86400.0


class House:
    def __init__(self, database_url: str) -> None:
        self.now = 1_700_000_000.0
        self.effects = Effects(now=lambda: self.now)
        vault = Vault(Sealer([b"k" * 32], self.effects), self.effects)
        migrate.upgrade(database_url)
        self.storage: Storage = open_storage(database_url, None, vault, self.effects)
        self.keys = KeyRing(self.storage.database, vault, self.effects)
        self.jobs = worker.Jobs(self.storage, self.keys, self.effects, session_idle_seconds=3600)

    def session(self, name: str, *, expires_at: float, ended_at: float | None = None) -> None:
        with self.storage.database.begin() as work:
            work.sessions.add(
                BrowserSession(
                    id=name,
                    token_hash=name,
                    user_id="anna",
                    created_at=0,
                    last_seen_at=0,
                    expires_at=expires_at,
                    proofs=[],
                    ended_at=ended_at,
                )
            )

    def states(self) -> dict[str, str]:
        with self.storage.database.read() as work:
            return {key.kid: key.state for key in work.keys.signing_keys()}


@pytest.fixture
def house(database_url: str) -> Iterator[House]:
    made = House(database_url)
    yield made
    made.storage.database.dispose()


def test_room_is_freed_of_what_expired_and_of_nothing_else(house: House) -> None:
    with house.storage.database.begin() as work:
        work.people.add_user(User(id="anna", username="anna", created_at=0, updated_at=0))
    house.session("expired long ago", expires_at=house.now - 8 * DAY)
    house.session("ended long ago", expires_at=house.now + DAY, ended_at=house.now - 8 * DAY)
    house.session("expired today", expires_at=house.now - 60)
    house.session("alive", expires_at=house.now + DAY)
    house.storage.shelf.put("kind", "gone", {}, expires_at=house.now - 1)
    house.storage.shelf.put("kind", "there", {}, expires_at=house.now + 60)
    with house.storage.database.begin() as work:
        for token, expires_at in (("over", house.now - 1), ("good", house.now + 60)):
            work.initial_tokens.add(
                InitialAccessToken(
                    token_hash=token, note="", created_at=0.0, expires_at=expires_at, uses_left=1
                )
            )
    kinds = (
        *("shelf", "throttle", "sessions", "token_families", "initial_access_tokens", "logout_notices"),
        *("mails", "contact_addresses", "enrolment_tickets", "remembered_computers", "identity_checks"),
        *("vouching_requests", "directory_arrivals", "invitations", "directory_sync_runs"),
    )
    nothing = dict.fromkeys(kinds, 0)
    assert house.jobs.free_room() == {**nothing, "shelf": 1, "sessions": 2, "initial_access_tokens": 1}
    assert house.jobs.free_room() == nothing
    assert house.storage.shelf.find("kind", "there") is not None
    with house.storage.database.read() as work:
        assert work.sessions.find_by_token("alive") is not None
        assert work.sessions.find_by_token("expired today") is not None


def test_mail_that_waited_for_days_is_given_up_and_what_is_done_goes(house: House) -> None:
    def mail(name: str, **columns: float) -> Mail:
        values = {"created_at": house.now, "next_at": house.now, **columns}
        return Mail(id=name, user_id="anna", kind="notice", about="x", address="a@example.lv", **values)

    with house.storage.database.begin() as work:
        work.mails.add(mail("stale", next_at=house.now - 3 * DAY - 1))
        work.mails.add(mail("waits", next_at=house.now - 3 * DAY + 1))
        work.mails.add(mail("retried", created_at=house.now - 9 * DAY))
        work.mails.add(mail("arrived", delivered_at=house.now - 8 * DAY))
        work.mails.add(mail("dead", given_up_at=house.now - 29 * DAY))
    assert house.jobs.free_room()["mails"] == 1
    with house.storage.database.read() as work:
        states = {each.id: state_of(each) for each in work.mails.list_mails(now=house.now)}
    assert states == {
        "stale": State.GIVEN_UP,
        "dead": State.GIVEN_UP,
        "waits": State.WAITING,
        "retried": State.WAITING,
    }
    house.now += 30 * DAY - 1
    assert house.jobs.free_room()["mails"] == 1


def test_an_address_nobody_confirmed_goes_a_week_after_its_link(house: House) -> None:
    contact = ContactAddress(
        id="c", user_id="anna", address="a@x.lv", mailbox="a@x.lv", created_at=0.0, link_expires_at=house.now
    )
    with house.storage.database.begin() as work:
        work.people.add_user(User(id="anna", username="anna", created_at=0, updated_at=0))
        work.contacts.add(contact)
    house.now += 7 * DAY
    assert house.jobs.free_room()["contact_addresses"] == 0
    house.now += 1
    assert house.jobs.free_room()["contact_addresses"] == 1


def test_more_than_a_batch_is_removed(house: House) -> None:
    with house.storage.database.begin() as work:
        work.people.add_user(User(id="anna", username="anna", created_at=0, updated_at=0))
    for number in range(520):
        house.session(f"s{number}", expires_at=1.0)
    assert house.jobs.free_room()["sessions"] == 520


def test_keys_rotate_when_the_next_have_waited_for_ninety_days(house: House) -> None:
    assert house.jobs.rotate_keys_when_due() is False  # there are none yet
    house.keys.reload()
    first = house.states()
    house.now += 89 * DAY
    assert house.jobs.rotate_keys_when_due() is False
    house.now += 2 * DAY
    assert house.jobs.rotate_keys_when_due() is True
    after = house.states()
    for kid, state in first.items():
        assert after[kid] == {"active": "retired", "next": "active"}[state]
    assert house.jobs.rotate_keys_when_due() is False
    assert list(after.values()).count(KeyState.NEXT.value) == 2


def test_of_two_workers_at_once_one_rotates(house: House) -> None:
    house.keys.reload()
    house.now += 91 * DAY
    house.storage.shelf.add("worker-claim", "rotate-keys", {}, expires_at=house.now + DAY)
    assert house.jobs.rotate_keys_when_due() is False


def test_jobs_are_on_the_schedule(house: House, tmp_path: Path) -> None:
    on = worker.queue(f"sqlite:///{tmp_path / 'visvaris.sqlite3'}", None)
    worker.schedule(house.jobs, on)
    names = {type(task).__name__ for task in on._registry.periodic_tasks}
    assert names == {
        "free_room",
        "rotate_keys_when_due",
        "warn_of_old_metadata",
        "end_shared_sessions",
        "look_at_directories",
    }
    assert (tmp_path / "visvaris.jobs.sqlite3").exists()
    on.storage.close()


def test_a_list_of_authenticators_past_its_day_is_warned_of(
    house: House,
) -> None:
    assert not house.jobs.warn_of_old_metadata(), "nobody loaded one"
    with house.storage.database.begin() as work:
        work.authenticators.accept_blob(number=7, next_update=house.now, at=house.now)
    assert not house.jobs.warn_of_old_metadata()
    house.now += DAY
    assert house.jobs.warn_of_old_metadata()


def test_the_queue_is_on_redis_where_there_is_one(redis_url: str) -> None:
    on = worker.queue("postgresql+psycopg://u@h/d", redis_url)
    assert on.pending_count() == 0
    on.storage.conn.connection_pool.disconnect()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_the_worker_starts_and_stops_cleanly(sqlite_url: str, how: signal.Signals) -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("IDP_")},
        "IDP_DATABASE_URL": sqlite_url,
        "IDP_MASTER_KEYS": "a" * 43,
    }
    migrate.upgrade(sqlite_url)
    process = subprocess.Popen(
        [sys.executable, "-m", "idp.cli", "worker"],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = ""
    deadline = time.monotonic() + 20
    while "worker started" not in said and time.monotonic() < deadline:
        said += process.stderr.readline()
    time.sleep(0.3)
    process.send_signal(how)
    _, rest = process.communicate(timeout=15)
    assert process.returncode == 0, said + rest
    assert "worker stopped" in said + rest
    assert "Traceback" not in said + rest
