"""Signing in by the municipality's own log-in page, against a provider that is not ours: the way there and back."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, quote_plus, urlsplit

import httpx
import pytest
from sqlalchemy import Dialect

from idp.login.transaction import Requirements
from idp.models.methods import Proof
from idp.policy import Level
from idp.storage.prepared import Compiled, Prepared
from tests.support.actors import PASSWORD, Browser, Employee
from tests.support.administrators import program
from tests.support.builders import KEKAVA, RIGA, add_employment
from tests.support.certificates import Authority
from tests.support.pages import Page
from tests.support.upstream.place import ADDRESS, ALL, DOMAIN, METHOD, Place, place_of
from tests.support.upstream.provider import Colleague, Shape


@pytest.fixture(params=list(Shape), ids=lambda shape: shape.value)
def place(request: pytest.FixtureRequest, fresh_database: str, authority: Authority) -> Iterator[Place]:
    with place_of(fresh_database, authority, request.param) as made:
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


def test_somebody_the_municipality_vouches_for_is_signed_in(
    place: Place, anna: Employee, browser: Browser
) -> None:
    place.signs_in(browser)
    assert browser.is_signed_in
    (proof,) = place.proofs(anna)
    assert (proof["method"], proof.get("multi_factor")) == (METHOD, None)


def test_what_is_asked_has_all_that_protects_it(place: Place, anna: Employee, browser: Browser) -> None:
    asked = {name: values[0] for name, values in parse_qs(urlsplit(place.leaves(browser)).query).items()}
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == f"https://login.example.lv/login/upstream/callback/{place.row.id}"
    assert asked["login_hint"] == ADDRESS
    assert asked["response_type"] == "code"
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
    assert "max_age" not in asked


def test_the_page_goes_on_by_a_header_and_tells_nobody_where_it_was(
    place: Place, anna: Employee, browser: Browser
) -> None:
    address = place.leaves(browser)
    assert browser.page.headers["refresh"] == f"0; url={address}"
    assert browser.page.headers["referrer-policy"] == "no-referrer"


def test_two_factors_there_count_where_the_municipality_believes_it(
    fresh_database: str, authority: Authority
) -> None:
    with place_of(fresh_database, authority) as place:
        place.add(believes_mfa=True)
        place.allow(Level.MULTI_FACTOR)
        anna, browser = place.hall.employee("anna"), place.hall.browser()
        place.link(anna)
        place.op.strong = True
        place.signs_in(browser)
        assert browser.is_signed_in
        assert place.proofs(anna)[0]["multi_factor"] is True


@pytest.mark.parametrize(("believed", "strong"), [(False, True), (True, False)])
def test_two_factors_that_are_not_believed_or_not_said_are_one(
    fresh_database: str, authority: Authority, believed: bool, strong: bool
) -> None:
    with place_of(fresh_database, authority) as place:
        place.add(believes_mfa=believed)
        place.allow(Level.MULTI_FACTOR)
        anna, browser = place.hall.employee("anna", totp=True), place.hall.browser()
        place.link(anna)
        place.op.strong = strong
        page = place.signs_in(browser)
        assert page.has("code")
        browser.presses(code=anna.code())
        assert browser.is_signed_in
        assert "multi_factor" not in next(each for each in place.proofs(anna) if each["method"] == METHOD)


def test_where_it_is_believed_no_more_what_it_said_before_is_one_factor_too(
    fresh_database: str, authority: Authority
) -> None:
    """attack 25: nobody keeps for a day what is worth nothing from now on; and gets it back with the belief."""
    with place_of(fresh_database, authority) as place:
        place.add(believes_mfa=True)
        place.allow(Level.MULTI_FACTOR)
        anna, browser = place.hall.employee("anna", totp=True), place.hall.browser()
        place.link(anna)
        place.op.strong = True
        place.signs_in(browser)
        for believed in (True, False, True):
            with place.hall.world.database.begin() as work:
                work.upstreams.believe(place.row.id, on=believed, mfa_acr="")
            assert browser.is_signed_in is believed
        with place.hall.world.database.begin() as work:
            work.upstreams.believe(place.row.id, on=False, mfa_acr="")
        browser.opens("/account")
        browser.presses(code=anna.code())
        assert browser.is_signed_in, "with a second factor of ours"


def test_an_acr_says_it_where_the_municipality_says_which(fresh_database: str, authority: Authority) -> None:
    with place_of(fresh_database, authority) as place:
        place.add(believes_mfa=True, mfa_acr="possessionorinherence")
        anna, browser = place.hall.employee("anna"), place.hall.browser()
        place.link(anna)
        place.op.changes = {"acr": "possessionorinherence"}
        place.signs_in(browser)
        assert place.proofs(anna)[0]["multi_factor"] is True


@pytest.mark.parametrize("typed", [ADDRESS, "nobody@riga.example", "Anna@RIGA.Example.", " x@riga.example "])
def test_an_address_leads_there_whether_or_not_anybody_has_it(
    place: Place, anna: Employee, browser: Browser, typed: str
) -> None:
    """attack 28: nothing tells who exists"""
    place.leaves(browser, typed)


SOMEBODY = {
    "linkd": "linked to that upstream",
    "blckd": "blocked",
    "lnkbl": "linked, and the link is blocked",
    "other": "not linked, with a password and an authenticator here",
    "moved": "of another municipality",
}
"""Usernames of one length, so that lengths can be compared."""


@pytest.fixture
def somebodies(place: Place) -> list[str]:
    """Everybody there is to tell from nobody; and somebody who has the address as an address, not as a name."""
    made = {
        name: place.hall.employee(
            f"{name}@{DOMAIN}",
            totp=name == "other",
            municipalities=[KEKAVA if name == "moved" else RIGA],
        )
        for name in SOMEBODY
    }
    place.hall.employee("janis", email=f"mails@{DOMAIN}", email_verified=True)
    place.link(made["linkd"])
    place.link(made["lnkbl"], "somebody else there")
    place.hall.block(made["blckd"])
    with place.hall.world.database.begin() as work:
        (link,) = [c for c in work.people.credentials_of(made["lnkbl"].user.id) if c.method == METHOD]
        work.people.block_credential(link.id, at=place.hall.clock())
    return [*SOMEBODY, "mails"]


@pytest.mark.parametrize("password", ["", "x", PASSWORD], ids=["none", "a wrong one", "the right one here"])
def test_who_exists_is_led_there_as_who_does_not(place: Place, somebodies: list[str], password: str) -> None:
    """attack 28: to the byte, in every header, by what is asked of the database, and however often it is tried"""

    def all_that_shows(name: str) -> list[object]:
        other, typed = place.hall.browser(), f"{name}@{DOMAIN}"
        shown: list[object] = []
        for _ in range(2):
            other.opens("/")
            with _asked_of_the_database() as statements, _heard(other) as replies:
                page = other.presses(username=typed, password=password)
            assert page.has("leave")
            for reply in replies:
                texts = (reply.text, *(f"{each}: {value}" for each, value in reply.headers.multi_items()))
                shown += [reply.status_code, *(_without_chance(text, typed) for text in texts)]
            shown += statements
        return shown

    nobody = all_that_shows("nobdy")
    assert any("upstream_domains" in str(each) for each in nobody)
    assert {name: all_that_shows(name) == nobody for name in somebodies} == dict.fromkeys(somebodies, True)


@contextmanager
def _heard(browser: Browser) -> Iterator[list[httpx.Response]]:
    replies: list[httpx.Response] = []
    browser.http.event_hooks = {"response": [lambda reply: (reply.read(), replies.append(reply))]}
    yield replies
    browser.http.event_hooks = {}


def _without_chance(text: str, typed: str) -> str:
    """Random values keep their length, and the person's own typing is what it was."""
    for form in (typed, quote_plus(typed), typed.replace("@", "&#64;")):
        text = text.replace(form, "TYPED")
    return re.sub(r"[\w-]{22,}", lambda found: "?" * len(found[0]), text)


@contextmanager
def _asked_of_the_database() -> Iterator[list[str]]:
    """Each statement that goes to the driver; the sign-in itself is on the shelf besides."""
    statements: list[str] = []
    compiled = Prepared.for_dialect

    def heard(self: Prepared, dialect: Dialect) -> Compiled:
        found = compiled(self, dialect)
        statements.append(found.sql)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Prepared, "for_dialect", heard)
        yield statements


@pytest.mark.parametrize(
    "typed", ["anna", "anna@other.example", "@riga.example", "anna@", "anna@sub.riga.example"]
)
def test_anything_else_stays_here(place: Place, anna: Employee, browser: Browser, typed: str) -> None:
    browser.opens("/")
    page = browser.presses(username=typed, password="x")
    assert not page.has("leave")
    assert page.status == 422


def test_nobody_is_led_there_where_the_way_is_not_allowed(
    place: Place, anna: Employee, browser: Browser
) -> None:
    place.hall.rule("national")
    browser.opens("/")
    assert not browser.presses(username=ADDRESS, password="x").has("leave")


def test_when_the_municipality_does_not_allow_it_the_word_of_its_upstream_is_nothing(
    place: Place, anna: Employee, browser: Browser
) -> None:
    """Nobody is led there, and whoever is on the way already is not let in."""
    back = place.op.visit(place.leaves(browser))
    place.hall.rule(RIGA)
    browser.opens(back)
    assert not browser.is_signed_in
    assert place.reasons() == ["upstream_off"]
    assert place.op.remote.asked(f"{place.op.base}/token") == []
    browser.opens("/")
    assert not browser.presses(username=ADDRESS, password="x").has("leave")


def test_who_logged_in_there_long_ago_did_so_long_ago_here(
    place: Place, anna: Employee, browser: Browser
) -> None:
    place.op.seen_at = place.hall.clock() - 3000
    place.signs_in(browser)
    assert place.proofs(anna)[0]["at"] == place.hall.clock() - 3000


def test_where_something_new_is_asked_the_upstream_is_asked_for_it_and_held_to_it(
    place: Place, anna: Employee, browser: Browser
) -> None:
    place.op.seen_at = place.hall.clock() - 3000
    place.signs_in(browser)
    page = browser.opens("/account/methods/totp")
    asked = _offered(place, browser, page.path)
    assert asked["max_age"] == "600"
    place.op.changes = {"auth_time": int(place.hall.clock()) - 661}
    browser.opens(place.op.visit(browser.page.content.links["leave"]))
    assert place.reasons() == ["upstream_not_fresh"]
    place.op.changes = {}
    place.op.seen_at = place.hall.clock() - 5
    _offered(place, browser, browser.opens("/account/methods/totp").path)
    browser.opens(place.op.visit(browser.page.content.links["leave"]))
    assert browser.opens("/account/methods/totp").path == "/account/methods/totp"


def test_who_must_log_in_anew_must_do_so_there(place: Place, anna: Employee, browser: Browser) -> None:
    """`prompt=login` of an application (Core 3.1.2.1), also where the person takes their time."""
    console = program(place.hall)
    question = console.ask(scope="openid", prompt="login")
    browser.opens(question.url.removeprefix(place.hall.issuer))
    place.hall.clock.move(300)
    browser.presses(username=ADDRESS, password="")
    place.op.seen_at = place.hall.clock() - 1000
    page = browser.opens(place.op.visit(browser.page.content.links["leave"]))
    assert (place.op.asked[-1]["prompt"], place.op.asked[-1]["max_age"]) == ("login", "300")
    assert place.reasons() == ["upstream_not_fresh"]
    assert page.status == 422
    place.op.seen_at = None
    browser.presses(username=ADDRESS, password="")
    browser.opens(place.op.visit(browser.page.content.links["leave"]))
    assert browser.left_for is not None
    assert "code=" in browser.left_for


def test_at_a_shared_computer_nobody_gets_in_by_the_log_in_that_somebody_left_open_there(
    place: Place, anna: Employee, browser: Browser
) -> None:
    browser.opens("/")
    browser.presses("shared-on")
    place.op.seen_at = place.hall.clock() - 100
    page = place.signs_in(browser)
    assert (place.op.asked[-1]["prompt"], place.op.asked[-1]["max_age"]) == ("login", "0")
    assert (page.status, place.reasons()) == (422, ["upstream_not_fresh"])
    place.op.seen_at = None
    place.signs_in(browser)
    assert browser.is_signed_in


def _offered(place: Place, browser: Browser, path: str) -> dict[str, str]:
    """The page offers the way again, to somebody who is known."""
    browser.opens(f"{path.partition('?')[0]}?method={METHOD}")
    page = browser.presses()
    assert page.has("leave"), page.words
    return {name: values[0] for name, values in parse_qs(urlsplit(page.content.links["leave"]).query).items()}


def test_after_everything_was_ended_an_old_log_in_there_is_asked_for_anew(
    place: Place, anna: Employee, browser: Browser
) -> None:
    """Who ended all sessions is not signed in by the one they left open at work."""
    place.op.seen_at = place.hall.clock() - 100
    with place.hall.world.database.begin() as work:
        work.sessions.void_unfinished(anna.user.id, place.hall.clock())
    page = place.signs_in(browser)
    assert page.has("leave")
    assert not browser.is_signed_in
    place.op.seen_at = None
    browser.opens(place.op.visit(page.content.links["leave"]))
    assert browser.is_signed_in
    assert place.op.asked[-1]["prompt"] == "login"


def test_who_has_no_account_linked_is_told_what_to_do_and_waits(place: Place, browser: Browser) -> None:
    place.op.who = Colleague("stranger", "Jānis <b>Ozols</b>\n" + "x" * 200)
    page = place.signs_in(browser)
    assert (page.status, page.error_code) == (403, "upstream_not_linked")
    place.hall.clock.move(60)
    place.signs_in(place.hall.browser())
    with place.hall.world.database.read() as work:
        (arrival,) = work.upstreams.list_arrivals(RIGA)
        assert work.upstreams.list_arrivals(KEKAVA) == []
    assert arrival.last_at - arrival.first_at == 60
    assert "\n" not in arrival.name
    assert len(place.events("upstream.arrived")) == 2


def test_nobody_is_known_by_an_address_or_a_name(place: Place, browser: Browser) -> None:
    """attack 39: the e-mail address of somebody else in the token"""
    anna = place.hall.employee("anna.berzina", email=ADDRESS, email_verified=True)
    place.op.who = Colleague(
        "mallory", anna.user.display_name, ADDRESS, {"email": ADDRESS, "email_verified": True}
    )
    assert place.signs_in(browser).error_code == "upstream_not_linked"
    assert not browser.is_signed_in


def test_a_blocked_user_stays_out_and_reads_the_same(place: Place, anna: Employee, browser: Browser) -> None:
    place.hall.block(anna)
    blocked = place.signs_in(browser)
    place.op.who = Colleague("stranger")
    stranger = place.signs_in(place.hall.browser())
    assert (blocked.status, stranger.status) == (403, 403)
    assert place.reasons() == ["upstream_blocked_user", "upstream_not_linked"]
    assert _but_for_its_number(blocked) == _but_for_its_number(stranger)


def _but_for_its_number(page: Page) -> str:
    return page.words.replace(page.content.ids["error-reference"], "")


@pytest.mark.parametrize("trait", ["two posts", "another's", "operator"])
def test_a_municipality_vouches_for_nobody_who_acts_for_somebody_else(
    place: Place, browser: Browser, trait: str
) -> None:
    """attack 40: its administrator could otherwise be anybody anywhere"""
    anna = place.hall.employee("anna")
    place.link(anna)
    with place.hall.world.database.begin() as work:
        if trait == "operator":
            work.people._unit.connection().exec_driver_sql("""update users set roles = '["operator"]'""")
        elif trait == "two posts":
            _hire(work, anna, KEKAVA)
        else:
            work.people._unit.connection().exec_driver_sql(
                f"update employments set municipality = '{KEKAVA}'"
            )
    page = place.signs_in(browser)
    assert (page.status, place.reasons()) == (403, ["upstream_not_its_person"])
    assert not browser.is_signed_in


def _hire(work: object, who: Employee, atvk: str) -> None:
    from tests.support.builders import add_employment

    add_employment(work, who.user.id, atvk)  # type: ignore[arg-type]


def test_the_owner_sees_it_on_the_account_page_and_cannot_set_it_up_there(
    place: Place, anna: Employee, browser: Browser
) -> None:
    place.signs_in(browser)
    page = browser.opens("/account")
    assert "Jūsu iestādes konts" in page.words
    assert not [url for url in page.content.links.values() if METHOD in url]
    for path in (f"/account/methods/{METHOD}", f"/account/methods/{METHOD}/remove"):
        assert browser.opens(path).status == 404


def test_switched_off_it_lets_nobody_in_also_not_those_on_their_way(
    place: Place, anna: Employee, browser: Browser
) -> None:
    back = place.op.visit(place.leaves(browser))
    with place.hall.world.database.begin() as work:
        work.upstreams.switch(place.row.id, on=False)
    browser.opens(back)
    assert not browser.is_signed_in
    assert place.reasons() == ["upstream_off"]


def test_switched_off_what_it_proved_counts_no_more_until_it_is_on_again(
    place: Place, anna: Employee, browser: Browser
) -> None:
    place.signs_in(browser)
    with place.hall.world.database.begin() as work:
        work.upstreams.switch(place.row.id, on=False)
    assert not browser.is_signed_in
    with place.hall.world.database.begin() as work:
        work.upstreams.switch(place.row.id, on=True)
    assert browser.is_signed_in


def test_switched_off_between_two_factors_it_leads_nowhere(fresh_database: str, authority: Authority) -> None:
    with place_of(fresh_database, authority) as place:
        place.add()
        anna, browser = place.hall.employee("anna", totp=True), place.hall.browser()
        place.link(anna)
        assert place.signs_in(browser).has("code")
        with place.hall.world.database.begin() as work:
            work.upstreams.switch(place.row.id, on=False)
        browser.presses(code=anna.code())
        assert not browser.is_signed_in


def test_a_link_that_is_blocked_opens_nothing_and_reads_as_for_nobody(
    place: Place, anna: Employee, browser: Browser
) -> None:
    """attack 25: suspended by whoever looks after the person"""
    place.signs_in(browser)
    with place.hall.world.database.begin() as work:
        (held,) = [each for each in work.people.credentials_of(anna.user.id) if each.method == METHOD]
        work.people.block_credential(held.id, at=place.hall.clock())
    assert not browser.is_signed_in
    page = place.signs_in(place.hall.browser())
    assert (page.status, page.error_code) == (403, "upstream_not_linked")
    assert place.reasons() == ["upstream_blocked_user"]


def test_its_word_counts_where_the_person_acts_for_it_and_in_no_other_post(
    place: Place, anna: Employee, browser: Browser
) -> None:
    """attack 40: also in a session that was open when the second post came"""
    place.signs_in(browser)
    with place.hall.world.database.begin() as work:
        add_employment(work, anna.user.id, KEKAVA)
    standings = place.hall.provider.standings
    person = standings.find_person(anna.user.id)
    assert person is not None
    place.hall.rule(KEKAVA, methods=ALL)
    proofs = [Proof(METHOD, place.hall.clock(), credential_id=each.id) for each in person.subject.of(METHOD)]
    counted = {
        post.municipality: standings.decide(person, Requirements(), proofs=proofs, acting=post).counted
        for post in person.employments
    }
    assert {where: len(proofs) for where, proofs in counted.items()} == {RIGA: 1, KEKAVA: 0}


@pytest.mark.parametrize("name", ["amr", "http://schemas.microsoft.com/claims/authnmethodsreferences"])
@pytest.mark.parametrize("several", [True, False])
def test_what_ad_fs_calls_two_factors_is_understood(
    fresh_database: str, authority: Authority, name: str, several: bool
) -> None:
    value = "http://schemas.microsoft.com/claims/multipleauthn"
    with place_of(fresh_database, authority, Shape.ADFS) as place:
        place.add(believes_mfa=True)
        anna, browser = place.hall.employee("anna"), place.hall.browser()
        place.link(anna)
        place.op.changes = {"amr": None} | {name: ["urn:x", value] if several else value}
        place.signs_in(browser)
        assert place.proofs(anna)[0]["multi_factor"] is True


def test_what_is_removed_opens_nothing_from_that_moment(
    place: Place, anna: Employee, browser: Browser
) -> None:
    place.signs_in(browser)
    with place.hall.world.database.begin() as work:
        assert work.upstreams.remove(place.row.id)
    assert not browser.is_signed_in


def test_who_is_signed_in_already_cannot_become_somebody_else_on_the_way(
    place: Place, anna: Employee, browser: Browser
) -> None:
    place.op.seen_at = place.hall.clock() - 3000
    place.signs_in(browser)
    other = place.hall.employee("zane")
    place.op.who = Colleague("k2")
    place.link(other)
    browser.opens(f"{browser.opens('/account/methods/totp').path.partition('?')[0]}?method={METHOD}")
    address = browser.presses().content.links["leave"]
    place.op.seen_at = None
    browser.opens(place.op.visit(address))
    assert place.reasons() == ["upstream_other_person"]
    assert place.sessions(other) == 0
