"""Two people, one after the other, on one browser: nothing of the first is the second's, in any place (attack 22).

From the authorization endpoint over tokens, hints and sign-out to what applications are told. Each way in which
the second person may come there is a case of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import pytest

from idp.models.notices import LogoutNotice
from idp.oidc.client_metadata import register
from tests.support.actors import ISSUER, Browser, Employee, Hall
from tests.support.relying_party import ProviderError, Question, RelyingParty, Tokens

AFTER = "https://app.example.lv/signed-out"


@dataclass
class Counter:
    """A desk at which people take turns; two applications are in use there, and want to be told of endings."""

    hall: Hall
    browser: Browser
    ours: RelyingParty
    theirs: RelyingParty

    def arrives(self, app: RelyingParty, who: Employee, **asked: str) -> Tokens:
        question = self.asks(app, **asked)
        if self.browser.page.has("username"):
            self.browser.enters(who)
        return self.finishes(app, question)

    def asks(self, app: RelyingParty, **asked: str) -> Question:
        question = app.ask(**{"scope": "openid profile", **asked})
        parts = urlsplit(question.url)
        self.browser.opens(f"{parts.path}?{parts.query}")
        return question

    def finishes(self, app: RelyingParty, question: Question) -> Tokens:
        if self.browser.left_for is None:
            form = self.browser.page.form(button="consent-allow")
            sent = {**form.fields, "decision": "allow"}
            self.browser.posts(form.action, sent)
        answer = app.read_answer(question, self.browser.left_for or "")
        return app.redeem(question, answer["code"])

    def signs_out_with(self, id_token: str | None) -> None:
        asked = {"id_token_hint": id_token or "", "post_logout_redirect_uri": AFTER}
        self.browser.opens(str(httpx.URL("/logout", params=asked)))

    def told(self, app: RelyingParty) -> list[LogoutNotice]:
        with self.hall.world.database.read() as work:
            notices = work.notices.list_notices(now=self.hall.clock())
        return [notice for notice in notices if notice.client_id == app.client_id]


def _party(hall: Hall, *, first_party: bool, path: str) -> RelyingParty:
    document = {
        "client_name": "Lietotne",
        "redirect_uris": [f"https://app.example.lv{path}"],
        "post_logout_redirect_uris": [AFTER],
        "backchannel_logout_uri": f"https://app.example.lv{path}/ended",
        "grant_types": ["authorization_code", "refresh_token"],
        "scope": "openid profile offline_access",
        "visvaris": {"first_party": first_party},
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


@pytest.fixture(params=["a computer of one's own", "shared"])
def counter(hall: Hall, browser: Browser, request: pytest.FixtureRequest) -> Counter:
    """Marked as shared by the first of them, or by nobody."""
    if request.param == "shared":
        browser.opens("/")
        browser.presses("shared-on")
    ours, theirs = _party(hall, first_party=True, path="/a"), _party(hall, first_party=False, path="/b")
    return Counter(hall, browser, ours, theirs)


@pytest.fixture
def berta(hall: Hall) -> Employee:
    return hall.employee("berta", given_name="Berta")


Coming = Callable[[Counter, Employee], Tokens]


def _after_signing_out(counter: Counter, who: Employee) -> Tokens:
    counter.browser.signs_out()
    return counter.arrives(counter.ours, who)


def _when_the_application_asks_anew(counter: Counter, who: Employee) -> Tokens:
    return counter.arrives(counter.ours, who, prompt="login")


def _as_another_account(counter: Counter, who: Employee) -> Tokens:
    question = counter.asks(counter.ours, prompt="select_account")
    counter.browser.presses("account-other")
    counter.browser.enters(who)
    return counter.finishes(counter.ours, question)


def _when_the_first_sign_in_is_too_old(counter: Counter, who: Employee) -> Tokens:
    """The page asks for the first person's password; the second says that it is somebody else."""
    counter.hall.clock.move(60)
    question = counter.asks(counter.ours, max_age="30")
    assert not counter.browser.page.has("username")
    counter.browser.opens(f"{counter.browser.page.path.partition('?')[0]}/anew")
    counter.browser.enters(who)
    return counter.finishes(counter.ours, question)


def _by_switching(counter: Counter, who: Employee) -> Tokens:
    """One click, on any page of a shared computer."""
    browser = counter.browser
    browser.opens("/account")
    if browser.page.has("switch-person"):
        browser.presses("switch-person")
    else:
        token = next(form.fields["csrf_token"] for form in browser.page.content.forms)
        browser.posts("/switch", {"csrf_token": token})
    return counter.arrives(counter.ours, who)


WAYS: list[Coming] = [
    *(_after_signing_out, _when_the_application_asks_anew, _by_switching),
    *(_as_another_account, _when_the_first_sign_in_is_too_old),
]


@pytest.mark.parametrize("comes", WAYS)
def test_nothing_of_the_first_is_the_seconds(
    counter: Counter, anna: Employee, berta: Employee, comes: Coming
) -> None:
    """attack 22: compare `sub`, `sid`, claims and tokens"""
    first = counter.arrives(counter.ours, anna)
    offline = counter.arrives(counter.theirs, anna, scope="openid profile offline_access")
    second = comes(counter, berta)
    assert (first.claims["sub"], second.claims["sub"]) == (anna.user.id, berta.user.id)
    assert first.claims["sid"] != second.claims["sid"]
    assert counter.ours.userinfo(second.access_token)["preferred_username"] == "berta"
    with pytest.raises(ProviderError):
        counter.ours.userinfo(first.access_token)
    again = counter.theirs.refresh(offline.refresh_token or "")
    assert counter.theirs.userinfo(again.access_token)["preferred_username"] == "anna"


@pytest.mark.parametrize("comes", WAYS)
def test_every_application_is_told_of_the_first_and_of_nobody_else(
    counter: Counter, anna: Employee, berta: Employee, comes: Coming
) -> None:
    """attack 22"""
    first = counter.arrives(counter.ours, anna)
    counter.arrives(counter.theirs, anna)
    second = comes(counter, berta)
    for app in (counter.ours, counter.theirs):
        (told,) = counter.told(app)
        assert (told.user_id, told.session_id) == (anna.user.id, first.claims["sid"])
    counter.signs_out_with(second.id_token)
    assert counter.browser.left_for == AFTER
    told_ours = {(notice.user_id, notice.session_id) for notice in counter.told(counter.ours)}
    assert told_ours == {(anna.user.id, first.claims["sid"]), (berta.user.id, second.claims["sid"])}
    assert len(counter.told(counter.theirs)) == 1, "the second person was never there"


@pytest.mark.parametrize("comes", WAYS)
def test_what_the_first_left_behind_does_not_end_the_seconds_session(
    counter: Counter, anna: Employee, berta: Employee, comes: Coming
) -> None:
    """attack 8, attack 22: an application of the first is still open in a tab, and signs its person out"""
    first = counter.arrives(counter.ours, anna)
    comes(counter, berta)
    counter.signs_out_with(first.id_token)
    assert counter.browser.left_for is None
    assert counter.browser.page.has("logout-confirm")
    assert counter.browser.is_signed_in


@pytest.mark.parametrize("comes", WAYS)
def test_what_the_first_allowed_is_asked_of_the_second(
    counter: Counter, anna: Employee, berta: Employee, comes: Coming
) -> None:
    """attack 22: and no tab of the first's answers in the second's name"""
    counter.arrives(counter.theirs, anna)
    waiting = counter.asks(counter.theirs, prompt="consent")
    form = counter.browser.page.form(button="consent-allow")
    before = counter.browser.http.cookies.get("__Host-visvaris-browser")
    comes(counter, berta)
    counter.browser.posts(form.action, {**form.fields, "decision": "allow"})
    assert counter.browser.left_for is None
    if counter.browser.http.cookies.get("__Host-visvaris-browser") != before:
        assert counter.browser.page.status == 403, "what was open before the switch is out of reach"
        return
    assert counter.browser.page.has("consent-allow"), "the second person is shown what the first was"
    assert "Berta" in counter.browser.page.content.text
    tokens = counter.finishes(counter.theirs, waiting)
    assert tokens.claims["sub"] == berta.user.id


def test_one_whose_cookie_was_lost_shares_nothing_with_the_next(
    counter: Counter, anna: Employee, berta: Employee
) -> None:
    """attack 22 (CVE-2025-12390): what nobody can know of is not ended, and not handed on either"""
    first = counter.arrives(counter.ours, anna)
    counter.browser.http.cookies.delete("__Host-visvaris-session")
    second = counter.arrives(counter.ours, berta)
    assert first.claims["sid"] != second.claims["sid"]
    assert counter.ours.userinfo(second.access_token)["preferred_username"] == "berta"
    assert counter.ours.userinfo(first.access_token)["preferred_username"] == "anna"
    counter.signs_out_with(second.id_token)
    assert {notice.user_id for notice in counter.told(counter.ours)} == {berta.user.id}
    assert counter.ours.userinfo(first.access_token)["preferred_username"] == "anna"


def test_one_who_was_away_for_too_long_shares_nothing_with_the_next(
    counter: Counter, anna: Employee, berta: Employee
) -> None:
    """attack 22: nobody signed out; the next finds a page that asks who is there, and no name on it"""
    first = counter.arrives(counter.ours, anna)
    counter.hall.clock.move(61 * 60)
    counter.browser.opens("/account")
    assert counter.browser.page.has("username")
    assert "Anna" not in counter.browser.page.content.text
    second = counter.arrives(counter.ours, berta)
    assert first.claims["sid"] != second.claims["sid"]
    assert counter.ours.userinfo(second.access_token)["preferred_username"] == "berta"


@pytest.mark.parametrize("comes", WAYS)
def test_no_page_of_the_first_is_kept_or_shown_to_the_second(
    counter: Counter, anna: Employee, berta: Employee, comes: Coming
) -> None:
    """attack 22: the back button and parallel tabs ask the server again, which answers the second person"""
    counter.arrives(counter.ours, anna)
    seen = {}
    for path in ("/", "/account", "/account/activity"):
        counter.browser.opens(path)
        seen[path] = counter.browser.page.content.text
        assert counter.browser.page.headers["cache-control"] == "no-store"
    assert "Anna" in seen["/account"]
    comes(counter, berta)
    for path in seen:
        assert "Anna" not in counter.browser.opens(path).content.text


def test_they_take_turns_all_day(counter: Counter, anna: Employee, berta: Employee) -> None:
    """attack 22: first and second and first again, each in a session of their own"""
    taken = []
    for who in (anna, berta, anna, berta):
        counter.hall.clock.move(31)
        tokens = _by_switching(counter, who)
        assert tokens.claims["sub"] == who.user.id
        taken.append(tokens.claims["sid"])
    assert len(set(taken)) == len(taken)
