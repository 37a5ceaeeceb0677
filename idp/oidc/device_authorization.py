"""The device authorization endpoint (RFC 8628 section 3.1): a device without a browser asks for a person.

Beside the members of the RFC the answer has `visvaris_number`, which the device must show: the person picks
it among three, so that somebody who was only sent a code has nothing to go by (section 5.4). Not here: the
page (`device_approval.py`), the tokens (`grants/device_code.py`).
"""

from typing import Any

from idp.effects import Effects
from idp.models.clients import Client
from idp.models.numbers import numbers, place
from idp.oidc import fapi2
from idp.oidc.authorize_checks import Asked, resources_are_registered
from idp.oidc.device_codes import DEVICE_CODE_SECONDS, INTERVAL_SECONDS, DeviceCodes, DeviceRequest
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.grant_types import DEVICE_CODE
from idp.oidc.requests import Request, Response, json_response
from idp.oidc.scopes import grantable
from idp.oidc.user_codes import shown_user_code


class DeviceAuthorization:
    def __init__(self, *, issuer: str, device_codes: DeviceCodes, effects: Effects) -> None:
        self._issuer = issuer
        self._device_codes = device_codes
        self._effects = effects

    def respond(self, request: Request, client: Client) -> Response:
        client_may_use_device_codes(client)
        no_details_are_asked_for(request)
        resources_are_registered(Asked(request.form, client))
        waiting = self._waiting(request, client)
        issued = self._device_codes.issue(waiting)
        user_code, page = shown_user_code(issued.user_code), f"{self._issuer}/device"
        answer: dict[str, Any] = {
            "device_code": issued.device_code,
            "user_code": user_code,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?user_code={user_code}",
            "expires_in": int(DEVICE_CODE_SECONDS),
            "interval": INTERVAL_SECONDS,
            "visvaris_number": waiting.number,
        }
        return json_response(answer)

    def _waiting(self, request: Request, client: Client) -> DeviceRequest:
        now, choices = self._effects.now(), numbers(self._effects)
        return DeviceRequest(
            id=self._effects.new_id(),
            client_id=client.client_id,
            scopes=grantable((request.form.find("scope") or "").split(), client),
            resources=tuple(dict.fromkeys(request.form.all("resource"))),
            number=choices[place(self._effects)],
            choices=choices,
            address=request.remote,
            requested_at=now,
            expires_at=now + DEVICE_CODE_SECONDS,
        )


def client_may_use_device_codes(client: Client) -> None:
    registered = DEVICE_CODE in client.registered.get("grant_types", ())
    if not registered or not fapi2.may_use_grant(client, DEVICE_CODE):
        raise ProtocolError(
            ErrorCode.UNAUTHORIZED_CLIENT, "The client is not registered for the device authorization grant."
        )


def no_details_are_asked_for(request: Request) -> None:
    """RFC 9396 section 5: what cannot be granted is refused. The page of a device has no room for them."""
    if request.form.has("authorization_details"):
        raise ProtocolError(
            ErrorCode.INVALID_AUTHORIZATION_DETAILS, "A device cannot ask for authorization details."
        )
