"""Invitations for an upstream: typed here, proved there, and linked once for whom and in the browser it was for."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from idp.languages import catalogue
from idp.login.upstreams import SECONDS_TO_RETURN
from idp.models.arrivals import Match
from idp.models.people import Employment, Identity
from idp.people.invitations import INVITATION_SECONDS
from idp.policy import NATIONAL
from tests.idp.web.test_api import assert_refused, conforms
from tests.support.actors import EVERY_METHOD, ISSUER, Browser, Employee
from tests.support.administrators import AUDIENCE, SCOPE, Api, administrator, program, service, token_of
from tests.support.at_once import at_once
from tests.support.builders import KEKAVA, RIGA
from tests.support.certificates import Authority
from tests.support.upstream.place import METHOD, Place, place_of
from tests.support.upstream.provider import Colleague, Upstream, signed

ADDRESS, DONE = "/invited/organisation", "/invited/organisation/done"


def said(english: str) -> str:
    return catalogue("lv").gettext(english)


WRONG = said("The username or the code of the invitation is wrong, or it is no longer valid.")
TAKEN = said("This account of your organisation is linked already. Ask your administrator.")
UNBELIEVED = said(
    "Your organisation's log-in page did not confirm who you are. Try again, or choose another way."
)
LATER = said("Your organisation's log-in page does not answer now. Try again later, or log in another way.")


@pytest.fixture
def place(fresh_database: str, authority: Authority) -> Iterator[Place]:
    with place_of(fresh_database, authority) as made:
        made.add(match_by=Match.INVITATION.value)
        yield made


@pytest.fixture
def anna(place: Place) -> Employee:
    return place.hall.employee("anna")


@pytest.fixture
def api(place: Place) -> Api:
    return Api(
        place.hall, token_of(place.hall, program(place.hall), administrator(place.hall, "rigas", RIGA))
    )


def path_of(place: Place, atvk: str = RIGA) -> str:
    return f"/municipalities/{atvk}/upstreams/{place.row.id}/invitations"


def asked(place: Place, api: Api, username: str = "anna") -> httpx.Response:
    return api.ask("POST", path_of(place), json={"username": username})


def invited(place: Place, api: Api, username: str = "anna") -> dict[str, Any]:
    reply = asked(place, api, username)
    assert reply.status_code == 201, reply.text
    told: dict[str, Any] = reply.json()
    return told


def types(browser: Browser, code: str, username: str = "anna") -> Browser:
    browser.opens(ADDRESS)
    browser.presses(username=username, code=code)
    return browser


def left(place: Place, code: str, key: str = "k1", browser: Browser | None = None) -> tuple[Browser, str]:
    """The code is typed, somebody proved who they are there, and is not back yet: where they are sent."""
    browser = browser or place.hall.browser()
    types(browser, code)
    place.op.who = Colleague(key)
    return browser, place.op.visit(browser.page.content.links["leave"])


def goes(place: Place, code: str, key: str = "k1") -> Browser:
    browser, back = left(place, code, key)
    browser.opens(back)
    return browser


def linked(place: Place) -> dict[str, str]:
    """Users by the subject that they are there."""
    with place.hall.world.database.read() as work:
        users = work.people.list_users()
        return {
            identity.subject: user.username
            for user in users
            if (identity := work.upstreams.find_identity_of_user(place.row.id, user.id)) is not None
            and any(each.secret == identity.id for each in work.people.credentials_of(user.id))
        }


def states(place: Place, api: Api) -> list[str]:
    listed = api.get(path_of(place))
    conforms(listed.json(), "invitations")
    return [each["state"] for each in listed.json()["invitations"]]


# The way ------------------------------------------------------------------------------------------------------


def test_an_invitation_links_who_is_proved_there_after_it_was_typed(
    place: Place, api: Api, anna: Employee
) -> None:
    told = invited(place, api)
    conforms(told, "invitation_with_code")
    assert told["address"] == f"{ISSUER}{ADDRESS}"
    browser, back = left(place, told["code"].lower())
    assert place.op.asked[-1]["prompt"] == "login"
    assert place.op.asked[-1]["max_age"] == "0"
    assert browser.opens(back).path == DONE
    assert browser.page.has("sign-in")
    assert not browser.is_signed_in
    assert linked(place) == {"oid-k1": "anna"}
    assert place.hall.events(anna)[-3:] == ["invitation.made", "method.enrolled", "invitation.used"]
    (used,) = place.events("invitation.used")
    assert json.loads(used.detail) == {
        "upstream": place.row.id,
        "invitation": told["id"],
        "entry": "oid-k1",
    }
    assert states(place, api) == ["used"]
    place.signs_in(again := place.hall.browser())
    assert again.is_signed_in
    assert place.sessions(anna) == 1


def test_the_code_stands_in_no_address_and_in_no_answer_but_the_first(
    place: Place, api: Api, anna: Employee
) -> None:
    """attack 44: neither in links that are handed on, nor in what the upstream gets to see."""
    told = invited(place, api)
    code = told["code"].replace("-", "")
    browser, back = left(place, told["code"])
    leaves = browser.page.content.links["leave"]
    browser.opens(back)
    for seen in (
        told["address"],
        leaves,
        back,
        *browser.trail,
        browser.page.words,
        api.get(path_of(place)).text,
    ):
        assert code not in seen.replace("-", "").upper()
    assert "anna" not in leaves
    assert not urlsplit(browser.page.path).query


def test_who_waited_waits_no_longer(place: Place, api: Api, anna: Employee) -> None:
    place.op.who = Colleague("k1")
    place.signs_in(place.hall.browser())
    assert len(api.get(f"/municipalities/{RIGA}/upstream-arrivals").json()["upstream_arrivals"]) == 1
    assert goes(place, invited(place, api)["code"]).page.path == DONE
    assert api.get(f"/municipalities/{RIGA}/upstream-arrivals").json() == {"upstream_arrivals": []}


def test_the_person_is_told_by_mail_that_it_was_made_and_used(place: Place, api: Api) -> None:
    anna = place.hall.employee("anna", email="anna@riga.lv", email_verified=True)
    goes(place, invited(place, api)["code"])
    with place.hall.world.database.read() as work:
        mails = work.mails.list_mails(None, now=place.hall.clock(), municipality=None, after=None, limit=9)
    about = {each.about for each in mails if each.user_id == anna.user.id}
    assert {"invitation.made", "method.enrolled"} <= about


def test_a_link_that_was_taken_away_is_made_again_by_invitation(
    place: Place, api: Api, anna: Employee
) -> None:
    place.link(anna)
    assert_refused(asked(place, api), 409, "already_linked")
    with place.hall.world.database.begin() as work:
        work.people.remove_credentials(anna.user.id, METHOD)
    assert goes(place, invited(place, api)["code"]).page.path == DONE
    assert linked(place) == {"oid-k1": "anna"}


# Whose it is ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "username"),
    [(None, "cita"), (None, ""), (None, "\x00"), ("0" * 28, "anna"), ("x", "anna"), ("", "anna")],
)
def test_it_opens_nothing_for_another_name_or_by_another_code(
    place: Place, api: Api, anna: Employee, code: str | None, username: str
) -> None:
    """attack 29, attack 40"""
    place.hall.employee("cita")
    told = invited(place, api)
    browser = types(place.hall.browser(), told["code"] if code is None else code, username)
    assert WRONG in browser.page.words
    assert browser.page.status == 422
    assert not browser.page.has("leave")
    assert place.op.asked == []
    assert states(place, api) == ["open"]


def test_whoever_found_one_guesses_at_few_names(place: Place, api: Api, anna: Employee) -> None:
    """attack 29: however many browsers they have."""
    told = invited(place, api)
    for number in range(5):
        types(place.hall.browser(), told["code"], f"name{number}")
    browser = types(place.hall.browser(), told["code"])
    assert browser.page.status == 429
    assert int(browser.page.headers["retry-after"]) > 1
    assert not browser.page.has("leave")


def test_codes_are_guessed_no_faster_here_than_on_the_page_for_directories(
    place: Place, api: Api, anna: Employee
) -> None:
    """attack 29: one price for both."""
    browser = place.hall.browser()
    for number in range(6):
        page = ADDRESS if number % 2 else "/invited"
        browser.opens(page)
        more = {} if number % 2 else {"network_name": "a@b.lv", "password": "x"}
        browser.presses(username="anna", code=f"{number}" * 28, **more)
    assert browser.page.status == 429


def test_the_page_for_directories_takes_none_for_an_upstream(place: Place, api: Api, anna: Employee) -> None:
    told = invited(place, api)
    browser = place.hall.browser()
    browser.opens("/invited")
    browser.presses(username="anna", code=told["code"], network_name="anna@ad.riga.lv", password="x")
    assert WRONG in browser.page.words
    assert states(place, api) == ["open"]


def test_it_works_once(place: Place, api: Api, anna: Employee) -> None:
    """attack 33"""
    told = invited(place, api)
    browser, back = left(place, told["code"])
    assert browser.opens(back).path == DONE
    assert browser.opens(back).status == 410
    assert WRONG in types(place.hall.browser(), told["code"]).page.words
    assert linked(place) == {"oid-k1": "anna"}
    assert len(place.events("invitation.used")) == 1


def test_whoever_redeems_a_code_that_was_found_gets_that_link_and_nothing_more(
    place: Place, api: Api, anna: Employee
) -> None:
    """attack 40: no session, no other way in, nobody else's account; and its owner sees it."""
    other = place.hall.employee("cita")
    browser = goes(place, invited(place, api)["code"], "mallory")
    assert linked(place) == {"oid-mallory": "anna"}
    assert not browser.is_signed_in
    assert (place.sessions(anna), place.sessions(other)) == (0, 0)
    with place.hall.world.database.read() as work:
        held = [each.method for each in work.people.credentials_of(anna.user.id)]
    assert held.count(METHOD) == 1
    assert "method.enrolled" in place.hall.events(anna)


# Browsers that are not who they should be -----------------------------------------------------------------------


def test_a_way_back_of_one_browser_opens_nothing_in_another(place: Place, api: Api, anna: Employee) -> None:
    """attack 24: an attacker who lets the victim's browser finish what the attacker began"""
    attacker, back = left(place, invited(place, api)["code"], "victim")
    victim = place.hall.browser()
    page = victim.opens(back)
    assert page.status == 410
    assert linked(place) == {}
    assert not victim.is_signed_in
    assert states(place, api) == ["open"]
    assert not attacker.is_signed_in


def test_a_way_back_of_one_browser_opens_nothing_in_another_that_is_out_itself(
    place: Place, api: Api, anna: Employee
) -> None:
    """attack 24: what was begun by either stays that of either."""
    place.hall.employee("cita")
    first, second = invited(place, api), invited(place, api, "cita")
    _, foreign = left(place, first["code"], "mallory")
    victim = types(place.hall.browser(), second["code"], "cita")
    place.op.who = Colleague("k2")
    own = place.op.visit(victim.page.content.links["leave"])
    assert victim.opens(foreign).status == 410
    assert linked(place) == {}
    assert victim.opens(own).path == DONE
    assert linked(place) == {"oid-k2": "cita"}


def test_the_address_that_leads_there_links_nobody_in_another_browser(
    place: Place, api: Api, anna: Employee
) -> None:
    """attack 24: the attacker types their code and sends the victim the upstream's address"""
    attacker = types(place.hall.browser(), invited(place, api)["code"])
    sent = attacker.page.content.links["leave"]
    place.op.who = Colleague("victim")
    assert place.hall.browser().opens(place.op.visit(sent)).status == 410
    assert linked(place) == {}


def test_a_code_of_one_sitting_there_is_no_good_in_the_way_back_of_another(
    place: Place, api: Api, anna: Employee
) -> None:
    """attack 16: the attacker's code under the victim's state, which PKCE and the nonce tell apart"""
    place.hall.employee("cita")
    first, second = invited(place, api), invited(place, api, "cita")
    victim, own = left(place, first["code"], "k1")
    attacker = types(place.hall.browser(), second["code"], "cita")
    place.op.who = Colleague("mallory")
    foreign = place.op.visit(attacker.page.content.links["leave"])
    mine, theirs = (parse_qs(urlsplit(each).query) for each in (own, foreign))
    path = urlsplit(own).path
    injected = httpx.URL(path).copy_merge_params({"code": theirs["code"][0], "state": mine["state"][0]})
    victim.opens(str(injected))
    assert linked(place) == {}
    assert set(states(place, api)) == {"open"}


def test_another_site_cannot_send_the_form(place: Place, api: Api, anna: Employee) -> None:
    """attack 24: log-in CSRF, to have the victim's account there linked to the attacker's here"""
    told = invited(place, api)
    typed = {"username": "anna", "code": told["code"]}
    browser = place.hall.browser()
    assert browser.posts(ADDRESS, typed).status == 403
    browser.opens(ADDRESS)
    token = browser.page.form("code").fields["csrf_token"]
    attacker = place.hall.browser()
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert browser.posts(ADDRESS, {**typed, "csrf_token": token}, **headers).status == 403
    assert attacker.posts(ADDRESS, {**typed, "csrf_token": token}).status == 403
    assert place.op.asked == []


def test_who_was_logged_in_there_before_is_not_linked(place: Place, api: Api, anna: Employee) -> None:
    """attack 24: a browser at work is somebody there already; that is not whoever types the code."""
    place.op.seen_at = place.hall.clock() - 3600
    browser = goes(place, invited(place, api)["code"])
    assert UNBELIEVED in browser.page.words
    assert place.reasons() == ["upstream_not_fresh"]
    assert linked(place) == {}
    assert states(place, api) == ["open"]


def test_the_way_back_of_another_upstream_is_refused(place: Place, api: Api, anna: Employee) -> None:
    """attack 16: mix-up"""
    told = invited(place, api)
    own = place.row
    other = place.add(domains=(), client_id="another", match_by=Match.INVITATION.value)
    place.row = own
    browser, back = left(place, told["code"])
    browser.opens(back.replace(own.id, other.id))
    assert UNBELIEVED in browser.page.words
    assert place.reasons() == ["upstream_other_issuer"]
    assert browser.opens(back).status == 410
    assert linked(place) == {}
    assert states(place, api) == ["open"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"nonce": "x"}, "upstream_token"),
        ({"iss": "https://evil.example"}, "upstream_other_issuer"),
        ({"tid": "other"}, "upstream_other_tenant"),
        ({"aud": "other"}, "upstream_token"),
        ({"oid": None}, "upstream_token"),
        ({"auth_time": None}, "upstream_token"),
    ],
)
def test_a_token_that_says_something_wrong_links_nobody(
    place: Place, api: Api, anna: Employee, changes: dict[str, object], reason: str
) -> None:
    """attack 16"""
    place.op.changes = changes
    browser = goes(place, invited(place, api)["code"])
    assert UNBELIEVED in browser.page.words
    assert place.reasons() == [reason]
    assert linked(place) == {}
    assert states(place, api) == ["open"]


def test_who_declines_there_may_begin_again(place: Place, api: Api, anna: Employee) -> None:
    told = invited(place, api)
    place.op.answers_with = {"error": "access_denied", "code": None}
    browser = goes(place, told["code"])
    assert UNBELIEVED in browser.page.words
    assert browser.page.has("page-title")
    place.op.answers_with = {}
    assert goes(place, told["code"]).page.path == DONE


def test_who_comes_back_too_late_begins_again(place: Place, api: Api, anna: Employee) -> None:
    browser, back = left(place, invited(place, api)["code"])
    place.hall.clock.move(SECONDS_TO_RETURN)
    assert browser.opens(back).status == 410
    assert linked(place) == {}


def test_the_way_back_of_a_sign_in_links_nobody(place: Place, api: Api, anna: Employee) -> None:
    """A code that was typed in the same browser changes nothing about a sign-in that is on its way."""
    browser = place.hall.browser()
    sign_in = place.op.visit(place.leaves(browser))
    _, back = left(place, invited(place, api)["code"], browser=browser)
    assert browser.opens(sign_in).error_code == "upstream_not_linked"
    assert linked(place) == {}
    assert browser.opens(back).path == DONE


# Looked at again when they come back ------------------------------------------------------------------------------


def write(place: Place, statement: str, *values: str) -> None:
    with place.hall.world.database.begin() as work:
        work.connection().exec_driver_sql(statement, values)


def set_rule(place: Place, match: Match) -> None:
    with place.hall.world.database.begin() as work:
        work.upstreams.set_rule(place.row.id, match, "", creates_accounts=False)


def switch(place: Place, *, on: bool) -> None:
    with place.hall.world.database.begin() as work:
        work.upstreams.switch(place.row.id, on=on)


def gets_post(place: Place, who: Employee) -> None:
    with place.hall.world.database.begin() as work:
        work.people.add_employment(
            Employment(id=work.effects.new_id(), user_id=who.user.id, municipality=KEKAVA)
        )


CHANGES = ["revoked", "made anew", "rule", "off", "blocked", "left", "another post", "operator", "maker"]


def change(place: Place, api: Api, anna: Employee, told: dict[str, Any], what: str) -> None:
    match what:
        case "revoked":
            path = f"{path_of(place)}/{told['id']}"
            assert api.ask("DELETE", path).status_code == 204
            assert_refused(api.ask("DELETE", path), 404, "not_found")
        case "made anew":
            invited(place, api)
        case "rule":
            set_rule(place, Match.NOTHING)
        case "off":
            switch(place, on=False)
        case "blocked":
            place.hall.block(anna)
        case "left":
            write(place, "UPDATE employments SET ends_at = 1 WHERE user_id = ?", anna.user.id)
        case "another post":
            gets_post(place, anna)
        case "operator":
            write(place, "UPDATE users SET roles = '[\"operator\"]' WHERE id = ?", anna.user.id)
        case "maker":
            write(place, "UPDATE users SET status = 'blocked' WHERE username = ?", "rigas")


@pytest.mark.parametrize("what", [*CHANGES, "expired"])
def test_what_it_depends_on_is_looked_at_when_it_is_typed(
    place: Place, api: Api, anna: Employee, what: str
) -> None:
    """attack 25, attack 30"""
    told = invited(place, api)
    if what == "expired":
        place.hall.clock.move(INVITATION_SECONDS)
    else:
        change(place, api, anna, told, what)
    page = types(place.hall.browser(), told["code"]).page
    assert WRONG in page.words
    assert not page.has("leave")


@pytest.mark.parametrize("what", CHANGES)
def test_what_it_depends_on_is_looked_at_again_in_the_act_that_links(
    place: Place, api: Api, anna: Employee, what: str
) -> None:
    """attack 25, attack 30: whatever changed while they were away"""
    told = invited(place, api)
    browser, back = left(place, told["code"])
    change(place, api, anna, told, what)
    browser.opens(back)
    assert browser.page.status == 422
    assert (UNBELIEVED if what == "off" else WRONG) in browser.page.words
    assert linked(place) == {}
    assert place.events("invitation.used") == []


@pytest.mark.parametrize("what", [*CHANGES, "nation", "municipality"])
def test_what_changes_while_the_upstream_is_asked_counts_too(
    place: Place, api: Api, anna: Employee, what: str
) -> None:
    """attack 25, attack 30: after the way back was looked at, and before the link is made"""
    told = invited(place, api)
    browser, back = left(place, told["code"])

    def signs(op: Upstream, claims: dict[str, Any]) -> str:
        if what in {"nation", "municipality"}:
            place.hall.rule(NATIONAL if what == "nation" else RIGA, methods=EVERY_METHOD)
        else:
            change(place, api, anna, told, what)
        return signed(claims, op.keys[0])

    place.op.signs = signs
    browser.opens(back)
    assert browser.page.status == 422
    assert linked(place) == {}
    assert place.events("invitation.used") == []


def test_one_that_expires_while_they_are_away_is_over(place: Place, api: Api, anna: Employee) -> None:
    """attack 30"""
    told = invited(place, api)
    place.hall.clock.move(INVITATION_SECONDS - 10)
    browser, back = left(place, told["code"])
    place.hall.clock.move(10)
    assert WRONG in browser.opens(back).words
    assert linked(place) == {}


@pytest.mark.parametrize("scope", [NATIONAL, RIGA])
@pytest.mark.parametrize("when", ["typed", "back"])
def test_where_the_way_is_not_allowed_nobody_is_led_there_or_linked(
    place: Place, api: Api, anna: Employee, scope: str, when: str
) -> None:
    told = invited(place, api)
    browser = place.hall.browser()
    if when == "back":
        _, back = left(place, told["code"], browser=browser)
    place.hall.rule(scope, methods=EVERY_METHOD)
    if when == "back":
        browser.opens(back)
    else:
        types(browser, told["code"])
    assert browser.page.status == 422
    assert not browser.page.has("leave")
    assert linked(place) == {}


@pytest.mark.parametrize("who", ["person", "account"])
def test_who_was_linked_meanwhile_stays_so(place: Place, api: Api, anna: Employee, who: str) -> None:
    """attack 39: neither the person's other link, nor another person's, is replaced."""
    other = place.hall.employee("cita")
    browser, back = left(place, invited(place, api)["code"], "k1")
    if who == "person":
        place.link(anna, "oid-k9")
    else:
        place.link(other, "oid-k1")
    assert TAKEN in browser.opens(back).words
    assert linked(place) == ({"oid-k9": "anna"} if who == "person" else {"oid-k1": "cita"})
    assert states(place, api) == ["open"]


def test_what_is_left_of_somebody_elses_link_is_not_taken_over(
    place: Place, api: Api, anna: Employee
) -> None:
    """attack 39"""
    other = place.hall.employee("cita")
    with place.hall.world.database.begin() as work:
        work.people.add_identity(
            Identity(id="i", user_id=other.user.id, source=place.row.id, subject="oid-k1", created_at=1.0)
        )
    assert TAKEN in goes(place, invited(place, api)["code"]).page.words
    assert linked(place) == {}


def test_of_many_who_come_back_at_once_with_one_invitation_one_is_linked(
    place: Place, api: Api, anna: Employee
) -> None:
    """attack 33"""
    told = invited(place, api)
    backs = [left(place, told["code"], f"k{number % 3}") for number in range(6)]
    at_once(6, lambda number: backs[number][0].opens(backs[number][1]))
    assert list(linked(place).values()) == ["anna"]
    assert [browser.page.path for browser, _ in backs].count(DONE) == 1
    assert len(place.events("invitation.used")) == 1
    with place.hall.world.database.read() as work:
        held = [each for each in work.people.credentials_of(anna.user.id) if each.method == METHOD]
    assert len(held) == 1


def test_of_two_people_who_prove_one_account_at_once_one_is_linked(
    place: Place, api: Api, anna: Employee
) -> None:
    """attack 39"""
    place.hall.employee("cita")
    codes = [("anna", invited(place, api)["code"]), ("cita", invited(place, api, "cita")["code"])]
    place.op.who = Colleague("k1")
    backs = []
    for username, code in codes:
        browser = types(place.hall.browser(), code, username)
        backs.append((browser, place.op.visit(browser.page.content.links["leave"])))
    at_once(2, lambda number: backs[number][0].opens(backs[number][1]))
    assert len(linked(place)) == 1
    assert sorted(states(place, api)) == ["open", "used"]
    assert sorted(browser.page.status for browser, _ in backs) == [200, 422]


def test_one_that_does_not_answer_uses_nothing_up(place: Place, api: Api, anna: Employee) -> None:
    told = invited(place, api)
    browser, back = left(place, told["code"])
    place.op.remote.answers.pop(f"{place.op.base}/token")
    browser.opens(back)
    assert browser.page.status == 422
    assert linked(place) == {}
    assert states(place, api) == ["open"]


# Administrators -----------------------------------------------------------------------------------------------------


def test_the_administrator_sees_the_municipalitys_log_in_pages_without_secrets(
    place: Place, api: Api
) -> None:
    reply = api.get(f"/municipalities/{RIGA}/upstreams")
    conforms(reply.json(), "upstreams")
    (told,) = reply.json()["upstreams"]
    assert (told["id"], told["match"], told["creates_accounts"]) == (place.row.id, "invitation", False)
    assert "secret" not in reply.text


def test_an_administrator_of_another_municipality_sees_and_makes_none(
    place: Place, api: Api, anna: Employee
) -> None:
    """attack 40"""
    told = invited(place, api)
    place.hall.employee("zane", municipalities=[KEKAVA])
    other = Api(
        place.hall, token_of(place.hall, program(place.hall), administrator(place.hall, "kekavas", KEKAVA))
    )
    assert other.get(f"/municipalities/{KEKAVA}/upstreams").json() == {"upstreams": []}
    assert_refused(other.get(f"/municipalities/{RIGA}/upstreams"), 404, "not_found")
    for path in (path_of(place), path_of(place, KEKAVA)):
        assert_refused(other.get(path), 404, "not_found")
        for name in ("anna", "zane"):
            assert_refused(other.ask("POST", path, json={"username": name}), 404, "not_found")
        assert_refused(other.ask("DELETE", f"{path}/{told['id']}"), 404, "not_found")
    assert states(place, api) == ["open"]


@pytest.mark.parametrize(
    ("columns", "status", "code"),
    [
        ({"municipalities": (RIGA, KEKAVA)}, 409, "not_its_person"),
        ({"roles": ["operator"]}, 409, "not_its_person"),
        ({"municipalities": (KEKAVA,)}, 404, "not_found"),
    ],
)
def test_whose_account_opens_more_is_not_invited(
    place: Place, api: Api, columns: dict[str, Any], status: int, code: str
) -> None:
    """attack 41"""
    place.hall.employee("vairak", **columns)
    assert_refused(asked(place, api, "vairak"), status, code)
    assert states(place, api) == []


def test_nobody_invites_themselves_or_somebody_blocked(place: Place, api: Api) -> None:
    """attack 41"""
    place.hall.block(place.hall.employee("slegta"))
    assert_refused(asked(place, api, "rigas"), 403, "own_account")
    assert_refused(asked(place, api, "slegta"), 409, "blocked_user")


@pytest.mark.parametrize("match", [Match.NOTHING, Match.PERSON_CODE, Match.EMPLOYEE_NUMBER])
def test_none_is_made_where_the_rule_is_another(place: Place, api: Api, anna: Employee, match: Match) -> None:
    set_rule(place, match)
    assert_refused(asked(place, api), 409, "not_by_invitation")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        *(({}, 400), ([], 400), ({"username": "anna", "x": 1}, 400)),
        *(({"username": ""}, 400), ({"username": 7}, 400), ({"username": "nobody"}, 404)),
    ],
)
def test_what_is_asked_wrongly_is_told(
    place: Place, api: Api, anna: Employee, body: object, status: int
) -> None:
    assert api.ask("POST", path_of(place), json=body).status_code == status


def test_a_service_invites_nobody(place: Place, anna: Employee) -> None:
    party = service(place.hall, own={"service_municipality": RIGA})
    alone = Api(place.hall, party.own_token(scope=SCOPE, resource=AUDIENCE).access_token)
    assert asked(place, alone).status_code == 403


def test_a_person_invites_only_just_after_signing_in(place: Place, api: Api, anna: Employee) -> None:
    told = invited(place, api)
    place.hall.clock.move(3600)
    assert asked(place, api).status_code in {401, 403}
    assert api.ask("DELETE", f"{path_of(place)}/{told['id']}").status_code in {401, 403}


def test_the_person_reads_of_it_on_their_own_page(place: Place, api: Api, anna: Employee) -> None:
    goes(place, invited(place, api)["code"])
    browser = place.hall.browser()
    browser.signs_in(anna)
    words = browser.opens("/account/activity").words
    assert said("An administrator made an invitation to log in by your account at work") in words
    assert said("An invitation to log in by your account at work was used") in words
