"""Accounts made for whom an upstream vouches and nobody is found here: only where it was said, and with nothing."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from idp.models.arrivals import Match, personnel_source
from idp.models.people import Identity, User
from idp.models.person_code import PersonCode
from idp.policy import NATIONAL
from tests.support.actors import EVERY_METHOD, Browser, Employee
from tests.support.at_once import at_once
from tests.support.builders import KEKAVA, RIGA
from tests.support.certificates import Authority
from tests.support.upstream.place import Place, place_of
from tests.support.upstream.provider import Colleague, Shape, Upstream, signed

CLAIM = "employeeid"
BY_NUMBER = {"match_by": Match.EMPLOYEE_NUMBER.value, "match_claim": CLAIM}
BY_CODE = {"match_by": Match.PERSON_CODE.value, "match_claim": "personas_kods"}


@pytest.fixture
def place(fresh_database: str, authority: Authority) -> Iterator[Place]:
    with place_of(fresh_database, authority) as made:
        yield made


@pytest.fixture
def creating(place: Place) -> Place:
    place.add(**BY_NUMBER, creates_accounts=True)
    return place


def comes(place: Place, key: str = "k1", **claims: Any) -> Browser:
    place.op.who = Colleague(key, claims=claims)
    browser = place.hall.browser()
    place.signs_in(browser)
    return browser


def users(place: Place) -> list[User]:
    with place.hall.world.database.read() as work:
        return work.people.list_users(limit=1000)


def waiting(place: Place) -> list[str]:
    with place.hall.world.database.read() as work:
        return [each.subject for each in work.upstreams.list_arrivals(RIGA)]


def numbered(place: Place, name: str, number: str, **columns: Any) -> Employee:
    made = place.hall.employee(name, **columns)
    with place.hall.world.database.begin() as work:
        work.people.add_identity(
            Identity(
                id=work.effects.new_id(),
                user_id=made.user.id,
                source=personnel_source(RIGA),
                subject=number,
                created_at=1.0,
            )
        )
    return made


def assert_waits(place: Place, browser: Browser, key: str = "k1") -> None:
    assert not browser.is_signed_in
    assert waiting(place) == [f"oid-{key}"]


def test_who_is_new_gets_an_account_with_a_post_and_nothing_else(creating: Place) -> None:
    told = {CLAIM: "J-1", "given_name": "Jaunais", "family_name": "Darbinieks", "email": "x@y.lv"}
    claims = told | {"roles": ["operator"], "groups": ["Domain Admins"], "phone_number": "+371"}
    assert comes(creating, **claims).is_signed_in
    (made,) = users(creating)
    assert made.username.startswith("anna.berzina-")
    assert (made.given_name, made.family_name, made.roles) == ("Jaunais", "Darbinieks", [])
    assert (made.email, made.person_code_index) == (None, None)
    with creating.hall.world.database.read() as work:
        (post,) = work.people.employments_of(made.id, now=creating.hall.clock())
        number = work.people.find_user_by_identity(personnel_source(RIGA), "J-1")
    assert (post.municipality, post.roles, post.position) == (RIGA, [], "")
    assert number is not None
    assert number.id == made.id
    assert waiting(creating) == []
    again = comes(creating)
    assert again.is_signed_in
    assert len(users(creating)) == 1


def test_the_trail_says_who_made_the_account(creating: Place) -> None:
    comes(creating, **{CLAIM: "J-1"})
    (made,) = users(creating)
    (added,) = creating.events("user.added")
    assert (added.user_id, added.actor_id, added.municipality) == (made.id, creating.row.id, RIGA)
    assert json.loads(added.detail) == {"upstream": creating.row.id, "entry": "oid-k1"}
    assert [each.user_id for each in creating.events("method.enrolled")] == [made.id]


def test_by_a_personal_code_somebody_is_made_who_has_none_on_file(place: Place) -> None:
    """A municipality's word makes nobody the owner of a code."""
    place.add(**BY_CODE, creates_accounts=True)
    assert comes(place, personas_kods="010180-12345").is_signed_in
    (made,) = users(place)
    assert made.person_code_index is None


def test_at_ad_fs_the_name_before_the_domain_is_taken(fresh_database: str, authority: Authority) -> None:
    with place_of(fresh_database, authority, Shape.ADFS) as place:
        place.add(**BY_NUMBER, creates_accounts=True)
        assert comes(place, **{CLAIM: "J-1"}).is_signed_in
        (made,) = users(place)
        assert made.username.startswith("anna.berzina-")
        assert (made.given_name, made.family_name) == ("", "")


def test_unless_it_was_said_nobody_is_made(place: Place) -> None:
    place.add(**BY_NUMBER)
    assert_waits(place, comes(place, **{CLAIM: "J-1"}))
    assert users(place) == []


@pytest.mark.parametrize("match", [Match.NOTHING, Match.INVITATION])
def test_where_no_value_is_read_nobody_is_made(place: Place, match: Match) -> None:
    """However the row came to say both."""
    place.add(match_by=match.value, match_claim=CLAIM, creates_accounts=True)
    assert_waits(place, comes(place, **{CLAIM: "J-1"}))
    assert users(place) == []


@pytest.mark.parametrize("claims", [{}, {CLAIM: ""}, {CLAIM: "x" * 65}, {CLAIM: " J-1"}])
def test_who_could_not_be_known_again_gets_no_account(creating: Place, claims: dict[str, str]) -> None:
    assert_waits(creating, comes(creating, **claims))
    assert users(creating) == []


@pytest.mark.parametrize("value", ["x" * 256, "J\n1", 7, ["J-1"], None, {"a": "J-1"}])
def test_a_value_that_is_no_short_text_makes_nobody(creating: Place, value: object) -> None:
    """attack 45"""
    assert not comes(creating, **{CLAIM: value}).is_signed_in
    assert users(creating) == []


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("A\u202eB\n<b>", "A B <b>"),
        ("x" * 500, "x" * 60),
        ({"a": 1}, ""),
        (7, ""),
        ("\x00\x1b[2J", "[2J"),
    ],
)
def test_a_name_is_one_short_line_whatever_it_was(creating: Place, told: object, kept: str) -> None:
    """attack 42, attack 45"""
    assert comes(creating, **{CLAIM: "J-1", "given_name": told, "family_name": told}).is_signed_in
    (made,) = users(creating)
    assert (made.given_name, made.family_name) == (kept, kept)


@pytest.mark.parametrize("upn", ["@@", "\u202e", "", "RIGA\\", "x" * 4000, 5])
def test_a_name_of_no_letters_still_gets_a_username(creating: Place, upn: object) -> None:
    """attack 45"""
    assert comes(creating, **{CLAIM: "J-1", "preferred_username": upn}).is_signed_in
    (made,) = users(creating)
    assert "@" not in made.username
    assert len(made.username) <= 128


# Whoever runs the upstream lies -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "columns", [{"municipalities": (RIGA, KEKAVA)}, {"municipalities": (KEKAVA,)}, {"municipalities": ()}]
)
def test_the_number_of_who_acts_for_another_opens_and_makes_nothing(
    creating: Place, columns: dict[str, Any]
) -> None:
    """attack 40: an account of another municipality is not taken over by a number that anybody may write."""
    victim = numbered(creating, "victim", "J-1", **columns)
    assert_waits(creating, comes(creating, "mallory", **{CLAIM: "J-1"}), "mallory")
    assert creating.sessions(victim) == 0
    assert [each.id for each in users(creating)] == [victim.user.id]
    assert creating.reasons() == ["upstream_not_its_person"]


@pytest.mark.parametrize("role", ["administrator", "finance"])
def test_the_number_of_who_has_roles_opens_and_makes_nothing(creating: Place, role: str) -> None:
    """attack 41"""
    victim = numbered(creating, "victim", "J-1")
    with creating.hall.world.database.begin() as work:
        work.connection().exec_driver_sql(f"update employments set roles = '[\"{role}\"]'")
    assert_waits(creating, comes(creating, "mallory", **{CLAIM: "J-1"}), "mallory")
    assert creating.sessions(victim) == 0
    assert len(users(creating)) == 1


def test_the_number_of_an_operator_opens_and_makes_nothing(creating: Place) -> None:
    """attack 41"""
    victim = numbered(creating, "victim", "J-1", roles=["operator"])
    assert_waits(creating, comes(creating, "mallory", **{CLAIM: "J-1"}), "mallory")
    assert creating.sessions(victim) == 0
    assert len(users(creating)) == 1


def test_the_number_of_somebody_blocked_opens_and_makes_nothing(creating: Place) -> None:
    """attack 25"""
    victim = numbered(creating, "victim", "J-1")
    creating.hall.block(victim)
    assert not comes(creating, **{CLAIM: "J-1"}).is_signed_in
    assert len(users(creating)) == 1


def test_the_code_of_who_acts_for_another_opens_and_makes_nothing(place: Place) -> None:
    """attack 40"""
    place.add(**BY_CODE, creates_accounts=True)
    victim = place.hall.employee("victim", municipalities=[KEKAVA])
    with place.hall.world.database.begin() as work:
        work.people.set_person_code(victim.user.id, PersonCode.parse("010180-12345"), at=1.0)
    assert_waits(place, comes(place, "mallory", personas_kods="010180-12345"), "mallory")
    assert len(users(place)) == 1


@pytest.mark.parametrize("username", ["anna.berzina@riga.example", "anna.berzina"])
def test_whoever_has_that_name_here_is_neither_linked_nor_doubled(creating: Place, username: str) -> None:
    """attack 39: a name links nobody, and makes no second account of somebody who may be the same."""
    creating.hall.employee(username)
    assert_waits(creating, comes(creating, **{CLAIM: "J-1"}))
    assert [each.username for each in users(creating)] == [username]


def test_a_short_name_of_another_municipality_is_in_nobodys_way(creating: Place) -> None:
    creating.hall.employee("anna.berzina", municipalities=[KEKAVA])
    assert comes(creating, **{CLAIM: "J-1"}).is_signed_in
    assert len(users(creating)) == 2


def test_an_address_that_is_somebodys_links_nobody(creating: Place) -> None:
    """attack 39"""
    address = "anna@riga.lv"
    victim = creating.hall.employee("victim", email=address, email_verified=True)
    told = {CLAIM: "J-1", "email": address, "email_verified": True}
    assert comes(creating, **told).is_signed_in
    assert creating.sessions(victim) == 0
    assert len(users(creating)) == 2


def test_who_was_made_anew_there_with_the_same_number_waits(creating: Place) -> None:
    """attack 39: a re-created account inherits nothing, and makes no second one."""
    comes(creating, "k1", **{CLAIM: "J-1"})
    assert_waits(creating, comes(creating, "k2", **{CLAIM: "J-1"}), "k2")
    assert len(users(creating)) == 1


def test_a_link_that_was_taken_away_does_not_make_another_account(creating: Place) -> None:
    comes(creating, **{CLAIM: "J-1"})
    (made,) = users(creating)
    with creating.hall.world.database.begin() as work:
        work.people.remove_credentials(made.id, "upstream_oidc")
    assert_waits(creating, comes(creating, **{CLAIM: "J-1"}))
    assert len(users(creating)) == 1


# Meanwhile, and at once ---------------------------------------------------------------------------------------


def left(place: Place, key: str = "k1", **claims: Any) -> tuple[Browser, str]:
    """Vouched for, and not back yet."""
    place.op.who = Colleague(key, claims=claims)
    browser = place.hall.browser()
    return browser, place.op.visit(place.leaves(browser))


def change(place: Place, what: str) -> None:
    with place.hall.world.database.begin() as work:
        match what:
            case "switch":
                work.upstreams.set_rule(place.row.id, Match.EMPLOYEE_NUMBER, CLAIM, creates_accounts=False)
            case "rule":
                work.upstreams.set_rule(place.row.id, Match.NOTHING, "", creates_accounts=False)
            case "off":
                work.upstreams.switch(place.row.id, on=False)
    if what in {"nation", "municipality"}:
        place.hall.rule(NATIONAL if what == "nation" else RIGA, methods=EVERY_METHOD)


@pytest.mark.parametrize("what", ["switch", "rule", "off", "nation", "municipality"])
def test_what_it_depends_on_is_looked_at_when_they_come_back(creating: Place, what: str) -> None:
    """attack 25"""
    browser, back = left(creating, **{CLAIM: "J-1"})
    change(creating, what)
    browser.opens(back)
    assert not browser.is_signed_in
    assert users(creating) == []


@pytest.mark.parametrize("what", ["switch", "rule", "off", "nation", "municipality"])
def test_what_changes_while_the_upstream_is_asked_counts_too(creating: Place, what: str) -> None:
    """attack 25: after the way back was looked at, and before the account is made"""
    browser, back = left(creating, **{CLAIM: "J-1"})

    def signs(op: Upstream, claims: dict[str, Any]) -> str:
        change(creating, what)
        return signed(claims, op.keys[0])

    creating.op.signs = signs
    browser.opens(back)
    assert not browser.is_signed_in
    assert users(creating) == []


@pytest.mark.parametrize(("by", "value"), [(BY_NUMBER, "J-1"), (BY_CODE, "010180-12345")])
def test_somebody_new_who_comes_eight_times_at_once_is_one_account(
    place: Place, by: dict[str, str], value: str
) -> None:
    """attack 39"""
    place.add(**by, creates_accounts=True)
    backs = [left(place, **{by["match_claim"]: value}) for _ in range(8)]
    at_once(8, lambda number: backs[number][0].opens(backs[number][1]))
    (made,) = users(place)
    assert place.sessions(Employee(made, place.hall.clock)) == 8
    assert waiting(place) == []
    assert len(place.events("user.added")) == 1


def test_of_two_new_ones_at_once_with_one_number_one_waits(creating: Place) -> None:
    """attack 39"""
    backs = [left(creating, f"k{number % 2}", **{CLAIM: "J-1"}) for number in range(6)]
    at_once(6, lambda number: backs[number][0].opens(backs[number][1]))
    (made,) = users(creating)
    assert creating.sessions(Employee(made, creating.hall.clock)) == 3
    assert len(waiting(creating)) == 1
