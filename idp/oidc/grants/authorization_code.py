"""A code becomes tokens, once (RFC 6749 section 4.1.3, RFC 7636 section 4.6, OpenID Connect Core 3.1.3).

What it is bound to is held here; what spends it is `redemption.py`.
"""

import base64
import hashlib
import hmac
import re
from typing import Any, Final

from idp.oidc import authorization_details
from idp.oidc.codes import CodeContents, Codes
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.grants.base import TokenRequest, choose_audience
from idp.oidc.grants.redemption import Redemption
from idp.oidc.requests import Parameters
from idp.oidc.senders import JKT, hold_kept

_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_REFUSED: Final = "The authorization code is not valid."


class AuthorizationCode:
    grant_type = "authorization_code"

    def __init__(self, *, issuer: str, codes: Codes, redemption: Redemption) -> None:
        self._issuer = issuer
        self._codes = codes
        self._redemption = redemption

    def exchange(self, request: TokenRequest) -> dict[str, Any]:
        code = request.form.get("code")
        contents = self._codes.find(code)
        if contents is None:
            raise self._redemption.not_there(code, request)
        try:
            hold_bindings(contents, request)
            audience = choose_audience(request.form, allowed=contents.resources, default=self._issuer)
            details = authorization_details.narrow(request.form, contents.authorization_details)
        except ProtocolError:
            self._codes.destroy(code)
            raise
        answer = self._redemption.redeem(code, contents, request, audience=audience, details=details)
        self._codes.destroy(code)
        return answer


def hold_bindings(contents: CodeContents, request: TokenRequest) -> None:
    """RFC 6749 section 4.1.3: "issued to the authenticated client", and the redirect URI is "identical"."""
    if contents.client_id != request.client.client_id:
        raise ProtocolError(ErrorCode.INVALID_GRANT, _REFUSED, detail="issued to another client")
    if request.form.find("redirect_uri") != contents.redirect_uri:
        raise ProtocolError(ErrorCode.INVALID_GRANT, _REFUSED, detail="for another redirect URI")
    hold_code_verifier(contents.code_challenge, request.form)
    if contents.dpop_jkt is not None:
        hold_kept({JKT: contents.dpop_jkt}, request.bound_to, refused=_refusal)


def _refusal(detail: str) -> ProtocolError:
    return ProtocolError(ErrorCode.INVALID_GRANT, _REFUSED, detail=detail)


def hold_code_verifier(challenge: str | None, form: Parameters) -> None:
    """RFC 7636 section 4.6; RFC 9700 section 2.1.1: a verifier without a challenge is a downgrade."""
    verifier = form.find("code_verifier")
    if challenge is None and verifier is None:
        return
    if challenge is None or verifier is None or not _VERIFIER.fullmatch(verifier):
        raise ProtocolError(
            ErrorCode.INVALID_GRANT, _REFUSED, detail="code challenge and verifier do not go together"
        )
    computed = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    if not hmac.compare_digest(computed, challenge):
        raise ProtocolError(ErrorCode.INVALID_GRANT, _REFUSED, detail="wrong code verifier")
