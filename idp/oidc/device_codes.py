"""What waits between a device that asks and a person who decides (RFC 8628), on the Shelf.

A request is found by the device with its device code and by the person with the user code; neither leads to
the other. Whoever takes the request from the Shelf decides it, once. Not here: who may decide
(`device_approval.py`), what follows for the device (`grants/device_code.py`).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from idp.effects import Effects, Instant
from idp.oidc.authorization_details import Details
from idp.oidc.codes import Granted
from idp.oidc.user_codes import new_user_code
from idp.storage.ephemeral import Shelf

DEVICE_CODE_SECONDS: Final = 600.0
INTERVAL_SECONDS: Final = 5
SLOWER_BY_SECONDS: Final = 5
"""RFC 8628 section 3.5: by so much the interval grows each time the device comes too soon."""

_LEEWAY_SECONDS: Final = 1.0
"""By so much the network may bring two requests closer together than they were sent."""
_REMEMBERED_SECONDS: Final = 600.0
"""How long an expired code is still told to be that."""
_REQUEST: Final = "device-request"
_BY_DEVICE_CODE: Final = "device-code"
_BY_USER_CODE: Final = "device-user-code"
_DECISION: Final = "device-decision"
_ASKED: Final = "device-asked"
_INTERVAL: Final = "device-interval"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRequest:
    """`number` is shown by the device; the person picks it among `choices`, which are the same each time the
    page is shown: of choices made anew only the right one would stay.
    """

    id: str
    client_id: str
    scopes: tuple[str, ...]
    resources: tuple[str, ...]
    number: int
    choices: tuple[int, ...]
    address: str
    requested_at: Instant
    expires_at: Instant

    @property
    def consent_scopes(self) -> tuple[str, ...]:
        return self.scopes

    @property
    def authorization_details(self) -> Details:
        """A device asks for none: it has no page on which they could be read at leisure."""
        return ()


@dataclass(frozen=True, slots=True)
class IssuedCodes:
    device_code: str = field(repr=False)
    user_code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """What a device code leads to; known for some time after it expired."""

    request_id: str
    client_id: str
    expires_at: Instant


@dataclass(frozen=True, slots=True)
class Decision:
    """`granted` is None when the person refused."""

    granted: Granted | None


class DeviceCodes:
    def __init__(self, shelf: Shelf, effects: Effects) -> None:
        self._shelf = shelf
        self._effects = effects

    def issue(self, request: DeviceRequest) -> IssuedCodes:
        self._shelf.put(_REQUEST, request.id, asdict(request), expires_at=request.expires_at)
        leads_to = {"request_id": request.id}
        user_code = new_user_code(self._effects)
        while not self._shelf.add(_BY_USER_CODE, user_code, leads_to, expires_at=request.expires_at):
            user_code = new_user_code(self._effects)
        device_code = self._effects.new_token()
        value = asdict(DeviceCode(request.id, request.client_id, request.expires_at))
        until = request.expires_at + _REMEMBERED_SECONDS
        self._shelf.put(_BY_DEVICE_CODE, device_code, value, expires_at=until)
        return IssuedCodes(device_code, user_code)

    # The device's side ---------------------------------------------------------------------------------

    def find(self, device_code: str) -> DeviceCode | None:
        value = self._shelf.find(_BY_DEVICE_CODE, device_code)
        return DeviceCode(**value) if value is not None else None

    def destroy(self, device_code: str) -> None:
        """The decision stays until it expires: of two redemptions at once the later must not find none."""
        self._shelf.take(_BY_DEVICE_CODE, device_code)

    def find_decision(self, request_id: str) -> Decision | None:
        value = self._shelf.find(_DECISION, request_id)
        return _decision(value) if value is not None else None

    def comes_in_time(self, device_code: str) -> bool:
        """False for who asks again too soon; from then on they must wait longer each time."""
        now = self._effects.now()
        held = self._shelf.find(_INTERVAL, device_code)
        interval = float(held["seconds"]) if held is not None else INTERVAL_SECONDS
        if self._shelf.add(_ASKED, device_code, {}, expires_at=now + interval - _LEEWAY_SECONDS):
            return True
        interval += SLOWER_BY_SECONDS
        until = now + DEVICE_CODE_SECONDS
        self._shelf.put(_INTERVAL, device_code, {"seconds": interval}, expires_at=until)
        self._shelf.put(_ASKED, device_code, {}, expires_at=now + interval - _LEEWAY_SECONDS)
        return False

    # The person's side ---------------------------------------------------------------------------------

    def find_request_by_user_code(self, user_code: str) -> DeviceRequest | None:
        found = self._shelf.find(_BY_USER_CODE, user_code)
        return self.find_request(found["request_id"]) if found is not None else None

    def find_request(self, request_id: str) -> DeviceRequest | None:
        """None when it was decided, or has expired."""
        value = self._shelf.find(_REQUEST, request_id)
        return _request(value) if value is not None else None

    def take(self, request: DeviceRequest) -> bool:
        """Of any number who decide at once, one does; the user code leads nowhere from then on."""
        return self._shelf.take(_REQUEST, request.id) is not None

    def decide(self, request: DeviceRequest, decision: Decision) -> None:
        """For who took it."""
        self._shelf.put(_DECISION, request.id, asdict(decision), expires_at=request.expires_at)


def _request(value: Mapping[str, Any]) -> DeviceRequest:
    return DeviceRequest(**_with_tuples(value))


def _decision(value: Mapping[str, Any]) -> Decision:
    granted = value["granted"]
    return Decision(Granted(**_with_tuples(granted)) if granted is not None else None)


def _with_tuples(value: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(item) if isinstance(item, list | tuple) else item for name, item in value.items()}
