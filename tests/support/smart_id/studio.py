"""Answers without a network: the emulator's phone signs what a test asks for, and the gateway's pure code judges it."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from idp.gateways.smart_id.anchors import read_anchors
from idp.gateways.smart_id.answers import session_in
from idp.gateways.smart_id.callback import Returned
from idp.gateways.smart_id.verification import Asked, Trust, Verified, verify
from idp.gateways.smart_id.words import Algorithm, Flow, Hash, Level, Scheme
from tests.support.builders import Clock
from tests.support.smart_id.accounts import Account, account
from tests.support.smart_id.authority import SmartIdAuthority
from tests.support.smart_id.service import NAME, Service
from tests.support.smart_id.sessions import Session

CALLBACK = "https://rp.example.lv/callback?value=RrKjjT4aggzu27YBddX1bQ"
CHALLENGE = base64.b64encode(bytes(range(64))).decode()
OFFERED = [
    {"type": "confirmationMessage", "displayText200": "Identitātes pārbaude"},
    {"type": "displayTextAndPIN", "displayText60": "Pārbaude"},
]
ANNA = account("PNOLV-040404-10003-DEMO-Q", given_name="ANNA", surname="TESTBĒRZIŅA")


def encoded(interactions: list[dict[str, str]]) -> str:
    return base64.b64encode(json.dumps(interactions).encode()).decode()


@dataclass
class Take:
    """One answer, what was asked, and between whom: all of it may be altered before it is judged."""

    answer: dict[str, Any]
    asked: Asked
    trust: Trust
    returned: Returned | None
    session: Session

    def judged(self, *, now: float) -> Verified:
        signed = session_in(self.answer)
        return verify(signed, self.asked, self.trust, returned=self.returned, now=now)

    def asked_otherwise(self, **changes: Any) -> None:
        self.asked = replace(self.asked, **changes)


@dataclass
class Studio:
    authority: SmartIdAuthority
    clock: Clock = field(default_factory=Clock)
    service: Service = field(init=False)

    def __post_init__(self) -> None:
        self.service = Service(self.authority, self.clock, origin="https://localhost:1")

    def take(
        self,
        flow: Flow = Flow.QR,
        *,
        who: Account = ANNA,
        algorithm: str = "rsassa-pss",
        hashed_by: str = "SHA-512",
        level: Level = Level.QUALIFIED,
        before_signing: Callable[[Session], None] = lambda _: None,
    ) -> Take:
        """A good answer, unless the account is not good."""
        callback = CALLBACK if flow.same_device else None
        parameters: dict[str, Any] = {"rpChallenge": CHALLENGE, "signatureAlgorithm": algorithm}
        if algorithm == "rsassa-pss":
            parameters["signatureAlgorithmParameters"] = {"hashAlgorithm": hashed_by}
        interactions = encoded(OFFERED)
        request = {
            "relyingPartyName": NAME,
            "interactions": interactions,
            "signatureProtocolParameters": parameters,
        }
        if callback:
            request["initialCallbackUrl"] = callback
        session = Session(request, self.clock(), notification=flow is Flow.NOTIFICATION)
        before_signing(session)
        verifier = self.service.phone.act(session, who, flow.value)
        assert session.answer is not None
        chosen = Algorithm(algorithm)
        return Take(
            answer=json.loads(json.dumps(session.answer)),
            asked=Asked(
                challenge=CHALLENGE,
                interactions=interactions,
                flows=frozenset({flow}),
                level=level,
                algorithm=chosen,
                hashed_by=chosen.fixed_hash or Hash(hashed_by),
                callback_url=callback,
            ),
            trust=Trust(
                anchors=read_anchors(self.authority.anchors_pem, Scheme.DEMO), relying_party_name=NAME
            ),
            returned=Returned(verifier=verifier) if flow.same_device else None,
            session=session,
        )

    def recording(self, take: Take) -> dict[str, Any]:
        """In the form of the published vectors."""
        request = {
            "relyingPartyName": take.trust.relying_party_name,
            "certificateLevel": take.asked.level.value,
            "rpChallenge": take.asked.challenge,
            "signatureAlgorithm": take.asked.algorithm.value,
            "hashAlgorithm": take.asked.hashed_by.value,
            "interactions": take.asked.interactions,
        }
        return {
            "id": "emulated",
            "schemeName": take.trust.scheme.value,
            "brokeredRpName": take.trust.brokered_name,
            "initialCallbackUrl": take.asked.callback_url,
            "request": request,
            "session": take.answer,
        }
