"""Background jobs on huey: frees room, and rotates signing keys when their time has come. Beside them, loops
that tell applications of sessions that ended, deliver mail, since huey knows nothing under a minute, and read
directories, which may take as long as they take.

The queue is a SQLite file beside the database, or Redis where `IDP_REDIS_URL` is set. Jobs may run twice, or
on several machines at once, and do no harm; what must happen once is claimed on the Shelf. What must not be
lost is never only a job: it is a row, written with its cause.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final

import structlog
from huey import Huey, RedisHuey, SqliteHuey, crontab

from idp.effects import Effects
from idp.errors import StorageUnavailableError
from idp.gateways.ldap.outcomes import DirectoryError
from idp.login.sessions import end_shared_that_are_over
from idp.models.directories import Directory
from idp.models.keys import KeyState
from idp.oidc.backchannel import BackchannelLogout
from idp.oidc.keys import KeyRing
from idp.people.directory_sync import Asked, BusyError, DirectorySyncs, SyncError
from idp.people.directory_sync_reading import Tell
from idp.people.directory_watch import DirectoryWatch
from idp.people.mailing import Mailing
from idp.storage.connections import parse_url, sqlite_file
from idp.storage.housekeeping import (
    remove_old_families,
    remove_old_initial_tokens,
    remove_old_sessions,
)
from idp.storage.open import Storage
from idp.storage.work import Work

DAY: Final = 86400.0
SESSIONS_KEPT: Final = 7 * DAY
FAMILIES_KEPT: Final = 7 * DAY
KEYS_ROTATE_AFTER: Final = 90 * DAY
DELIVERED_KEPT: Final = 7 * DAY
GIVEN_UP_KEPT: Final = 30 * DAY
TICKETS_KEPT: Final = 30 * DAY
ARRIVALS_KEPT: Final = 90 * DAY
"""Who waits to be linked, after they came last."""
INVITATIONS_KEPT: Final = 30 * DAY
CHECKS_KEPT: Final = 7 * DAY
"""Of documents, after they expired: shorter, for what stood in an unused one is still in it."""
READINGS_KEPT: Final = 90 * DAY
LOOK_SECONDS: Final = 1.0
"""A notice, or a mail, is on its way at most so long after its cause."""
DIRECTORY_LOOK_SECONDS: Final = 10.0
MAIL_STALE_AFTER: Final = 3 * DAY
ABANDONED_KEPT: Final = 7 * DAY
"""An address that nobody confirmed, after its link expired."""
UNUSED_VOUCHING_KEPT: Final = 7 * DAY
USED_VOUCHING_KEPT: Final = 60 * DAY
"""More than those who were vouched for wait before they may vouch (`people/vouching_rules.py`)."""
_SENDERS: Final = 8
"""Applications told at once; one that is slow to answer keeps one of them busy."""
_NAME: Final = "visvaris"
_CLAIM: Final = "worker-claim"

_log = structlog.get_logger("visvaris.worker")


class Jobs:
    def __init__(
        self, storage: Storage, keys: KeyRing, effects: Effects, *, session_idle_seconds: float
    ) -> None:
        self._storage = storage
        self._keys = keys
        self._effects = effects
        self._session_idle_seconds = session_idle_seconds
        self._directories = DirectoryWatch(storage.database, effects)

    def free_room(self) -> dict[str, int]:
        """How many rows of each kind were removed."""
        now = self._effects.now()
        if stale := self._batches(_give_up_stale_mails, now):
            _log.error("mails given up: a relay is missing, or was away for days", mails=stale)
        removed = {
            "shelf": self._storage.shelf.purge(now),
            "throttle": self._storage.throttle.purge(now),
            "sessions": self._batches(remove_old_sessions, now - SESSIONS_KEPT),
            "token_families": self._batches(remove_old_families, now - FAMILIES_KEPT),
            "initial_access_tokens": self._batches(remove_old_initial_tokens, now),
            "logout_notices": self._batches(_remove_old_notices, now),
            "remembered_computers": self._batches(_remove_old_computers, now),
            "enrolment_tickets": self._batches(_remove_old_tickets, now - TICKETS_KEPT),
            "identity_checks": self._batches(_remove_old_checks, now - CHECKS_KEPT),
            "mails": self._batches(_remove_old_mails, now),
            "vouching_requests": self._batches(_remove_old_vouchings, now),
            "directory_arrivals": self._batches(_remove_old_arrivals, now - ARRIVALS_KEPT),
            "invitations": self._batches(_remove_old_invitations, now - INVITATIONS_KEPT),
            "contact_addresses": self._batches(_remove_abandoned_contacts, now),
            "directory_sync_runs": self._batches(_remove_old_readings, now - READINGS_KEPT),
        }
        _log.info("room freed", removed=removed)
        return removed

    def rotate_keys_when_due(self) -> bool:
        """When the next signing keys have waited for 90 days; they were made when the present ones began."""
        now = self._effects.now()
        with self._storage.database.read() as work:
            waiting = [key for key in work.keys.signing_keys() if key.state == KeyState.NEXT.value]
        if not waiting or now - max(key.created_at for key in waiting) < KEYS_ROTATE_AFTER:
            return False
        if not self._storage.shelf.add(_CLAIM, "rotate-keys", {}, expires_at=now + DAY):
            return False
        self._keys.rotate()
        _log.info("signing keys rotated")
        return True

    def end_shared_sessions(self) -> int:
        """Those on shared computers that ran out; applications reached in them are told."""
        ended = self._batches(
            partial(end_shared_that_are_over, idle_seconds=self._session_idle_seconds), self._effects.now()
        )
        if ended:
            _log.info("sessions ended on shared computers", sessions=ended)
        return ended

    def look_at_directories(self) -> int:
        """How many of municipalities' directories gave no answer."""
        return self._directories.look()

    def warn_of_old_metadata(self) -> bool:
        """When FIDO's list is past its day: what it says still holds, but not what was found out since."""
        with self._storage.database.read() as work:
            blob = work.authenticators.find_blob()
        if blob is None or not blob.is_stale(self._effects.now()):
            return False
        _log.warning("the list of authenticators is past its day", number=blob.number)
        return True

    def _batches(self, remove: Callable[[Work, float], int], before: float) -> int:
        """Short transactions, so that people signing in do not wait for the broom."""
        total = 0
        while True:
            with self._storage.database.begin() as work:
                removed = remove(work, before)
            total += removed
            if removed == 0:
                return total


def _remove_old_notices(work: Work, now: float) -> int:
    return work.notices.remove_old(delivered_before=now - DELIVERED_KEPT, given_up_before=now - GIVEN_UP_KEPT)


def _remove_old_computers(work: Work, before: float) -> int:
    return work.computers.remove_old(before)


def _remove_old_tickets(work: Work, before: float) -> int:
    return work.tickets.remove_old(before)


def _remove_old_arrivals(work: Work, before: float) -> int:
    return work.arrivals.remove_old(before)


def _remove_old_invitations(work: Work, before: float) -> int:
    return work.invitations.remove_old(before)


def _remove_old_checks(work: Work, before: float) -> int:
    return work.identity_checks.remove_old(before)


def _give_up_stale_mails(work: Work, now: float) -> int:
    return work.mails.give_up_stale(now - MAIL_STALE_AFTER, at=now)


def _remove_old_mails(work: Work, now: float) -> int:
    return work.mails.remove_old(delivered_before=now - DELIVERED_KEPT, given_up_before=now - GIVEN_UP_KEPT)


def _remove_old_vouchings(work: Work, now: float) -> int:
    return work.vouchings.remove_old(
        unused_before=now - UNUSED_VOUCHING_KEPT, used_before=now - USED_VOUCHING_KEPT
    )


def _remove_abandoned_contacts(work: Work, now: float) -> int:
    return work.contacts.remove_abandoned(now - ABANDONED_KEPT)


def _remove_old_readings(work: Work, before: float) -> int:
    return work.directory_syncs.remove_old(before)


class _StoppedError(Exception):
    """The worker was told to stop while it read a directory; whoever reads next goes on from there."""


def read_directories(syncs: DirectorySyncs, stop: threading.Event) -> None:
    """Looks every few seconds until told to stop; one directory after the other."""

    def tell(_what: str, _many: int) -> None:
        if stop.is_set():
            raise _StoppedError

    while not stop.wait(DIRECTORY_LOOK_SECONDS):
        try:
            for directory in syncs.list_due():
                _read_directory(syncs, directory, tell)
        except _StoppedError:
            return
        except Exception as error:  # noqa: BLE001  the next look may be luckier
            _log.error("directories cannot be read", exc_info=error)


def _read_directory(syncs: DirectorySyncs, directory: Directory, tell: Tell) -> None:
    """What is wrong with one of them must not keep the others from being read."""
    try:
        run = syncs.run(directory, Asked(tell=tell)).run
    except (BusyError, DirectoryError, SyncError):
        return  # somebody else reads it, or the report says what is wrong
    except (StorageUnavailableError, _StoppedError):
        raise
    except Exception as error:  # noqa: BLE001
        _log.error("a directory cannot be read", exc_info=error, directory=directory.id)
        return
    _log.info("directory read", directory=directory.id, state=run.state, counts=run.counts)


def deliver_mails(mailing: Mailing, stop: threading.Event) -> None:
    """Looks every second until told to stop; one after the other, and the one under way is finished first."""
    while not stop.wait(LOOK_SECONDS):
        try:
            while not stop.is_set() and mailing.deliver_next():
                pass
        except Exception as error:  # noqa: BLE001  a claim lapses, and the mail is tried again
            _log.error("mails cannot be delivered", exc_info=error)


def deliver_logout_notices(logout: BackchannelLogout, stop: threading.Event) -> None:
    """Looks every second until told to stop; the calls under way are finished first.

    One application has one sender at a time, so those that do not answer cannot keep the others waiting.
    """
    busy: dict[str, Future[None]] = {}
    with ThreadPoolExecutor(_SENDERS, thread_name_prefix="logout-notices") as senders:
        while not stop.wait(LOOK_SECONDS):
            busy = {client_id: sending for client_id, sending in busy.items() if not sending.done()}
            for client_id in _clients_due(logout):
                if client_id not in busy:
                    busy[client_id] = senders.submit(_deliver_to, client_id, logout, stop)
        senders.shutdown(cancel_futures=True)


def _clients_due(logout: BackchannelLogout) -> list[str]:
    try:
        return logout.clients_due()
    except Exception as error:  # noqa: BLE001  the next look may be luckier, and nothing is lost meanwhile
        _log.error("logout notices cannot be read", exc_info=error)
        return []


def _deliver_to(client_id: str, logout: BackchannelLogout, stop: threading.Event) -> None:
    try:
        while not stop.is_set() and logout.deliver_next(client_id):
            pass
    except Exception as error:  # noqa: BLE001  the claim lapses, and the notice is tried again
        _log.error("logout notices cannot be delivered", exc_info=error, client_id=client_id)


def queue(database_url: str, redis_url: str | None) -> Huey:
    if redis_url is not None:
        return RedisHuey(_NAME, url=redis_url, results=False)
    return SqliteHuey(_NAME, filename=str(_queue_file(database_url)), results=False)


def schedule(jobs: Jobs, on: Huey) -> None:
    on.periodic_task(crontab(minute="*/10"), name="free_room")(jobs.free_room)
    on.periodic_task(crontab(), name="end_shared_sessions")(jobs.end_shared_sessions)
    on.periodic_task(crontab(), name="look_at_directories")(jobs.look_at_directories)
    on.periodic_task(crontab(minute="17"), name="rotate_keys_when_due")(jobs.rotate_keys_when_due)
    on.periodic_task(crontab(minute="27", hour="5"), name="warn_of_old_metadata")(jobs.warn_of_old_metadata)


def run(
    jobs: Jobs, on: Huey, logout: BackchannelLogout, mailing: Mailing | None, syncs: DirectorySyncs
) -> None:
    """Until SIGTERM or SIGINT; a job under way is finished first. `mailing` None: there is no relay."""
    schedule(jobs, on)
    jobs.free_room()
    consumer: Any = on.create_consumer(workers=1, periodic=True, graceful_signal="TERM")
    stop = threading.Event()
    deliveries = [
        threading.Thread(target=deliver_logout_notices, args=(logout, stop), name="logout-notices"),
        threading.Thread(target=read_directories, args=(syncs, stop), name="directories"),
    ]
    if mailing is not None:
        deliveries.append(threading.Thread(target=deliver_mails, args=(mailing, stop), name="mails"))
    else:
        _log.warning("IDP_MAIL_HOST is not set: nobody is told anything by mail")
    for delivery in deliveries:
        delivery.start()
    _log.info("worker started")
    try:
        consumer.run()
    finally:
        stop.set()
        for delivery in deliveries:
            delivery.join()
    _log.info("worker stopped")


def _queue_file(database_url: str) -> Path:
    beside = sqlite_file(parse_url(database_url))
    return beside.with_suffix(".jobs.sqlite3") if beside else Path("var/visvaris.jobs.sqlite3")
