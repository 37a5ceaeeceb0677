"""Language, headers and files of a connector's pages."""

import re

import pytest
from flask import Flask, g

from connectors.kit.pages import ROOT, format_time, translate_plural
from tests.connectors.conftest import Person
from tests.support.demo_provider import StandIn


def test_a_page_is_latvian_unless_english_was_chosen_which_is_remembered(anna: Person) -> None:
    assert '<html lang="lv"' in anna.opens("/start").text
    assert '<html lang="en"' in anna.opens("/start?lang=en").text
    assert '<html lang="en"' in anna.opens("/start").text
    assert '<html lang="lv"' in anna.opens("/start?lang=lv").text


@pytest.mark.parametrize("lang", ["xx", "", "../en", "lv\r\nSet-Cookie: x=y"])
def test_a_language_nobody_speaks_here_changes_nothing(anna: Person, lang: str) -> None:
    response = anna.client.get("/start", query_string={"lang": lang}, base_url="http://localhost/agreements/")
    assert '<html lang="lv"' in response.text
    assert not response.headers.getlist("Set-Cookie")


def test_the_language_goes_along_to_the_provider(anna: Person) -> None:
    anna.opens("/start?lang=en")
    assert "ui_locales=en" in anna.begins()


def test_language_links_take_no_code_or_state_along(anna: Person) -> None:
    """attack 44"""
    page = anna.opens("/callback?code=the-code&state=the-state").text
    assert "the-code" not in page
    assert 'href="/agreements/start?lang=en"' in page


@pytest.mark.parametrize("path", ["/", "/start", "/callback", "/nowhere", "/api/v1/municipalities"])
def test_every_answer_is_locked_down_and_not_kept(anna: Person, issuer: StandIn, path: str) -> None:
    """attack 26"""
    headers = anna.opens(path).headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["form-action"] == f"'self' {issuer.issuer}"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "Strict-Transport-Security" not in headers


def test_everything_a_page_loads_is_its_own_and_kept_for_a_year(anna: Person) -> None:
    anna.signs_in()
    loaded = re.findall(r'(?:href|src)="([^"]+\.(?:css|svg|js)[^"]*)"', anna.opens().text)
    assert loaded
    for address in loaded:
        assert address.startswith("/agreements/static/")
        with anna.opens(address.removeprefix("/agreements")) as response:
            assert response.status_code == 200
            assert "immutable" in response.headers["Cache-Control"]


@pytest.mark.parametrize(
    "path", ["/static/../pyproject.toml", "/static/%2e%2e/pyproject.toml", "/static/none.css"]
)
def test_nothing_else_is_served(anna: Person, path: str) -> None:
    """attack 3"""
    assert (ROOT / "pyproject.toml").exists()
    assert anna.opens(path).status_code == 404


def test_a_page_that_is_not_there_says_so_with_a_code_and_a_way_on(anna: Person) -> None:
    response = anna.opens("/nowhere")
    assert response.status_code == 404
    assert 'id="error-code">not_found<' in response.text
    assert 'id="error-reference"' in response.text
    assert 'href="/agreements/"' in response.text


def test_an_api_that_is_not_there_answers_as_an_api(anna: Person) -> None:
    response = anna.opens("/api/v1/nowhere")
    assert (response.status_code, response.content_type) == (404, "application/problem+json")


def test_a_form_that_is_too_long_is_not_read(anna: Person) -> None:
    """attack 43"""
    anna.signs_in()
    assert anna.sends("/logout", {"csrf_token": "x" * 20_000}).status_code == 413


@pytest.mark.parametrize(
    ("lang", "written"), [("lv", "12.05.2025. plkst. 14.30"), ("en", "12.05.2025 at 14:30")]
)
def test_times_are_those_of_riga(app: Flask, lang: str, written: str) -> None:
    with app.app_context():
        g.lang = lang
        assert format_time(1_747_049_400) == written


@pytest.mark.parametrize(
    ("number", "written"), [(0, "minūtēm"), (1, "minūtes"), (2, "minūtēm"), (11, "minūtēm"), (21, "minūtes")]
)
def test_every_number_has_its_latvian_form(app: Flask, number: int, written: str) -> None:
    with app.app_context():
        form = translate_plural("Try again in %(num)s minute.", "Try again in %(num)s minutes.", number)
        assert form % {"num": number} == f"Mēģiniet vēlreiz pēc {number} {written}."
