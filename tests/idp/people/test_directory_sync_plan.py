"""What follows from a reading, without any directory: who is gone, what may be taken over, how many are too many."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.models.directory_sync import DirectoryLinkState, Presence, WhenGone
from idp.models.people import Employment, User
from idp.people.directory_sync_plan import (
    LINES_AT_MOST,
    NEVER_HELD,
    Gone,
    Known,
    Plan,
    Seen,
    Terms,
    lines_of,
    plan,
    step_for,
)

NOW = 1_760_000_000.0
TERMS = Terms(roles={"CN=Lietveži": "clerk", "CN=Arhīvs": "archivist"}, when_gone=WhenGone.THIS_METHOD)
PRESENT = Seen(presence=Presence.PRESENT)
ABSENT = Seen(presence=Presence.ABSENT)


def known(name: str = "anna", *, roles: tuple[str, ...] = (), rule: str = "", **more: object) -> Known:
    user = User(id=name, username=name, created_at=NOW, updated_at=NOW, given_name="Anna")
    post = Employment(id=f"{name}'s", user_id=name, municipality="0001000", roles=list(roles))
    state = DirectoryLinkState(credential_id=name, directory_id="d", rule=rule) if rule else None
    values: dict[str, object] = {"user": user, "credential_id": name, "posts": (post,), "state": state}
    return Known(**values | more)  # type: ignore[arg-type]


def crowd(people: int, gone: int) -> Plan:
    return plan(
        [(known(f"p{number}"), ABSENT if number < gone else PRESENT) for number in range(people)], TERMS, NOW
    )


@pytest.mark.parametrize(
    ("seen", "gone"),
    [
        (PRESENT, None),
        (ABSENT, Gone.ABSENT),
        (Seen(presence=Presence.DISABLED), Gone.DISABLED),
        (Seen(presence=Presence.PRESENT, expires_at=NOW), Gone.EXPIRED),
        (Seen(presence=Presence.PRESENT, expires_at=NOW + 1), None),
        (Seen(presence=Presence.DISABLED, expires_at=NOW), Gone.DISABLED),
    ],
)
def test_who_is_gone(seen: Seen, gone: Gone | None):
    assert seen.gone(NOW) is gone


@pytest.mark.parametrize(
    ("values", "taken"),
    [
        ({"given_name": " Anna \t Marija "}, {"given_name": "Anna Marija"}),
        ({"given_name": "Anna"}, {}),
        ({"given_name": ""}, {}),
        ({"given_name": "x" * 101}, {}),
        ({"given_name": "a\x00b"}, {}),
        ({"given_name": "a\u202eb"}, {}),
        ({"email": "a@b.lv\nBcc: c@d.lv"}, {}),
        ({"email": "anna@RIGA.lv"}, {"email": "anna@riga.lv"}),
        ({"phone_number": "+371 2912 3456"}, {"phone_number": "+371 2912 3456"}),
        ({"phone_number": "call me"}, {}),
        ({"person_code": "010203-12345", "username": "root", "roles": "operator"}, {}),
    ],
)
def test_what_may_be_taken_over(values: dict[str, str], taken: dict[str, str]):
    """attack 42"""
    seen = Seen(presence=Presence.PRESENT, values=values)
    assert step_for(known(), seen, TERMS, NOW).data == taken


@given(st.text(max_size=300), st.text(max_size=300))
def test_whatever_the_directory_says_what_is_kept_can_be_kept(name: str, mail: str):
    data = step_for(
        known(), Seen(presence=Presence.PRESENT, values={"family_name": name, "email": mail}), TERMS, NOW
    ).data
    assert all(value.isprintable() and len(value) <= 254 for value in data.values())


def test_of_who_is_gone_nothing_is_taken_over_and_all_when_they_are_back():
    told = {"given_name": "Cita"}
    gone = Seen(presence=Presence.DISABLED, values=told)
    assert step_for(known(), gone, TERMS, NOW).data == {}
    back = step_for(known(rule="this_method"), Seen(presence=Presence.PRESENT, values=told), TERMS, NOW)
    assert (back.data, back.returns) == (told, True)


@given(
    st.sets(st.sampled_from(["clerk", "archivist", "administrator"])),
    st.sets(st.sampled_from(list(TERMS.roles))),
)
def test_only_roles_of_the_map_are_given_and_only_those_given_are_taken(by_hand: set[str], groups: set[str]):
    """attack 41"""
    seen = Seen(presence=Presence.PRESENT, groups=frozenset(groups))
    step = step_for(known(roles=tuple(by_hand)), seen, TERMS, NOW)
    wanted = {TERMS.roles[group] for group in groups}
    assert {role for _, role in step.give} == wanted - by_hand
    assert step.take == ()


def test_nothing_is_known_of_a_group_that_is_not_there():
    clerk = known(
        roles=("clerk", "archivist"), given=frozenset({("anna's", "clerk"), ("anna's", "archivist")})
    )
    missing = Terms(roles=TERMS.roles, when_gone=TERMS.when_gone, missing=frozenset({"CN=Lietveži"}))
    assert step_for(clerk, PRESENT, missing, NOW).take == (("anna's", "archivist"),)


@pytest.mark.parametrize(
    ("people", "gone", "share", "held"),
    [
        (100, 10, 10, False),
        (100, 11, 10, True),
        (12, NEVER_HELD, 10, False),
        (12, NEVER_HELD + 1, 10, True),
        (5, 5, 1, False),
        (5000, 500, 10, False),
        (5000, 501, 10, True),
        (100, 100, 100, False),
        (100, 6, 0, True),
    ],
)
def test_how_many_are_too_many(people: int, gone: int, share: int, *, held: bool):
    assert crowd(people, gone).is_too_much(share) is held


def test_who_is_gone_already_counts_neither_as_leaving_nor_as_there():
    gone = [(known(f"g{number}", rule="this_method"), ABSENT) for number in range(90)]
    planned = plan([*gone, *((known(f"p{n}"), ABSENT if n < 6 else PRESENT) for n in range(10))], TERMS, NOW)
    assert (len(planned.leaving), planned.people) == (6, 10)
    assert planned.is_too_much(10)


def test_the_fingerprint_is_of_whom_and_why_and_how_far_in_any_order():
    people = [(known("a"), ABSENT), (known("b"), ABSENT), (known("c"), PRESENT)]
    one = plan(people, TERMS, NOW).fingerprint
    assert one == plan(reversed(people), TERMS, NOW + 5).fingerprint
    others = [
        plan(people[1:], TERMS, NOW),
        plan([people[0], (known("b"), Seen(presence=Presence.DISABLED))], TERMS, NOW),
        plan(people, Terms(roles={}, when_gone=WhenGone.SUSPEND), NOW),
        plan([(known("c"), PRESENT)], TERMS, NOW),
    ]
    assert len({one, *(each.fingerprint for each in others)}) == 5


def test_a_report_is_bounded_and_those_who_wait_come_first():
    planned = crowd(LINES_AT_MOST * 2, LINES_AT_MOST * 2)
    lines = lines_of(planned.steps[10:], planned.steps[:10])
    assert len(lines) == LINES_AT_MOST
    assert [line.get("held", False) for line in lines[:11]] == [True] * 10 + [False]
