"""What a municipality's directory changes here, and what not, against a real domain controller."""

import pytest

from idp.models.people import UserStatus
from tests.support.actors import PASSWORD as OUR_PASSWORD
from tests.support.actors import Browser, Employee, Hall
from tests.support.builders import KEKAVA, RIGA, add_client, add_family, add_session
from tests.support.directories import PASSWORD, person
from tests.support.directory_sync import Synced, changes_of
from tests.support.samba import ADMINISTRATOR_PASSWORD

pytestmark = pytest.mark.allow_hosts(["127.0.0.0/8", "::1", "localhost"])


@pytest.fixture
def browser(hall: Hall) -> Browser:
    return hall.browser()


def tries(browser: Browser, who: Employee, password: str = PASSWORD) -> bool:
    browser.opens("/")
    browser.presses(username=who.username, password=password)
    return browser.is_signed_in


# Names and addresses --------------------------------------------------------------------------------------


def test_who_is_renamed_and_moved_there_has_the_new_name_here_and_stays_who_they_are(
    synced: Synced, browser: Browser, name: str
):
    domain = synced.riga.controller
    zane = synced.employs(name, entry={"unit": "Darbinieki", "given_name": "Zane"})
    synced.run()
    assert synced.user(zane).given_name == "Zane"
    domain.change(
        {"do": "move", "name": name, "unit": "Arhīvs"},
        {"do": "rename", "name": name, "to": f"{name}.new", "upn": domain.upn(f"{name}.new")},
    )
    domain.change({"do": "set", "name": f"{name}.new", "attribute": "sn", "value": "Ābele"})
    assert synced.changes() == {(zane.username, "data", "family_name")}
    assert synced.user(zane).family_name == "Ābele"
    assert synced.user(zane).username == zane.username
    assert tries(browser, zane)


def test_an_address_is_taken_over_and_one_that_the_person_confirmed_is_not(synced: Synced, name: str):
    mail = {"attributes": {"mail": f"{name}@riga.example.lv"}}
    unconfirmed = synced.employs(name, entry=mail, email="old@riga.example.lv")
    confirmed = synced.employs(f"{name}b", entry=mail, email="own@example.lv", email_verified=True)
    synced.run()
    told = synced.user(unconfirmed)
    assert (told.email, told.email_verified) == (f"{name}@riga.example.lv", False)
    assert synced.user(confirmed).email == "own@example.lv"


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("mail", "no address"),
        ("mail", "a@b.lv\r\nBcc: c@d.lv"),
        ("sn", "a\x07b"),
        ("sn", "a\u202eb"),
    ],
)
def test_a_value_that_cannot_be_one_changes_nothing(synced: Synced, name: str, attribute: str, value: str):
    """attack 42"""
    domain = synced.riga.controller
    anna = synced.employs(name, email="anna@riga.example.lv", family_name="Bērziņa")
    synced.run()
    before = synced.user(anna)
    domain.change({"do": "bytes", "name": name, "attribute": attribute, "value": value})
    assert synced.changes(full=True) == set()
    assert synced.user(anna) == before


def test_attributes_that_are_no_text_change_nothing(synced: Synced, name: str):
    synced.riga.put(
        attributes={"given_name": "objectSid", "family_name": "objectGUID", "email": "whenCreated"}
    )
    anna = synced.employs(name)
    before = synced.user(anna)
    assert synced.changes() == set()
    assert synced.user(anna) == before


def test_one_municipality_does_not_name_people_who_work_for_another_too(synced: Synced, name: str):
    """attack 40: who runs one network would write the claims that the other's applications read."""
    entry = {"given_name": "Cits", "attributes": {"mail": "mayor@kekava.example.lv"}}
    anna = synced.employs(name, entry=entry, municipalities=(RIGA, KEKAVA))
    before = synced.user(anna)
    synced.run()
    assert synced.user(anna) == before


def test_who_is_in_the_directory_and_nobody_here_leaves_no_trace(synced: Synced, name: str):
    synced.riga.controller.change(person(name))
    synced.employs(f"{name}b")
    assert synced.run().run.entries > 1
    assert synced.count("directory_link_states") == 1
    assert synced.count("directory_sync_entries") == 0


# Gone -----------------------------------------------------------------------------------------------------

GONE = {
    "disabled": ({"do": "disable"}, "disabled"),
    "expired": ({"do": "set", "attribute": "accountExpires", "value": "116444736000000000"}, "expired"),
    "outside": ({"do": "move", "unit": "Arhīvs"}, "absent"),
    "not_in_the_filter": ({"do": "set", "attribute": "department", "value": "gone"}, "absent"),
}


@pytest.fixture
def inside(synced: Synced) -> Synced:
    """Whoever works there is in a unit and not of the department `gone`."""
    domain = synced.riga.controller
    synced.riga.put(
        base_dns=[f"OU=Darbinieki,{domain.base_dn}"],
        user_filter="(&(objectClass=user)(!(department=gone)))",
    )
    return synced


@pytest.mark.parametrize("how", GONE)
def test_who_is_gone_signs_in_no_more_at_once_and_is_shut_out_by_the_next_reading(
    inside: Synced, browser: Browser, hall: Hall, name: str, how: str
):
    """attack 25"""
    change, told = GONE[how]
    anna = inside.employs(name, entry={"unit": "Darbinieki"})
    inside.run()
    assert tries(browser, anna)
    inside.riga.controller.change({"name": name, **change})
    assert not tries(hall.browser(), anna)
    assert browser.is_signed_in, "until the next reading"
    assert inside.changes() == {(anna.username, "blocked", told)}
    assert not browser.is_signed_in
    assert inside.is_blocked(anna)
    assert {"directory.person_blocked", "session.ended"} <= set(hall.events(anna))
    assert inside.changes() == inside.changes(full=True) == set()


def test_who_is_disabled_and_must_change_the_password_is_disabled(
    synced: Synced, browser: Browser, hall: Hall, name: str
):
    anna = synced.employs(name)
    synced.run()
    assert tries(browser, anna)
    synced.riga.controller.change(
        {"do": "disable", "name": name},
        {"do": "set", "name": name, "attribute": "pwdLastSet", "value": "0"},
    )
    assert not tries(hall.browser(), anna)
    assert synced.changes() == {(anna.username, "blocked", "disabled")}
    assert not browser.is_signed_in


def test_who_must_merely_change_the_password_is_not_gone(synced: Synced, name: str):
    anna = synced.employs(name, entry={"state": "must_change"})
    synced.run()
    assert not synced.is_blocked(anna)


def test_an_account_that_expires_later_is_shut_out_then_though_nothing_changes_there(
    synced: Synced, hall: Hall, name: str
):
    in_an_hour = int((hall.clock() + 3600 + 11_644_473_600) * 10**7)
    expires = {"attributes": {"accountExpires": str(in_an_hour)}}
    anna = synced.employs(name, entry=expires)
    synced.run()
    assert not synced.is_blocked(anna)
    hall.clock.move(3600)
    assert synced.changes() == {(anna.username, "blocked", "expired")}


def test_who_is_deleted_is_found_by_a_full_reading(synced: Synced, browser: Browser, hall: Hall, name: str):
    anna = synced.employs(name)
    synced.run()
    assert tries(browser, anna)
    synced.riga.controller.change({"do": "delete", "name": name})
    assert not tries(hall.browser(), anna)
    assert synced.changes() == set(), "our account does not see what is deleted"
    hall.clock.move(24 * 3600)
    assert synced.changes() == {(anna.username, "blocked", "absent")}


def test_where_our_account_sees_what_is_deleted_the_next_reading_does(synced: Synced, name: str):
    domain = synced.riga.controller
    with synced.riga.hall.world.database.begin() as work:
        sealed = work.directories.seal_password(synced.riga.directory.id, ADMINISTRATOR_PASSWORD)
    synced.riga.put(account=domain.upn("Administrator"), password_sealed=sealed)
    anna = synced.employs(name)
    synced.run()
    domain.change({"do": "delete", "name": name})
    outcome = synced.run()
    assert not outcome.run.is_full
    assert changes_of(outcome) == {(anna.username, "blocked", "absent")}


def test_somebody_new_of_the_same_name_does_not_inherit(synced: Synced, browser: Browser, name: str):
    """attack 39"""
    anna = synced.employs(name)
    synced.run()
    synced.riga.controller.change({"do": "delete", "name": name}, person(name, given_name="Cita"))
    assert synced.changes(full=True) == {(anna.username, "blocked", "absent")}
    assert synced.user(anna).given_name == anna.user.given_name
    assert not tries(browser, anna)


def test_who_is_back_is_let_back(synced: Synced, browser: Browser, hall: Hall, name: str):
    anna = synced.employs(name)
    synced.run()
    synced.riga.controller.change({"do": "disable", "name": name})
    synced.run()
    synced.riga.controller.change({"do": "enable", "name": name})
    assert not tries(browser, anna), "until the next reading"
    assert synced.changes() == {(anna.username, "returned", "")}
    assert tries(browser, anna)
    assert "directory.person_returned" in hall.events(anna)


def test_a_password_of_ours_opens_nothing_for_whom_the_directory_shut_out(
    synced: Synced, browser: Browser, name: str
):
    """attack 35: what the directory switched off must not come back by an older password."""
    anna = synced.employs(name, entry={"state": "disabled"})
    synced.run()
    assert synced.is_blocked(anna)
    assert not tries(browser, anna, OUR_PASSWORD)


def test_only_what_leaned_on_the_directory_ends(synced: Synced, hall: Hall, name: str):
    anna = synced.employs(name)
    synced.run()
    with hall.world.database.begin() as work:
        (link,) = [c for c in work.people.credentials_of(anna.user.id) if c.method == "directory"]
        client = add_client(work)
        kept, ended = (
            add_session(work, anna.user.id, proofs=[{"method": "m", "at": 1.0, "credential_id": each}])
            for each in ("another", link.id)
        )
        of_sessions = (kept.id, ended.id, "over long ago")
        families = [add_family(work, anna.user.id, client.client_id, session_id=each) for each in of_sessions]
    synced.riga.controller.change({"do": "disable", "name": name})
    synced.run()
    with hall.world.database.read() as work:
        sessions = [work.sessions.find(each.id) for each in (kept, ended)]
        assert [each is not None and each.ended_at is None for each in sessions] == [True, False]
        assert [work.grants.family_is_alive(each.id, hall.clock()) for each in families] == [
            True,
            False,
            False,
        ]


# The municipality's rule ----------------------------------------------------------------------------------


def test_who_works_nowhere_else_is_blocked_and_unblocked_again(
    synced: Synced, browser: Browser, hall: Hall, name: str
):
    synced.riga.put(when_gone="suspend")
    anna = synced.employs(name)
    synced.run()
    assert tries(browser, anna)
    synced.riga.controller.change({"do": "disable", "name": name})
    assert synced.changes() == {(anna.username, "suspended", "disabled")}
    assert not synced.user(anna).is_active
    assert not browser.is_signed_in
    assert "user.blocked" in hall.events(anna)
    synced.riga.controller.change({"do": "enable", "name": name})
    synced.run()
    assert synced.user(anna).is_active
    assert tries(browser, anna)


def test_who_works_elsewhere_too_loses_the_posts_there_alone_and_gets_them_back(
    synced: Synced, hall: Hall, name: str
):
    """attack 40"""
    synced.riga.put(when_gone="suspend")
    anna = synced.employs(name, municipalities=(RIGA, KEKAVA))
    before = synced.posts(anna)
    synced.run()
    synced.riga.controller.change({"do": "disable", "name": name})
    synced.run()
    assert synced.user(anna).is_active
    assert [post.municipality for post in synced.posts(anna)] == [KEKAVA]
    synced.riga.controller.change({"do": "enable", "name": name})
    synced.run()
    assert synced.posts(anna) == before


def test_no_municipality_blocks_an_operator(synced: Synced, name: str):
    """attack 41"""
    synced.riga.put(when_gone="suspend")
    anna = synced.employs(name, entry={"state": "disabled"}, roles=["operator"])
    synced.run()
    assert synced.user(anna).is_active
    assert synced.posts(anna) == []
    assert synced.user(anna).roles == ["operator"]


def test_whom_an_administrator_blocked_before_or_since_stays_blocked(synced: Synced, hall: Hall, name: str):
    synced.riga.put(when_gone="suspend")
    before, since = synced.employs(name), synced.employs(f"{name}b")
    synced.run()
    hall.block(before)
    for each in (name, f"{name}b"):
        synced.riga.controller.change({"do": "disable", "name": each})
    synced.run()
    hall.clock.move(1)
    hall.block(since)
    for each in (name, f"{name}b"):
        synced.riga.controller.change({"do": "enable", "name": each})
    synced.run()
    assert [synced.user(each).status for each in (before, since)] == [UserStatus.BLOCKED.value] * 2


def test_whom_an_administrator_let_back_meanwhile_is_not_suspended_again(
    synced: Synced, hall: Hall, name: str
):
    synced.riga.put(when_gone="suspend")
    anna = synced.employs(name, entry={"state": "disabled"})
    synced.run()
    with hall.world.database.begin() as work:
        work.people.set_status(anna.user.id, UserStatus.ACTIVE, at=hall.clock())
    assert synced.changes(full=True) == set()
    assert synced.user(anna).is_active


def test_the_rule_of_now_is_applied_to_who_is_gone_already(synced: Synced, name: str):
    anna = synced.employs(name, entry={"state": "disabled"})
    synced.run()
    synced.riga.put(when_gone="suspend")
    assert synced.changes() == {(anna.username, "suspended", "disabled")}
    assert not synced.user(anna).is_active
    synced.riga.put(when_gone="this_method")
    assert synced.changes() == {(anna.username, "returned", "disabled")}
    assert synced.user(anna).is_active
    assert synced.is_blocked(anna)


# Roles ----------------------------------------------------------------------------------------------------


def with_role(synced: Synced, who: Employee, role: str) -> None:
    """As an administrator gives one."""
    with synced.riga.hall.world.database.begin() as work:
        (post,) = [each for each in who.posts if each.municipality == RIGA]
        columns = {**{c: getattr(post, c) for c in ("id", "user_id", "municipality")}, "roles": [role]}
        work.put(type(post)(**columns), "id")


def test_members_of_a_group_and_of_groups_in_it_have_its_role(mapped: Synced, name: str):
    inside, outside = mapped.riga.employs(name), mapped.riga.employs(f"{name}b")
    assert (inside.username, "role_given", "clerk") in mapped.changes()
    assert (mapped.roles(inside), mapped.roles(outside)) == (["clerk"], [])
    mapped.riga.controller.change(
        {"do": "members", "name": f"{name} inner", "members": [name], "add": False},
        {"do": "members", "name": f"{name} outer", "members": [f"{name}b"]},
    )
    outcome = mapped.run()
    assert not outcome.run.is_full
    assert changes_of(outcome) == {
        (inside.username, "role_taken", "clerk"),
        (outside.username, "role_given", "clerk"),
    }
    assert (mapped.roles(inside), mapped.roles(outside)) == ([], ["clerk"])
    assert mapped.changes() == mapped.changes(full=True) == set()


def test_roles_that_somebody_gave_by_hand_stay(mapped: Synced, name: str):
    """attack 41"""
    inside, outside = mapped.riga.employs(name), mapped.riga.employs(f"{name}b")
    with_role(mapped, inside, "clerk")
    with_role(mapped, outside, "archivist")
    mapped.run()
    mapped.riga.controller.change({"do": "members", "name": f"{name} inner", "members": [name], "add": False})
    assert mapped.changes() == set()
    assert (mapped.roles(inside), mapped.roles(outside)) == (["clerk"], ["archivist"])


def test_no_group_makes_an_operator_whatever_the_map_says(mapped: Synced, name: str):
    """attack 41: not even one that was put there past the check."""
    outer = mapped.riga.controller.change()[f"{name} outer"]["dn"]
    mapped.riga.put(roles={outer: "operator"})
    anna = mapped.riga.employs(name)
    mapped.run()
    assert (mapped.roles(anna), mapped.user(anna).roles) == ([], [])


def test_a_role_is_given_in_this_municipality_alone(mapped: Synced, name: str):
    """attack 40"""
    anna = mapped.riga.employs(name, municipalities=(RIGA, KEKAVA))
    mapped.run()
    assert (mapped.roles(anna, RIGA), mapped.roles(anna, KEKAVA)) == (["clerk"], [])


def test_a_group_that_is_not_there_takes_no_role_and_is_told(mapped: Synced, name: str):
    anna = mapped.riga.employs(name)
    mapped.run()
    mapped.riga.controller.change({"do": "delete", "name": f"{name} outer"})
    outcome = mapped.run(full=True)
    assert mapped.roles(anna) == ["clerk"]
    assert "there is no group" in outcome.run.why
    mapped.riga.put(roles={})
    assert mapped.changes() == {(anna.username, "role_taken", "clerk")}


def test_who_is_linked_no_more_keeps_no_role_of_the_directory(mapped: Synced, hall: Hall, name: str):
    anna = mapped.riga.employs(name)
    mapped.run()
    with hall.world.database.begin() as work:
        work.people.remove_credentials(anna.user.id, "directory")
    assert mapped.changes() == {(anna.username, "role_taken", "clerk")}


def test_a_role_is_enough_for_an_application_at_once(mapped: Synced, name: str):
    anna = mapped.riga.employs(name)
    mapped.run()
    (post,) = mapped.posts(anna)
    assert post.roles == ["clerk"]
    assert "directory.roles_changed" in mapped.riga.hall.events(anna)


def test_what_one_municipality_shut_out_signs_in_for_another_as_before(
    synced: Synced, browser: Browser, name: str
):
    """attack 40"""
    anna = synced.employs(name, entry={"state": "disabled"}, municipalities=(RIGA, KEKAVA))
    synced.run()
    assert synced.is_blocked(anna)
    assert tries(browser, anna, OUR_PASSWORD)
