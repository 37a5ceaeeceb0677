"""The outbox of mails: who is told of what, in the transaction of its cause, how often at most, and by which worker."""

from collections import Counter

import pytest

from idp.crypto import token_hash
from idp.events import TOLD_BY_MAIL, Event, EventType
from idp.models.contacts import ContactAddress
from idp.models.mails import Mail
from idp.models.people import User
from idp.storage.mails import HOUR, NOTICES_AN_HOUR
from idp.storage.outbox import State, state_of
from tests.support.at_once import at_once
from tests.support.builders import KEKAVA, RIGA, World, add_employment, add_municipality, add_user

RECORDED = "anna@pasvaldiba.example.lv"


@pytest.fixture
def anna(world: World) -> User:
    with world.database.begin() as work:
        return add_user(work, email=RECORDED)


def add_contact(world: World, user: User, address: str, **columns: object) -> ContactAddress:
    now = world.clock()
    values = {"id": world.effects.new_id(), "mailbox": address.casefold(), "created_at": now, **columns}
    contact = ContactAddress(user_id=user.id, address=address, **values)
    with world.database.begin() as work:
        assert work.contacts.add(contact)
    return contact


def happens(world: World, user: User, kind: EventType = EventType.METHOD_ENROLLED) -> None:
    with world.database.begin() as work:
        work.audit.append(Event(type=kind, user_id=user.id))


def mails(world: World, state: State | None = None) -> list[Mail]:
    with world.database.read() as work:
        return work.mails.list_mails(state, now=world.clock())


def to(world: World) -> list[str]:
    return sorted(mail.address for mail in mails(world))


@pytest.mark.parametrize("kind", EventType)
def test_the_table_alone_says_what_is_told(world: World, anna: User, kind: EventType) -> None:
    happens(world, anna, kind)
    assert [mail.about for mail in mails(world)] == ([kind.value] if kind in TOLD_BY_MAIL else [])


@pytest.mark.parametrize(
    "kind",
    [
        *("METHOD_ENROLLED", "METHOD_REMOVED", "RECOVERY_CODES_MADE", "KEY_BLOCKED", "METHODS_RESET"),
        *("USER_BLOCKED", "USER_UNBLOCKED", "CODE_REPLAYED", "REFRESH_REPLAYED", "SIGNED_IN_ELSEWHERE"),
        *("CONTACT_ADDED", "CONTACT_REMOVED"),
    ],
)
def test_what_a_thief_would_do_is_told(kind: str) -> None:
    """attack 34: recovery and removal are notified"""
    assert EventType[kind] in TOLD_BY_MAIL


def test_a_mail_names_the_event_it_is_about(world: World, anna: User) -> None:
    happens(world, anna, EventType.SIGNED_OUT)
    happens(world, anna)
    (mail,) = mails(world)
    with world.database.read() as work:
        assert mail.event_seq is not None
        event = work.audit.find(mail.event_seq)
    assert event is not None
    assert (event.type, event.user_id) == ("method.enrolled", anna.id)


def test_what_never_was_is_told_nobody(world: World, anna: User) -> None:
    with pytest.raises(RuntimeError), world.database.begin() as work:
        work.audit.append(Event(type=EventType.METHOD_ENROLLED, user_id=anna.id))
        raise RuntimeError
    assert mails(world) == []


def test_every_confirmed_address_is_told_once_and_no_other(world: World, anna: User) -> None:
    """attack 33: an address that nobody confirmed is told nothing"""
    add_contact(world, anna, "anna@example.com", confirmed_at=1.0)
    add_contact(world, anna, "Anna@pasvaldiba.example.lv", confirmed_at=1.0)
    add_contact(world, anna, "thief@example.com")
    with world.database.begin() as work:
        other = add_user(work, "berta", email="berta@example.lv")
    add_contact(world, other, "berta@example.com", confirmed_at=1.0)
    happens(world, anna)
    assert sorted(address.lower() for address in to(world)) == [
        *("anna@example.com", "anna@pasvaldiba.example.lv")
    ]


def test_who_has_no_address_is_told_nothing_and_nothing_fails(world: World) -> None:
    with world.database.begin() as work:
        nobody = add_user(work)
    happens(world, nobody)
    assert mails(world) == []


def test_a_recorded_address_that_is_none_is_not_passed_over_in_silence(world: World) -> None:
    with world.database.begin() as work:
        anna = add_user(work, email="skatīt personāla kartīti")
    happens(world, anna)
    assert to(world) == ["skatīt personāla kartīti"]


# How many -----------------------------------------------------------------------------------------------


def test_a_flood_becomes_one_mail_at_the_end_of_the_hour(world: World, anna: User) -> None:
    add_contact(world, anna, "anna@example.com", confirmed_at=1.0)
    for _ in range(NOTICES_AN_HOUR + 7):
        happens(world, anna)
        world.clock.move(1)
    found = mails(world)
    assert len(found) == 2 * NOTICES_AN_HOUR + 2
    summing = [mail for mail in found if mail.summed]
    assert [mail.summed for mail in summing] == [7, 7]
    assert {mail.next_at - mail.created_at for mail in summing} == {HOUR}
    with world.database.read() as work:
        assert summing[0].id not in {mail.id for mail in work.mails.due(world.clock(), limit=100)}
        assert summing[0].id in {mail.id for mail in work.mails.due(world.clock() + HOUR, limit=100)}


def test_other_news_and_other_people_are_not_kept_back_by_a_flood(world: World, anna: User) -> None:
    for _ in range(NOTICES_AN_HOUR + 1):
        happens(world, anna)
    with world.database.begin() as work:
        berta = add_user(work, "berta", email="berta@example.lv")
    happens(world, berta)
    happens(world, anna, EventType.METHOD_REMOVED)
    told = [(mail.user_id, mail.about) for mail in mails(world) if not mail.summed]
    assert (berta.id, "method.enrolled") in told
    assert (anna.id, "method.removed") in told


def test_the_next_hour_has_a_share_of_its_own(world: World, anna: User) -> None:
    for _ in range(NOTICES_AN_HOUR + 1):
        happens(world, anna)
    world.clock.move(HOUR)
    happens(world, anna)
    assert sum(not mail.summed for mail in mails(world)) == NOTICES_AN_HOUR + 1


def test_a_sum_that_is_on_its_way_grows_no_more(world: World, anna: User) -> None:
    for _ in range(NOTICES_AN_HOUR + 2):
        happens(world, anna)
    (summing,) = (mail for mail in mails(world) if mail.summed)
    with world.database.begin() as work:
        claimed = work.mails.claim(summing, until=world.clock() + 60)
    happens(world, anna)
    assert claimed is not None
    assert claimed.summed == 2
    assert sorted(mail.summed for mail in mails(world) if mail.summed) == [1, 2]


def test_a_flood_from_everywhere_at_once_is_counted_exactly(world: World, anna: User) -> None:
    """attack 29, 43: in parallel as one by one"""
    at_once(40, lambda _: happens(world, anna))
    found = mails(world)
    assert sum(not mail.summed for mail in found) == NOTICES_AN_HOUR
    assert [mail.summed for mail in found if mail.summed] == [40 - NOTICES_AN_HOUR]


# Who delivers -------------------------------------------------------------------------------------------


def test_of_many_workers_one_has_a_mail_until_its_claim_lapses(world: World, anna: User) -> None:
    happens(world, anna)
    (mail,) = mails(world)

    def claim(_: int) -> bool:
        with world.database.begin() as work:
            return work.mails.claim(mail, until=world.clock() + 60) is not None

    assert Counter(at_once(100, claim)) == {True: 1, False: 99}
    with world.database.read() as work:
        assert work.mails.due(world.clock() + 59, limit=10) == []
        (again,) = work.mails.due(world.clock() + 60, limit=10)
    assert again.attempts == 1


def test_who_lost_the_claim_decides_nothing_but_that_it_arrived(world: World, anna: User) -> None:
    happens(world, anna)
    (mail,) = mails(world)
    with world.database.begin() as work:
        first = work.mails.claim(mail, until=world.clock())
        assert first is not None
        second = work.mails.claim(first, until=world.clock())
        assert second is not None
        assert not work.mails.postpone(first, until=0, why="late")
        assert not work.mails.give_up(first, at=0, why="late")
        assert work.mails.give_up(second, at=world.clock(), why="refused")
        assert work.mails.delivered(first.id, world.clock())
    (after,) = mails(world)
    assert (state_of(after), after.last_error) == (State.DELIVERED, None)


def test_one_that_was_given_up_is_tried_again_as_if_new(world: World, anna: User) -> None:
    happens(world, anna)
    (mail,) = mails(world)
    with world.database.begin() as work:
        claimed = work.mails.claim(mail, until=world.clock())
        assert claimed is not None
        assert not work.mails.retry(mail.id, world.clock())
        work.mails.give_up(claimed, at=world.clock(), why="refused")
        assert work.mails.retry(mail.id, world.clock())
        assert not work.mails.retry(mail.id, world.clock())
    (again,) = mails(world, State.WAITING)
    assert (again.attempts, again.given_up_at) == (0, None)


def test_old_news_is_given_up_and_old_rows_go(world: World, anna: User) -> None:
    happens(world, anna)
    later = world.clock() + 100
    with world.database.begin() as work:
        assert work.mails.give_up_stale(world.clock(), at=later) == 0
        assert work.mails.give_up_stale(world.clock() + 1, at=later) == 1
    (mail,) = mails(world)
    assert (state_of(mail), mail.last_error) == (State.GIVEN_UP, "was not sent in time")
    with world.database.begin() as work:
        assert work.mails.remove_old(delivered_before=later + 1, given_up_before=later) == 0
        assert work.mails.remove_old(delivered_before=0, given_up_before=later + 1) == 1
    assert mails(world) == []


def test_a_municipality_is_shown_the_mails_of_who_works_there_now(world: World, anna: User) -> None:
    """attack 40"""
    with world.database.begin() as work:
        add_municipality(work, RIGA)
        add_municipality(work, KEKAVA, "Ķekavas novads")
        add_employment(work, anna.id, RIGA)
        add_employment(work, anna.id, KEKAVA, ends_at=world.clock())
    happens(world, anna)
    with world.database.read() as work:
        shown = {
            atvk: len(work.mails.list_mails(now=world.clock(), municipality=atvk)) for atvk in (RIGA, KEKAVA)
        }
    assert shown == {RIGA: 1, KEKAVA: 0}


# Contact addresses --------------------------------------------------------------------------------------


def test_of_a_hundred_who_use_one_link_at_once_one_confirms(world: World, anna: User) -> None:
    """attack 33"""
    expires = world.clock() + 10
    add_contact(world, anna, "a@example.lv", link_hash=token_hash("link"), link_expires_at=expires)

    def confirm(_: int) -> bool:
        with world.database.begin() as work:
            return work.contacts.confirm(anna.id, token_hash("link"), world.clock()) is not None

    assert Counter(at_once(100, confirm)) == {True: 1, False: 99}


def test_a_link_is_good_for_its_person_in_its_time_and_as_the_last_of_its_kind(
    world: World, anna: User
) -> None:
    """attack 30, 33"""
    with world.database.begin() as work:
        berta = add_user(work, "berta")
    expires = world.clock() + 10
    contact = add_contact(world, anna, "a@example.lv", link_hash="first", link_expires_at=expires)
    with world.database.begin() as work:
        assert work.contacts.find_by_link(anna.id, "first", expires - 1) is not None
        assert work.contacts.confirm(berta.id, "first", world.clock()) is None
        assert work.contacts.confirm(anna.id, "first", expires) is None
        assert not work.contacts.renew_link(berta.id, contact.id, link_hash="theirs", until=expires)
        assert work.contacts.renew_link(anna.id, contact.id, link_hash="second", until=expires)
        assert work.contacts.confirm(anna.id, "first", world.clock()) is None
        confirmed = work.contacts.confirm(anna.id, "second", world.clock())
        assert not work.contacts.renew_link(anna.id, contact.id, link_hash="third", until=expires)
    assert confirmed is not None
    assert (confirmed.id, confirmed.link_hash) == (contact.id, None)


def test_what_nobody_confirmed_goes_in_the_end_and_what_is_confirmed_stays(world: World, anna: User) -> None:
    add_contact(world, anna, "old@example.lv", link_hash="1", link_expires_at=5.0)
    add_contact(world, anna, "new@example.lv", link_hash="2", link_expires_at=15.0)
    add_contact(world, anna, "good@example.lv", confirmed_at=1.0)
    with world.database.begin() as work:
        assert work.contacts.remove_abandoned(10.0) == 1
        assert {contact.address for contact in work.contacts.of(anna.id)} == {
            "new@example.lv",
            "good@example.lv",
        }


def test_nobody_reads_or_removes_an_address_of_another(world: World, anna: User) -> None:
    """attack 42: a guessed id opens nothing"""
    with world.database.begin() as work:
        berta = add_user(work, "berta")
    contact = add_contact(world, anna, "a@example.lv")
    with world.database.begin() as work:
        assert work.contacts.find(berta.id, contact.id) is None
        assert not work.contacts.remove(berta.id, contact.id)
        assert work.contacts.remove(anna.id, contact.id)
