"""Authenticators of Chromium's own (CDP `WebAuthn`): real ceremonies by a real browser, with nobody at the desk."""

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import CDPSession, Page


@dataclass
class VirtualAuthenticator:
    """Plugged into one page. `is_at_hand`: whether somebody touches it whenever it asks."""

    session: CDPSession
    id: str

    @property
    def credentials(self) -> list[dict[str, Any]]:
        answer = self.session.send("WebAuthn.getCredentials", {"authenticatorId": self.id})
        found: list[dict[str, Any]] = answer["credentials"]
        return found

    def verifies(self, *, user: bool) -> None:
        """Whether it recognises whoever is there."""
        self.session.send("WebAuthn.setUserVerified", {"authenticatorId": self.id, "isUserVerified": user})

    def is_at_hand(self, *, touched: bool) -> None:
        self.session.send(
            "WebAuthn.setAutomaticPresenceSimulation", {"authenticatorId": self.id, "enabled": touched}
        )

    def remove(self) -> None:
        self.session.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": self.id})

    def takes(self, credential: dict[str, Any]) -> None:
        """A key moved here from another authenticator, as syncing moves it."""
        self.session.send("WebAuthn.addCredential", {"authenticatorId": self.id, "credential": credential})


@dataclass
class Plug:
    """Where authenticators are plugged in: one page's."""

    page: Page

    def __post_init__(self) -> None:
        self.session = self.page.context.new_cdp_session(self.page)
        self.session.send("WebAuthn.enable", {"enableUI": False})

    def laptop(self, **options: Any) -> VirtualAuthenticator:
        """Built in, with a finger or PIN: makes passkeys."""
        return self._add(transport="internal", hasResidentKey=True, hasUserVerification=True, **options)

    def key_fob(self, **options: Any) -> VirtualAuthenticator:
        """In the USB port, to be touched; knows nobody."""
        return self._add(transport="usb", hasResidentKey=False, hasUserVerification=False, **options)

    def _add(self, **options: Any) -> VirtualAuthenticator:
        described = {
            "protocol": "ctap2",
            "ctap2Version": "ctap2_1",
            "isUserVerified": bool(options.get("hasUserVerification")),
            "automaticPresenceSimulation": True,
            **options,
        }
        answer = self.session.send("WebAuthn.addVirtualAuthenticator", {"options": described})
        return VirtualAuthenticator(self.session, answer["authenticatorId"])
