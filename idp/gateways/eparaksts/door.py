"""Sends a browser to eParaksts and learns who came back. What was begun is kept sealed by the caller
meanwhile, and given back once: to take it off its shelf is what makes a return count once.

No request is tried twice here (a code is good once), and nothing is logged: bodies hold national codes.
"""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode, urlsplit

from idp.effects import Effects, Instant
from idp.errors import Reason, Refused
from idp.gateways.eparaksts import answers
from idp.gateways.eparaksts.environment import Environment
from idp.gateways.eparaksts.outcomes import Call, of_status
from idp.gateways.eparaksts.ways import Way
from idp.gateways.identity import Identity
from idp.gateways.outbound import Fetched, Outbound, OutboundError, TookTooLongError, TooMuchError
from idp.languages import LANGUAGES

CALLBACK_PATH: Final = "/identity/eparaksts/callback"
"""One for everybody, since the service has to know it beforehand."""
SECONDS_TO_RETURN: Final = 600
LEVEL: Final = "high"
"""Of Regulation (EU) 910/2014, which all ways have."""
_CALL_SECONDS: Final = 10.0
"""Each of the two calls while a person waits for the page."""
_JSON: Final = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """To be kept sealed until the browser is back, and bound to that browser. Nothing of it is for a page but
    the address.
    """

    way: Way
    address: str = field(repr=False)
    state: str = field(repr=False)
    verifier: str = field(repr=False)
    callback_url: str
    began_at: Instant

    def to_text(self) -> str:
        """A secret, since it holds the verifier."""
        return json.dumps(
            {
                "way": self.way.value,
                "address": self.address,
                "state": self.state,
                "verifier": self.verifier,
                "callback_url": self.callback_url,
                "began_at": self.began_at,
            }
        )

    @classmethod
    def from_text(cls, text: str) -> "Begun":
        """Of `to_text` alone: what is read here is believed."""
        kept = json.loads(text)
        return cls(**{**kept, "way": Way(kept["way"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """There is no certificate in it, so there is no fingerprint of one to be stored."""

    identity: Identity
    way: Way
    level: str
    at: Instant


class EParaksts:
    """One for each process. Opens nothing until it is asked."""

    def __init__(self, environment: Environment, effects: Effects, *, service: Outbound) -> None:
        self.environment = environment
        self._effects = effects
        self._service = service

    def begin(self, way: Way, *, callback_url: str, language: str) -> Begun:
        """`callback_url`: of `callback_address`, and registered with the service. Asks for a fresh proof, so
        that nobody is confirmed with the session another person left in this browser.
        """
        if not callback_url.endswith(CALLBACK_PATH) or urlsplit(callback_url).query:
            raise ValueError("not the registered callback")
        if language not in LANGUAGES:
            raise ValueError("not a language of ours")
        state, verifier = self._effects.new_token(), self._effects.new_token()
        asked = {
            "response_type": "code",
            "client_id": self.environment.client_id,
            "redirect_uri": callback_url,
            "scope": answers.SCOPE,
            "state": state,
            "prompt": "login",
            "acr_values": way.acr,
            "ui_locales": language,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
        }
        return Begun(
            way=way,
            address=f"{self.environment.authorize_url}?{urlencode(asked)}",
            state=state,
            verifier=verifier,
            callback_url=callback_url,
            began_at=self._effects.now(),
        )

    def finish(self, begun: Begun, query: str) -> Verified:
        """`query` as it arrived, undecoded. Raises Refused."""
        returned = answers.read_return(query)
        if not hmac.compare_digest(returned["state"].encode(), begun.state.encode()):
            raise Refused(Reason.EPARAKSTS_STATE)
        if self._effects.now() - begun.began_at >= SECONDS_TO_RETURN:
            raise Refused(Reason.EPARAKSTS_TOO_LATE)
        token = self._exchange(answers.code_in(returned), begun)
        identity = answers.read_person(self._user(token), begun.way)
        return Verified(identity=identity, way=begun.way, level=LEVEL, at=self._effects.now())

    def _exchange(self, code: str, begun: Begun) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": begun.callback_url,
            "code_verifier": begun.verifier,
        }
        headers = {
            "Accept": _JSON,
            "Authorization": self.environment.authorization(),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        url = self.environment.token_url
        return answers.read_token(self._ask(Call.TOKEN, "POST", url, headers, urlencode(form).encode()))

    def _user(self, token: str) -> bytes:
        headers = {"Accept": _JSON, "Authorization": f"Bearer {token}"}
        return self._ask(Call.USER, "GET", self.environment.user_url, headers, b"")

    def _ask(self, call: Call, method: str, url: str, headers: dict[str, str], body: bytes) -> bytes:
        fetched = self._fetch(method, url, headers, body)
        if fetched.status != 200:
            raise Refused(of_status(fetched.status, call, error=answers.read_error(fetched.body)))
        if fetched.content_type != _JSON:
            raise Refused(Reason.EPARAKSTS_ANSWER_BROKEN)
        return fetched.body

    def _fetch(self, method: str, url: str, headers: dict[str, str], body: bytes) -> Fetched:
        try:
            return self._service.ask(
                method, url, headers=headers, body=body, limit=answers.LONGEST_BODY, seconds=_CALL_SECONDS
            )
        except TooMuchError:
            raise Refused(Reason.EPARAKSTS_ANSWER_BROKEN) from None
        except TookTooLongError:
            raise Refused(Reason.EPARAKSTS_TOO_SLOW) from None
        except OutboundError:
            raise Refused(Reason.EPARAKSTS_UNREACHABLE) from None


def state_of(query: str) -> str:
    """By which the caller finds what was begun; `finish` compares it again. Raises Refused."""
    return answers.read_return(query)["state"]


def callback_address(issuer: str) -> str:
    """Where the service sends browsers back to: built from the configured issuer and nothing else."""
    return issuer + CALLBACK_PATH


def _challenge(verifier: str) -> str:
    """RFC 7636 section 4.2."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
