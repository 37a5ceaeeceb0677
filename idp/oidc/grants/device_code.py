"""A device asks whether the person has decided, and gets its tokens once (RFC 8628 sections 3.4 and 3.5).

While nobody has decided, who asks too soon must wait longer each time; once somebody has, the answer is given
at once. What spends the code is `redemption.py`. What the client is registered for, and what the person lets
it have, is looked at again: ten minutes are long.
"""

from dataclasses import replace
from typing import Any, Final

from idp.effects import Effects
from idp.models.clients import Client
from idp.oidc.codes import Granted
from idp.oidc.consent import Consents
from idp.oidc.device_codes import DeviceCode, DeviceCodes
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.grant_types import DEVICE_CODE
from idp.oidc.grants.base import TokenRequest, choose_audience
from idp.oidc.grants.redemption import Redemption
from idp.oidc.scopes import may_have

_REFUSED: Final = "The device code is not valid."


class DeviceCodeGrant:
    grant_type = DEVICE_CODE

    def __init__(
        self,
        *,
        issuer: str,
        device_codes: DeviceCodes,
        consents: Consents,
        redemption: Redemption,
        effects: Effects,
    ) -> None:
        self._issuer = issuer
        self._device_codes = device_codes
        self._consents = consents
        self._redemption = redemption
        self._effects = effects

    def exchange(self, request: TokenRequest) -> dict[str, Any]:
        code = request.form.get("device_code")
        found = self._device_codes.find(code)
        if found is None:
            raise self._redemption.not_there(code, request)
        if found.client_id != request.client.client_id:
            raise ProtocolError(ErrorCode.INVALID_GRANT, _REFUSED, detail="issued to another client")
        decision = self._device_codes.find_decision(found.request_id)
        if decision is None:
            raise self._undecided(code, found)
        if decision.granted is None:
            raise ProtocolError(ErrorCode.ACCESS_DENIED, "The person refused.")
        granted = still_granted(decision.granted, request.client)
        if not self._consents.covers(granted.scopes, request.client, granted.user_id):
            raise ProtocolError(ErrorCode.INVALID_GRANT, _REFUSED, detail="the permission was withdrawn")
        audience = choose_audience(request.form, allowed=granted.resources, default=self._issuer)
        answer = self._redemption.redeem(code, granted, request, audience=audience)
        self._device_codes.destroy(code)
        return answer

    def _undecided(self, code: str, found: DeviceCode) -> ProtocolError:
        if self._effects.now() >= found.expires_at:
            return ProtocolError(ErrorCode.EXPIRED_TOKEN, "The device code has expired.")
        if not self._device_codes.comes_in_time(code):
            return ProtocolError(ErrorCode.SLOW_DOWN, "The device must wait longer between its requests.")
        return ProtocolError(ErrorCode.AUTHORIZATION_PENDING, "The person has not decided yet.")


def still_granted(granted: Granted, client: Client) -> Granted:
    """What was granted, less the scopes that have been taken from the client's registration since."""
    scopes = tuple(scope for scope in granted.scopes if may_have(scope, client))
    if not scopes:
        raise ProtocolError(
            ErrorCode.INVALID_GRANT, _REFUSED, detail="the client may have none of the scopes"
        )
    if not set(granted.resources) <= set(client.resources):
        raise ProtocolError(
            ErrorCode.INVALID_GRANT, _REFUSED, detail="the client may no longer use a resource"
        )
    return replace(granted, scopes=scopes)
