"""A device without a browser, as a stranger would write it (RFC 8628): shows what it was told and asks again.

It speaks HTTP through its relying party, and knows no code of the provider.
"""

import re
from dataclasses import dataclass

from tests.support.relying_party import ProviderError, RelyingParty, Tokens

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
METADATA = {"redirect_uris": [], "grant_types": [GRANT, "refresh_token"]}
USER_CODE = re.compile(r"[BCDFGHJKLMNPRSTVXZ]{4}-[BCDFGHJKLMNPRSTVXZ]{4}")


@dataclass(frozen=True)
class Shown:
    """What the device was told: the person sees all of it but `device_code`."""

    device_code: str
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    expires_in: int
    interval: int
    number: int


@dataclass
class Device:
    party: RelyingParty

    def asks(self, scope: str | None = "openid", **more: str | None) -> Shown:
        """Section 3.2, held to the letter."""
        reply = self.party.post("/device_authorization", {"scope": scope, **more})
        body = reply.json()
        if reply.status_code != 200:
            raise ProviderError(body["error"], body.get("error_description", ""), status=reply.status_code)
        assert reply.headers["Cache-Control"] == "no-store"
        assert USER_CODE.fullmatch(body["user_code"])
        assert len(body["device_code"]) == 43, "256 bits"
        assert body["device_code"] not in body["verification_uri_complete"]
        return Shown(
            body["device_code"],
            body["user_code"],
            body["verification_uri"],
            body["verification_uri_complete"],
            body["expires_in"],
            body["interval"],
            body["visvaris_number"],
        )

    def polls(self, shown: Shown, **changed: str | None) -> Tokens:
        """Section 3.4. Raises ProviderError, also while nobody has decided."""
        form = {"grant_type": GRANT, "device_code": shown.device_code, **changed}
        return self.party._tokens(form, nonce=None)

    def is_told(self, shown: Shown, **changed: str | None) -> str:
        """The error it gets."""
        try:
            self.polls(shown, **changed)
        except ProviderError as error:
            return error.error
        return "tokens"
