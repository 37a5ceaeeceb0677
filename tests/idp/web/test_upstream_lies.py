"""An upstream that lies, is mixed up with another, is slow or broken; and browsers that are not who they should be."""

import json
import threading
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import ECKey, RSAKey

from idp.gateways.outbound import Fetched, Outbound, OutboundError
from idp.gateways.patience import Patience
from idp.oidc.upstream_metadata import MetadataError, Metadatas
from tests.support.actors import Browser, Employee
from tests.support.at_once import at_once
from tests.support.certificates import Authority
from tests.support.remote import Received, Reply
from tests.support.upstream.place import Place, callback, place_of
from tests.support.upstream.provider import (
    CLIENT_ID,
    OTHER_TENANT,
    Colleague,
    Upstream,
    signed,
    signed_with_public_key,
    unsigned,
)


@pytest.fixture
def place(fresh_database: str, authority: Authority) -> Iterator[Place]:
    with place_of(fresh_database, authority) as made:
        made.add()
        yield made


@pytest.fixture
def anna(place: Place) -> Employee:
    made = place.hall.employee("anna")
    place.link(made)
    return made


@pytest.fixture
def browser(place: Place) -> Browser:
    return place.hall.browser()


def refused(place: Place, browser: Browser) -> str:
    """The reason that was written down; one sentence is all the person reads."""
    page = place.signs_in(browser)
    assert not browser.is_signed_in
    assert page.status == 422
    (reason,) = place.reasons()
    assert reason not in page.words
    return reason


NOW = 1_760_000_000
LIES = {
    "another nonce": ({"nonce": "x"}, "upstream_token"),
    "no nonce": ({"nonce": None}, "upstream_token"),
    "a nonce that is no text": ({"nonce": 7}, "upstream_token"),
    "a nonce of half a character": ({"nonce": "\ud800"}, "upstream_token"),
    "a nonce beyond ASCII": ({"nonce": "ž"}, "upstream_token"),
    "never expires, by no number": ({"exp": float("nan")}, "upstream_token"),
    "seen for ever": ({"auth_time": float("nan")}, "upstream_token"),
    "another issuer": ({"iss": "https://evil.example/v2.0"}, "upstream_other_issuer"),
    "no issuer": ({"iss": None}, "upstream_other_issuer"),
    "another tenant": ({"tid": OTHER_TENANT}, "upstream_other_tenant"),
    "no tenant": ({"tid": None}, "upstream_other_tenant"),
    "for somebody else": ({"aud": "other"}, "upstream_token"),
    "for others, too": ({"aud": [CLIENT_ID, "other"], "azp": CLIENT_ID}, "upstream_token"),
    "for nobody": ({"aud": None}, "upstream_token"),
    "asked for by somebody else": ({"azp": "other"}, "upstream_token"),
    "expired": ({"exp": NOW - 61}, "upstream_token"),
    "never expires": ({"exp": None}, "upstream_token"),
    "expires as text": ({"exp": "later"}, "upstream_token"),
    "not yet": ({"nbf": NOW + 61}, "upstream_token"),
    "made long ago": ({"iat": NOW - 601}, "upstream_token"),
    "made tomorrow": ({"iat": NOW + 61}, "upstream_token"),
    "never made": ({"iat": None}, "upstream_token"),
    "nobody was seen": ({"auth_time": None}, "upstream_token"),
    "seen tomorrow": ({"auth_time": NOW + 61}, "upstream_token"),
    "nobody": ({"oid": None}, "upstream_token"),
    "a person that is no text": ({"oid": ["oid-k1"]}, "upstream_token"),
    "a person without end": ({"oid": "x" * 256}, "upstream_token"),
    "no subject": ({"sub": None}, "upstream_token"),
    "a code of another access token": ({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, "upstream_token"),
    "a hash that is no text": ({"at_hash": 1}, "upstream_token"),
}


@pytest.mark.parametrize(("changes", "reason"), LIES.values(), ids=LIES.keys())
def test_a_token_that_says_something_wrong_is_refused(
    place: Place, anna: Employee, browser: Browser, changes: dict[str, object], reason: str
) -> None:
    """attack 16"""
    place.op.changes = changes
    assert refused(place, browser) == reason


@pytest.mark.parametrize(
    "changes", [{"aud": [CLIENT_ID]}, {"azp": CLIENT_ID}, {"exp": NOW - 59}, {"nbf": NOW + 59}]
)
def test_what_is_within_the_rules_is_taken(
    place: Place, anna: Employee, browser: Browser, changes: dict[str, object]
) -> None:
    place.op.changes = changes
    place.signs_in(browser)
    assert browser.is_signed_in


STRANGER = RSAKey.generate_key(2048, {"kid": "k-1"})
CURVE = ECKey.generate_key("P-256", {"kid": "k-1"})
SIGNERS: dict[str, Callable[[Upstream, dict[str, object]], str]] = {
    "unsigned": lambda _, claims: unsigned(claims),
    "by the public key": signed_with_public_key,
    "by another key of that name": lambda _, claims: signed(claims, STRANGER),
    "by a curve": lambda _, claims: signed(claims, CURVE, alg="ES256"),
    "by an algorithm that is not in the list": lambda op, claims: signed(claims, op.keys[0], alg="RS512"),
    "of another type": lambda op, claims: signed(claims, op.keys[0], typ="at+jwt"),
    "changed afterwards": lambda op, claims: signed(claims, op.keys[0])[:-6] + "AAAAAA",
    "of two parts": lambda op, claims: signed(claims, op.keys[0]).rpartition(".")[0],
    "too long": lambda op, claims: signed({**claims, "groups": ["x" * 36] * 300}, op.keys[0]),
}


@pytest.mark.parametrize("signer", SIGNERS.values(), ids=SIGNERS.keys())
def test_what_was_not_signed_by_its_keys_as_we_say_is_refused(
    place: Place, anna: Employee, browser: Browser, signer: Callable[[Upstream, dict[str, object]], str]
) -> None:
    """attack 16: none, and the public key taken for a shared one"""
    place.op.signs = signer
    assert refused(place, browser) == "upstream_token"


def test_new_keys_are_fetched_at_once_and_not_more_often_than_that(
    place: Place, anna: Employee, browser: Browser
) -> None:
    place.signs_in(place.hall.browser())
    place.hall.clock.move(11)
    place.op.rotate()
    place.signs_in(browser)
    assert browser.is_signed_in
    place.op.signs = lambda _, claims: signed(claims, RSAKey.generate_key(2048, {"kid": "unknown"}))
    for _ in range(3):
        place.signs_in(place.hall.browser())
    assert len(place.op.remote.asked(f"{place.op.base}/keys")) == 2


# The way back ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tells", "back", "reason"),
    [
        (True, {"iss": "https://evil.example"}, "upstream_other_issuer"),
        (True, {"iss": None}, "upstream_other_issuer"),
        (False, {"iss": "https://evil.example"}, "upstream_other_issuer"),
        (True, {"iss": None, "error": "access_denied"}, "upstream_other_issuer"),
        (False, {"error": "access_denied", "code": None}, "upstream_declined"),
        (False, {"code": None}, "upstream_answer_broken"),
        (False, {"code": "wrong"}, "upstream_answer_broken"),
    ],
)
def test_an_answer_that_is_mixed_up_declined_or_empty_is_refused(
    place: Place, anna: Employee, browser: Browser, tells: bool, back: dict[str, str | None], reason: str
) -> None:
    """RFC 9207 section 2.4; attack 10: mix-up. No code is shown to whoever may be the wrong one."""
    place.op.tells_issuer, place.op.answers_with = tells, back
    assert refused(place, browser) == reason
    if reason == "upstream_other_issuer":
        assert place.op.remote.asked(f"{place.op.base}/token") == []


def test_an_answer_with_the_right_issuer_is_taken(place: Place, anna: Employee, browser: Browser) -> None:
    place.op.tells_issuer = True
    place.signs_in(browser)
    assert browser.is_signed_in


def test_a_way_back_counts_once(place: Place, anna: Employee, browser: Browser) -> None:
    """attack 11: replay"""
    back = place.op.visit(place.leaves(browser))
    browser.opens(back)
    browser.signs_out()
    assert browser.opens(back).status == 410
    assert not browser.is_signed_in
    assert len(place.op.remote.asked(f"{place.op.base}/token")) == 1


def test_of_many_that_come_back_at_once_one_is_looked_at(
    place: Place, anna: Employee, browser: Browser
) -> None:
    back = place.op.visit(place.leaves(browser))
    cookies = dict(browser.http.cookies)

    def again(_: int) -> int:
        other = place.hall.browser()
        other.http.cookies.update(cookies)
        return other.opens(back).status

    at_once(4, again)
    assert len(place.op.remote.asked(f"{place.op.base}/token")) == 1
    assert place.sessions(anna) == 1


def test_another_browser_uses_nothing_up_and_is_not_signed_in(
    place: Place, anna: Employee, browser: Browser
) -> None:
    """attack 24: log-in forgery, and a code that was stolen on the way"""
    back = place.op.visit(place.leaves(browser))
    other = place.hall.browser()
    other.opens("/")
    assert other.opens(back).status == 410
    assert not other.is_signed_in
    browser.opens(back)
    assert browser.is_signed_in


@pytest.mark.parametrize(
    "query", ["", "code=a", "state=", "code=a&state=b", "state=b&state=c", "%", "state=%ff&code=a"]
)
def test_an_answer_to_nothing_is_nothing(place: Place, browser: Browser, query: str) -> None:
    page = browser.opens(f"/login/upstream/callback/{place.row.id}?{query}")
    assert page.status == 410
    assert page.headers["referrer-policy"] == "no-referrer"


def test_a_state_of_another_sign_in_brings_that_one_back(
    place: Place, anna: Employee, browser: Browser
) -> None:
    """A code for one, pasted beside the state of another, does not fit its verifier or nonce."""
    first = place.op.visit(place.leaves(browser))
    place.op.who = Colleague("mallory")
    attacker = place.hall.browser()
    theirs = place.op.visit(place.leaves(attacker))
    code, state = (
        parse_qs(urlsplit(url).query)[name][0] for url, name in ((theirs, "code"), (first, "state"))
    )
    place.op.remote.answers[f"{place.op.base}/token"] = _forgetful(place.op)
    browser.opens(callback(place.row.id, code=code, state=state))
    assert not browser.is_signed_in
    assert place.reasons() == ["upstream_token"]


def test_an_answer_that_comes_by_the_way_of_another_upstream_is_not_looked_at(
    place: Place, anna: Employee, browser: Browser
) -> None:
    """attack 10: mix-up, where none of them tells its issuer in the answer"""
    first = place.row
    other = place.add(domains=("other.example",), client_id="another")
    asked = parse_qs(urlsplit(place.leaves(browser, "x@other.example")).query)
    assert asked["redirect_uri"] == [f"https://login.example.lv/login/upstream/callback/{other.id}"]
    browser.opens(callback(first.id, code="stolen", state=asked["state"][0]))
    assert not browser.is_signed_in
    assert place.reasons() == ["upstream_other_issuer"]
    assert not place.op.remote.asked(f"{place.op.base}/token")


def _forgetful(op: Upstream) -> Callable[[Received], Reply]:
    """A token endpoint that does not look at PKCE: the nonce must do alone."""

    def answer(received: Received) -> Reply:
        code = op.codes.pop(parse_qs(received.body.decode())["code"][0])
        tokens = {"access_token": "a", "token_type": "Bearer", "id_token": op.sign(op.claims(code, "a"))}
        return Reply(json.dumps(tokens).encode())

    return answer


def test_a_form_cannot_play_the_upstream(place: Place, anna: Employee, browser: Browser) -> None:
    """What only the server makes is not taken from a page."""
    page = browser.opens("/")
    action = page.form("username").action.partition("?")[0]
    token = page.form("username").fields["csrf_token"]
    for arrived in ("", "x", "s1.a.b"):
        browser.posts(f"{action}?method=upstream_oidc", {"csrf_token": token, "arrived": arrived})
        assert not browser.is_signed_in


# What it publishes, and how it answers --------------------------------------------------------------------


DOCUMENTS = {
    "of another issuer": {"issuer": "https://evil.example"},
    "without an issuer": {"issuer": None},
    "of every tenant": {"issuer": "https://login.microsoftonline.com/{tenantid}/v2.0"},
    "in the clear": {"token_endpoint": "http://upstream.example/token"},
    "without keys": {"jwks_uri": None},
    "with a script": {"authorization_endpoint": "javascript:alert(1)"},
}


@pytest.mark.parametrize("changes", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_a_document_that_cannot_be_right_leads_nobody_away(
    place: Place, browser: Browser, changes: dict[str, object]
) -> None:
    told = place.op.metadata() | changes
    _publish(place, Reply(json.dumps(told).encode()))
    browser.opens("/")
    page = browser.presses(username="anna@riga.example", password="")
    assert (page.status, page.has("leave")) == (422, False)


@pytest.mark.parametrize(
    "reply",
    [Reply(b"x" * 70_000), Reply(b"[" * 30_000), Reply(b"not json"), Reply(b"[]"), Reply(b"{}", 503)],
    ids=["too long", "too deep", "no json", "no object", "an error"],
)
def test_a_document_that_is_broken_leads_nobody_away_and_is_left_alone_for_a_while(
    place: Place, browser: Browser, reply: Reply
) -> None:
    _publish(place, reply)
    for _ in range(3):
        browser.opens("/")
        page = browser.presses(username="anna@riga.example", password="")
        assert (page.status, page.has("leave")) == (422, False)
    assert len(place.op.remote.received) == 1
    place.hall.clock.move(11)
    browser.opens("/")
    browser.presses(username="anna@riga.example", password="")
    assert len(place.op.remote.received) == 2


@pytest.mark.parametrize("name", ["token_endpoint", "jwks_uri"])
@pytest.mark.parametrize(
    "address", ["https://10.0.0.1/x", "https://169.254.169.254/latest", "https://[fd00::1]/x"]
)
def test_a_document_leads_us_to_no_private_network(
    place: Place, anna: Employee, browser: Browser, name: str, address: str
) -> None:
    """attack 9: server-side request forgery"""
    _publish(place, Reply(json.dumps(place.op.metadata() | {name: address}).encode()))
    assert refused(place, browser) == "upstream_unreachable"


def test_who_comes_while_one_that_did_not_answer_is_asked_again_waits_for_nothing(place: Place) -> None:
    entered, release = threading.Event(), threading.Event()

    class Silent(Outbound):
        times = 0

        def fetch(self, url: str, **_: object) -> Fetched:
            self.times += 1
            if self.times > 1:
                entered.set()
                release.wait(60)
            raise OutboundError(url, "took too long")

    metadatas = Metadatas(Silent(), place.hall.world.effects)

    def ask() -> str:
        with pytest.raises(MetadataError) as told:
            metadatas.get("https://silent.example", Patience().begin())
        return str(told.value)

    ask()
    place.hall.clock.move(11)
    asking = threading.Thread(target=ask)
    asking.start()
    try:
        assert entered.wait(60)
        assert "took too long" in ask()
        assert asking.is_alive()
    finally:
        release.set()
        asking.join()


def test_a_document_that_was_good_serves_on_while_its_server_is_down(
    place: Place, anna: Employee, browser: Browser
) -> None:
    place.leaves(browser)
    place.hall.clock.move(601)
    _publish(place, Reply(b"", 503))
    place.leaves(browser)
    place.hall.clock.move(86400)
    browser.opens("/")
    assert not browser.presses(username="anna@riga.example", password="").has("leave")


@pytest.mark.parametrize(
    "reply",
    [
        Reply(b"x" * 70_000),
        Reply(b'{"id_token": 7}'),
        Reply(b'{"access_token": "a"}'),
        Reply(b"[]"),
        Reply(b"{}", 500),
        Reply(b"<html>", 200, {"Content-Type": "text/html"}),
        Reply(b"", 302, {"Location": "https://evil.example"}),
    ],
    ids=["too long", "no text", "no ID token", "no object", "an error", "a page", "a redirect"],
)
def test_an_answer_to_the_code_that_is_none_is_refused(
    place: Place, anna: Employee, browser: Browser, reply: Reply
) -> None:
    address = place.leaves(browser)
    back = place.op.visit(address)
    place.op.remote.answers[f"{place.op.base}/token"] = reply
    browser.opens(back)
    assert not browser.is_signed_in
    assert place.reasons()[0] in {"upstream_answer_broken", "upstream_unreachable"}


def test_one_that_never_answers_is_given_up_and_the_other_ways_work(
    place: Place, anna: Employee, browser: Browser
) -> None:
    release = threading.Event()

    def never(_: Received) -> Reply:
        release.wait(60)
        return Reply(b"{}")

    back = place.op.visit(place.leaves(browser))
    place.op.remote.answers[f"{place.op.base}/token"] = never
    try:
        page = browser.opens(back)
    finally:
        release.set()
    assert place.reasons() == ["upstream_unreachable"]
    assert page.status == 422
    browser.presses(username="anna", password=anna.password)
    assert browser.is_signed_in


def _publish(place: Place, reply: Reply) -> None:
    place.op.remote.answers[f"{place.op.base}/.well-known/openid-configuration"] = reply
