"""People who say that something was not them, and the applications that were reached meanwhile."""

from typing import Any

import httpx

from idp.models.cases import Case
from idp.oidc.client_metadata import register
from tests.support.actors import ISSUER, Browser, Employee, Hall
from tests.support.relying_party import RelyingParty, Tokens


def seq_of(hall: Hall, who: Employee, kind: str) -> int:
    """Of the latest event of that type."""
    with hall.world.database.read() as work:
        return next(
            event.seq for event in work.audit.activity_of(who.user.id, limit=500) if event.type == kind
        )


def asks_about(browser: Browser, seq: int) -> None:
    browser.opens(f"/account/not-me?event={seq}")


def reports(browser: Browser, seq: int) -> str:
    """Where it leads."""
    asks_about(browser, seq)
    browser.presses("not-me")
    return browser.page.path


def cases_of(hall: Hall, who: Employee) -> list[Case]:
    with hall.world.database.read() as work:
        return [case for case in work.cases.list_cases() if case.user_id == who.user.id]


def proves(hall: Hall, browser: Browser, who: Employee) -> None:
    """Later, and with everything."""
    hall.clock.move(31)
    browser.follows("case-prove")
    browser.presses(password=who.password)
    if browser.page.has("code"):
        browser.presses(code=who.code())


def party(hall: Hall, *, path: str, **own: Any) -> RelyingParty:
    """An application of another organisation, unless told, which wishes to be told of endings."""
    document = {
        "client_name": f"Lietotne {path}",
        "redirect_uris": [f"https://app.example.lv{path}"],
        "backchannel_logout_uri": f"https://app.example.lv{path}/ended",
        "grant_types": ["authorization_code", "refresh_token"],
        "scope": "openid profile offline_access",
        "visvaris": own,
    }
    registration = register(document, hall.world.effects)
    hall.add_client(registration.client)
    return RelyingParty(
        issuer=ISSUER,
        client_id=registration.client.client_id,
        redirect_uri=f"https://app.example.lv{path}",
        http=httpx.Client(transport=httpx.WSGITransport(app=hall.app), base_url=ISSUER),
        secret=registration.secret,
        now=hall.clock,
    )


def arrives(browser: Browser, app: RelyingParty, who: Employee) -> Tokens:
    """Signs in for the application, and allows what it asks."""
    question = app.ask(scope="openid profile offline_access", prompt="consent")
    browser.opens(question.url.removeprefix(ISSUER))
    if browser.page.has("username"):
        browser.enters(who)
    if browser.left_for is None:
        browser.presses("consent-allow")
    answer = app.read_answer(question, browser.left_for or "")
    return app.redeem(question, answer["code"])
