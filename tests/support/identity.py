"""The whole provider with a Smart-ID service beside it, and people whose phones are played from here."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from idp.models.confirmations import Assurance, Confirmed, ConfirmedBy, IdentityRead
from idp.models.person_code import PersonCode
from tests.support.actors import Browser, Employee, Hall
from tests.support.certificates import Authority
from tests.support.pages import Page
from tests.support.smart_id.accounts import Account
from tests.support.smart_id.authority import Person, SmartIdAuthority
from tests.support.smart_id.phone import Followed
from tests.support.smart_id.running import Emulator, running_emulator
from tests.support.smart_id.service import NAME, RELYING_PARTY, Service
from tests.support.smart_id.sessions import Session

ANNA_CODE = "320000-00015"
ANNA = Account("PNOLV-320000-00015-TEST-Q", Person("PNOLV-320000-00015", "ANNA", "BĒRZIŅA"))
BERTA = Account("PNOLV-320000-00023-TEST-Q", Person("PNOLV-320000-00023", "BERTA", "KALNIŅA"))


@dataclass
class PhoneInHand:
    """Reads what a page of the provider shows, as the app would, and plays the app."""

    service: Service
    clock: Callable[[], float]

    @property
    def session(self) -> Session:
        """The latest that the provider began."""
        return self.service.sessions.latest()

    def link(self, kind: str = "QR", *, seconds: int | None = None) -> str:
        """What the page shows now; `seconds` since the session began, in their place."""
        session, phone = self.session, self.service.phone
        elapsed = int(self.clock() - session.created_at) if seconds is None else seconds
        in_code = f"&elapsedSeconds={elapsed}" if kind == "QR" else ""
        link = (
            f"{phone.device_link_base}?deviceLinkType={kind}{in_code}&sessionToken={session.token}"
            "&sessionType=auth&version=1.0&lang=lav"
        )
        return f"{link}&authCode={phone._auth_code(session, link, kind)}"

    def scan(self, account: Account = ANNA) -> Followed:
        return self.service.phone.follow(self.link(), account.document_number)

    def open_app(self, account: Account = ANNA) -> str:
        """On the same device, by the page's own link; the address at which the app opens the browser."""
        followed = self.service.phone.follow(self.link("Web2App"), account.document_number)
        assert followed.callback is not None, followed.ignored
        return followed.callback


class IdentityRig(PhoneInHand):
    def __init__(self, hall: Hall, emulator: Emulator) -> None:
        super().__init__(emulator.service, hall.clock)
        self.hall = hall
        self.emulator = emulator

    def confirmed(self, who: Employee) -> Confirmed | None:
        with self.hall.world.database.read() as work:
            return work.confirmations.find(who.user.id)

    def reasons(self, who: Employee) -> list[str]:
        """Why confirmations of this account were refused, the oldest first."""
        with self.hall.world.database.read() as work:
            found = work.audit.activity_of(who.user.id)
        return [each.reason for each in reversed(found) if each.type == "identity.refused" and each.reason]


@contextmanager
def identity_rig(
    url: str, people: SmartIdAuthority, authority: Authority, folder: Path, **options: Any
) -> Iterator[IdentityRig]:
    halls: list[Hall] = []

    def now() -> float:
        """By the provider's clock, which is there as soon as anybody asks."""
        return halls[0].clock()

    with running_emulator(authority.server(), people, now, folder=folder) as emulator:
        hall = Hall(url, options=smart_id_options(emulator, authority) | options)
        halls.append(hall)
        emulator.service.patience = 0.01
        for account in (ANNA, BERTA):
            emulator.service.add(account)
        try:
            yield IdentityRig(hall, emulator)
        finally:
            hall.close()


def smart_id_options(emulator: Emulator, authority: Authority) -> dict[str, Any]:
    return {
        "smart_id_base_url": emulator.base_url,
        "smart_id_scheme_name": "smart-id-demo",
        "smart_id_rp_uuid": RELYING_PARTY,
        "smart_id_rp_name": NAME,
        "smart_id_anchors_file": emulator.anchors,
        "smart_id_pins": (emulator.pin,),
        "smart_id_revocation": "required",
        "smart_id_countries": ("LV",),
        "smart_id_ca_file": authority.ca_file,
        "outbound_ca_file": authority.ca_file,
        "outbound_allow": (ip_network("127.0.0.0/8"), ip_network("::1/128")),
    }


def asks(browser: Browser, path: str = "/account/identity") -> Page:
    """Agrees, and chooses Smart-ID."""
    browser.opens(path)
    return browser.presses("identity-smart_id", consent="1")


def confirms(rig: IdentityRig, browser: Browser, account: Account = ANNA) -> Page:
    """Everything, up to the page after it was linked."""
    asks(browser)
    rig.scan(account)
    browser.opens(browser.page.path)
    return browser.presses("identity-link")


def was_confirmed(hall: Hall, who: Employee, code: str = ANNA_CODE) -> None:
    """Earlier, and not in this test."""
    read = IdentityRead(
        code=PersonCode.parse(code),
        given_name=who.user.given_name,
        family_name=who.user.family_name,
        confirmed_by=ConfirmedBy.SMART_ID,
        assurance=Assurance.HIGH,
        read_at=hall.clock(),
    )
    with hall.world.database.begin() as work:
        work.confirmations.put(who.user.id, read, consent_version="1", consent_language="lv")
