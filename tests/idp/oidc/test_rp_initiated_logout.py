"""RP-Initiated Logout 1.0: who is obeyed at once, who makes us ask, and where the browser may go after (attack 8).

First the modules of the certification's plan, each under its own name, as a browser and an application meet them; then the
rules behind them.
"""

import base64
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from idp.oidc import jose
from idp.oidc.authorize import Browser
from idp.oidc.client_metadata import register
from idp.oidc.errors import ProtocolError
from idp.oidc.logout import AskFirst, EndNow, LogoutRequest
from idp.oidc.requests import Parameters
from tests.idp.oidc.house import House
from tests.support.actors import ISSUER, Employee, Hall
from tests.support.actors import Browser as Window
from tests.support.relying_party import RelyingParty, Tokens, query_of

AFTER = "https://app.example.lv/signed-out?from=visvaris"
STATE = "a state / of 1"


@dataclass
class Visit:
    """Somebody at a browser, who is signed in at the provider and at an application."""

    hall: Hall
    window: Window
    party: RelyingParty
    id_token: str

    def asks(self, **asked: str | None) -> None:
        """The application sends the browser to the end session endpoint."""
        sent = {name: value for name, value in asked.items() if value is not None}
        self.window.opens(str(httpx.URL("/logout", params=sent)))

    def posts(self, **asked: str) -> None:
        """The same by a form of the application's page: another site, so no cookie comes with it."""
        kept = dict(self.window.http.cookies)
        self.window.http.cookies.clear()
        came = self.window.http.post(
            "/logout",
            data=asked,
            headers={"Origin": "https://app.example.lv", "Sec-Fetch-Site": "cross-site"},
        )
        self.window.http.cookies.update(kept)
        assert came.status_code == 303
        assert "Set-Cookie" not in came.headers
        self.window.opens(came.headers["Location"])

    def came_back_with(self) -> dict[str, str]:
        """What the browser brought to the registered address."""
        assert (self.window.left_for or "").startswith("https://app.example.lv/signed-out?"), (
            self.window.page.words
        )
        return dict(parse_qsl(urlsplit(self.window.left_for or "").query))

    def is_asked(self) -> bool:
        page = self.window.page
        return page.status == 200 and page.has("logout-confirm") and self.window.left_for is None

    def is_refused(self) -> bool:
        """An error page of ours, no redirect, and nothing has ended."""
        page = self.window.page
        told = page.error_code == "invalid_request" and bool(page.content.ids["error-reference"])
        return page.status == 400 and told and self.window.left_for is None and self.window.is_signed_in


@pytest.fixture
def hall(_prepared: Path, tmp_path: Path) -> Iterator[Hall]:
    path = tmp_path / "hall.sqlite3"
    shutil.copy(_prepared, path)
    made = Hall(f"sqlite:///{path}")
    yield made
    made.close()


@pytest.fixture
def clerk(hall: Hall) -> Employee:
    return hall.employee("dace")


@pytest.fixture
def visit(hall: Hall, clerk: Employee) -> Visit:
    document = {
        "client_name": "Lietotne",
        "redirect_uris": ["https://app.example.lv/callback"],
        "post_logout_redirect_uris": [AFTER],
        "visvaris": {"first_party": True},
    }
    registration = register(document, hall.world.effects)
    hall.add_client(registration.client)
    party = RelyingParty(
        issuer=ISSUER,
        client_id=registration.client.client_id,
        redirect_uri="https://app.example.lv/callback",
        http=httpx.Client(transport=httpx.WSGITransport(app=hall.app), base_url=ISSUER),
        secret=registration.secret,
        now=hall.clock,
    )
    window, question = hall.browser(), party.ask()
    window.signs_in(clerk, f"/authorize?{query_of(question.url)}")
    tokens = party.redeem(question, party.read_answer(question, window.left_for or "")["code"])
    return Visit(hall, window, party, tokens.id_token or "")


# The certification's modules --------------------------------------------------------------------------


def test_discovery(visit: Visit) -> None:
    """oidcc-rp-initiated-logout-discovery"""
    assert visit.party.metadata()["end_session_endpoint"] == f"{ISSUER}/logout"


def test_plain(visit: Visit) -> None:
    """oidcc-rp-initiated-logout"""
    visit.asks(id_token_hint=visit.id_token, post_logout_redirect_uri=AFTER, state=STATE)
    assert visit.came_back_with() == {"from": "visvaris", "state": STATE}
    assert not visit.window.is_signed_in


def test_plain_by_post(visit: Visit) -> None:
    """oidcc-rp-initiated-logout: "OPs MUST support the use of the HTTP GET and POST methods" (section 2)"""
    visit.posts(id_token_hint=visit.id_token, post_logout_redirect_uri=AFTER, state=STATE)
    assert visit.came_back_with() == {"from": "visvaris", "state": STATE}
    assert not visit.window.is_signed_in


def test_bad_post_logout_redirect_uri(visit: Visit) -> None:
    """oidcc-rp-initiated-logout-bad-post-logout-redirect-uri"""
    visit.asks(
        id_token_hint=visit.id_token, post_logout_redirect_uri=f"{AFTER.partition('?')[0]}x", state=STATE
    )
    assert visit.is_refused()


def test_modified_id_token_hint(visit: Visit) -> None:
    """oidcc-rp-initiated-logout-modified-id-token-hint, attack 16: one claim changed under the old signature"""
    header, claims, signature = visit.id_token.split(".")
    told = json.loads(base64.urlsafe_b64decode(claims + "=="))
    altered = base64.urlsafe_b64encode(json.dumps({**told, "sub": "somebody"}).encode()).rstrip(b"=").decode()
    visit.asks(id_token_hint=f"{header}.{altered}.{signature}", post_logout_redirect_uri=AFTER, state=STATE)
    assert visit.is_refused()


def test_no_id_token_hint(visit: Visit) -> None:
    """oidcc-rp-initiated-logout-no-id-token-hint: without it nobody knows whose address that is"""
    visit.asks(post_logout_redirect_uri=AFTER, state=STATE)
    assert visit.is_refused()


def test_no_params(visit: Visit) -> None:
    """oidcc-rp-initiated-logout-no-params"""
    visit.asks()
    assert visit.is_asked()
    visit.window.presses("logout-confirm")
    assert visit.window.page.path == "/logged-out"
    assert not visit.window.is_signed_in


def test_no_post_logout_redirect_uri(visit: Visit) -> None:
    """oidcc-rp-initiated-logout-no-post-logout-redirect-uri"""
    visit.asks(id_token_hint=visit.id_token, state=STATE)
    assert visit.window.page.path == "/logged-out"
    assert visit.window.left_for is None
    assert not visit.window.is_signed_in


def test_no_state(visit: Visit) -> None:
    """oidcc-rp-initiated-logout-no-state"""
    visit.asks(id_token_hint=visit.id_token, post_logout_redirect_uri=AFTER)
    assert visit.came_back_with() == {"from": "visvaris"}
    assert not visit.window.is_signed_in


def test_only_state(visit: Visit) -> None:
    """oidcc-rp-initiated-logout-only-state"""
    visit.asks(state=STATE)
    assert visit.is_asked()
    visit.window.presses("logout-confirm")
    assert visit.window.page.path == "/logged-out"
    assert not visit.window.is_signed_in


def test_query_added_to_post_logout_redirect_uri(visit: Visit) -> None:
    """oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri"""
    visit.asks(id_token_hint=visit.id_token, post_logout_redirect_uri=f"{AFTER}&foo=bar", state=STATE)
    assert visit.is_refused()


def test_bad_id_token_hint(visit: Visit) -> None:
    """oidcc-rp-initiated-logout-bad-id-token-hint"""
    for hint in ("bad.id.token", "bad"):
        visit.asks(id_token_hint=hint, post_logout_redirect_uri=AFTER, state=STATE)
        assert visit.is_refused()


# What else the pages do -------------------------------------------------------------------------------


def test_an_application_that_names_only_itself_is_led_back_to_after_the_person_agreed(visit: Visit) -> None:
    """Section 2, `client_id`: for use where there is no hint; whose wish it is, the person says."""
    visit.asks(client_id=visit.party.client_id, post_logout_redirect_uri=AFTER, state=STATE)
    assert visit.is_asked()
    assert "Lietotne" in visit.window.page.words
    visit.window.presses("logout-confirm")
    assert visit.came_back_with() == {"from": "visvaris", "state": STATE}
    assert not visit.window.is_signed_in


def test_who_wants_to_stay_stays(visit: Visit) -> None:
    visit.asks(client_id=visit.party.client_id, post_logout_redirect_uri=AFTER)
    visit.window.opens("/")
    assert visit.window.is_signed_in


def test_the_pages_are_in_the_language_that_the_application_names(visit: Visit) -> None:
    visit.asks(ui_locales="fr en-GB", logout_hint="dace")
    assert 'lang="en"' in visit.window.page.content.markup
    visit.window.presses("logout-confirm")
    assert 'lang="en"' in visit.window.page.content.markup


def test_a_wrong_request_is_refused_in_that_language_too(visit: Visit) -> None:
    visit.asks(ui_locales="en", id_token_hint="bad")
    assert visit.is_refused()
    assert 'lang="en"' in visit.window.page.content.markup


def test_the_language_that_the_person_chose_stands(visit: Visit) -> None:
    visit.window.opens("/language/lv")
    visit.asks(ui_locales="en")
    assert '<html lang="lv"' in visit.window.page.content.markup


def test_a_hint_of_an_earlier_person_does_not_end_the_session_of_the_next(visit: Visit) -> None:
    """attack 8, attack 22: two people at one browser; the first one's application is still open in a tab"""
    visit.window.signs_out()
    visit.window.signs_in(visit.hall.employee("egita"))
    visit.asks(id_token_hint=visit.id_token, post_logout_redirect_uri=AFTER)
    assert visit.is_asked()
    assert visit.window.is_signed_in


def test_no_image_on_another_site_ends_a_session(visit: Visit) -> None:
    """attack 8: it comes without cookies, and takes none away"""
    for asked in ({}, {"id_token_hint": visit.id_token}):
        came = httpx.Client(transport=httpx.WSGITransport(app=visit.hall.app), base_url=ISSUER).get(
            "/logout", params=asked
        )
        assert "visvaris-session" not in came.headers.get("Set-Cookie", "")
    assert visit.window.is_signed_in


@pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host", "Forwarded"])
def test_nobody_is_led_to_where_a_header_says(visit: Visit, header: str) -> None:
    """attack 8, attack 27: nor told in that name that a session ended"""
    value = "host=evil.example" if header == "Forwarded" else "evil.example"
    asked = {"id_token_hint": visit.id_token, "post_logout_redirect_uri": AFTER}
    reply = visit.window.http.get("/logout", params=asked, headers={header: value})
    assert (reply.status_code, reply.headers["Location"]) == (303, AFTER)
    page = visit.window.http.get("/logged-out", headers={header: value})
    assert "evil.example" not in page.text + repr(page.headers)


# The rules --------------------------------------------------------------------------------------------


@pytest.fixture
def app(house: House) -> RelyingParty:
    return house.add_client(post_logout_redirect_uris=[AFTER])


@pytest.fixture
def tokens(house: House, browser: Browser, app: RelyingParty) -> Tokens:
    return house.tokens_for(app, browser)


def begin(house: House, browser: Browser, **asked: str | None) -> AskFirst | EndNow:
    parameters = Parameters((name, value) for name, value in asked.items() if value is not None)
    return house.openid.logout.begin(parameters, browser.signed_in, browser=browser.id)


def asked_first(outcome: AskFirst | EndNow) -> AskFirst:
    assert isinstance(outcome, AskFirst)
    return outcome


def test_the_application_of_this_session_is_obeyed(
    house: House, browser: Browser, app: RelyingParty, tokens: Tokens
) -> None:
    outcome = begin(
        house, browser, id_token_hint=tokens.id_token, post_logout_redirect_uri=AFTER, state="a b&c"
    )
    assert outcome == EndNow(LogoutRequest(app.client_id, "Lietotne", f"{AFTER}&state=a+b%26c"))


def test_without_an_address_it_ends_on_our_page(house: House, browser: Browser, tokens: Tokens) -> None:
    outcome = begin(house, browser, id_token_hint=tokens.id_token, state="x")
    assert isinstance(outcome, EndNow)
    assert outcome.request.leads_to is None


def test_an_old_id_token_still_speaks_for_its_session(house: House, browser: Browser, tokens: Tokens) -> None:
    house.world.clock.move(3000)
    assert isinstance(begin(house, browser, id_token_hint=tokens.id_token), EndNow)


@pytest.mark.parametrize("asked", [{}, {"state": "x"}, {"logout_hint": "anna"}, {"ui_locales": "lv"}])
def test_a_bare_link_makes_us_ask(house: House, browser: Browser, asked: dict[str, str]) -> None:
    """attack 8: GET logout by <img>"""
    assert asked_first(begin(house, browser, **asked)).request.leads_to is None


def test_a_client_without_a_hint_makes_us_ask(house: House, browser: Browser, app: RelyingParty) -> None:
    """attack 8"""
    outcome = begin(house, browser, client_id=app.client_id, post_logout_redirect_uri=AFTER, state="x")
    assert asked_first(outcome).request == LogoutRequest(app.client_id, "Lietotne", f"{AFTER}&state=x")


def test_an_id_token_of_another_session_ends_nothing(
    house: House, anna: object, app: RelyingParty, tokens: Tokens
) -> None:
    """attack 8: id_token_hint replay ends somebody's session"""
    berta = house.add_person("berta")
    for other in (house.sign_in(berta), house.sign_in(anna)):
        asked_first(begin(house, other, id_token_hint=tokens.id_token, post_logout_redirect_uri=AFTER))


@pytest.mark.parametrize(
    "uri",
    [
        *(
            "https://evil.example/",
            "https://app.example.lv/signed-out",
            f"{AFTER}&x=1",
            f"{AFTER}#x",
            "javascript:alert(1)",
        ),
        *(
            "https://app.example.lv.evil.tld/signed-out?from=visvaris",
            "//evil.example",
            "/\\evil.example",
            " ",
        ),
    ],
)
def test_an_unregistered_address_gets_an_error_page(
    house: House, browser: Browser, app: RelyingParty, tokens: Tokens, uri: str
) -> None:
    """attack 5, attack 8: open redirect"""
    for who in ({"id_token_hint": tokens.id_token}, {"client_id": app.client_id}):
        with pytest.raises(ProtocolError):
            begin(house, browser, post_logout_redirect_uri=uri, **who)


def test_an_address_of_nobody_gets_an_error_page(house: House, browser: Browser, app: RelyingParty) -> None:
    """attack 8"""
    for who in ({}, {"client_id": "nobody"}):
        with pytest.raises(ProtocolError):
            begin(house, browser, post_logout_redirect_uri=AFTER, **who)


def test_a_bad_or_altered_hint_gets_an_error_page(
    house: House, browser: Browser, app: RelyingParty, tokens: Tokens
) -> None:
    """attack 8, attack 16"""
    header, claims, signature = (tokens.id_token or "").split(".")
    bad = ["x", "x.y.z", f"{header}.{claims}.", f"{header}.{claims}.{signature[::-1]}", tokens.access_token]
    for hint in bad:
        with pytest.raises(ProtocolError):
            begin(house, browser, id_token_hint=hint, client_id=app.client_id, post_logout_redirect_uri=AFTER)


def test_hint_and_client_must_agree(house: House, browser: Browser, tokens: Tokens) -> None:
    other = house.add_client(post_logout_redirect_uris=["https://other.example.lv/"])
    with pytest.raises(ProtocolError):
        begin(house, browser, id_token_hint=tokens.id_token, client_id=other.client_id)


def test_where_nobody_is_signed_in_there_is_nothing_to_ask(
    house: House, app: RelyingParty, tokens: Tokens
) -> None:
    nobody = house.stranger()
    assert begin(house, nobody) == EndNow(LogoutRequest())
    after = begin(house, nobody, id_token_hint=tokens.id_token, post_logout_redirect_uri=AFTER)
    assert isinstance(after, EndNow)
    assert after.request.leads_to == AFTER


def test_the_button_counts_once_in_this_browser_for_this_session(
    house: House, anna: object, browser: Browser, app: RelyingParty
) -> None:
    """attack 8, attack 24"""
    confirm = house.openid.logout.confirm
    first = asked_first(begin(house, browser, client_id=app.client_id, post_logout_redirect_uri=AFTER))
    assert confirm(first.request_id, browser.signed_in, browser="another") is None
    assert confirm(first.request_id, browser.signed_in, browser=browser.id) is None
    second = asked_first(begin(house, browser))
    assert confirm(second.request_id, house.sign_in(anna).signed_in, browser=browser.id) is None
    third = asked_first(begin(house, browser, client_id=app.client_id, post_logout_redirect_uri=AFTER))
    assert confirm(third.request_id, browser.signed_in, browser=browser.id) == third.request
    assert confirm(third.request_id, browser.signed_in, browser=browser.id) is None


def test_parameters_come_once(house: House, browser: Browser) -> None:
    doubled = Parameters([("state", "a"), ("state", "b")])
    with pytest.raises(ProtocolError):
        house.openid.logout.begin(doubled, browser.signed_in, browser=browser.id)


def test_a_disabled_application_is_led_to_no_more(
    house: House, browser: Browser, app: RelyingParty, tokens: Tokens
) -> None:
    """attack 8, attack 17"""
    with house.world.database.begin() as work:
        work.clients.set_disabled(app.client_id, disabled=True)
    house.world.clock.move(2)
    for who in ({"id_token_hint": tokens.id_token}, {"client_id": app.client_id}):
        with pytest.raises(ProtocolError):
            begin(house, browser, post_logout_redirect_uri=AFTER, **who)


def test_the_port_of_a_loopback_address_is_compared_like_the_rest_of_it(
    house: House, browser: Browser
) -> None:
    """attack 4: RFC 8252 section 7.3 lets ports vary in redirect URIs, and speaks of no others"""
    native = house.add_client(
        application_type="native",
        token_endpoint_auth_method="none",
        redirect_uris=["http://127.0.0.1/callback"],
        post_logout_redirect_uris=["http://127.0.0.1:41000/out"],
    )
    hint = house.tokens_for(native, browser).id_token
    with pytest.raises(ProtocolError):
        begin(house, browser, id_token_hint=hint, post_logout_redirect_uri="http://127.0.0.1:41001/out")
    led = begin(house, browser, id_token_hint=hint, post_logout_redirect_uri="http://127.0.0.1:41000/out")
    assert isinstance(led, EndNow)
    assert led.request.leads_to == "http://127.0.0.1:41000/out"


def test_other_tokens_of_ours_are_no_hints(house: House, browser: Browser, app: RelyingParty) -> None:
    """attack 16: what carries no session is none, whatever its type says"""
    signer = house.openid.keys.signer("RS256")
    claims = {"iss": "https://login.example.lv", "aud": app.client_id, "sub": "anna"}
    for typ, content in (
        ("JWT", claims),
        ("logout+jwt", {**claims, "sid": "x"}),
        ("JWT", {**claims, "sid": 1}),
    ):
        hint = jose.sign(content, key=signer.key, alg=signer.alg, kid=signer.kid, typ=typ)
        with pytest.raises(ProtocolError):
            begin(house, browser, id_token_hint=hint)
