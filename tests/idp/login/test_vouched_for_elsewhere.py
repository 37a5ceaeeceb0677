"""What stands on the word of one municipality counts where its owner acts for that alone."""

import pytest

from idp.login.standing import Person
from idp.methods.base import Subject
from idp.models.people import Credential, User
from tests.support.builders import KEKAVA, RIGA, START

NOBODY = User(id="u", username="u", created_at=START, updated_at=START)


def credential(credential_id: str, method: str, vouched_by: str | None = None) -> Credential:
    return Credential(
        id=credential_id, user_id="u", method=method, secret="", created_at=START, vouched_by=vouched_by
    )


def person(*credentials: Credential) -> Person:
    return Person(
        user=NOBODY,
        subject=Subject(NOBODY, credentials),
        employments=(),
        rules=(),
        enrolled=frozenset(each.method for each in credentials),
    )


@pytest.mark.parametrize(
    ("tenants", "foreign"),
    [({RIGA}, set()), ({KEKAVA}, {"d"}), ({RIGA, KEKAVA}, {"d"}), ({"operator"}, {"d"}), (set(), set())],
)
def test_it_counts_for_that_municipality_alone(tenants: set[str], foreign: set[str]):
    anna = person(credential("d", "directory", RIGA), credential("p", "password"))
    assert anna.vouched_for_elsewhere(frozenset(tenants)) == foreign


def test_a_way_counts_as_long_as_one_credential_of_it_does():
    both = person(credential("d", "directory", RIGA), credential("e", "directory", KEKAVA))
    assert both.only_among(frozenset({"d"})) == frozenset()
    assert both.only_among(frozenset({"d", "e"})) == {"directory"}
    assert both.only_among(frozenset()) == frozenset()
