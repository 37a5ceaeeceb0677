"""The pages of OpenID Connect as a browser meets them, with an application that checks every answer."""

import json
import re
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from idp.oidc.client_metadata import register
from tests.support.actors import ISSUER, Browser, Employee, Hall
from tests.support.relying_party import ProviderError, RelyingParty

CALLBACK = "https://app.example.lv/callback"
AFTER = "https://app.example.lv/signed-out"


def party(
    hall: Hall, *, first_party: bool = True, own: dict[str, Any] | None = None, **metadata: Any
) -> RelyingParty:
    document = {
        "client_name": "Lietotne",
        "redirect_uris": [CALLBACK],
        "post_logout_redirect_uris": [AFTER],
        "grant_types": ["authorization_code", "refresh_token"],
        "scope": "openid profile email employment offline_access",
        "visvaris": {"first_party": first_party, **(own or {})},
        **metadata,
    }
    registration = register(document, hall.world.effects)
    hall.add_client(registration.client)
    return RelyingParty(
        issuer=ISSUER,
        client_id=registration.client.client_id,
        redirect_uri=metadata.get("redirect_uris", [CALLBACK])[0],
        http=httpx.Client(transport=httpx.WSGITransport(app=hall.app), base_url=ISSUER),
        secret=registration.secret,
        auth_method=registration.client.registered["token_endpoint_auth_method"],
        now=hall.clock,
    )


@pytest.fixture
def app(hall: Hall) -> RelyingParty:
    return party(hall)


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def form_targets(browser: Browser) -> str:
    policy = browser.page.headers["content-security-policy"]
    return policy.partition("form-action ")[2].partition(";")[0]


def test_an_employee_opens_an_application(
    hall: Hall, browser: Browser, anna: Employee, app: RelyingParty
) -> None:
    question = app.ask(scope="openid profile employment")
    browser.signs_in(anna, path_of(question.url))
    answer = app.read_answer(question, browser.left_for or "")
    tokens = app.redeem(question, answer["code"])
    assert tokens.claims["acr"] == "urn:visvaris:acr:mfa"
    assert app.userinfo(tokens.access_token)["preferred_username"] == "anna"


def test_who_is_signed_in_is_there_at_once(browser: Browser, anna: Employee, app: RelyingParty) -> None:
    browser.signs_in(anna)
    question = app.ask()
    browser.opens(path_of(question.url))
    assert browser.trail == ["/authorize"]
    assert app.read_answer(question, browser.left_for or "")["code"]


def test_each_sign_in_gets_a_new_session_token(
    hall: Hall, browser: Browser, anna: Employee, app: RelyingParty
) -> None:
    """attack 21: fixation: a token put there before is not the one used after"""
    browser.http.cookies.set("__Host-visvaris-session", "x" * 43, domain="login.example.lv")
    browser.signs_in(anna, path_of(app.ask().url))
    first = browser.session
    assert first not in {None, "x" * 43}
    hall.clock.move(31)
    browser.signs_in(anna, path_of(app.ask(prompt="login").url))
    assert browser.session not in {None, first}


def test_coming_back_from_a_finished_answer_is_told_kindly(
    browser: Browser, anna: Employee, app: RelyingParty
) -> None:
    browser.signs_in(anna, path_of(app.ask().url))
    resumed = next(path for path in browser.trail if path.startswith("/authorize/"))
    page = browser.opens(resumed)
    assert page.status == 410
    assert browser.left_for is None


@pytest.mark.parametrize("wrong", [{"redirect_uri": "https://evil.example/"}, {"client_id": "nobody"}])
def test_what_cannot_be_sent_back_is_shown(
    browser: Browser, app: RelyingParty, wrong: dict[str, str]
) -> None:
    """attack 6"""
    page = browser.opens(path_of(app.ask(**wrong).url))
    assert page.status == 400
    assert browser.left_for is None
    assert page.content.ids["error-code"]
    assert page.content.ids["error-reference"]
    assert "evil.example" not in page.content.text


def test_another_site_may_post_the_request(browser: Browser, anna: Employee, app: RelyingParty) -> None:
    browser.signs_in(anna)
    question = app.ask()
    reply = browser.http.post(
        "/authorize",
        data=dict(question.parameters),
        headers={"Sec-Fetch-Site": "cross-site", "Origin": "https://app.example.lv"},
    )
    assert reply.status_code == 303
    assert "Set-Cookie" not in reply.headers
    browser.opens(reply.headers["Location"])
    assert app.read_answer(question, browser.left_for or "")["code"]


def test_an_answer_can_come_in_a_form(browser: Browser, anna: Employee, app: RelyingParty) -> None:
    """attack 7"""
    browser.signs_in(anna)
    question = app.ask(response_mode="form_post")
    page = browser.opens(path_of(question.url))
    form = page.form()
    assert (form.action, form.method) == (CALLBACK, "post")
    assert "https://app.example.lv" in form_targets(browser)
    assert app.redeem(question, app.check_answer(question, list(form.fields.items()))["code"]).claims["sub"]


def test_the_form_sends_itself_also_in_a_browser_that_knows_no_modules(
    browser: Browser, anna: Employee, app: RelyingParty
) -> None:
    browser.signs_in(anna)
    markup = browser.opens(path_of(app.ask(response_mode="form_post").url)).content.markup
    address = re.search(r'<script defer src="(/static/[^"]*form_post[^"]*)"></script>', markup)
    assert address, markup
    script = re.sub(r"//.*", "", browser.http.get(address[1]).text)
    assert not re.search(r"\bimport\b|\bexport\b|\basync\b|\bconst\b|\blet\b|=>|`", script)
    assert "submit.call" in script


def test_nothing_of_the_answer_is_kept_or_told_on(
    browser: Browser, anna: Employee, app: RelyingParty
) -> None:
    """attack 26"""
    browser.signs_in(anna)
    reply = browser.http.get(path_of(app.ask().url))
    assert reply.status_code == 303
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["Referrer-Policy"] in {"no-referrer", "same-origin"}
    assert "frame-ancestors 'none'" in reply.headers["Content-Security-Policy"]


def test_the_application_may_suggest_a_language(browser: Browser, app: RelyingParty) -> None:
    browser.opens(path_of(app.ask(ui_locales="fr en-GB lv").url))
    assert 'lang="en"' in browser.page.content.markup
    browser.opens("/language/lv")
    browser.opens(path_of(app.ask(ui_locales="en").url))
    assert '<html lang="lv"' in browser.page.content.markup


# Consent ------------------------------------------------------------------------------------------------


@pytest.fixture
def third(hall: Hall) -> RelyingParty:
    return party(hall, first_party=False, client_name="Cita <b>iestāde</b>")


def test_a_stranger_is_allowed(browser: Browser, anna: Employee, third: RelyingParty) -> None:
    question = third.ask(scope="openid email")
    browser.signs_in(anna, path_of(question.url))
    assert browser.page.path.startswith("/consent/")
    assert "Cita <b>iestāde</b>" in browser.page.content.text
    assert "https://app.example.lv" in form_targets(browser)
    browser.presses("consent-allow")
    tokens = third.redeem(question, third.read_answer(question, browser.left_for or "")["code"])
    assert tokens.scope == {"openid", "email"}


def test_a_stranger_is_refused(browser: Browser, anna: Employee, third: RelyingParty) -> None:
    question = third.ask()
    browser.signs_in(anna, path_of(question.url))
    browser.presses("consent-deny")
    with pytest.raises(ProviderError, match="access_denied"):
        third.read_answer(question, browser.left_for or "")


@pytest.mark.parametrize(
    ("fields", "headers"),
    [
        ({}, {}),
        ({"csrf_token": "x" * 64}, {}),
        (None, {"Sec-Fetch-Site": "cross-site"}),
        (None, {"Origin": "https://evil.example"}),
    ],
)
def test_nobody_else_can_press_the_button(
    browser: Browser,
    anna: Employee,
    third: RelyingParty,
    fields: dict[str, str] | None,
    headers: dict[str, str],
) -> None:
    """attack 24: CSRF on consent"""
    browser.signs_in(anna, path_of(third.ask().url))
    form = browser.page.form(button="consent-allow")
    sent = {**(form.fields if fields is None else fields), "decision": "allow"}
    page = browser.posts(form.action, sent, **headers)
    assert page.status == 403
    assert browser.left_for is None


def test_a_private_scheme_may_be_led_to(hall: Hall, browser: Browser, anna: Employee) -> None:
    native = party(
        hall,
        first_party=False,
        application_type="native",
        token_endpoint_auth_method="none",
        redirect_uris=["lv.example.app:/callback"],
    )
    question = native.ask()
    browser.opens(path_of(question.url))
    assert "lv.example.app:" in form_targets(browser)
    browser.enters(anna)
    assert "lv.example.app:" in form_targets(browser)
    reply = browser.http.post(
        browser.page.form(button="consent-allow").action,
        data={**browser.page.form(button="consent-allow").fields, "decision": "allow"},
    )
    assert native.redeem(question, native.read_answer(question, reply.headers["Location"])["code"]).claims[
        "sub"
    ]


# Signing out --------------------------------------------------------------------------------------------


def signed_in_with(browser: Browser, who: Employee, app: RelyingParty) -> str:
    question = app.ask()
    browser.signs_in(who, path_of(question.url))
    tokens = app.redeem(question, app.read_answer(question, browser.left_for or "")["code"])
    assert tokens.id_token is not None
    return tokens.id_token


def logout(browser: Browser, **asked: str) -> None:
    browser.opens(str(httpx.URL("/logout", params=asked)))


def test_an_application_signs_the_person_out(browser: Browser, anna: Employee, app: RelyingParty) -> None:
    hint = signed_in_with(browser, anna, app)
    logout(browser, id_token_hint=hint, post_logout_redirect_uri=AFTER, state="s 1")
    assert browser.left_for == f"{AFTER}?state=s+1"
    assert not browser.is_signed_in


def test_a_link_alone_signs_nobody_out(browser: Browser, anna: Employee, app: RelyingParty) -> None:
    """attack 8: GET logout by <img>"""
    signed_in_with(browser, anna, app)
    logout(browser)
    assert browser.is_signed_in
    browser.opens("/logout")
    browser.presses("logout-confirm")
    assert browser.page.path == "/logged-out"
    assert not browser.is_signed_in


def test_after_the_button_the_browser_goes_where_the_application_said(
    browser: Browser, anna: Employee, app: RelyingParty
) -> None:
    signed_in_with(browser, anna, app)
    logout(browser, client_id=app.client_id, post_logout_redirect_uri=AFTER)
    assert "https://app.example.lv" in form_targets(browser)
    browser.presses("logout-confirm")
    assert browser.left_for == AFTER


def test_a_wrong_address_is_an_error_page_and_ends_nothing(
    browser: Browser, anna: Employee, app: RelyingParty
) -> None:
    """attack 8: open redirect"""
    hint = signed_in_with(browser, anna, app)
    logout(browser, id_token_hint=hint, post_logout_redirect_uri="https://evil.example/")
    assert browser.page.status == 400
    assert browser.page.content.ids["error-code"] == "invalid_request"
    assert browser.left_for is None
    assert browser.is_signed_in


def test_another_site_may_post_the_wish_to_sign_out(
    browser: Browser, anna: Employee, app: RelyingParty
) -> None:
    hint = signed_in_with(browser, anna, app)
    reply = browser.http.post(
        "/logout", data={"id_token_hint": hint}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert reply.status_code == 303
    assert browser.is_signed_in
    browser.opens(reply.headers["Location"])
    assert browser.page.path == "/logged-out"
    assert not browser.is_signed_in


def test_the_button_cannot_be_pressed_by_another_site(
    browser: Browser, anna: Employee, app: RelyingParty
) -> None:
    """attack 8, attack 24"""
    signed_in_with(browser, anna, app)
    logout(browser)
    page = browser.posts(browser.page.form(button="logout-confirm").action, {})
    assert page.status == 403
    assert browser.is_signed_in


def test_signing_out_ends_what_was_given_for_the_session(
    browser: Browser, anna: Employee, app: RelyingParty
) -> None:
    question = app.ask(scope="openid profile")
    browser.signs_in(anna, path_of(question.url))
    tokens = app.redeem(question, app.read_answer(question, browser.left_for or "")["code"])
    browser.signs_out()
    assert app.introspect(tokens.access_token) == {"active": False}
    with pytest.raises(ProviderError, match="login_required"):
        silent = app.ask(prompt="none")
        browser.opens(path_of(silent.url))
        app.read_answer(silent, browser.left_for or "")


def test_a_level_that_is_demanded_is_asked_for(hall: Hall, browser: Browser, anna: Employee) -> None:
    """attack 23: the application gets its level or nothing"""
    strict = party(hall, own={"minimum_level": "urn:visvaris:acr:mfa"})
    question = strict.ask(
        claims=json.dumps({"id_token": {"acr": {"essential": True, "value": "urn:visvaris:acr:mfa"}}})
    )
    browser.opens(path_of(question.url))
    browser.identifies(anna)
    assert browser.page.has("code")
    browser.presses(code=anna.code())
    tokens = strict.redeem(question, strict.read_answer(question, browser.left_for or "")["code"])
    assert tokens.claims["acr"] == "urn:visvaris:acr:mfa"
