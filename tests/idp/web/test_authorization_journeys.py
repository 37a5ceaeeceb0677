"""Requests that are pushed, signed or posted, through the whole provider: cookies, pages and forms as browsers see them."""

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.idp.web.test_oidc import CALLBACK, form_targets, party, path_of
from tests.support.actors import Browser, Employee, Hall
from tests.support.authorization_requests import JWKS, KEYS, push, push_signed, read_signed, request_object
from tests.support.builders import RIGA
from tests.support.dpop import proving
from tests.support.relying_party import ProviderError, RelyingParty

LOOKUP = {
    "type": "lv.visvaris.vehicle_lookup",
    "purpose": "Stāvvietas <b>pārkāpums</b>",
    "case_number": "2026/17",
    "legal_basis": "Ceļu satiksmes likuma 43. pants",
    "municipality": RIGA,
}


@pytest.fixture
def app(hall: Hall) -> RelyingParty:
    return party(hall)


def strict(hall: Hall, **metadata: Any) -> RelyingParty:
    """As FAPI 2.0 Message Signing has it."""
    made = party(
        hall,
        own={"profile": "fapi2"},
        **{
            "jwks": JWKS,
            "token_endpoint_auth_method": "private_key_jwt",
            "require_signed_request_object": True,
            "authorization_signed_response_alg": "ES256",
            "dpop_bound_access_tokens": True,
            **metadata,
        },
    )
    made.key, made.algorithm = KEYS["ES256"], "ES256"
    return proving(made)


def test_pushed_signed_and_answered_in_a_signed_form(hall: Hall, browser: Browser, anna: Employee) -> None:
    """PAR, a request object, JARM by form_post: FAPI 2.0 Message Signing from one end to the other"""
    app = strict(hall)
    question = push_signed(app, app.ask(scope="openid profile", response_mode="form_post.jwt"))
    page = browser.signs_in(anna, path_of(question.url))
    form = page.form()
    assert (form.action, form.method) == (CALLBACK, "post")
    assert "https://app.example.lv" in form_targets(browser)
    assert '<script defer src="/static/' in page.content.markup, "browsers without modules send it too"
    code = read_signed(app, question, form.fields, alg="ES256")["code"]
    assert app.redeem(question, code).claims["acr"] == "urn:visvaris:acr:mfa"


def test_pushed_and_answered_in_a_signed_query(hall: Hall, browser: Browser, anna: Employee) -> None:
    app = strict(hall)
    browser.signs_in(anna)
    question = push_signed(app, app.ask(response_mode="jwt"))
    browser.opens(path_of(question.url))
    fields = dict(parse_qsl(urlsplit(browser.left_for or "").query))
    assert read_signed(app, question, fields, alg="ES256")["code"]


def test_a_reference_that_was_used_gets_a_clear_page(
    browser: Browser, anna: Employee, app: RelyingParty
) -> None:
    """attack 20: the person reloads, or presses the back button to before the sign-in"""
    question = push(app, app.ask())
    browser.signs_in(anna, path_of(question.url))
    assert app.read_answer(question, browser.left_for or "")["code"]
    page = browser.opens(path_of(question.url))
    assert page.status == 400
    assert browser.left_for is None
    assert page.error_code == "invalid_request_uri"
    assert page.content.ids["error-reference"]
    assert page.title == "Šī pieslēgšanās saite vairs nav derīga"
    other = browser.opens(f"/authorize?client_id={app.client_id}&request_uri=https://app.example.lv/object")
    assert other.error_code == "invalid_request_uri"
    assert other.title != page.title, "what nobody registered is the application's fault"


def test_a_sign_in_that_was_answered_elsewhere_gets_a_page_with_a_code(
    hall: Hall, browser: Browser, anna: Employee, app: RelyingParty
) -> None:
    question = push(app, app.ask())
    browser.opens(path_of(question.url))
    other = hall.browser()
    other.signs_in(anna, path_of(question.url))
    assert app.read_answer(question, other.left_for or "")["code"]
    hall.clock.move(31)
    page = browser.enters(anna)
    assert page.status == 410
    assert browser.left_for is None
    assert page.content.ids["error-code"]


def test_looking_at_the_page_uses_nothing_up(hall: Hall, anna: Employee, app: RelyingParty) -> None:
    """fapi2-…-par-ensure-reused-request-uri-prior-to-auth-completion-succeeds: a mail filter looks first"""
    question = push(app, app.ask())
    hall.browser("198.51.100.7").opens(path_of(question.url))
    browser = hall.browser()
    browser.signs_in(anna, path_of(question.url))
    assert app.read_answer(question, browser.left_for or "")["code"]


def test_errors_of_par_are_json(app: RelyingParty) -> None:
    reply = app.post("/par", {**app.ask().parameters, "redirect_uri": "https://evil.example/"})
    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_request")
    assert reply.json()["reference"]
    assert reply.headers["Cache-Control"] == "no-store"


def test_the_language_asked_for_inside_a_pushed_request_is_that_of_the_page(
    browser: Browser, app: RelyingParty
) -> None:
    """oidcc-ui-locales"""
    browser.opens(path_of(push(app, app.ask(ui_locales="en")).url))
    assert '<html lang="en"' in browser.page.content.markup


# Posted --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [10, 20_000])
def test_ensure_post_request_succeeds(
    browser: Browser, anna: Employee, app: RelyingParty, length: int
) -> None:
    """oidcc-ensure-post-request-succeeds: from another site, short or too long for a URL, and the session is found"""
    browser.signs_in(anna)
    question = app.ask(login_hint="x" * length)
    reply = browser.http.post(
        "/authorize",
        data=dict(question.parameters),
        headers={"Sec-Fetch-Site": "cross-site", "Origin": "https://app.example.lv"},
    )
    assert reply.status_code == 303
    assert "Set-Cookie" not in reply.headers
    assert len(reply.headers["Location"]) < 4200
    browser.opens(reply.headers["Location"])
    assert app.read_answer(question, browser.left_for or "")["code"]
    if length > 4000:
        assert browser.opens(reply.headers["Location"]).error_code == "invalid_request_uri"


def test_a_large_request_object_may_be_posted(hall: Hall, browser: Browser, anna: Employee) -> None:
    app = party(hall, jwks=JWKS)
    browser.signs_in(anna)
    question = app.ask()
    token = request_object(app, question, login_hint="x" * 4500)
    reply = browser.http.post("/authorize", data={"client_id": app.client_id, "request": token})
    browser.opens(reply.headers["Location"])
    assert app.read_answer(question, browser.left_for or "")["code"]


@pytest.mark.parametrize(
    "fields",
    [{"client_id": "nobody", "state": "x" * 5000}, {"state": "x" * 5000}, {"client_id": "a\0" * 3000}],
)
def test_what_is_posted_for_nobody_gets_a_page(browser: Browser, fields: dict[str, str]) -> None:
    """attack 6, attack 43"""
    page = browser.posts("/authorize", fields)
    assert page.status == 400
    assert page.error_code
    assert browser.left_for is None


# Consent in words ----------------------------------------------------------------------------------------


def rich(hall: Hall, **more: Any) -> RelyingParty:
    return party(hall, authorization_details_types=[LOOKUP["type"]], **more)


def test_the_consent_page_says_what_is_asked_for(hall: Hall, browser: Browser, anna: Employee) -> None:
    """RFC 9396: in words, escaped, in both languages"""
    third = rich(hall, first_party=False, client_name="Cita iestāde")
    question = third.ask(authorization_details=json.dumps([LOOKUP]))
    page = browser.signs_in(anna, path_of(question.url))
    said = page.content.ids["consent-details"]
    for words in (
        "Meklēt transportlīdzekli",
        "Pašvaldība Rīgas valstspilsēta",
        "Pieprasījuma pamatojums Stāvvietas <b>pārkāpums</b>",
        "Lietas numurs 2026/17",
        "Tiesiskais pamats Ceļu satiksmes likuma 43. pants",
    ):
        assert words in said
    consent = page.path
    browser.opens("/language/en")
    assert "Case number 2026/17" in browser.opens(consent).content.ids["consent-details"]
    browser.presses("consent-allow")
    code = third.read_answer(question, browser.left_for or "")["code"]
    tokens = third.redeem(question, code)
    assert third.introspect(tokens.access_token)["authorization_details"] == [LOOKUP]


def test_a_page_without_details_does_not_speak_of_them(hall: Hall, browser: Browser, anna: Employee) -> None:
    third = rich(hall, first_party=False)
    assert not browser.signs_in(anna, path_of(third.ask().url)).has("consent-details")


def test_a_municipality_one_does_not_work_for_is_refused_to_the_application(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    """attack 40: also on a browser where nobody was signed in"""
    app = rich(hall)
    question = app.ask(authorization_details=json.dumps([{**LOOKUP, "municipality": "0031000"}]))
    browser.signs_in(anna, path_of(question.url))
    with pytest.raises(ProviderError, match="invalid_authorization_details"):
        app.read_answer(question, browser.left_for or "")


# Begun elsewhere -----------------------------------------------------------------------------------------


def test_a_tile_leads_to_where_the_application_begins(hall: Hall, browser: Browser, anna: Employee) -> None:
    """OpenID Connect Core 4: `iss` is added to what the address has, and nothing about the person is"""
    for uri, expected in (
        ("https://app.example.lv/start", "https://app.example.lv/start?iss=https%3A%2F%2Flogin.example.lv"),
        (
            "https://app.example.lv/start?tenant=riga",
            "https://app.example.lv/start?tenant=riga&iss=https%3A%2F%2Flogin.example.lv",
        ),
        (
            "https://app.example.lv/#/start",
            "https://app.example.lv/?iss=https%3A%2F%2Flogin.example.lv#/start",
        ),
    ):
        name = f"Lietotne {len(uri)}"
        party(hall, client_name=name, initiate_login_uri=uri, own={"tile_group": "Darbs"})
        browser.signs_in(anna) if not browser.session else browser.opens("/")
        assert browser.page.content.links[name] == expected
    party(hall, client_name="Tikai adrese", client_uri="https://app.example.lv/", own={"tile_group": "Darbs"})
    assert browser.opens("/").content.links["Tikai adrese"] == "https://app.example.lv/"
