"""What comes next, as a pure function."""

from dataclasses import replace

import pytest

from idp.errors import Reason
from idp.login.standing import Posts
from idp.login.steps import Choose, Done, Enrol, Identify, Known, Offer, Refuse, SelectAccount, next_step
from idp.login.transaction import Requirements, Transaction
from idp.models.methods import Proof
from idp.models.people import Employment
from idp.policy import Decision, Level

NOW = 1_000.0
PASSED = (Proof("first", NOW),)
POST = Employment(id="post", user_id="anna", municipality="0001000")
OTHER_POST = Employment(id="other", user_id="anna", municipality="0002000")


def transaction(**requirements: object) -> Transaction:
    return Transaction(
        id="t",
        browser="b",
        requirements=Requirements(**requirements),  # type: ignore[arg-type]
        return_to="/",
        expires_at=NOW + 1,
        user_id="anna",
    )


def known(posts: Posts | None = None, **decided: object) -> Known:
    nothing = {
        "required": Level.MULTI_FACTOR,
        "reached": Level.NONE,
        "enough": False,
        "offered": (),
        "useful": (),
        "excluded": (),
        "enrollable": (),
        "counted": (),
    }
    return Known(Decision(**{**nothing, **decided}), posts or Posts())  # type: ignore[arg-type]


def test_nobody_known_is_asked_who_it_is() -> None:
    assert next_step(transaction(), None, NOW) == Identify()


def test_what_expired_is_refused_whoever_it_is() -> None:
    """Expiry is checked at use (attack 30)."""
    late = NOW + 1
    assert next_step(transaction(), None, late) == Refuse(Reason.TRANSACTION_EXPIRED)
    assert next_step(transaction(), known(enough=True), late) == Refuse(Reason.TRANSACTION_EXPIRED)


def test_enough_is_done() -> None:
    assert next_step(transaction(), known(enough=True, counted=PASSED), NOW) == Done()


def test_what_helps_is_offered_before_anything_is_set_up() -> None:
    step = next_step(transaction(), known(useful=("second",), enrollable=("third",), counted=PASSED), NOW)
    assert step == Offer(("second",))


def test_what_may_be_set_up_is_set_up_when_nothing_else_helps() -> None:
    assert next_step(transaction(), known(enrollable=("third",), counted=PASSED), NOW) == Enrol(("third",))


def test_nothing_left_is_refused() -> None:
    assert next_step(transaction(), known(counted=PASSED), NOW) == Refuse(Reason.NOT_REACHABLE)


def test_several_posts_are_chosen_from_where_one_is_needed() -> None:
    several = known(Posts((POST, OTHER_POST)), enough=True, counted=PASSED)
    assert next_step(transaction(needs_employment=True), several, NOW) == Choose((POST, OTHER_POST))
    assert next_step(transaction(), several, NOW) == Done()
    chosen = replace(several, posts=Posts((POST, OTHER_POST), acting=POST))
    assert next_step(transaction(needs_employment=True), chosen, NOW) == Done()


@pytest.mark.parametrize(
    "posts", [Posts(refused=Reason.CLIENT_NOT_ALLOWED), Posts((POST, OTHER_POST))], ids=["refused", "choice"]
)
def test_nothing_about_a_person_is_told_before_anything_is_proven(posts: Posts) -> None:
    """Enumeration (attack 28)."""
    unproven = known(posts, useful=("first",))
    assert next_step(transaction(needs_employment=True), unproven, NOW) == Offer(("first",))


def test_a_person_who_may_not_is_refused_even_when_proven_enough() -> None:
    refused = known(Posts(refused=Reason.NO_EMPLOYMENT), enough=True, counted=PASSED)
    assert next_step(transaction(), refused, NOW) == Refuse(Reason.NO_EMPLOYMENT)


def test_the_account_is_confirmed_first_when_that_is_asked_for() -> None:
    asked = transaction(select_account=True)
    assert next_step(asked, known(enough=True, counted=PASSED), NOW) == SelectAccount()
    assert next_step(replace(asked, account_confirmed=True), known(enough=True), NOW) == Done()


def test_another_person_than_the_expected_one_is_refused() -> None:
    step = next_step(transaction(expected_user="bruno"), known(enough=True, counted=PASSED), NOW)
    assert step == Refuse(Reason.OTHER_USER)
