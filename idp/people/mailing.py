"""Delivers mails: one is claimed, written, handed to the relay, and what became of it written down.

At least once: when a worker dies between the relay's answer and writing it down, it is sent again, under the
same Message-ID. Not here: when that happens (`worker.py`), the words (`people/letters.py`).
"""

from typing import Any, Final

import structlog

from idp.effects import Effects
from idp.errors import StorageUnavailableError
from idp.gateways.mail import MailError, Relay
from idp.models.mails import Mail
from idp.people.letters import Letters, NotWantedError
from idp.storage.database import Database

BACK_OFF_SECONDS: Final = (10.0, 60.0, 300.0, 1800.0, 2 * 3600.0, 6 * 3600.0)
"""How long to wait after the first, second, … attempt that failed; after one more it is given up."""
CLAIM_SECONDS: Final = 60.0
"""More than an attempt can take: a claim that lapses is of a worker that died."""
_LOOKED_AT: Final = 10

_log = structlog.get_logger("visvaris.mail")


class Mailing:
    def __init__(self, *, database: Database, letters: Letters, relay: Relay, effects: Effects) -> None:
        self._database = database
        self._letters = letters
        self._relay = relay
        self._effects = effects

    def deliver_next(self) -> bool:
        """One mail. False when none is due, or when it failed: an ill relay is not asked again at once."""
        with self._database.read() as work:
            due = work.mails.due(self._effects.now(), limit=_LOOKED_AT)
        claimed = next(filter(None, map(self._claim, due)), None)
        return claimed is not None and self._deliver(claimed)

    def _claim(self, mail: Mail) -> Mail | None:
        with self._database.begin() as work:
            return work.mails.claim(mail, until=self._effects.now() + CLAIM_SECONDS)

    def _deliver(self, mail: Mail) -> bool:
        try:
            letter = self._letters.write(mail, self._effects.now())
            self._relay.send(letter.envelope)
        except NotWantedError as unwanted:
            self._give_up(mail, why=str(unwanted))
            return True
        except MailError as error:
            self._failed(mail, why=error.why)
            return False
        except StorageUnavailableError:
            raise
        except Exception as error:  # noqa: BLE001  whatever it is, it must count, or it would come back for ever
            _log.error("a mail could not be written", exc_info=error, **_told(mail))
            self._failed(mail, why="could not be written")
            return False
        with self._database.begin() as work:
            work.mails.delivered(mail.id, self._effects.now())
        _log.info("mail delivered", **_told(mail))
        return True

    def _failed(self, mail: Mail, *, why: str) -> None:
        if mail.attempts > len(BACK_OFF_SECONDS):
            self._give_up(mail, why=why)
            return
        wait = BACK_OFF_SECONDS[mail.attempts - 1]
        with self._database.begin() as work:
            work.mails.postpone(mail, until=self._effects.now() + wait, why=why)
        _log.warning("mail not delivered", why=why, again_in=wait, **_told(mail))

    def _give_up(self, mail: Mail, *, why: str) -> None:
        with self._database.begin() as work:
            work.mails.give_up(mail, at=self._effects.now(), why=why)
        _log.error("mail given up", why=why, **_told(mail))


def _told(mail: Mail) -> dict[str, Any]:
    """Not to whom: the log is no list of addresses."""
    return {"mail_id": mail.id, "user_id": mail.user_id, "kind": mail.kind, "attempt": mail.attempts}
