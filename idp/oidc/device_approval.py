"""The person's side of the device authorization grant (RFC 8628 section 3.3): a code typed, a number picked.

Whoever has typed a code signs in as for any other application, is told what asks for what, and picks the
number the device shows. One decision counts, by the person who saw the page, in the browser that typed the
code; a wrong number is a refusal. Our own applications are asked about, too: what is confirmed here is the
device, and nobody can tell from afar whose it is. Not here: pages (`web/device.py`).
"""

from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from idp.events import Event, EventType
from idp.login.flow import Login
from idp.login.limits import Wait, charge_all, network_of
from idp.login.sessions import SignedIn
from idp.login.standing import Satisfied, Standings
from idp.login.transaction import Requirements
from idp.models.clients import Client
from idp.oidc.authorize import Browser, SignIn
from idp.oidc.authorize_requirements import links_of, required_by
from idp.oidc.codes import Granted
from idp.oidc.consent import Decider
from idp.oidc.core import Core
from idp.oidc.device_codes import Decision, DeviceRequest
from idp.oidc.device_confirmations import Confirmation, Confirmations, Verdict
from idp.oidc.user_codes import canonical_user_code
from idp.storage.throttle import Bucket, Throttle

GUESSES_OF_BROWSER: Final = Bucket(
    "device-browser", free=5, base_seconds=5, cap_seconds=900, forget_seconds=24 * 3600
)
GUESSES_OF_ADDRESS: Final = Bucket(
    "device-address", free=20, base_seconds=2, cap_seconds=60, forget_seconds=900
)
"""An address may be a whole town hall's, so a stranger in it keeps nobody waiting for more than a minute."""


@dataclass(frozen=True, slots=True)
class Gone:
    """Unknown here, expired, or decided in another place."""


@dataclass(frozen=True, slots=True)
class Done:
    verdict: Verdict
    client_name: str


@dataclass(frozen=True, slots=True)
class ConfirmationPage:
    """What the person is asked to confirm. `same_network`: the device asks from where the person is."""

    confirmation_id: str
    request: DeviceRequest
    client: Client
    signed_in: SignedIn
    municipality: str | None
    same_network: bool


Outcome: TypeAlias = ConfirmationPage | SignIn | Done | Gone


@dataclass(frozen=True, slots=True)
class _Open:
    """A confirmation that can still be given."""

    confirmation: Confirmation
    request: DeviceRequest
    client: Client


class DeviceApproval:
    def __init__(self, core: Core, *, login: Login, standings: Standings, throttle: Throttle) -> None:
        self._database = core.database
        self._clients = core.clients
        self._consents = core.consents
        self._codes = core.device_codes
        self._confirmations = Confirmations(core.shelf, core.effects)
        self._login = login
        self._standings = standings
        self._throttle = throttle

    def enter(self, typed: str, browser: Browser) -> str | Wait | None:
        """The id of the confirmation the code leads to; None for a code that leads nowhere.

        Every guess is paid for before it is looked at; a right one gives its own payment back and no more.
        """
        code = canonical_user_code(typed)
        if code is None:
            return None
        price = ((GUESSES_OF_ADDRESS, network_of(browser.address)), (GUESSES_OF_BROWSER, browser.id))
        seconds = charge_all(self._throttle, price)
        if seconds > 0:
            return Wait(seconds)
        request = self._codes.find_request_by_user_code(code)
        if request is None or self._find_client(request.client_id) is None:
            return None
        for bucket, key in price:
            self._throttle.refund(bucket, key)
        return self._confirmations.begin(request, browser=browser.id).id

    def look(self, confirmation_id: str, browser: Browser) -> Outcome:
        found = self._find(confirmation_id, browser)
        if not isinstance(found, _Open):
            return found
        standing = self._standings.of(browser.signed_in, requirements_of(found.request, found.client))
        if not isinstance(standing, Satisfied):
            return self._send_to_sign_in(found, browser)
        self._confirmations.keep(replace(found.confirmation, shown_to=standing.signed_in.user_id))
        return ConfirmationPage(
            confirmation_id=confirmation_id,
            request=found.request,
            client=found.client,
            signed_in=standing.signed_in,
            municipality=standing.municipality,
            same_network=network_of(found.request.address) == network_of(browser.address),
        )

    def decide(self, confirmation_id: str, browser: Browser, *, choice: str) -> Outcome:
        """`choice` is the number picked; whatever is none of those offered is a refusal."""
        found = self._find(confirmation_id, browser)
        if not isinstance(found, _Open):
            return found
        standing = self._standings.of(browser.signed_in, requirements_of(found.request, found.client))
        if not isinstance(standing, Satisfied):
            return self._send_to_sign_in(found, browser)
        if found.confirmation.shown_to != standing.signed_in.user_id:
            return self.look(confirmation_id, browser)
        if not self._codes.take(found.request):
            return Gone()
        verdict = verdict_on(found.request, choice)
        decider = Decider(standing.signed_in.user_id, standing.signed_in.session_id, browser.address)
        self._write_down(found, verdict, decider, municipality=standing.municipality)
        granted = granted_by(standing, found.request) if verdict is Verdict.APPROVED else None
        self._codes.decide(found.request, Decision(granted))
        self._confirmations.keep(replace(found.confirmation, verdict=verdict))
        return Done(verdict, found.client.name)

    def _find(self, confirmation_id: str, browser: Browser) -> _Open | Done | Gone:
        confirmation = self._confirmations.find(confirmation_id, browser=browser.id)
        client = self._find_client(confirmation.client_id) if confirmation is not None else None
        if confirmation is None or client is None:
            return Gone()
        if confirmation.verdict is not None:
            return Done(confirmation.verdict, client.name)
        request = self._codes.find_request(confirmation.request_id)
        return _Open(confirmation, request, client) if request is not None else Gone()

    def _find_client(self, client_id: str) -> Client | None:
        client = self._clients.find(client_id)
        return client if client is not None and not client.disabled else None

    def _send_to_sign_in(self, found: _Open, browser: Browser) -> SignIn:
        """Also who may not use the application: the pages of signing in say so."""
        client = found.client
        return SignIn(
            self._login.start(
                requirements_of(found.request, client),
                return_to=f"/device/{found.confirmation.id}",
                browser=browser.id,
                application_name=client.name,
                third_party=not client.first_party,
                client_links=links_of(client),
                client_id=client.client_id,
                signed_in=browser.signed_in,
            )
        )

    def _write_down(
        self, found: _Open, verdict: Verdict, decider: Decider, *, municipality: str | None
    ) -> None:
        approved = verdict is Verdict.APPROVED
        if approved and not found.client.first_party:
            self._consents.give(found.request, decider)
        event = Event(
            type=EventType.DEVICE_APPROVED if approved else EventType.DEVICE_REFUSED,
            user_id=decider.user_id,
            actor_id=decider.user_id,
            municipality=municipality,
            client_id=found.client.client_id,
            session_id=decider.session_id,
            reason=verdict.value if verdict is Verdict.WRONG_NUMBER else None,
            address=decider.address,
            detail={"scope": " ".join(found.request.scopes), "device_address": found.request.address},
        )
        with self._database.begin() as work:
            work.audit.append(event)


def requirements_of(request: DeviceRequest, client: Client) -> Requirements:
    max_age = client.registered.get("default_max_age")
    not_before = request.requested_at - max_age if max_age is not None else None
    return replace(required_by(client), not_before=not_before)


def verdict_on(request: DeviceRequest, choice: str) -> Verdict:
    if choice == str(request.number):
        return Verdict.APPROVED
    return Verdict.WRONG_NUMBER if choice in map(str, request.choices) else Verdict.REFUSED


def granted_by(standing: Satisfied, request: DeviceRequest) -> Granted:
    return Granted(
        client_id=request.client_id,
        user_id=standing.signed_in.user_id,
        session_id=standing.signed_in.session_id,
        scopes=request.scopes,
        resources=request.resources,
        acr=standing.acr,
        amr=standing.amr,
        auth_time=standing.auth_time,
        employment_id=standing.employment.id if standing.employment is not None else None,
        municipality=standing.municipality,
    )
