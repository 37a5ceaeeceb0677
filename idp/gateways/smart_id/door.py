"""Talks to RP API v3: begins a session, waits for its answer, and tells who confirmed once nothing is
left to check.

No request is tried twice here, and nothing is logged: addresses hold national codes, bodies hold secrets.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from idp.effects import Effects, Instant
from idp.errors import Reason, Refused
from idp.gateways.outbound import (
    Fetched,
    Outbound,
    OutboundError,
    TookTooLongError,
    WrongServerKeyError,
)
from idp.gateways.smart_id import answers, ocsp
from idp.gateways.smart_id.answers import Created, SessionState, Signed
from idp.gateways.smart_id.breaker import Breaker
from idp.gateways.smart_id.callback import Returned
from idp.gateways.smart_id.encodings import b64, decode_b64
from idp.gateways.smart_id.environment import Environment, Revocation
from idp.gateways.smart_id.identity import require_national_code
from idp.gateways.smart_id.interactions import Interaction, encode
from idp.gateways.smart_id.links import (
    LinkFacts,
    PageLanguage,
    protected_link,
    unprotected_link,
    verification_code,
)
from idp.gateways.smart_id.outcomes import Call, of_status
from idp.gateways.smart_id.verification import Asked, Verified, verify
from idp.gateways.smart_id.words import PROTOCOL, Flow

CHALLENGE_BYTES: Final = 64
SHORTEST_WAIT: Final = 1_000
LONGEST_WAIT: Final = 60_000
"""Milliseconds of one long poll; the service would take twice as much."""
_GRACE_SECONDS: Final = 10.0
_CREATE_SECONDS: Final = 10.0
_DOCUMENT_NUMBER: Final = re.compile(r"(?:PNO|PAS|IDC)[A-Z]{2}-[A-Za-z0-9-]{1,60}-[A-Z0-9]{4}-N?Q", re.ASCII)
_NO_SUITABLE_ACCOUNT: Final = "NO_SUITABLE_ACCOUNT_FOUND"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedSession:
    """A session that waits for a phone to follow a link. `began_at`: when the service's answer arrived."""

    created: Created
    asked: Asked
    began_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifiedSession:
    """A session whose phone was told. Its four digits were to be shown before."""

    session_id: str = field(repr=False)
    asked: Asked


class SmartId:
    """One for each process. Opens nothing until it is asked."""

    def __init__(
        self, environment: Environment, effects: Effects, *, service: Outbound, responders: Outbound
    ) -> None:
        """`service` has the environment's pins and authorities; `responders` tell of revocation."""
        self.environment = environment
        self._effects = effects
        self._service = service
        self._responders = responders
        self._breaker = Breaker(effects)

    @property
    def is_well(self) -> bool:
        """False after it failed several times in a row, until it answers again: as this process saw it."""
        return self._breaker.is_closed

    def begin_with_link(
        self, interactions: Sequence[Interaction], *, callback_url: str | None
    ) -> LinkedSession:
        """For whoever holds the phone: the identity is learned from the answer. With a callback the
        session is also for a phone's own browser, and its QR code can be shown as well. Raises Refused.
        """
        flows = {Flow.QR} if callback_url is None else {Flow.QR, Flow.WEB2APP}
        asked = Asked(
            challenge=self._challenge(),
            interactions=encode(interactions, notification=False),
            flows=frozenset(flows),
            callback_url=callback_url,
        )
        extra = {} if callback_url is None else {"initialCallbackUrl": callback_url}
        created = answers.read_created(self._create("device-link/anonymous", asked, extra))
        return LinkedSession(created=created, asked=asked, began_at=self._effects.now())

    def prepare_notification(self, interactions: Sequence[Interaction], *, document_number: str) -> Asked:
        """Sends nothing yet: the digits of `code_of` have to be on the screen first."""
        if not _DOCUMENT_NUMBER.fullmatch(document_number):
            raise ValueError("not the number of a Smart-ID account")
        return Asked(
            challenge=self._challenge(),
            interactions=encode(interactions, notification=True),
            flows=frozenset({Flow.NOTIFICATION}),
            document_number=document_number,
        )

    def notify(self, asked: Asked) -> NotifiedSession:
        """To the one account that was confirmed before, and to no typed code. Raises Refused."""
        path = f"notification/document/{asked.document_number}"
        body = self._create(path, asked, {"vcType": "numeric4"})
        return NotifiedSession(session_id=answers.read_notified(body), asked=asked)

    def poll(self, session_id: str, *, wait_milliseconds: int) -> SessionState:
        """Returns as soon as there is an answer, or after so long. One poller for each session. Raises
        Refused.
        """
        wait = min(max(wait_milliseconds, SHORTEST_WAIT), LONGEST_WAIT)
        fetched = self._ask(
            "GET", f"/session/{session_id}?timeoutMs={wait}", b"", seconds=wait / 1000 + _GRACE_SECONDS
        )
        if fetched.status != 200:
            raise Refused(of_status(fetched.status, Call.SESSION))
        return answers.read_session(fetched.body)

    def confirm(self, signed: Signed, asked: Asked, *, returned: Returned | None) -> Verified:
        """Everything that has to hold before an identity is believed, revocation at the end. Raises
        Refused.
        """
        now = self._effects.now()
        verified = verify(signed, asked, self.environment.trust, returned=returned, now=now)
        require_national_code(verified.identity, countries=self.environment.countries)
        if self.environment.revocation is Revocation.REQUIRED:
            chain = verified.chain
            for certificate, issuer in ((chain.leaf, chain.issuer), (chain.issuer, chain.root)):
                question = ocsp.question_about(
                    certificate, issuer, nonce=self._effects.random(ocsp.NONCE_BYTES)
                )
                ocsp.check_answer(self._status(question), question, now=self._effects.now())
        return verified

    def qr_link(self, session: LinkedSession, *, language: PageLanguage) -> str:
        """Good for about three seconds: made anew each second, and never ahead of time."""
        elapsed = max(0, int(self._effects.now() - session.began_at))
        return self._link(session, Flow.QR, elapsed, language)

    def same_device_link(self, session: LinkedSession, *, language: PageLanguage) -> str:
        if Flow.WEB2APP not in session.asked.flows:
            raise ValueError("a session without a callback is for another device")
        return self._link(session, Flow.WEB2APP, None, language)

    def _link(self, session: LinkedSession, flow: Flow, elapsed: int | None, language: PageLanguage) -> str:
        facts = LinkFacts(
            scheme=self.environment.scheme,
            protocol=PROTOCOL,
            challenge=session.asked.challenge,
            relying_party_name=self.environment.relying_party_name,
            interactions=session.asked.interactions,
            callback_url=session.asked.callback_url,
        )
        link = unprotected_link(
            base=session.created.device_link_base,
            flow=flow,
            elapsed_seconds=elapsed,
            session_token=session.created.session_token,
            language=language,
        )
        return protected_link(link, flow, facts, session_secret=session.created.session_secret)

    def _challenge(self) -> str:
        return b64(self._effects.random(CHALLENGE_BYTES))

    def _create(self, path: str, asked: Asked, extra: Mapping[str, Any]) -> bytes:
        request = {
            "relyingPartyUUID": self.environment.relying_party_id,
            "relyingPartyName": self.environment.relying_party_name,
            "certificateLevel": asked.level.value,
            "signatureProtocol": PROTOCOL,
            "signatureProtocolParameters": {
                "rpChallenge": asked.challenge,
                "signatureAlgorithm": asked.algorithm.value,
                "signatureAlgorithmParameters": {"hashAlgorithm": asked.hashed_by.value},
            },
            "interactions": asked.interactions,
            **extra,
        }
        return self._breaker.call(lambda: self._send(path, request))

    def _send(self, path: str, request: Mapping[str, Any]) -> bytes:
        fetched = self._ask(
            "POST", f"/authentication/{path}", json.dumps(request).encode(), seconds=_CREATE_SECONDS
        )
        if fetched.status != 200:
            listed = answers.has_error(fetched.body, _NO_SUITABLE_ACCOUNT)
            raise Refused(of_status(fetched.status, Call.CREATE, no_suitable_account=listed))
        return fetched.body

    def _ask(self, method: str, path: str, body: bytes, *, seconds: float) -> Fetched:
        """The path holds national codes: an error of the connection is told by its reason alone."""
        headers = {"Accept": "application/json, application/problem+json"}
        if body:
            headers["Content-Type"] = "application/json; charset=utf-8"
        try:
            return self._service.ask(
                method,
                self.environment.base_url + path,
                headers=headers,
                body=body,
                limit=answers.LONGEST_BODY,
                seconds=seconds,
            )
        except WrongServerKeyError:
            raise Refused(Reason.SMART_ID_WRONG_SERVER_KEY) from None
        except TookTooLongError:
            raise Refused(Reason.SMART_ID_TOO_SLOW) from None
        except OutboundError:
            raise Refused(Reason.SMART_ID_UNREACHABLE) from None

    def _status(self, question: ocsp.Question) -> bytes:
        try:
            fetched = self._responders.ask_responder(
                question.address, question.body(), kind=ocsp.REQUEST_TYPE, limit=ocsp.LONGEST_ANSWER
            )
        except OutboundError:
            raise Refused(Reason.SMART_ID_STATUS_UNREACHABLE) from None
        if fetched.status != 200:
            raise Refused(Reason.SMART_ID_STATUS_UNREACHABLE)
        return fetched.body


def code_of(asked: Asked) -> str:
    """The four digits that the phone will show, too."""
    return verification_code(decode_b64(asked.challenge))


def open_smart_id(environment: Environment, effects: Effects, *, responders: Outbound) -> SmartId:
    """Connects to nothing yet. The service is reached under the same rules as everybody else, and by
    its pins.
    """
    return SmartId(
        environment,
        effects,
        service=responders.pinned(environment.pins, ca_file=environment.ca_file),
        responders=responders,
    )
