"""The agreements connector, signed into through the running provider: its page, its API, and the way out."""

import re
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from tests.support.builders import KEKAVA, RIGA
from tests.support.relying_party import Tokens
from tests.support.running_server import NetworkBrowser, Resident, RunningServer

CESIS, VALMIERA, JURMALA = "0026000", "0054000", "0004000"
HOME = "/connectors/agreements/"
CALLBACK = "/connectors/agreements/callback"
API = "/connectors/agreements/api/v1/municipalities"


def shown_municipality(browser: NetworkBrowser) -> str:
    found = re.search(r"\b[0-9]{7}\b", browser.page.words)
    assert found is not None, browser.page.words
    return found[0]


def begun_sign_in(browser: NetworkBrowser) -> dict[str, str]:
    """What the connector asked of the provider, as this browser was sent there."""
    answer = browser.http.get(HOME)
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def stopped_at_callback(server: RunningServer, who: Resident) -> tuple[NetworkBrowser, str]:
    """Somebody signed in at the provider whose browser has not yet gone back to the connector."""
    browser = server.browser()
    browser.stops_at = CALLBACK
    browser.signs_in(who, HOME)
    assert browser.left_for is not None
    browser.stops_at = None
    return browser, browser.left_for


def token_for_agreements(
    server: RunningServer, who: Resident, *, scope: str = "openid employment agreements.read", **asked: str
) -> Tokens:
    application = server.application("demo-web")
    resource = asked.get("resource", server.agreements)
    question = application.ask(scope=scope, resource=resource)
    browser = server.browser()
    browser.signs_in(who, question.url)
    if browser.page.has("consent-allow"):
        browser.presses("consent-allow")
    assert browser.left_for is not None
    code = application.read_answer(question, browser.left_for)["code"]
    return application.redeem(question, code, resource=resource)


def ask_api(server: RunningServer, path: str, token: str | None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    return server.http.get(f"{server.issuer}{path}", headers=headers)


def assert_problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["code"]
    assert problem["reference"]
    return problem


# The page ------------------------------------------------------------------------------------------------


def test_a_stranger_is_sent_to_sign_in_and_comes_back_to_the_page_of_their_municipality(
    server: RunningServer,
):
    clerk = server.hire(KEKAVA, totp=True)
    browser = server.browser()

    browser.opens(HOME)
    assert browser.page.path.startswith("/login/")
    browser.identifies(clerk)
    assert browser.page.has("code")
    browser.presses(code=clerk.code())

    assert browser.page.path == HOME
    assert shown_municipality(browser) == KEKAVA
    assert browser.page.has("programmes")
    assert browser.page.has("connector-logout")


def test_our_own_application_asks_for_no_consent_and_a_second_one_for_no_password(server: RunningServer):
    browser = server.browser()
    browser.signs_in(server.residents["parole"])
    browser.opens(HOME)
    assert browser.page.path == HOME
    assert not any(path.startswith("/consent/") for path in browser.trail)
    assert shown_municipality(browser) == CESIS


@pytest.mark.parametrize(("chosen", "other"), [(RIGA, JURMALA), (JURMALA, RIGA)])
def test_somebody_with_two_posts_chooses_one_and_sees_that_municipality(
    server: RunningServer, chosen: str, other: str
):
    lawyer = server.hire(RIGA, JURMALA)
    browser = server.browser()
    browser.signs_in(lawyer, HOME)
    assert browser.page.has("municipality")

    browser.works_for(server.post_of(lawyer, chosen))

    assert browser.page.path == HOME
    assert shown_municipality(browser) == chosen
    assert other not in browser.page.words


def test_nobody_can_choose_a_post_of_somebody_else(server: RunningServer):
    """Attack 23: the choice is among one's own posts, whatever the form says."""
    lawyer, stranger = server.hire(RIGA, JURMALA), server.hire(VALMIERA)
    browser = server.browser()
    browser.signs_in(lawyer, HOME)
    browser.works_for(server.post_of(stranger, VALMIERA))
    assert browser.page.has("municipality")
    assert browser.opens(HOME).path != HOME


# The API -------------------------------------------------------------------------------------------------


def test_a_token_opens_its_own_municipality_and_no_other(server: RunningServer):
    token = token_for_agreements(server, server.hire(VALMIERA)).access_token

    listed = ask_api(server, API, token)
    assert listed.status_code == 200
    assert [row["atvk"] for row in listed.json()["municipalities"]] == [VALMIERA]
    assert ask_api(server, f"{API}/{VALMIERA}", token).json()["atvk"] == VALMIERA

    foreign = assert_problem(ask_api(server, f"{API}/{RIGA}", token), 404)
    unknown = assert_problem(ask_api(server, f"{API}/9999999", token), 404)
    assert {name: foreign[name] for name in ("title", "detail", "code")} == {
        name: unknown[name] for name in ("title", "detail", "code")
    }


def test_a_service_sees_the_municipality_it_is_registered_for(server: RunningServer):
    service = server.application("demo-service", redirect_uri="none")
    token = service.own_token(scope="agreements.read", resource=server.agreements).access_token
    listed = ask_api(server, API, token).json()["municipalities"]
    assert [row["atvk"] for row in listed] == [RIGA]


def test_without_a_token_the_api_says_that_one_is_needed(server: RunningServer):
    answer = ask_api(server, API, None)
    assert_problem(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert "error=" not in answer.headers["WWW-Authenticate"]


def test_a_token_for_another_audience_or_of_another_kind_is_refused(server: RunningServer):
    """Attack 16: an ID token, and an access token for the provider itself, open nothing here."""
    clerk = server.hire(VALMIERA)
    application = server.application("demo-web")
    question = application.ask(scope="openid employment")
    browser = server.browser()
    browser.signs_in(clerk, question.url)
    browser.presses("consent-allow")
    tokens = application.redeem(question, application.read_answer(question, browser.left_for or "")["code"])

    for token in (tokens.access_token, tokens.id_token, "not-a-token"):
        answer = ask_api(server, API, token)
        assert_problem(answer, 401)
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_a_token_without_the_scope_is_refused_and_told_which_is_missing(server: RunningServer):
    token = token_for_agreements(server, server.hire(VALMIERA), scope="openid employment").access_token
    answer = ask_api(server, API, token)
    assert_problem(answer, 403)
    assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]
    assert "agreements.read" in answer.headers["WWW-Authenticate"]


def test_the_api_tells_its_own_contract_to_anybody(server: RunningServer):
    described = server.http.get(f"{server.agreements}/api/v1/openapi.json").json()
    assert described["openapi"].startswith("3.1")


# The way out ---------------------------------------------------------------------------------------------


def test_signing_out_of_the_connector_ends_the_session_at_the_provider(server: RunningServer):
    browser = server.browser()
    browser.signs_in(server.hire(KEKAVA), HOME)
    assert browser.is_signed_in

    browser.presses("connector-logout")

    assert browser.page.path.startswith("/connectors/agreements/start")
    assert not browser.is_signed_in
    assert browser.opens(HOME).path.startswith("/login/")


def test_signing_out_of_the_connector_needs_its_own_form(server: RunningServer):
    """Attack 24: no other page can sign somebody out of the connector."""
    browser = server.browser()
    browser.signs_in(server.hire(KEKAVA), HOME)
    for sent in ({}, {"csrf_token": "forged"}):
        browser.posts("/connectors/agreements/logout", sent)
        assert browser.page.status == 400
        assert browser.page.error_code == "form_expired"
    assert browser.is_signed_in
    assert browser.opens(HOME).path == HOME


# Attacks on the way back ---------------------------------------------------------------------------------


@pytest.mark.parametrize("named", [None, "https://other-issuer.example", "http://localhost"])
def test_an_answer_that_does_not_name_the_issuer_is_refused(server: RunningServer, named: str | None):
    """Attack 10: mix-up. The code of such an answer is never redeemed, and the sign-in cannot be tried again."""
    browser, url = stopped_at_callback(server, server.hire(KEKAVA))
    answer = httpx.URL(url)
    forged = answer.copy_remove_param("iss") if named is None else answer.copy_set_param("iss", named)
    browser.opens(str(forged))
    assert browser.page.status == 400
    assert browser.page.error_code == "wrong_response"

    browser.opens(url)
    assert browser.page.error_code == "sign_in_not_started_here"


def test_errors_that_do_not_name_the_issuer_are_refused_alike(server: RunningServer):
    """Attack 10: an error without `iss` is not believed to be this provider's."""
    browser = server.browser()
    state = begun_sign_in(browser)["state"]
    browser.opens(f"{CALLBACK}?{urlencode({'state': state, 'error': 'access_denied'})}")
    assert browser.page.error_code == "wrong_response"


def test_a_sign_in_of_one_browser_cannot_be_finished_in_another(server: RunningServer):
    """Attack 24: login CSRF. A victim who is led to an attacker's callback does not become the attacker."""
    attacker, url = stopped_at_callback(server, server.hire(KEKAVA, given_name="Uzbrucējs"))
    victim = server.browser()

    victim.opens(url)
    assert victim.page.status == 400
    assert victim.page.error_code == "sign_in_not_started_here"
    assert victim.opens(HOME).path.startswith("/login/")

    begun_sign_in(victim)  # having begun one of their own does not help the attacker either
    assert victim.opens(url).error_code == "sign_in_not_started_here"

    assert attacker.opens(url).path == HOME, "whose sign-in it is may finish it"


def test_a_callback_works_once(server: RunningServer):
    """Attack 24: the state is used up; coming back again leads the same person to the page and nobody else."""
    browser, url = stopped_at_callback(server, server.hire(KEKAVA))
    assert browser.opens(url).path == HOME
    assert browser.opens(url).path == HOME
    browser.http.cookies.delete("visvaris-agreements-session")
    assert browser.opens(url).error_code == "sign_in_not_started_here"


def test_the_next_person_at_the_same_browser_sees_only_their_own_municipality(server: RunningServer):
    """Attack 22: two people in turn; neither session, page nor identifier of the first is left for the second."""
    browser = server.browser()
    browser.signs_in(server.hire(KEKAVA, given_name="Pirmā"), HOME)
    first = dict(browser.http.cookies)
    kept = {"Cookie": "; ".join(f"{name}={value}" for name, value in first.items())}
    assert "Pirmā" in browser.page.words
    assert "Pirmā" in server.http.get(f"{server.issuer}{HOME}", headers=kept).text
    browser.presses("connector-logout")

    browser.signs_in(server.hire(VALMIERA, given_name="Otrais"), HOME)
    assert shown_municipality(browser) == VALMIERA
    assert "Otrais" in browser.page.words
    assert "Pirmā" not in browser.page.words
    for name in ("visvaris-session", "visvaris-agreements-session"):
        assert browser.http.cookies[name] != first[name]

    late = server.http.get(f"{server.issuer}{HOME}", headers=kept)
    assert late.headers["Location"].startswith(f"{server.issuer}/authorize?"), (
        "the first one's cookies are dead"
    )
    assert server.http.get(f"{server.issuer}/account", headers=kept).headers["Location"].startswith("/login/")


def test_who_signs_out_at_the_portal_leaves_nothing_for_the_next_person_in_the_connector(
    server: RunningServer,
):
    """Attack 22: the session of an application ends with the sign-in that it came from."""
    browser = server.browser()
    browser.signs_in(server.hire(KEKAVA, given_name="Pirmā"), HOME)
    browser.signs_out()

    browser.signs_in(server.hire(VALMIERA, given_name="Otrais"))
    browser.opens(HOME)
    assert shown_municipality(browser) == VALMIERA
    assert "Pirmā" not in browser.page.words
