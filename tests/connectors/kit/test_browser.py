"""Cookies, sessions and the way out, as a browser meets them."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask

from connectors.agreements.app import create_app
from connectors.agreements.settings import AgreementsSettings
from connectors.kit.effects import Effects
from tests.connectors.conftest import ANNA, BASE_URL, Clock, Person
from tests.support.demo_provider import StandIn, stand_in

SESSION = "visvaris-agreements-session"


def session_of(person: Person) -> str:
    cookie = person.client.get_cookie(SESSION)
    return cookie.value if cookie else ""


def csrf_of(person: Person) -> str:
    found = re.search(r'name="csrf_token" value="([0-9a-f]+)"', person.opens().text)
    assert found
    return found.group(1)


def test_signing_in_gives_a_fresh_session_whatever_the_browser_brought(anna: Person) -> None:
    """attack 21: a planted session name is not taken up."""
    planted = "A" * 43
    anna.client.set_cookie(SESSION, planted)
    anna.signs_in()
    assert len(session_of(anna)) == 43
    assert session_of(anna) != planted


def test_signing_in_again_ends_the_session_before(anna: Person, stranger: Person, issuer: StandIn) -> None:
    """attack 22: who signs in after somebody on the same browser takes over nothing of them."""
    anna.signs_in()
    before = session_of(anna)
    back = anna.authorizes(beginning(anna))
    issuer.person |= {"sub": "boris-1", "name": "Boris", "municipality": "0001000"}
    anna.opens(back)
    assert session_of(anna) != before
    stranger.client.set_cookie(SESSION, before)
    assert stranger.opens().status_code == 303


def beginning(person: Person) -> str:
    """A sign-in begun by somebody who is signed in: the session is put aside, not ended."""
    kept = session_of(person)
    person.client.delete_cookie(SESSION)
    address = person.begins()
    person.client.set_cookie(SESSION, kept)
    return address


def test_the_page_of_one_person_is_not_the_next_persons(anna: Person, issuer: StandIn) -> None:
    """attack 22"""
    back = anna.authorizes(beginning(anna))
    issuer.person |= {"sub": "boris-1", "name": "Boris Liepa", "municipality": "0001000"}
    anna.opens(back)
    page = anna.opens().text
    assert "Boris Liepa" in page
    assert "Anna" not in page


@pytest.mark.parametrize("value", ["", "x", "A" * 42, "A" * 44, "../" * 15, "A" * 42 + "\u0101"])
def test_an_invented_session_name_opens_nothing(anna: Person, value: str) -> None:
    anna.client.set_cookie(SESSION, value)
    assert anna.opens().status_code == 303


@pytest.mark.parametrize(("session", "token", "ends"), [(900, 300, 300), (900, 3600, 900), (60, 300, 60)])
def test_a_session_ends_with_its_access_token_and_after_a_while_at_most(
    settings: AgreementsSettings,
    effects: Effects,
    issuer: StandIn,
    clock: Clock,
    session: int,
    token: int,
    ends: int,
) -> None:
    """attack 30: it is then renewed at the provider."""
    issuer.in_tokens = {"expires_in": token}
    anna = Person(create_app(settings.model_copy(update={"session_seconds": session}), effects=effects))
    anna.signs_in()
    clock.at += ends - 1
    assert anna.opens().status_code == 200
    clock.at += 1
    asked = issuer.asked["/userinfo"]
    assert anna.opens().status_code == 303
    assert issuer.asked["/userinfo"] == asked, "a token known to have ended is not shown to anybody"


def test_every_page_asks_the_provider_whether_somebody_is_signed_in(anna: Person, issuer: StandIn) -> None:
    """attack 22"""
    anna.signs_in()
    asked = issuer.asked["/userinfo"]
    assert [anna.opens().status_code for _ in range(3)] == [200, 200, 200]
    assert issuer.asked["/userinfo"] == asked + 3


def test_who_signed_out_at_the_provider_is_signed_out_here_for_good(anna: Person, issuer: StandIn) -> None:
    """attack 22: the session is destroyed, not only passed over."""
    anna.signs_in()
    people = dict(issuer.people)
    issuer.people.clear()
    sent = anna.opens()
    assert sent.status_code == 303
    assert sent.location.startswith(f"{issuer.issuer}/authorize?")
    issuer.people |= people
    assert anna.opens().status_code == 303


def test_the_next_person_at_the_browser_sees_themselves_after_one_who_signed_out_at_the_provider(
    anna: Person, issuer: StandIn
) -> None:
    """attack 22: the sign-in in between is unseen."""
    anna.signs_in()
    issuer.people.clear()
    issuer.person |= {"sub": "boris-1", "name": "Boris Liepa", "municipality": "0001000"}
    anna.opens(anna.authorizes(anna.begins()))
    page = anna.opens().text
    assert "Boris Liepa" in page
    assert "Anna" not in page


def test_a_token_that_speaks_for_somebody_else_opens_nothing(anna: Person, issuer: StandIn) -> None:
    """attack 22: the subject at the userinfo endpoint is the session's, or there is no session."""
    anna.signs_in()
    issuer.in_user_info = {"sub": "boris-1"}
    assert anna.opens().status_code == 303
    issuer.in_user_info = {}
    assert anna.opens().status_code == 303


@pytest.mark.parametrize(
    ("status", "body"), [(500, ""), (503, "{}"), (403, "{}"), (302, ""), (200, "<html>"), (200, "[]")]
)
def test_nobody_is_signed_in_while_the_provider_does_not_say_so(
    anna: Person, issuer: StandIn, status: int, body: str
) -> None:
    """attack 22: fails closed, and names nobody; the session is there again when the provider is."""
    anna.signs_in()
    issuer.answers["/userinfo"] = (status, body)
    response = anna.opens()
    assert response.status_code == 503
    assert 'id="error-code">provider_unavailable<' in response.text
    assert "Anna" not in response.text
    issuer.answers.clear()
    assert anna.opens().status_code == 200


def test_nobody_is_signed_in_while_the_provider_is_down(
    settings: AgreementsSettings, effects: Effects, clock: Clock
) -> None:
    """attack 22: fails closed."""
    with stand_in(clock) as issuer:
        issuer.person = dict(ANNA)
        anna = Person(create_app(settings.model_copy(update={"issuer": issuer.issuer}), effects=effects))
        anna.signs_in()
        assert anna.opens().status_code == 200
    response = anna.opens()
    assert response.status_code == 503
    assert "Anna" not in response.text


def test_a_program_is_told_in_its_own_form_that_the_provider_is_away(
    app: Flask, anna: Person, issuer: StandIn
) -> None:
    app.add_url_rule("/api/v1/page", view_func=app.view_functions["agreements.index"])
    anna.signs_in()
    issuer.answers["/userinfo"] = (500, "")
    response = anna.opens("/api/v1/page")
    assert (response.status_code, response.content_type) == (503, "application/problem+json")
    assert response.json
    assert response.json["code"] == "provider_unavailable"


def test_another_process_knows_who_signed_in_here(
    anna: Person, settings: AgreementsSettings, effects: Effects
) -> None:
    anna.signs_in()
    elsewhere = Person(create_app(settings, effects=effects))
    elsewhere.client.set_cookie(SESSION, session_of(anna))
    assert elsewhere.opens().status_code == 200


def test_a_sign_in_begun_at_one_process_ends_at_another(
    anna: Person, settings: AgreementsSettings, effects: Effects
) -> None:
    back = anna.authorizes(anna.begins())
    elsewhere = Person(create_app(settings, effects=effects))
    for cookie in anna.client._cookies.values():
        elsewhere.client.set_cookie(cookie.key, cookie.value)
    assert elsewhere.opens(back).location == "/agreements/"


def test_cookies_on_http_are_for_this_machine(anna: Person) -> None:
    for header in anna.signs_in().headers.getlist("Set-Cookie"):
        assert header.startswith("visvaris-agreements-")
        assert {"HttpOnly", "Path=/", "SameSite=Lax"} <= set(header.split("; "))


def test_cookies_on_https_can_be_set_and_read_by_this_host_alone(
    settings: AgreementsSettings, effects: Effects
) -> None:
    """attack 26"""
    secure = settings.model_copy(update={"base_url": "https://agreements.example"})
    anna = Person(create_app(secure, effects=effects))
    response = anna.client.get("/", base_url="https://agreements.example/")
    (header,) = response.headers.getlist("Set-Cookie")
    assert header.startswith("__Host-visvaris-agreements-sign-in=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(header.split("; "))
    assert "Domain" not in header
    assert "max-age=63072000" in response.headers["Strict-Transport-Security"]


def test_one_comes_back_to_the_page_one_wanted_and_nowhere_else(anna: Person) -> None:
    """attack 8: no parameter says where to go after signing in."""
    back = anna.authorizes(anna.begins("/?return_to=https://evil.example&next=//evil.example"))
    assert anna.opens(back).location == "/agreements/"


def test_signing_out_ends_the_session_here_and_at_the_provider(anna: Person, issuer: StandIn) -> None:
    anna.signs_in()
    kept = session_of(anna)
    response = anna.sends("/logout", {"csrf_token": csrf_of(anna)})
    address = urlsplit(response.location)
    asked = {name: values[0] for name, values in parse_qs(address.query).items()}
    assert (response.status_code, f"{address.scheme}://{address.netloc}") == (303, issuer.issuer)
    assert asked["post_logout_redirect_uri"] == f"{BASE_URL}/start"
    assert asked["client_id"] == "agreements"
    assert asked["id_token_hint"].count(".") == 2
    assert session_of(anna) == ""
    anna.client.set_cookie(SESSION, kept)
    assert anna.opens().status_code == 303


@pytest.mark.parametrize("given", ["", "x", "0" * 64, "ā"])
def test_a_forged_sign_out_signs_nobody_out(anna: Person, given: str) -> None:
    """attack 8, attack 24: logout CSRF."""
    anna.signs_in()
    response = anna.sends("/logout", {"csrf_token": given})
    assert response.status_code == 400
    assert 'id="error-code">form_expired<' in response.text
    assert anna.opens().status_code == 200


def test_a_refused_sign_out_does_not_name_who_signed_out_at_the_provider(
    anna: Person, issuer: StandIn
) -> None:
    """attack 22: an error page shows nobody the provider was not asked about."""
    anna.signs_in()
    issuer.people.clear()
    assert "Anna" not in anna.sends("/logout", {"csrf_token": "x"}).text


def test_the_token_of_another_session_does_not_sign_out_this_one(anna: Person, stranger: Person) -> None:
    """attack 24"""
    anna.signs_in()
    stranger.signs_in()
    assert anna.sends("/logout", {"csrf_token": csrf_of(stranger)}).status_code == 400
    assert anna.opens().status_code == 200


def test_an_image_does_not_sign_out(anna: Person) -> None:
    """attack 8: nothing is ended by a GET."""
    anna.signs_in()
    assert anna.opens("/logout").status_code == 405
    assert anna.opens().status_code == 200


def test_signing_out_without_a_session_goes_to_the_first_page(anna: Person) -> None:
    assert anna.sends("/logout", {}).location == "/agreements/"


def test_signing_out_works_here_even_when_the_provider_is_away(
    anna: Person, issuer: StandIn, settings: AgreementsSettings, effects: Effects
) -> None:
    anna.signs_in()
    form = {"csrf_token": csrf_of(anna)}
    restarted = Person(create_app(settings, effects=effects))
    restarted.client.set_cookie(SESSION, session_of(anna))
    issuer.answers["/.well-known/openid-configuration"] = (503, "")
    assert restarted.sends("/logout", form).location == "/agreements/start"
    assert restarted.opens("/start").status_code == 200
    assert anna.opens().status_code == 303
