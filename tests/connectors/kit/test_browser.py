"""Cookies, sessions and the way out, as a browser meets them."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.agreements.app import create_app
from connectors.agreements.settings import AgreementsSettings
from connectors.kit.effects import Effects
from tests.connectors.conftest import BASE_URL, Clock, Person
from tests.support.demo_provider import StandIn

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


def test_a_session_ends_after_a_while_and_is_renewed_at_the_provider(anna: Person, clock: Clock) -> None:
    """attack 30: so long, at most, a page outlives the sign-in at the provider."""
    anna.signs_in()
    clock.at += 899
    assert anna.opens().status_code == 200
    clock.at += 2
    assert anna.opens().status_code == 303


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
