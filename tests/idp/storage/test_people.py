from functools import partial
from typing import Any

import pytest
from sqlalchemy import text

from idp.crypto import SealError
from idp.errors import AlreadyExistsError, NotFoundError
from idp.models.people import Backup, Credential, Identity, UserStatus
from idp.models.person_code import PersonCode
from tests.support.at_once import at_once
from tests.support.builders import (
    ADAZI,
    AUGSDAUGAVA,
    KEKAVA,
    RIGA,
    START,
    World,
    add_credential,
    add_employment,
    add_municipality,
    add_user,
)

CODE = PersonCode.parse("010203-12345")


def test_users_are_found_by_id_and_username(world: World):
    with world.database.begin() as work:
        anna = add_user(work, "anna", given_name="Anna", family_name="Bērziņa")
        assert work.people.get_user(anna.id).display_name == "Anna Bērziņa"
        found = work.people.find_user_by_username("anna")
        assert found is not None
        assert found.id == anna.id
        assert work.people.find_user("nobody") is None
        with pytest.raises(NotFoundError):
            work.people.get_user("nobody")


def test_users_are_listed_a_page_at_a_time(world: World):
    with world.database.begin() as work:
        for name in ("a", "b", "c", "d"):
            add_user(work, name)
        first = work.people.list_users(limit=3)
        rest = work.people.list_users(after=first[-1].username, limit=3)
    assert [user.username for user in first + rest] == ["a", "b", "c", "d"]


def test_users_are_searched_by_any_name_and_signs_are_only_signs(world: World):
    with world.database.begin() as work:
        add_user(work, "anna.b", given_name="Anna", family_name="Kalnina")
        add_user(work, "per_cent", given_name="100%")
        assert [user.username for user in work.people.list_users(query="KALN")] == ["anna.b"]
        assert [user.username for user in work.people.list_users(query="0%")] == ["per_cent"]
        assert work.people.list_users(query="a_b") == []


def test_a_user_is_blocked_and_unblocked(world: World):
    with world.database.begin() as work:
        anna = add_user(work)
        assert work.people.set_status(anna.id, UserStatus.BLOCKED, at=START + 5)
        assert not work.people.get_user(anna.id).is_active
        assert work.people.get_user(anna.id).updated_at == START + 5
        assert not work.people.set_status("nobody", UserStatus.BLOCKED, at=START)


def test_a_personal_code_is_sealed_and_found_in_every_written_form(world: World):
    with world.database.begin() as work:
        assert work.people.find_user_by_person_code(CODE) is None
        anna = add_user(work)
        work.people.set_person_code(anna.id, CODE, at=START)
        stored = work.connection().execute(text("SELECT * FROM users")).one()
        for form in (
            "010203-12345",
            "01020312345",
            "pnolv-010203-12345",
            "PK:01020312345",
            "LV/LT/01020312345",
        ):
            found = work.people.find_user_by_person_code(PersonCode.parse(form))
            assert found is not None
            assert work.people.person_code_of(found) == CODE
        assert work.people.find_user_by_person_code(PersonCode.parse("LT/LV/01020312345")) is None
    assert "12345" not in repr(stored)
    assert "010203" not in repr(stored)


def test_a_personal_code_belongs_to_one_user(world: World):
    with pytest.raises(AlreadyExistsError), world.database.begin() as work:
        for name in ("anna", "liga"):
            work.people.set_person_code(add_user(work, name).id, CODE, at=START)


def test_a_sealed_code_moved_to_another_user_does_not_open(world: World):
    """attack 40"""
    with world.database.begin() as work:
        anna, liga = add_user(work, "anna"), add_user(work, "liga")
        work.people.set_person_code(anna.id, CODE, at=START)
        move = "UPDATE users SET person_code_sealed = (SELECT person_code_sealed FROM users WHERE id = :a) WHERE id = :l"
        work.connection().execute(text(move), {"a": anna.id, "l": liga.id})
        with pytest.raises(SealError):
            work.people.person_code_of(work.people.get_user(liga.id))
        assert work.people.person_code_of(add_user(work, "marta")) is None


def test_a_person_code_is_found_by_every_process_that_holds_the_master_key(world: World):
    with world.database.begin() as work:
        work.people.set_person_code(add_user(work).id, CODE, at=START)
    with World(world.url) as other, other.database.read() as work:
        assert work.people.find_user_by_person_code(CODE) is not None


def test_an_outside_name_finds_its_user(world: World):
    with world.database.begin() as work:
        anna = add_user(work)
        work.people.add_identity(
            Identity(id="i1", user_id=anna.id, source="directory", subject="S-1", created_at=START)
        )
        found = work.people.find_user_by_identity("directory", "S-1")
        assert found is not None
        assert found.id == anna.id
        assert work.people.find_user_by_identity("another", "S-1") is None
    with pytest.raises(AlreadyExistsError), world.database.begin() as work:
        other = add_user(work, "liga")
        work.people.add_identity(
            Identity(id="i2", user_id=other.id, source="directory", subject="S-1", created_at=START)
        )


def test_current_employments_come_in_latvian_order(world: World):
    with world.database.begin() as work:
        anna = add_user(work)
        names = {
            KEKAVA: "Ķekavas novads",
            RIGA: "Rīgas valstspilsēta",
            ADAZI: "Ādažu novads",
            AUGSDAUGAVA: "Augšdaugavas novads",
        }
        for atvk, name in names.items():
            add_municipality(work, atvk, name)
            add_employment(work, anna.id, atvk)
        add_employment(work, anna.id, RIGA, position="past", ends_at=START)
        add_employment(work, anna.id, RIGA, position="future", starts_at=START + 1)
        current = work.people.employments_of(anna.id, now=START)
        everywhere = work.people.municipalities()
    assert [post.municipality for post in current] == [AUGSDAUGAVA, ADAZI, KEKAVA, RIGA]
    assert [place.atvk for place in everywhere] == [AUGSDAUGAVA, ADAZI, KEKAVA, RIGA]
    assert all(post.is_current(START) for post in current)


def test_an_employment_needs_its_municipality(world: World):
    with pytest.raises(AlreadyExistsError), world.database.begin() as work:
        add_employment(work, add_user(work).id, "9999999")


def test_what_is_not_there_is_said(world: World):
    with world.database.read() as work:
        assert work.people.find_municipality("9999999") is None
        assert work.people.find_employment("x") is None
        for get in (work.people.get_municipality, work.people.get_employment):
            with pytest.raises(NotFoundError):
                get("x")


def test_credentials_of_one_method_or_all_are_removed(world: World):
    with world.database.begin() as work:
        anna, liga = add_user(work, "anna"), add_user(work, "liga")
        for method in ("m1", "m2", "m2"):
            add_credential(work, anna.id, method)
        add_credential(work, liga.id, "m2")
        assert work.people.remove_credentials(anna.id, "m2") == 2
        assert [credential.method for credential in work.people.credentials_of(anna.id)] == ["m1"]
        assert work.people.remove_credentials(anna.id, None) == 1
        assert len(work.people.credentials_of(liga.id)) == 1


def test_a_secret_is_replaced_only_from_what_was_read(world: World):
    with world.database.begin() as work:
        credential = add_credential(work, add_user(work).id, secret="old")
        assert work.people.replace_secret(credential.id, old="old", new="new")
        assert not work.people.replace_secret(credential.id, old="old", new="newer")
        assert work.people.credentials_of(credential.user_id)[0].secret == "new"


def test_a_time_step_is_accepted_once_and_never_an_earlier_one(world: World):
    """attack 31"""
    with world.database.begin() as work:
        credential = add_credential(work, add_user(work).id)
        assert work.people.accept_step(credential.id, 100, at=START)
        assert not work.people.accept_step(credential.id, 100, at=START)
        assert not work.people.accept_step(credential.id, 99, at=START)
        assert work.people.accept_step(credential.id, 101, at=START + 30)
        assert work.people.credentials_of(credential.user_id)[0].last_used_at == START + 30


def test_of_twenty_parallel_acceptances_of_a_step_one_wins(world: World):
    """attack 31"""
    with world.database.begin() as work:
        credential = add_credential(work, add_user(work).id)

    def accept(_: int) -> bool:
        with world.database.begin() as work:
            return work.people.accept_step(credential.id, 100, at=START)

    assert sum(at_once(20, accept)) == 1


def test_of_twenty_parallel_spendings_one_wins(world: World):
    """attack 31: recovery codes."""
    with world.database.begin() as work:
        credential = add_credential(work, add_user(work).id)

    def spend(_: int) -> bool:
        with world.database.begin() as work:
            return work.people.spend(credential.id, at=START)

    assert sum(at_once(20, spend)) == 1
    with world.database.begin() as work:
        work.people.touch_credential(credential.id, at=START + 9)
        (spent,) = work.people.credentials_of(credential.user_id)
    assert (spent.spent_at, spent.last_used_at) == (START, START + 9)


def key(user_id: str, key_id: str = "key-1", **columns: Any) -> Credential:
    values = {"id": key_id, "method": "passkey", "secret": "", "created_at": START, **columns}
    return Credential(user_id=user_id, key_id=key_id, **values)


def test_a_key_is_one_persons_alone(world: World):
    """attack 32: cross-user credential id"""
    with world.database.begin() as work:
        anna, juris = add_user(work, "anna"), add_user(work, "juris")
        assert work.people.add_key(key(anna.id))
        assert not work.people.add_key(key(juris.id, id="another row"))
        found = work.people.find_credential_by_key("key-1")
        assert found is not None
        assert found.user_id == anna.id
        assert work.people.find_credential_by_key("key-2") is None
        assert work.people.credentials_of(juris.id) == []


def test_a_count_that_must_rise_does(world: World):
    """attack 32: signCount, up to the largest there is"""
    with world.database.begin() as work:
        work.people.add_key(key(add_user(work).id))
        accept = partial(work.people.accept_use, "key-1", backup=Backup.DEVICE_BOUND, at=START)
        assert accept(count=7, must_rise=True)
        assert not accept(count=7, must_rise=True)
        assert not accept(count=6, must_rise=True)
        assert accept(count=4_294_967_295, must_rise=True)
        assert accept(count=0, must_rise=False)


def test_a_blocked_key_is_used_no_more(world: World):
    with world.database.begin() as work:
        user = add_user(work)
        work.people.add_key(key(user.id))
        assert work.people.block_credential("key-1", at=START)
        assert not work.people.block_credential("key-1", at=START + 1)
        for must_rise in (True, False):
            assert not work.people.accept_use(
                "key-1", count=9, must_rise=must_rise, backup=Backup.SYNCED, at=START
            )
        (stored,) = work.people.credentials_of(user.id)
        assert (stored.blocked_at, stored.sign_count, stored.last_used_at) == (START, 0, None)


def test_of_twenty_parallel_uses_with_one_count_one_wins(world: World):
    with world.database.begin() as work:
        work.people.add_key(key(add_user(work).id))

    def use(_: int) -> bool:
        with world.database.begin() as work:
            return work.people.accept_use(
                "key-1", count=1, must_rise=True, backup=Backup.DEVICE_BOUND, at=START
            )

    assert at_once(20, use).count(True) == 1


def test_only_its_owner_renames_or_removes_a_credential(world: World):
    """attack 42"""
    with world.database.begin() as work:
        anna, juris = add_user(work, "anna"), add_user(work, "juris")
        work.people.add_key(key(anna.id))
        assert not work.people.rename_credential(juris.id, "key-1", "mans")
        assert not work.people.remove_credential(juris.id, "key-1")
        assert work.people.rename_credential(anna.id, "key-1", "Dators")
        assert [each.label for each in work.people.credentials_of(anna.id)] == ["Dators"]
        assert work.people.remove_credential(anna.id, "key-1")
        assert work.people.credentials_of(anna.id) == []
