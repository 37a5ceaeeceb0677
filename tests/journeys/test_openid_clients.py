"""OpenID clients that nobody here wrote, signing people in at the running provider: Authlib's and idpyoidc's.

What these two check of the provider's answers is their own business, and that is the point. Beside them: what a person
decides on the consent page, what signing out ends, and what is left of one person when the next sits down.
"""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.flask_client import OAuth
from authlib.integrations.requests_client import OAuth2Session
from cryptojwt import KeyJar
from flask import Flask, Response, jsonify, session, url_for
from flask.testing import FlaskClient
from idpyoidc.client.defaults import DEFAULT_OIDC_SERVICES
from idpyoidc.client.rp_handler import RPHandler

from tests.support.relying_party import ProviderError, Tokens
from tests.support.running_server import NetworkBrowser, Resident, RunningServer

VALMIERA, RIGA = "0054000", "0001000"
SCOPE = "openid profile email employment offline_access"


@dataclass
class AuthlibSite:
    """A web application as docs/application-developers.md shows it, by Authlib's integration for Flask."""

    server: RunningServer
    visitor: FlaskClient = field(init=False)

    def __post_init__(self) -> None:
        known = self.server.clients["demo-web"]
        app = Flask("a-strangers-application")
        app.secret_key = "of-the-test"
        app.config["SERVER_NAME"] = "localhost:9000"
        oauth = OAuth(app)
        visvaris = oauth.register(
            "visvaris",
            server_metadata_url=f"{self.server.issuer}/.well-known/openid-configuration",
            client_id="demo-web",
            client_secret=known["client_secret"],
            client_kwargs={"scope": SCOPE, "code_challenge_method": "S256"},
        )

        @app.get("/")
        def home() -> str:
            return "home"

        @app.get("/login")
        def login() -> Any:
            return visvaris.authorize_redirect(url_for("callback", _external=True))

        @app.get("/callback")
        def callback() -> Response:
            token = visvaris.authorize_access_token()
            session["id_token"] = token["id_token"]
            return jsonify(
                claims=token["userinfo"],
                userinfo=visvaris.userinfo(token=token),
                refresh_token=token["refresh_token"],
            )

        @app.get("/logout")
        def logout() -> Any:
            return visvaris.logout_redirect(
                url_for("home", _external=True), id_token_hint=session.pop("id_token")
            )

        app.register_error_handler(OAuthError, lambda error: (jsonify(error=error.error), 400))
        self.visitor = app.test_client()

    def login_url(self) -> str:
        return self.visitor.get("/login").headers["Location"]

    def comes_back(self, url: str | None) -> Any:
        assert url is not None
        assert url.startswith("http://localhost:9000/callback?")
        return self.visitor.get(f"/callback?{urlsplit(url).query}").get_json()


@pytest.fixture
def site(server: RunningServer) -> AuthlibSite:
    return AuthlibSite(server)


def idpyoidc_handler(server: RunningServer) -> RPHandler:
    known = server.clients["demo-web"]
    pkce = {
        "function": "idpyoidc.client.oauth2.add_on.pkce.add_support",
        "kwargs": {"code_challenge_length": 64, "code_challenge_method": "S256"},
    }
    ending = {"class": "idpyoidc.client.oidc.end_session.EndSession"}
    return RPHandler(
        base_url="http://localhost:9000",
        keyjar=KeyJar(),  # or it writes keys into the working directory
        client_configs={
            server.issuer: {
                "client_type": "oidc",
                "issuer": server.issuer,
                "client_id": "demo-web",
                "client_secret": known["client_secret"],
                "redirect_uris": known["redirect_uris"][:1],
                "post_logout_redirect_uris": known["post_logout_redirect_uris"][:1],
                "response_types_supported": ["code"],
                "scopes_supported": SCOPE.split(),
                "client_authn_methods": ["client_secret_basic", "bearer_header"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
                "services": {**DEFAULT_OIDC_SERVICES, "end_session": ending},
                "add_ons": {"pkce": pkce},
            }
        },
    )


def answer_in(url: str | None) -> dict[str, str]:
    assert url is not None
    return dict(parse_qsl(urlsplit(url).query))


def signed_in_at_demo_web(
    server: RunningServer, browser: NetworkBrowser, who: Resident | None, **asked: str
) -> Tokens:
    """By an application that checks everything; `who` is None when the browser's session should be enough."""
    application = server.application("demo-web")
    question = application.ask(scope=SCOPE, **asked)
    browser.opens(question.url)
    if who is not None:
        browser.enters(who)
    if browser.page.has("consent-allow"):
        browser.presses("consent-allow")
    assert browser.left_for is not None, browser.page.words
    return application.redeem(question, application.read_answer(question, browser.left_for)["code"])


# Authlib -------------------------------------------------------------------------------------------------


def test_authlib_signs_somebody_in_with_password_and_code_and_out_again(
    server: RunningServer, site: AuthlibSite
):
    browser = server.browser()
    browser.opens(site.login_url())
    browser.identifies(server.residents["kods"])
    assert browser.page.has("code")
    browser.presses(code=server.residents["kods"].code())
    assert browser.page.has("consent-allow")
    browser.presses("consent-allow")

    told = site.comes_back(browser.left_for)
    assert told["claims"]["acr"] == "urn:visvaris:acr:mfa"
    assert told["claims"]["sub"] == told["userinfo"]["sub"]
    assert told["userinfo"]["name"] == "Jānis Kalniņš"
    assert told["userinfo"]["municipality"] == VALMIERA

    browser.opens(site.visitor.get("/logout").headers["Location"])
    assert browser.left_for is not None
    assert browser.left_for.startswith("http://localhost:9000/?state=")
    assert not browser.is_signed_in


def test_consent_is_asked_once_and_remembered(server: RunningServer, site: AuthlibSite):
    clerk = server.hire()
    browser = server.browser()
    browser.signs_in(clerk, site.login_url())
    assert "Citas iestādes lietotne" in browser.page.words
    browser.presses("consent-allow")
    first = site.comes_back(browser.left_for)

    browser.opens(site.login_url())
    assert not any(path.startswith("/consent/") for path in browser.trail)
    assert site.comes_back(browser.left_for)["claims"]["sub"] == first["claims"]["sub"]

    elsewhere = server.browser()
    elsewhere.signs_in(clerk, site.login_url())
    assert elsewhere.left_for is not None, "remembered with the person, not with the browser"


def test_who_refuses_is_not_told_about(server: RunningServer, site: AuthlibSite):
    """Attack 10: the refusal names the issuer and carries the state, as a success does."""
    browser = server.browser()
    asked = site.login_url()
    browser.signs_in(server.hire(), asked)
    browser.presses("consent-deny")

    answer = answer_in(browser.left_for)
    assert answer["error"] == "access_denied"
    assert answer["state"] == answer_in(asked)["state"]
    assert answer["iss"] == server.issuer
    assert "code" not in answer
    assert site.comes_back(browser.left_for) == {"error": "access_denied"}

    browser.opens(site.login_url())
    assert browser.page.has("consent-allow"), "a refusal is not remembered"


def test_authlib_as_an_installed_application_without_a_secret(server: RunningServer):
    metadata = server.http.get(f"{server.issuer}/.well-known/openid-configuration").json()
    verifier = "v" * 64
    with OAuth2Session(
        "demo-desktop",
        scope=SCOPE,
        redirect_uri="http://127.0.0.1:41234/callback",
        code_challenge_method="S256",
        token_endpoint_auth_method="none",
    ) as program:
        url, state = program.create_authorization_url(
            metadata["authorization_endpoint"], code_verifier=verifier
        )
        browser = server.browser()
        browser.signs_in(server.hire(VALMIERA), url)
        browser.presses("consent-allow")
        token = program.fetch_token(
            metadata["token_endpoint"],
            authorization_response=browser.left_for,
            state=state,
            code_verifier=verifier,
        )
        assert program.get(metadata["userinfo_endpoint"]).json()["municipality"] == VALMIERA

        renewed = program.refresh_token(metadata["token_endpoint"])
        assert renewed["refresh_token"] != token["refresh_token"]
        program.revoke_token(metadata["revocation_endpoint"], renewed["refresh_token"]).raise_for_status()
        assert program.get(metadata["userinfo_endpoint"]).status_code == 401


# idpyoidc ------------------------------------------------------------------------------------------------


def test_idpyoidc_signs_somebody_in_refreshes_and_signs_out(server: RunningServer):
    handler = idpyoidc_handler(server)
    clerk = server.hire(VALMIERA, totp=True, given_name="Zane", family_name="Ozola")
    browser = server.browser()
    browser.signs_in(clerk, handler.begin(server.issuer))
    browser.presses("consent-allow")

    found = handler.finalize(server.issuer, answer_in(browser.left_for))
    assert "error" not in found
    assert found["issuer"] == server.issuer
    assert found["userinfo"]["name"] == "Zane Ozola"
    assert found["userinfo"]["municipality"] == VALMIERA
    assert found["id_token"]["sub"] == found["userinfo"]["sub"]
    assert found["id_token"]["amr"] == ["pwd", "otp", "mfa"]

    renewed = handler.refresh_access_token(found["state"])
    assert renewed["access_token"] != found["token"]
    again = handler.get_user_info(found["state"], access_token=renewed["access_token"])
    assert again["sub"] == found["userinfo"]["sub"]

    leaving = handler.logout(state=found["state"])
    browser.opens(leaving["url"])
    assert browser.left_for is not None
    assert browser.left_for.startswith("http://localhost:9000/?state=")
    assert not browser.is_signed_in


def test_idpyoidc_is_told_that_somebody_refused(server: RunningServer):
    handler = idpyoidc_handler(server)
    browser = server.browser()
    browser.signs_in(server.hire(), handler.begin(server.issuer))
    browser.presses("consent-deny")
    assert handler.finalize(server.issuer, answer_in(browser.left_for))["error"] == "access_denied"


# What signing out ends -----------------------------------------------------------------------------------


def test_signing_out_of_the_provider_ends_the_session_and_every_token_but_offline_ones(server: RunningServer):
    clerk = server.hire()
    application = server.application("demo-web")
    browser = server.browser()
    offline = signed_in_at_demo_web(server, browser, clerk)
    question = application.ask(scope="openid profile")
    browser.opens(question.url)
    online = application.redeem(question, application.read_answer(question, browser.left_for or "")["code"])
    assert online.refresh_token is None
    assert application.userinfo(online.access_token)["sub"] == offline.claims["sub"]
    cookie = {"Cookie": f"visvaris-session={browser.session}"}
    assert server.http.get(f"{server.issuer}/account", headers=cookie).status_code == 200
    pending = application.ask(scope="openid profile")
    browser.opens(pending.url)
    unspent = application.read_answer(pending, browser.left_for or "")["code"]

    browser.signs_out()

    assert not browser.is_signed_in
    assert server.http.get(f"{server.issuer}/account", headers=cookie).is_redirect, "the old cookie is dead"
    with pytest.raises(ProviderError) as refused:
        application.userinfo(online.access_token)
    assert refused.value.status == 401
    assert application.introspect(online.access_token) == {"active": False}
    with pytest.raises(ProviderError, match="invalid_grant"):
        application.redeem(pending, unspent)

    assert offline.refresh_token is not None
    assert application.refresh(offline.refresh_token).access_token


def test_a_silent_question_after_signing_out_is_answered_with_login_required(server: RunningServer):
    browser = server.browser()
    signed_in_at_demo_web(server, browser, server.hire())
    application = server.application("demo-web")
    browser.opens(application.ask(scope=SCOPE, prompt="none").url)
    assert "code" in answer_in(browser.left_for)
    browser.signs_out()
    question = application.ask(scope=SCOPE, prompt="none")
    browser.opens(question.url)
    with pytest.raises(ProviderError, match="login_required"):
        application.read_answer(question, browser.left_for or "")


# Attacks -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"prompt": "none"}, "login_required"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"resource": "https://not-registered.example"}, "invalid_target"),
        ({"claims": "no json"}, "invalid_request"),
        ({"request": "a.b.c"}, "invalid_request_object"),
    ],
)
def test_every_error_that_goes_back_names_the_issuer(
    server: RunningServer, asked: dict[str, str], error: str
):
    """Attack 10: an application that talks to two providers can tell whose error this is."""
    application = server.application("demo-web")
    question = application.ask(**asked)
    browser = server.browser()
    browser.opens(question.url)
    with pytest.raises(ProviderError, match=error):  # once iss and state have been found right
        application.read_answer(question, browser.left_for or "")


def test_two_people_on_one_browser_in_turn_share_nothing(server: RunningServer):
    """Attack 22: the first signs out, the second signs in; sid, sub and refresh tokens are each their own."""
    first, second = server.hire(VALMIERA, given_name="Pirmā"), server.hire(RIGA, given_name="Otrais")
    application = server.application("demo-web")
    browser = server.browser()
    of_first = signed_in_at_demo_web(server, browser, first)
    browser.signs_out()
    of_second = signed_in_at_demo_web(server, browser, second)
    _assert_apart(of_first, of_second)

    for tokens, name, municipality in ((of_first, "Pirmā", VALMIERA), (of_second, "Otrais", RIGA)):
        renewed = application.refresh(tokens.refresh_token or "")
        told = application.userinfo(renewed.access_token)
        assert (told["sub"], told["given_name"], told["municipality"]) == (
            tokens.claims["sub"],
            name,
            municipality,
        )


def test_a_second_person_after_a_lost_cookie_is_not_the_first(server: RunningServer):
    """Attack 22: the session cookie is gone, the browser's other cookies are still the first person's."""
    first, second = server.hire(VALMIERA), server.hire(RIGA)
    browser = server.browser()
    of_first = signed_in_at_demo_web(server, browser, first)
    browser.http.cookies.delete("visvaris-session")
    of_second = signed_in_at_demo_web(server, browser, second)
    _assert_apart(of_first, of_second)


def test_a_second_person_who_takes_over_the_browser_gets_a_session_of_their_own(server: RunningServer):
    """Attack 22: nobody signed out; the second person asks to be somebody else."""
    first, second = server.hire(VALMIERA), server.hire(RIGA)
    application = server.application("demo-web")
    browser = server.browser()
    of_first = signed_in_at_demo_web(server, browser, first)

    question = application.ask(scope=SCOPE, prompt="select_account")
    browser.opens(question.url)
    browser.presses("account-other")
    browser.enters(second)
    browser.presses("consent-allow")
    answer = application.read_answer(question, browser.left_for or "")
    of_second = application.redeem(question, answer["code"])
    _assert_apart(of_first, of_second)
    again = signed_in_at_demo_web(server, browser, None)
    assert (again.claims["sub"], again.claims["sid"]) == (of_second.claims["sub"], of_second.claims["sid"])


def test_a_request_the_first_person_left_open_is_not_answered_for_the_second_unasked(server: RunningServer):
    """Attack 22: the consent page that the first person saw is no consent of the second."""
    first, second = server.hire(VALMIERA), server.hire(RIGA)
    application = server.application("demo-web")
    browser = server.browser()
    browser.signs_in(first, application.ask(scope=SCOPE).url)
    left_open = browser.page
    assert left_open.has("consent-allow")
    browser.signs_out()
    browser.signs_in(second)

    browser.page = left_open
    browser.presses("consent-allow")

    assert browser.left_for is None
    assert browser.page.has("consent-allow"), "the second is asked for themselves"
    assert second.username not in left_open.words


def _assert_apart(one: Tokens, other: Tokens) -> None:
    assert one.claims["sub"] != other.claims["sub"]
    assert one.claims["sid"] != other.claims["sid"]
    assert one.refresh_token != other.refresh_token
    assert one.access_token != other.access_token


@pytest.mark.parametrize("forged", ["", "0" * 64])
def test_consent_cannot_be_given_by_another_page(server: RunningServer, forged: str):
    """Attack 24: a form without this browser's own token decides nothing, and the question stays open."""
    browser = server.browser()
    browser.signs_in(server.hire(), server.application("demo-web").ask(scope=SCOPE).url)
    consent_page, path = browser.page, browser.page.path

    browser.posts(path, {"decision": "allow", "csrf_token": forged})
    assert browser.left_for is None
    assert browser.page.status == 403
    assert browser.page.error_code

    good = consent_page.form(button="consent-allow").fields["csrf_token"]
    for header in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        browser.posts(path, {"decision": "allow", "csrf_token": good}, **header)
        assert browser.left_for is None
        assert browser.page.status == 403

    browser.page = consent_page
    browser.presses("consent-allow")
    assert "code" in answer_in(browser.left_for)


def test_a_consent_page_answers_only_to_the_browser_it_was_shown_in(server: RunningServer):
    """Attack 24: the address of somebody's consent page is worth nothing elsewhere, signed in or not."""
    clerk = server.hire()
    browser, other = server.browser(), server.browser()
    browser.signs_in(clerk, server.application("demo-web").ask(scope=SCOPE).url)
    path = browser.page.path
    assert other.opens(path).status == 410
    other.signs_in(clerk)
    assert other.opens(path).status == 410
    assert other.left_for is None


def test_a_sign_in_begun_by_one_browser_cannot_be_continued_in_another(server: RunningServer):
    """Attack 24: login CSRF. The address of an attacker's sign-in neither shows nor finishes it for a victim."""
    attacker, victim = server.browser(), server.browser()
    attacker.opens(server.application("demo-web").ask(scope=SCOPE).url)
    assert victim.opens(attacker.page.path).status == 410
    assert not victim.is_signed_in


def test_an_application_refuses_an_answer_to_a_question_it_did_not_ask(
    server: RunningServer, site: AuthlibSite
):
    """Attack 24: the state came back right for its own browser, so Authlib can refuse everybody else's."""
    attacker = server.browser()
    attacker.signs_in(server.hire(), AuthlibSite(server).login_url())
    attacker.presses("consent-allow")
    site.login_url()
    assert site.comes_back(attacker.left_for) == {"error": "mismatching_state"}
