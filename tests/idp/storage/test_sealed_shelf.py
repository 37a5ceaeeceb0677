"""A kind of the Shelf that nobody reads without the keys: what is stored is sealed, and opens under its own key alone."""

from idp.storage.sealed_shelf import SealedShelf
from tests.support.builders import START, World

UNTIL = START + 60
SECRET = {"verifier": "nobody reads this", "flows": ["QR"]}


def test_what_is_put_is_found_and_taken_once(world: World) -> None:
    sealed = SealedShelf(world.storage.shelf, world.vault, "kind")
    sealed.put("a", SECRET, expires_at=UNTIL)
    assert sealed.find("a") == SECRET
    assert sealed.take("a") == SECRET
    assert sealed.take("a") is None


def test_of_two_that_are_added_the_first_stays(world: World) -> None:
    sealed = SealedShelf(world.storage.shelf, world.vault, "kind")
    assert sealed.add("a", SECRET, expires_at=UNTIL)
    assert not sealed.add("a", {"verifier": "another"}, expires_at=UNTIL)
    assert sealed.find("a") == SECRET


def test_nothing_of_it_is_readable(world: World) -> None:
    SealedShelf(world.storage.shelf, world.vault, "kind").put("a", SECRET, expires_at=UNTIL)
    assert "nobody" not in str(world.storage.shelf.find("kind", "a"))


def test_moved_to_another_key_or_kind_it_opens_no_more(world: World) -> None:
    """attack 42"""
    shelf = world.storage.shelf
    SealedShelf(shelf, world.vault, "kind").put("a", SECRET, expires_at=UNTIL)
    kept = shelf.find("kind", "a")
    assert kept is not None
    shelf.put("kind", "b", kept, expires_at=UNTIL)
    shelf.put("other", "a", kept, expires_at=UNTIL)
    assert SealedShelf(shelf, world.vault, "kind").find("b") is None
    assert SealedShelf(shelf, world.vault, "other").find("a") is None


def test_it_expires(world: World) -> None:
    sealed = SealedShelf(world.storage.shelf, world.vault, "kind")
    sealed.put("a", SECRET, expires_at=UNTIL)
    world.clock.move(61)
    assert sealed.find("a") is None
