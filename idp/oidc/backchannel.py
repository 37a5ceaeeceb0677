"""OpenID Connect Back-Channel Logout 1.0: an application is told, machine to machine, that a session ended.

The notices wait in an outbox (`storage/notices.py`) from the moment that ends a session; here one is claimed,
its logout token made and posted to the application, and what became of it written down. At least once: when
a worker dies between the answer and writing it down, it is sent again, under a `jti` of its own. Not here:
when that happens (`worker.py`).
"""

from typing import Any, Final

import structlog

from idp.effects import Effects
from idp.errors import StorageUnavailableError
from idp.gateways.outbound import Outbound, OutboundError, shown
from idp.models.clients import Client
from idp.models.notices import LogoutNotice
from idp.oidc import fapi2, jose
from idp.oidc.encryption import Encryption, Sealed
from idp.oidc.errors import ProtocolError
from idp.oidc.keys import KeyRing
from idp.oidc.subjects import Subjects
from idp.storage.database import Database
from idp.storage.notices import NOTIFIED_AT

TOKEN_SECONDS: Final = 120
"""Section 2.4: "preferably at most two minutes in the future"."""
BACK_OFF_SECONDS: Final = (5.0, 30.0, 120.0, 600.0, 3600.0, 6 * 3600.0)
"""How long to wait after the first, second, … attempt that failed; after one more it is given up."""
CLAIM_SECONDS: Final = 30.0
"""More than an attempt can take: a claim that lapses is of a worker that died."""
EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
_LOOKED_AT: Final = 10
_ACCEPTED: Final = frozenset({200, 204})
"""Section 2.8 asks for 200; some frameworks make 204 of an empty one."""

_log = structlog.get_logger("visvaris.backchannel")


class BackchannelLogout:
    def __init__(
        self,
        *,
        issuer: str,
        database: Database,
        keys: KeyRing,
        subjects: Subjects,
        encryption: Encryption,
        outbound: Outbound,
        effects: Effects,
    ) -> None:
        self._issuer = issuer
        self._database = database
        self._keys = keys
        self._subjects = subjects
        self._encryption = encryption
        self._outbound = outbound
        self._effects = effects

    def clients_due(self) -> list[str]:
        """The applications for which a notice is due."""
        with self._database.read() as work:
            return work.notices.clients_due(self._effects.now())

    def deliver_next(self, client_id: str) -> bool:
        """One notice to this application. False when none is due, or when it failed: who does not answer now
        is not asked again at once.
        """
        now = self._effects.now()
        with self._database.read() as work:
            client = work.clients.find(client_id)
            due = work.notices.due(client_id, now, limit=_LOOKED_AT)
        claimed = next((notice for notice in due if self._claim(notice)), None)
        return claimed is not None and self._deliver(claimed, client)

    def _claim(self, notice: LogoutNotice) -> bool:
        with self._database.begin() as work:
            return work.notices.claim(notice, until=self._effects.now() + CLAIM_SECONDS)

    def _deliver(self, notice: LogoutNotice, client: Client | None) -> bool:
        url = client.registered.get(NOTIFIED_AT) if client is not None else None
        if client is None or url is None:
            self._give_up(notice, url="", why="the application takes no notices any more")
            return True
        why = self._refused(notice, client, url)
        if why is not None:
            self._failed(notice, url=shown(url), why=why)
            return False
        with self._database.begin() as work:
            work.notices.delivered(notice.id, self._effects.now())
        _log.info("logout notice delivered", **_told(notice, shown(url)))
        return True

    def _refused(self, notice: LogoutNotice, client: Client, url: str) -> str | None:
        """Why it did not arrive, or None. Of the answer nothing but the status is believed, or kept."""
        try:
            answer = self._outbound.post_form(url, {"logout_token": self.token(notice, client)})
        except OutboundError as error:
            return error.why
        except ProtocolError as error:
            return error.description
        except StorageUnavailableError:
            raise
        except Exception as error:  # noqa: BLE001  whatever it is, it must count, or it would come back for ever
            _log.error("a logout notice could not be sent", exc_info=error, **_told(notice, shown(url)))
            return "could not be sent"
        return None if answer.status in _ACCEPTED else f"answered with status {answer.status}"

    def token(self, notice: LogoutNotice, client: Client) -> str:
        """Section 2.4, signed and encrypted as the client's ID tokens are: in the clear one that registered
        for encryption "SHOULD reject it" (2.6). Never a nonce. Raises ProtocolError without a key for it.
        """
        now = int(self._effects.now())
        content: dict[str, Any] = {
            "iss": self._issuer,
            "sub": self._subjects.subject_for(client, notice.user_id),
            "aud": client.client_id,
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            "jti": self._effects.new_id(),
            "events": {EVENT: {}},
            "sid": self._subjects.session_for(client, notice.session_id),
        }
        signer = self._keys.signer(fapi2.algorithm_for(client, "id_token_signed_response_alg"))
        token = jose.sign(content, key=signer.key, alg=signer.alg, kid=signer.kid, typ="logout+jwt")
        recipient = self._encryption.find_recipient(client, Sealed.ID_TOKEN)
        return recipient.encrypt(token, nested=True) if recipient is not None else token

    def _failed(self, notice: LogoutNotice, *, url: str, why: str) -> None:
        """Also for 400, with which a client says that it could not (section 2.8): it may yet."""
        if notice.attempts >= len(BACK_OFF_SECONDS):
            self._give_up(notice, url=url, why=why)
            return
        wait = BACK_OFF_SECONDS[notice.attempts]
        until = self._effects.now() + wait
        with self._database.begin() as work:
            work.notices.postpone(notice.id, attempt=notice.attempts + 1, until=until, why=why)
        _log.warning("logout notice not delivered", why=why, again_in=wait, **_told(notice, url))

    def _give_up(self, notice: LogoutNotice, *, url: str, why: str) -> None:
        now = self._effects.now()
        with self._database.begin() as work:
            work.notices.give_up(notice.id, attempt=notice.attempts + 1, at=now, why=why)
        _log.error("logout notice given up", why=why, **_told(notice, url))


def _told(notice: LogoutNotice, url: str) -> dict[str, Any]:
    """`notice` is as it was before the attempt that is told of."""
    return {
        "notice_id": notice.id,
        "client_id": notice.client_id,
        "session_id": notice.session_id,
        "url": url,
        "attempt": notice.attempts + 1,
    }
