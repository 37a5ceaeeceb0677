"""Remembered computers at the same moment, on each kind of database: one rotation, one alarm, nothing left over."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from idp.crypto import LookupKey
from idp.errors import Reason
from idp.login.look import Look
from idp.login.remembered import NOTHING, PARALLEL_SECONDS, Recalled, _following
from idp.login.sessions import Visitor
from idp.login.steps import Done, Offer
from idp.login.transaction import Requirements
from idp.policy import REMEMBERED
from idp.storage import municipalities
from tests.support.actors import Employee, Hall
from tests.support.at_once import at_once
from tests.support.builders import RIGA, make_database
from tests.support.remembered import DAY, STEP, allow, computers_of

VISITOR = Visitor(browser="b" * 43, address="192.0.2.10", user_agent="Firefox/140.0")


@pytest.fixture
def hall(database_url: str) -> Iterator[Hall]:
    database = make_database(database_url)
    with database.begin() as work:
        municipalities.load(work)
    database.dispose()
    made = Hall(database_url)
    allow(made)
    yield made
    made.close()


@pytest.fixture
def anna(hall: Hall) -> Employee:
    return hall.employee("anna", totp=True)


def begun(hall: Hall, who: Employee, visitor: Visitor = VISITOR) -> Look:
    """A sign-in in which the password was right."""
    login = hall.provider.login
    transaction = login.find(
        login.start(Requirements(), return_to="/", browser=visitor.browser), browser=visitor.browser
    )
    assert transaction is not None
    answer = {"username": who.username, "password": who.password}
    look = login.answer(login.look(transaction, None), "password", answer, visitor=visitor, signed_in=None)
    assert isinstance(look, Look)
    assert isinstance(look.step, Offer)
    return look


def passed(hall: Hall, who: Employee, look: Look) -> Look:
    done = hall.provider.login.answer(look, "totp", {"code": who.code()}, visitor=VISITOR, signed_in=None)
    assert isinstance(done, Look)
    return done


@pytest.fixture
def visitor(hall: Hall, anna: Employee) -> Visitor:
    """Whose browser keeps what it was given yesterday."""
    look = begun(hall, anna)
    kept = hall.provider.computers.remember(
        look, passed(hall, anna, look), hall.provider.methods["totp"], VISITOR
    )
    assert kept is not None
    hall.clock.move(DAY)
    return replace(VISITOR, computer=kept.value)


def recall(hall: Hall, look: Look, visitor: Visitor) -> Recalled:
    return hall.provider.computers.recall(look, visitor, None)


def test_a_hundred_pages_at_once_are_given_the_same_and_all_come_in(
    hall: Hall, anna: Employee, visitor: Visitor
) -> None:
    """attack 36: no false alarm for pages that were opened together"""
    look = begun(hall, anna)
    found = at_once(100, lambda _: recall(hall, look, visitor))
    (given,) = {each.kept for each in found}
    assert given is not None
    assert given != NOTHING
    assert given.value != visitor.computer
    assert all(isinstance(each.look.step, Done) for each in found)
    assert "remembered_computer.replayed" not in hall.events(anna)
    assert len(computers_of(hall, anna)) == 1


def test_an_answer_that_was_lost_is_given_again_and_no_other_is(
    hall: Hall, anna: Employee, visitor: Visitor
) -> None:
    """attack 36: the browser never got the next token and asks again; the day after it has the right one"""
    lost = recall(hall, begun(hall, anna), visitor).kept
    hall.clock.move(PARALLEL_SECONDS)
    again = recall(hall, begun(hall, anna), visitor).kept
    assert again is not None
    assert lost is not None
    assert again.value == lost.value
    hall.clock.move(DAY)
    third = recall(hall, begun(hall, anna), replace(visitor, computer=again.value)).kept
    assert third not in {None, NOTHING}
    assert recall(hall, begun(hall, anna), visitor).kept == NOTHING, "the token before the one before"
    assert hall.events(anna).count("remembered_computer.replayed") == 1


def test_another_browser_is_not_given_it_again(hall: Hall, anna: Employee, visitor: Visitor) -> None:
    """attack 36: not in the same second either"""
    recall(hall, begun(hall, anna), visitor)
    thief = replace(visitor, browser="t" * 43)
    assert recall(hall, begun(hall, anna, thief), thief).kept == NOTHING
    assert hall.events(anna).count("remembered_computer.replayed") == 1
    assert computers_of(hall, anna) == []


def test_who_has_one_token_cannot_tell_the_next(hall: Hall, anna: Employee, visitor: Visitor) -> None:
    """attack 36: it follows by a key that neither the browser nor the computer's row holds"""
    (computer,) = computers_of(hall, anna)
    answer = recall(hall, begun(hall, anna), visitor).kept
    assert answer is not None
    token = (visitor.computer or "").partition(".")[2]
    guesses = {_following(LookupKey(key), computer, token) for key in (b"", bytes(32), token.encode())}
    assert answer.value.partition(".")[2] not in guesses
    assert len(answer.value) == len(visitor.computer or "")


def test_a_hundred_with_an_old_token_raise_one_alarm_and_nobody_comes_in(
    hall: Hall, anna: Employee, visitor: Visitor
) -> None:
    """attack 36"""
    assert recall(hall, begun(hall, anna), visitor).kept is not None
    hall.clock.move(PARALLEL_SECONDS + 1)
    look = begun(hall, anna)
    found = at_once(100, lambda _: recall(hall, look, visitor))
    assert {each.kept for each in found} == {NOTHING}
    assert all(isinstance(each.look.step, Offer) for each in found)
    assert hall.events(anna).count("remembered_computer.replayed") == 1
    assert computers_of(hall, anna) == []


def test_one_made_while_a_factor_goes_does_not_outlive_it(hall: Hall, anna: Employee) -> None:
    """attack 36: whichever comes first, nothing is remembered in the end"""
    look = begun(hall, anna)
    done = passed(hall, anna, look)

    def act(number: int) -> None:
        if number % 2:
            with hall.provider.storage.database.begin() as work:
                work.people.remove_credentials(anna.user.id, "totp")
        else:
            hall.provider.computers.remember(look, done, hall.provider.methods["totp"], VISITOR)

    at_once(10, act)
    assert computers_of(hall, anna) == []


def test_nothing_is_read_for_a_browser_that_keeps_nothing(hall: Hall, anna: Employee) -> None:
    look = begun(hall, anna)
    hall.provider.storage.database.dispose()
    assert recall(hall, look, VISITOR) == Recalled(look)


def test_a_proof_of_it_is_as_old_as_the_second_factor(hall: Hall, anna: Employee, visitor: Visitor) -> None:
    (computer,) = computers_of(hall, anna)
    recalled = recall(hall, begun(hall, anna), visitor)
    (proof,) = [each for each in recalled.look.transaction.proofs if each.method == REMEMBERED.id]
    assert (proof.at, proof.credential_id) == (hall.clock() - DAY, computer.id)


def test_a_factor_passed_in_a_sign_in_with_nothing_known_remembers_nothing(
    hall: Hall, anna: Employee
) -> None:
    """A knowledge proof that does not count any more is none."""
    look = begun(hall, anna)
    done = passed(hall, anna, look)
    with hall.world.database.begin() as work:
        work.people.remove_credentials(anna.user.id, "password")
    assert hall.provider.computers.remember(look, done, hall.provider.methods["totp"], VISITOR) is None


def test_a_backup_and_what_is_known_remember_nothing(hall: Hall, anna: Employee) -> None:
    look = begun(hall, anna)
    days = {
        name: hall.provider.computers.days_offered(look, method)
        for name, method in hall.provider.methods.items()
    }
    assert days == {
        "passkey": 0,
        "password": 0,
        "directory": 0,
        "kerberos": 0,
        "upstream_oidc": 0,
        "security_key": 0,
        "totp": 14,
        "phone_approval": 0,
        "recovery_code": 0,
    }


def test_a_second_alarm_for_the_same_copy_is_none(hall: Hall, anna: Employee, visitor: Visitor) -> None:
    recall(hall, begun(hall, anna), visitor)
    for _ in range(3):
        hall.clock.move(STEP)
        assert recall(hall, begun(hall, anna), visitor).kept == NOTHING
    assert hall.events(anna).count("remembered_computer.replayed") == 1


def test_one_made_with_a_key_that_is_not_accepted_any_more_counts_nowhere(
    hall: Hall, anna: Employee, visitor: Visitor
) -> None:
    """attack 36: a key that was revoked after its owner's computer was remembered by it"""
    (computer,) = computers_of(hall, anna)
    person = hall.provider.standings.find_person(anna.user.id)
    assert person is not None
    assert person.remembering(computer, hall.clock()) == {RIGA}
    refused = replace(person, refused_keys={computer.credential_id: Reason.KEY_MODEL_UNTRUSTED})
    assert refused.remembering(computer, hall.clock()) == frozenset()
    assert refused.remembered_until(computer, hall.clock()) is None
