"""Many at once over the whole provider, on both databases: one approval, and one use of a code."""

from collections.abc import Iterator

import pytest

from idp.login.sessions import Visitor
from idp.login.tickets import Maker
from idp.models.confirmations import ConfirmedBy
from idp.models.in_person import DocumentKind, IdentityCheck, Stated
from idp.models.person_code import PersonCode
from idp.people.identity.desk import LetIn
from idp.people.identity.in_person import CodeGiven, IdentityChecks, NotDone
from idp.people.identity.sittings import Sitting
from idp.policy import OPERATOR
from idp.storage import municipalities
from tests.support.actors import Employee, Hall
from tests.support.administrators import administrator
from tests.support.at_once import at_once
from tests.support.builders import RIGA, make_database
from tests.support.identity import ANNA_CODE, was_confirmed

STATED = Stated(code=PersonCode.parse(ANNA_CODE), given_name="Anna", family_name="Bērziņa")


@pytest.fixture
def hall(database_url: str) -> Iterator[Hall]:
    database = make_database(database_url)
    with database.begin() as work:
        municipalities.load(work)
    database.dispose()
    made = Hall(database_url)
    yield made
    made.close()


@pytest.fixture
def anna(hall: Hall) -> Employee:
    return hall.employee("anna", totp=True)


@pytest.fixture
def second(hall: Hall) -> Maker:
    return Maker(actor_id=administrator(hall, "otrais", RIGA).user.id, municipality=RIGA)


@pytest.fixture
def checks(hall: Hall) -> IdentityChecks:
    return hall.provider.identity.checks


@pytest.fixture
def check(hall: Hall, anna: Employee, checks: IdentityChecks) -> IdentityCheck:
    first = Maker(actor_id=administrator(hall, "pirmais", RIGA).user.id, municipality=RIGA)
    made = checks.make(anna.user.id, STATED, DocumentKind.PASSPORT, first)
    assert isinstance(made, IdentityCheck)
    return made


def test_of_all_who_approve_at_once_one_is_given_a_code(
    hall: Hall, anna: Employee, checks: IdentityChecks, check: IdentityCheck, second: Maker
) -> None:
    """attack 33"""
    operator = Maker(actor_id=hall.employee("operators", roles=[OPERATOR]).user.id)
    given = at_once(40, lambda number: checks.approve(check, second if number % 2 else operator))
    assert sum(isinstance(each, CodeGiven) for each in given) == 1
    assert given.count(NotDone.NOT_WAITING) == 39
    assert hall.events(anna).count("identity_check.approved") == 1


def test_of_all_who_make_one_at_once_one_check_is_left(
    hall: Hall, anna: Employee, checks: IdentityChecks, check: IdentityCheck
) -> None:
    first = Maker(actor_id=check.made_by, municipality=RIGA)
    at_once(10, lambda _: checks.make(anna.user.id, STATED, DocumentKind.PASSPORT, first))
    with hall.world.database.read() as work:
        found = work.identity_checks.list_checks(now=hall.clock())
    assert [each.revoked_at for each in found].count(None) == 1


def sit(hall: Hall, code: str, number: int) -> tuple[Sitting, Visitor]:
    """In a browser of its own, with the right code typed and the last button to press."""
    identity = hall.provider.identity
    visitor = Visitor(browser=f"browser-{number}", address=f"192.0.{number}.1", session_token=None)
    sitting = identity.desk.begin_for_name("anna", visitor, language="lv")
    sitting = identity.desk.agree(sitting, language="lv")
    assert identity.in_person.begin(sitting, visitor) is None
    assert identity.in_person.enter(sitting, code, visitor) is None
    read = identity.desk.sittings.find_read(sitting)
    assert read is not None
    assert read.confirmed_by is ConfirmedBy.IN_PERSON
    return sitting, visitor


def test_of_a_hundred_places_at_once_a_code_counts_in_one(
    hall: Hall, anna: Employee, checks: IdentityChecks, check: IdentityCheck, second: Maker
) -> None:
    """attack 33, attack 34"""
    was_confirmed(hall, anna)
    given = checks.approve(check, second)
    assert isinstance(given, CodeGiven)
    seated = [sit(hall, given.code, number) for number in range(100)]

    def press(number: int) -> object:
        sitting, visitor = seated[number]
        return hall.provider.identity.desk.link(sitting, None, visitor)

    assert sum(isinstance(each, LetIn) for each in at_once(100, press)) == 1
    with hall.world.database.read() as work:
        kinds = [event.type for event in work.audit.activity_of(anna.user.id, limit=1000)]
    assert kinds.count("identity_check.used") == 1
    assert kinds.count("recovery.begun") == 1
