import pytest
from sqlalchemy import select

from idp.crypto import Place, SealError
from idp.events import Event, EventType
from idp.models.base import Base
from idp.models.keys import KeyState, SealedSecret, SigningKey
from idp.models.people import User
from idp.models.person_code import PersonCode
from idp.storage.prepared import CONVERTED_TYPES
from idp.storage.reseal import SEALED_COLUMNS, reseal_all
from idp.storage.schema import metadata
from idp.storage.vault import Vault
from tests.support.builders import MASTER_KEY, START, World, add_credential, add_user, make_vault

NEW_KEY = b"n" * 32
CODE = PersonCode.parse("320101-00001")


@pytest.fixture
def filled(world: World) -> World:
    """More sealed values in one column than a batch, and one in each of the others."""
    with world.database.begin() as work:
        anna = add_user(work)
        work.people.set_person_code(anna.id, CODE, at=START)
        for number in range(450):
            place = Place("credentials", "secret", f"c{number}")
            add_credential(work, anna.id, "m1", world.vault.seal(b"seed", place), id=f"c{number}")
        add_credential(work, anna.id, "m2", "$argon2id$v=19$…", id="hashed")
        key = SigningKey(
            kid="k",
            alg="ES256",
            state=KeyState.ACTIVE,
            public={"kid": "k"},
            private_sealed=work.keys.seal_private("k", b"pem"),
            created_at=START,
        )
        work.keys.add(key)
        work.audit.append(Event(type=EventType.SIGNING_KEY_ADDED))
    return world


def reseal(world: World, vault: Vault) -> tuple[int, list[int]]:
    seen: list[int] = []
    with world.database.begin() as work:
        return reseal_all(work, vault, seen.append), seen


def test_after_rotation_the_old_key_is_no_longer_needed(filled: World):
    both = make_vault(filled.effects, NEW_KEY, MASTER_KEY)
    count, seen = reseal(filled, both)
    assert count == 1 + 450 + 1 + 2
    assert seen[-1] == count
    assert seen == sorted(seen)
    assert reseal(filled, both)[0] == 0

    credentials = metadata.tables["credentials"]
    only_new = make_vault(filled.effects, NEW_KEY)
    with World(filled.url, vault=only_new) as later, later.database.read() as work:
        anna = work.people.find_user_by_person_code(CODE)
        assert anna is not None
        assert work.people.person_code_of(anna) == CODE
        (key,) = work.keys.signing_keys()
        assert work.keys.open_private(key) == b"pem"
        assert work.audit.verify().ok
        for name, secret in work.connection().execute(select(credentials.c.id, credentials.c.secret)):
            if name == "hashed":
                assert secret == "$argon2id$v=19$…"
            else:
                assert only_new.open(secret, Place("credentials", "secret", name)) == b"seed"


def test_a_value_that_does_not_open_stops_it_and_nothing_is_changed(filled: World):
    with pytest.raises(SealError):
        reseal(filled, make_vault(filled.effects, NEW_KEY))
    assert reseal(filled, filled.vault)[0] == 0


def test_no_sealed_column_is_forgotten():
    named = {
        (table.name, column.name)
        for table in metadata.tables.values()
        for column in table.c
        if column.name.endswith("_sealed")
    }
    registered = {(each.table.name, each.column.name) for each in SEALED_COLUMNS}
    assert registered == named | {("credentials", "secret")}


def test_every_column_is_of_a_type_that_reads_back_the_same_from_both_databases():
    kinds = {type(column.type).__name__ for table in metadata.tables.values() for column in table.c}
    assert kinds <= {"String", "Integer", "BigInteger", "Double"} | {
        kind.__name__ for kind in CONVERTED_TYPES
    }
    assert {mapper.class_ for mapper in Base.registry.mappers} >= {User, SealedSecret}
