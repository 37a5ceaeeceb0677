"""Plays the app: judges a link as the service does, lets the account's behaviour decide, and signs."""

import base64
import hashlib
import hmac
import json
import re
import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding

from tests.support.smart_id.accounts import Account, Behaviour
from tests.support.smart_id.authority import SmartIdAuthority
from tests.support.smart_id.sessions import Session, Sessions

HASHES = {
    "SHA-256": hashes.SHA256,
    "SHA-384": hashes.SHA384,
    "SHA-512": hashes.SHA512,
    "SHA3-256": hashes.SHA3_256,
    "SHA3-384": hashes.SHA3_384,
    "SHA3-512": hashes.SHA3_512,
}
PKCS1 = {f"sha{size}WithRSAEncryption": f"SHA-{size}" for size in (256, 384, 512)}
LINK = re.compile(
    r"(?P<base>https?://[^?]+)\?deviceLinkType=(?P<type>QR|Web2App|App2App)(?:&elapsedSeconds=(?P<elapsed>\d+))?"
    r"&sessionToken=(?P<token>[A-Za-z0-9]+)&sessionType=(?P<kind>\w+)&version=(?P<version>[\d.]+)&lang=(?P<lang>\w+)"
    r"&authCode=(?P<code>[\w-]{43})"
)
LANGUAGES = {"eng", "est", "rus", "lit", "lav", "nld", "fra", "deu"}


@dataclass
class Followed:
    """What came of following a link. `callback` is what the app opens on the same device."""

    session: Session | None = None
    ignored: str = ""
    callback: str | None = None


@dataclass
class Phone:
    """Every person's phone; `accounts` by document number."""

    sessions: Sessions
    authority: SmartIdAuthority
    accounts: dict[str, Account]
    device_link_base: str
    clock: Any
    scheme: str = "smart-id-demo"
    revoked: set[int] = field(default_factory=set)

    def follow(self, link: str, document_number: str) -> Followed:
        """As when a code is scanned or a button pressed, and the person answers at once. A link that is not in order
        is passed over in silence.
        """
        seen = self._judged(link)
        if seen.session is None or seen.ignored:
            return seen
        account = self.accounts.get(document_number)
        if account is None:
            return Followed(seen.session, "no such account")
        self._take(seen.session, link)
        return self.confirm(seen.session, account)

    def scan(self, link: str) -> Followed:
        """As `follow`, but the person has yet to answer, with `confirm` or `cancel`."""
        seen = self._judged(link)
        if seen.session is not None and not seen.ignored:
            self._take(seen.session, link)
        return seen

    def confirm(self, session: Session, account: Account) -> Followed:
        """For a session that the phone has taken."""
        assert session.taken_as
        if session.target not in {None, account.identifier, account.document_number}:
            self._end(session, "PROTOCOL_FAILURE")
            return Followed(session, "somebody else")
        verifier = self.act(session, account, session.taken_as)
        return Followed(session, callback=self._callback(session, session.taken_as, verifier))

    def cancel(self, session: Session, account: Account) -> Followed:
        """On the screen that is shown, whatever the account does otherwise."""
        refusal = Behaviour("USER_REFUSED_INTERACTION", screen_of(session, account) or "displayTextAndPIN")
        forced = session.forced if session.forced and session.forced.end_result != "OK" else None
        self._behave(session, forced or refusal)
        flow = session.taken_as or "Notification"
        return Followed(session, callback=self._callback(session, flow, None))

    def fresh_link(self, session: Session) -> str:
        """The code that is on the screen now, if its seconds are counted as they should."""
        elapsed = max(0, int(self.clock() - session.created_at))
        link = (
            f"{self.device_link_base}?deviceLinkType=QR&elapsedSeconds={elapsed}&sessionToken={session.token}"
            "&sessionType=auth&version=1.0&lang=lav"
        )
        return f"{link}&authCode={self._auth_code(session, link, 'QR')}"

    def _take(self, session: Session, link: str) -> None:
        found = LINK.fullmatch(link)
        assert found
        session.touched, session.taken_as = True, found["type"]

    def _judged(self, link: str) -> Followed:
        found = LINK.fullmatch(link)
        if found is None or found["base"] != self.device_link_base:
            return Followed(ignored="not a link of this service")
        session = self.sessions.find_by_token(found["token"])
        if session is None or session.notification or session.answer is not None:
            return Followed(ignored="no such session")
        return Followed(session, self._not_in_order(session, found))

    def _not_in_order(self, session: Session, found: "re.Match[str]") -> str:
        """A wrong code ends the session; one that is too old or ahead of time does not."""
        if found["kind"] != "auth" or found["version"] != "1.0" or found["lang"] not in LANGUAGES:
            return "another kind of link"
        if (found["type"] == "QR") != (found["elapsed"] is not None):
            return "seconds in the wrong kind of link"
        right = self._auth_code(session, found.string.rpartition("&authCode=")[0], found["type"])
        if not hmac.compare_digest(right, found["code"]):
            self._end(session, "PROTOCOL_FAILURE")
            return "wrong authCode"
        if found["type"] != "QR" and not session.callback_url:
            self._end(session, "PROTOCOL_FAILURE")
            return "no callback to return to"
        age = (
            0 if found["elapsed"] is None else int(self.clock() - session.created_at) - int(found["elapsed"])
        )
        return "" if -1 <= age <= 3 else "too old or ahead of time"

    def answer_push(self, session: Session, account: Account, *, chosen_code: str | None = None) -> None:
        """`chosen_code`: which of three the person picks; the right one unless told."""
        wrong = chosen_code is not None and chosen_code != verification_code(session.challenge)
        if wrong and session.forced is None:
            self._end(session, "WRONG_VC")
            return
        self.act(session, account, "Notification")

    def act(self, session: Session, account: Account, flow: str) -> str | None:
        """Signs or not, as the account behaves. The verifier of the user's challenge when signed."""
        behaviour = session.forced or account.behaviour
        if behaviour.end_result != "OK":
            self._behave(session, behaviour)
            return None
        shown = screen_of(session, account)
        if shown is None:
            self._end(session, "REQUIRED_INTERACTION_NOT_SUPPORTED_BY_APP")
            return None
        verifier = _base64url(secrets.token_bytes(32))
        self.sessions.complete(session, self._signed(session, account, flow, shown, verifier))
        return verifier

    def _behave(self, session: Session, behaviour: Behaviour) -> None:
        """Signs nothing. A phone that lies in a drawer ends nothing."""
        if behaviour.end_result not in {"OK", "TIMEOUT"}:
            details = {"details": {"interaction": behaviour.screen}} if behaviour.screen else {}
            self._end(session, behaviour.end_result, **details)

    def _end(self, session: Session, end_result: str, **details: Any) -> None:
        self.sessions.complete(session, {"state": "COMPLETE", "result": {"endResult": end_result, **details}})

    def _auth_code(self, session: Session, link: str, kind: str) -> str:
        request = session.request
        payload = "|".join(
            [
                self.scheme,
                "ACSP_V2",
                session.challenge,
                base64.b64encode(request["relyingPartyName"].encode()).decode(),
                "",
                request["interactions"],
                "" if kind == "QR" else session.callback_url,
                link,
            ]
        )
        key = base64.b64decode(session.secret)
        return _base64url(hmac.new(key, payload.encode(), hashlib.sha256).digest())

    def _callback(self, session: Session, kind: str, verifier: str | None) -> str | None:
        """The app returns to the browser also after a refusal, without a verifier then."""
        if kind == "QR" or not session.callback_url or session.answer is None:
            return None
        digest = _base64url(hashlib.sha256(base64.b64decode(session.secret)).digest())
        joined = "&" if "?" in session.callback_url else "?"
        proof = f"&userChallengeVerifier={verifier}" if verifier else ""
        return f"{session.callback_url}{joined}sessionSecretDigest={digest}{proof}"

    def _signed(
        self, session: Session, account: Account, flow: str, shown: str, verifier: str
    ) -> dict[str, Any]:
        certificate, key = self.authority.certify(
            account.person, account.document_number, profile=account.profile, at=self.clock()
        )
        if account.revoked:
            self.revoked.add(certificate.serial_number)
        server_random = base64.b64encode(secrets.token_bytes(18)).decode()
        user_challenge = _base64url(hashlib.sha256(verifier.encode()).digest())
        request = session.request
        interactions = hashlib.sha256(request["interactions"].encode()).digest()
        message = "|".join(
            [
                self.scheme,
                "ACSP_V2",
                server_random,
                session.challenge,
                user_challenge,
                base64.b64encode(request["relyingPartyName"].encode()).decode(),
                "",
                base64.b64encode(interactions).decode(),
                shown,
                session.callback_url if flow in {"Web2App", "App2App"} else "",
                flow,
            ]
        )
        return {
            "state": "COMPLETE",
            "result": {"endResult": "OK", "documentNumber": account.document_number},
            "signatureProtocol": "ACSP_V2",
            "signature": {
                "serverRandom": server_random,
                "userChallenge": user_challenge,
                "flowType": flow,
                **_sign(key, message.encode(), request["signatureProtocolParameters"]),
            },
            "cert": {
                "value": base64.b64encode(certificate.public_bytes(Encoding.DER)).decode(),
                "certificateLevel": account.states_level or account.level,
            },
            "interactionTypeUsed": shown,
        }


def offered(session: Session) -> list[dict[str, str]]:
    """The interactions of the request, in its order."""
    read: list[dict[str, str]] = json.loads(base64.b64decode(session.request["interactions"]))
    return read


def screen_of(session: Session, account: Account) -> str | None:
    """What this account's app shows of them; None when it can show none."""
    kinds = [each["type"] for each in offered(session)]
    return next((kind for kind in kinds if kind in account.behaviour.supports), None)


def code_choices(session: Session) -> list[str]:
    """The right code among three, the same three each time."""
    right = verification_code(session.challenge)
    digest = hashlib.sha256(session.id.encode()).digest()
    first = (int(right) + 1 + int.from_bytes(digest[:2], "big") % 4999) % 10000
    second = (int(right) + 5001 + int.from_bytes(digest[2:4], "big") % 4998) % 10000
    return sorted([right, f"{first:04d}", f"{second:04d}"])


def verification_code(challenge: str) -> str:
    digest = hashlib.sha256(base64.b64decode(challenge)).digest()
    return f"{(digest[30] * 256 + digest[31]) % 10000:04d}"


def _sign(key: Any, message: bytes, asked: dict[str, Any]) -> dict[str, Any]:
    algorithm = asked["signatureAlgorithm"]
    if algorithm != "rsassa-pss":
        signature = key.sign(message, padding.PKCS1v15(), HASHES[PKCS1[algorithm]]())
        return {"value": base64.b64encode(signature).decode(), "signatureAlgorithm": algorithm}
    name = asked["signatureAlgorithmParameters"]["hashAlgorithm"]
    hashing = HASHES[name]()
    padded = padding.PSS(padding.MGF1(HASHES[name]()), hashing.digest_size)
    return {
        "value": base64.b64encode(key.sign(message, padded, hashing)).decode(),
        "signatureAlgorithm": algorithm,
        "signatureAlgorithmParameters": {
            "hashAlgorithm": name,
            "maskGenAlgorithm": {"algorithm": "id-mgf1", "parameters": {"hashAlgorithm": name}},
            "saltLength": hashing.digest_size,
            "trailerField": "0xbc",
        },
    }


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
