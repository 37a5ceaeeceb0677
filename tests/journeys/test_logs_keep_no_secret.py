"""What the running provider wrote down while people and programs used it holds none of their secrets."""

import re
from urllib.parse import parse_qs, urlsplit

from tests.support.running_server import NetworkBrowser, Resident, RunningServer

WRONG = "nepareiza-parole-kas-ir-gara"


def everything_secret_of(browser: NetworkBrowser, who: Resident) -> set[str]:
    cookies = {value for value in dict(browser.http.cookies).values() if value and len(value) > 8}
    return cookies | {who.password, who.totp_secret or who.password, WRONG}


def test_a_day_of_signing_in_leaves_no_secret_in_the_logs(server: RunningServer) -> None:
    """attack 44: passwords, codes, cookies, tokens, client secrets and keys are grepped for in all that was logged."""
    who = server.hire(totp=True)
    browser = server.browser()
    secrets: set[str] = set()

    application = server.application("demo-web")
    question = application.ask(scope="openid profile email offline_access")
    browser.opens(question.url)
    secrets |= everything_secret_of(browser, who)
    browser.presses(username=who.username, password=WRONG)
    browser.presses(username=who.username, password=who.password)
    browser.presses(code="000000")
    code = who.code()
    browser.presses(code=code)
    secrets |= everything_secret_of(browser, who)
    if browser.page.has("consent-allow"):
        browser.presses("consent-allow")
    assert browser.left_for is not None
    secrets.add(parse_qs(urlsplit(browser.left_for).query)["code"][0])
    tokens = application.redeem(question, application.read_answer(question, browser.left_for)["code"])
    assert tokens.refresh_token is not None
    assert tokens.id_token is not None
    secrets |= {tokens.access_token, tokens.refresh_token, tokens.id_token}
    for client in server.clients.values():
        secrets |= {client["client_secret"]} if client.get("client_secret") else set()
    everywhere = {"Authorization": f"Bearer {tokens.access_token}"}
    assert server.http.get(f"{server.issuer}/userinfo", headers=everywhere).is_success
    server.http.get(f"{server.issuer}/userinfo", params={"access_token": tokens.access_token})
    server.http.post(
        f"{server.issuer}/token", params={"code": tokens.refresh_token}, data={"code": "x" * 70000}
    )
    browser.opens("/account")
    browser.opens("/connectors/agreements/")
    browser.opens(f"/{tokens.refresh_token}?token={tokens.access_token}")
    browser.signs_out()

    written = server.log.read_text(errors="replace")
    assert "/userinfo" in written, "the journeys are in the log that is read"
    assert [secret[:6] for secret in secrets if secret in written] == []
    assert not re.search(rf"\b{code}\b", written)
