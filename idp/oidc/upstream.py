"""We as a relying party: sends a browser to an upstream OpenID provider and reads who came back.

OpenID Connect Core 3.1 with PKCE (RFC 7636), nonce, the issuer in the answer (RFC 9207) and, for those that
do not tell it, an address to come back to for each (RFC 9700 section 4.4.2). A code is exchanged once and
never tried again. Nothing is logged of tokens and bodies. Not here: where things are kept
meanwhile, and whose account an arrival is (`login/upstreams.py`); logout (`upstream_logout.py`).
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, quote_plus, urlencode

import structlog

from idp.effects import Effects
from idp.errors import Reason, Refused
from idp.gateways.outbound import Outbound, OutboundError
from idp.gateways.patience import Deadline, Patience
from idp.methods.base import Rejected
from idp.models.upstreams import Assertion, ClientAuth, Leaving, Upstream, Wanted
from idp.oidc.upstream_assertion import ASSERTION_TYPE, assertion
from idp.oidc.upstream_metadata import Metadata, MetadataError, Metadatas
from idp.oidc.upstream_tokens import UpstreamTokenError, UpstreamTokens
from idp.storage.upstreams import client_secret_of
from idp.storage.vault import Vault

CALLBACK_PATH: Final = "/login/upstream/callback"
"""Followed by the id of the upstream."""
_SCOPE: Final = "openid profile email"
_QUERY_AT_MOST: Final = 8192
_ANSWER_BYTES: Final = 64 * 1024
_HINT_AT_MOST: Final = 256

_log = structlog.get_logger("visvaris.upstream")


class RelyingParty:
    """One for each process. Asks nobody anything until somebody leaves.

    Whatever must be fetched for one request, of the document, the keys and the token, has one deadline.
    """

    def __init__(
        self,
        *,
        issuer: str,
        metadatas: Metadatas,
        tokens: UpstreamTokens,
        outbound: Outbound,
        vault: Vault,
        effects: Effects,
        patience: Patience,
    ) -> None:
        self._issuer = issuer
        self._metadatas = metadatas
        self._tokens = tokens
        self._outbound = outbound
        self._vault = vault
        self._effects = effects
        self._patience = patience

    def set_out(self, upstream: Upstream, wanted: Wanted) -> Leaving | Rejected:
        try:
            metadata = self._metadatas.get(upstream.issuer, self._patience.begin())
        except MetadataError as error:
            _log.warning("upstream not usable", upstream=upstream.id, why=str(error))
            return Rejected(Reason.UPSTREAM_UNREACHABLE)
        state, nonce, verifier = (self._effects.new_token() for _ in range(3))
        asked = {
            "response_type": "code",
            "client_id": upstream.client_id,
            "redirect_uri": callback_of(self._issuer, upstream.id),
            "scope": _SCOPE,
            "state": state,
            "nonce": nonce,
            "code_challenge": _hash_of(verifier),
            "code_challenge_method": "S256",
            **_wishes(wanted, self._effects.now()),
        }
        joint = "&" if "?" in metadata.authorization_endpoint else "?"
        kept = {"state": state, "nonce": nonce, "verifier": verifier, "not_before": wanted.not_before}
        return Leaving(f"{metadata.authorization_endpoint}{joint}{urlencode(asked)}", state, kept)

    def come_back(self, upstream: Upstream, kept: Mapping[str, Any], query: str) -> Assertion | Rejected:
        deadline = self._patience.begin()
        try:
            returned = read_return(query)
            metadata = self._metadatas.get(upstream.issuer, deadline)
            _hold_return(returned, kept, metadata)
            token, access_token = self._exchange(
                upstream, metadata, returned["code"], kept["verifier"], deadline
            )
            return self._tokens.read(
                upstream,
                metadata,
                token,
                nonce=kept["nonce"],
                access_token=access_token,
                not_before=kept["not_before"],
                deadline=deadline,
            )
        except Refused as refusal:
            return Rejected(refusal.reason)
        except UpstreamTokenError as error:
            _log.warning("upstream token refused", upstream=upstream.id, why=str(error))
            return Rejected(error.reason)
        except (OutboundError, MetadataError) as error:
            _log.warning("upstream not usable", upstream=upstream.id, why=str(error))
            return Rejected(Reason.UPSTREAM_UNREACHABLE)

    def _exchange(
        self, upstream: Upstream, metadata: Metadata, code: str, verifier: str, deadline: Deadline
    ) -> tuple[str, str | None]:
        """ID token and access token. Raises Refused, OutboundError."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": callback_of(self._issuer, upstream.id),
            "code_verifier": verifier,
        }
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        shown, said = self._authentication(upstream, metadata)
        form, headers = form | shown, headers | said
        answer = self._outbound.ask(
            "POST",
            metadata.token_endpoint,
            headers=headers,
            body=urlencode(form).encode(),
            limit=_ANSWER_BYTES,
            seconds=deadline.left,
        )
        if answer.status != 200 or answer.content_type != "application/json":
            _log.warning("upstream gave no token", upstream=upstream.id, status=answer.status)
            raise Refused(Reason.UPSTREAM_ANSWER_BROKEN)
        return _tokens_in(answer.body)

    def _authentication(
        self, upstream: Upstream, metadata: Metadata
    ) -> tuple[dict[str, str], dict[str, str]]:
        """What of it stands in the form and in the headers."""
        secret = client_secret_of(self._vault, upstream)
        match ClientAuth(upstream.auth):
            case ClientAuth.PRIVATE_KEY_JWT:
                token = assertion(
                    upstream,
                    secret,
                    audience=metadata.token_endpoint,
                    alg=metadata.assertion_alg,
                    effects=self._effects,
                )
                shown = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": token}
                return {"client_id": upstream.client_id, **shown}, {}
            case ClientAuth.CLIENT_SECRET if metadata.secret_in_body:
                return {"client_id": upstream.client_id, "client_secret": secret}, {}
            case ClientAuth.CLIENT_SECRET:
                return {}, {"Authorization": _basic(upstream.client_id, secret)}


def callback_of(issuer: str, upstream_id: str) -> str:
    """Where that upstream, and no other, sends people back to."""
    return f"{issuer}{CALLBACK_PATH}/{upstream_id}"


def state_of(query: str) -> str | None:
    """By which what was begun is found; `come_back` compares it again."""
    try:
        return read_return(query)["state"]
    except Refused:
        return None


def read_return(query: str) -> dict[str, str]:
    """Each parameter once, and a state. Raises Refused."""
    broken = Refused(Reason.UPSTREAM_ANSWER_BROKEN)
    if len(query) > _QUERY_AT_MOST:
        raise broken
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        raise broken from None
    returned = dict(pairs)
    if len(returned) != len(pairs) or not returned.get("state"):
        raise broken
    return returned


def _hold_return(returned: Mapping[str, str], kept: Mapping[str, Any], metadata: Metadata) -> None:
    """RFC 9207 section 2.4: the issuer first, so that nothing of a mixed-up answer is believed, an error
    neither. Raises Refused.
    """
    if not hmac.compare_digest(returned["state"].encode(), kept["state"].encode()):
        raise Refused(Reason.UPSTREAM_ANSWER_BROKEN)
    if returned.get("iss", None if metadata.tells_issuer else metadata.issuer) != metadata.issuer:
        raise Refused(Reason.UPSTREAM_OTHER_ISSUER)
    if "error" in returned:
        raise Refused(Reason.UPSTREAM_DECLINED)
    if not returned.get("code"):
        raise Refused(Reason.UPSTREAM_ANSWER_BROKEN)


def _wishes(wanted: Wanted, now: float) -> dict[str, str]:
    """`max_age` and `prompt` as the application asked for them (Core 3.1.2.1)."""
    wishes = {"ui_locales": wanted.language} if wanted.language else {}
    if wanted.login_hint:
        wishes["login_hint"] = wanted.login_hint[:_HINT_AT_MOST]
    if wanted.not_before is not None:
        wishes["max_age"] = str(int(max(0.0, now - wanted.not_before)))
    if wanted.anew:
        wishes["prompt"] = "login"
    elif wanted.choose_account:
        wishes["prompt"] = "select_account"
    return wishes


def _tokens_in(body: bytes) -> tuple[str, str | None]:
    """Raises Refused."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    token = told.get("id_token") if isinstance(told, dict) else None
    if not isinstance(token, str):
        raise Refused(Reason.UPSTREAM_ANSWER_BROKEN)
    access_token = told.get("access_token")
    return token, access_token if isinstance(access_token, str) else None


def _basic(client_id: str, secret: str) -> str:
    """RFC 6749 section 2.3.1: both as in a form first."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _hash_of(verifier: str) -> str:
    """RFC 7636 section 4.2."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
