"""Advice once a week, of any number of pages opened at once."""

from tests.support.at_once import at_once
from tests.support.builders import START, World, add_user

WEEK = 7 * 86400.0


def test_of_a_hundred_pages_at_once_one_shows_it(world: World) -> None:
    with world.database.begin() as work:
        anna = add_user(work)

    def take(number: int) -> bool:
        with world.database.begin() as work:
            return work.nudges.take(anna.id, START + WEEK, not_since=START)

    assert sum(at_once(100, take)) == 1
    assert sum(at_once(100, take)) == 0


def test_the_next_is_a_week_later_and_each_person_has_their_own(world: World) -> None:
    with world.database.begin() as work:
        anna, berta = add_user(work), add_user(work, "berta")
        assert work.nudges.last(anna.id) is None
        assert work.nudges.take(anna.id, START, not_since=START - WEEK)
        assert work.nudges.take(berta.id, START, not_since=START - WEEK)
        assert not work.nudges.take(anna.id, START + WEEK - 1, not_since=START - 1)
        assert work.nudges.take(anna.id, START + WEEK, not_since=START)
        assert work.nudges.last(anna.id) == START + WEEK
