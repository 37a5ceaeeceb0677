"""The history goes up, down and up again on both databases, keeps what must survive, and ends at the models."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect

from idp.errors import StorageUnavailableError
from idp.events import Event, EventType
from idp.models.people import Credential
from idp.models.person_code import PersonCode
from idp.storage import migrate
from idp.storage.connections import parse_url, writing_engine
from idp.storage.municipalities import load
from idp.storage.revision import current_revision
from idp.storage.schema import MODEL_MODULES, VERSION_TABLE, metadata
from tests.support.at_once import in_processes
from tests.support.builders import (
    RIGA,
    START,
    World,
    add_client,
    add_credential,
    add_employment,
    add_family,
    add_rule,
    add_session,
    add_user,
)
from tests.support.services import free_port

CODE = PersonCode.parse("010203-12345")
REVISIONS = [script.revision for script in ScriptDirectory(str(migrate.HISTORY)).walk_revisions()][::-1]


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = writing_engine(parse_url(database_url))
    yield made
    made.dispose()


def differences(engine: Engine) -> list[object]:
    options = {"version_table": VERSION_TABLE, "compare_type": True, "compare_server_default": True}
    with engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


def tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names()) - {VERSION_TABLE}


def test_the_models_equal_the_schema(database_url: str, engine: Engine):
    migrate.upgrade(database_url)
    assert differences(engine) == []
    assert tables(engine) == set(metadata.tables)


def test_every_table_and_every_index_has_the_name_the_models_give_it(database_url: str, engine: Engine):
    migrate.upgrade(database_url)
    found = inspect(engine)
    for table in metadata.tables.values():
        assert {
            index["name"] for index in found.get_indexes(table.name) if not index.get("duplicates_constraint")
        } == {index.name for index in table.indexes}
        assert {key["name"] for key in found.get_foreign_keys(table.name)} == {
            constraint.name for constraint in table.foreign_key_constraints
        }


def test_up_down_and_up_again(database_url: str, engine: Engine):
    migrate.upgrade(database_url)
    migrate.downgrade(database_url, "base")
    assert tables(engine) == set()
    assert current_revision(engine) is None
    migrate.upgrade(database_url)
    assert differences(engine) == []
    assert current_revision(engine) == migrate.head_revision()


@pytest.mark.parametrize("revision", REVISIONS[1:])
def test_each_step_can_be_taken_back_and_again(database_url: str, engine: Engine, revision: str):
    migrate.upgrade(database_url, revision)
    there = tables(engine)
    migrate.downgrade(database_url, "-1")
    migrate.upgrade(database_url, revision)
    assert tables(engine) == there
    assert current_revision(engine) == revision


def test_upgrading_again_changes_nothing(database_url: str, engine: Engine):
    for _ in range(2):
        migrate.upgrade(database_url)
    assert current_revision(engine) == migrate.head_revision()


def upgrade_once(database_url: str) -> int:
    migrate.upgrade(database_url)
    return 1


def test_upgrades_at_once_take_turns(database_url: str, engine: Engine):
    assert in_processes(2, upgrade_once, database_url) == 2
    assert differences(engine) == []


def test_people_applications_grants_and_the_trail_survive(database_url: str):
    migrate.upgrade(database_url)
    with World(database_url) as world, world.database.begin() as work:
        load(work)
        anna = add_user(work, given_name="Ādolfs", address={"locality": "Ķekava"}, roles=["operator"])
        work.people.set_person_code(anna.id, CODE, at=START)
        post = add_employment(work, anna.id, RIGA)
        client = add_client(work)
        family = add_family(work, anna.id, client.client_id)
        session = add_session(work, anna.id, "hash")
        work.audit.append(Event(type=EventType.USER_ADDED, user_id=anna.id))
        anna = work.people.get_user(anna.id)

    migrate.downgrade(database_url, "0001")
    migrate.upgrade(database_url)

    with World(database_url) as world, world.database.read() as work:
        assert work.people.get_user(anna.id) == anna
        assert work.people.person_code_of(anna) == CODE
        assert work.people.find_user_by_person_code(CODE) == anna
        assert work.people.employments_of(anna.id, now=START) == [post]
        assert work.clients.get(client.client_id) == client
        assert work.grants.find_family(family.id) == family
        assert work.sessions.find(session.id) == session
        assert len(work.people.municipalities()) == 42
        assert work.audit.verify().checked == 1
        assert work.audit.verify().ok


def test_credentials_survive_and_only_untouched_first_rules_allow_the_new_methods(database_url: str):
    """What somebody decided otherwise is not decided anew."""
    first, changed = ["password", "recovery_code", "totp"], ["password", "totp"]
    migrate.upgrade(database_url, "0003")
    engine = writing_engine(parse_url(database_url))
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO users (id, username, created_at, updated_at, given_name, family_name, email_verified,"
            " phone_number_verified, address, profile, roles, status, demonstration)"
            " VALUES ('anna', 'anna', 1, 1, '', '', FALSE, FALSE, '{}', '{}', '[]', 'active', FALSE)"
        )
        connection.exec_driver_sql(
            "INSERT INTO credentials (id, user_id, method, secret, created_at, label, last_step)"
            " VALUES ('c1', 'anna', 'totp', 's1.sealed', 1, '', 5)"
        )
        for scope, methods in (("national", first), ("0001000", changed)):
            connection.exec_driver_sql(
                "INSERT INTO policy_rules (id, scope, methods, minimum_level, first_enrolment)"
                f" VALUES ('{scope}', '{scope}', '{json.dumps(methods)}', 1, FALSE)"
            )
    engine.dispose()
    migrate.upgrade(database_url)
    with World(database_url) as world, world.database.read() as work:
        (kept,) = work.people.credentials_of("anna")
        assert (kept.secret, kept.last_step, kept.sign_count, kept.transports) == ("s1.sealed", 5, 0, "")
        assert (kept.key_id, kept.backup, kept.blocked_at) == (None, None, None)
        rules = {rule.scope: rule.methods for rule in work.rules.rules_for(["national", "0001000"])}
    assert rules == {
        "national": [
            *("directory", "kerberos", "passkey", "password", "phone_approval", "recovery_code"),
            *("security_key", "totp"),
        ],
        "0001000": changed,
    }
    with World(database_url) as world, world.database.begin() as work:
        work.people.add_key(
            Credential(id="k", user_id="anna", method="passkey", secret="", created_at=1, key_id="key")
        )
    migrate.downgrade(database_url, "0003")
    migrate.upgrade(database_url)
    with World(database_url) as world, world.database.read() as work:
        assert [each.id for each in work.people.credentials_of("anna")] == ["c1"]


def test_phones_that_approve_go_when_the_method_does(database_url: str):
    migrate.upgrade(database_url)
    with World(database_url) as world, world.database.begin() as work:
        anna = add_user(work)
        for method in ("password", "phone_approval"):
            add_credential(work, anna.id, method)
        add_rule(
            work,
            "national",
            ["password", "passkey", "phone_approval", "recovery_code", "security_key", "totp"],
        )
        add_rule(work, "0001000", ["password", "phone_approval"])
    migrate.downgrade(database_url, "0004")
    migrate.upgrade(database_url)
    with World(database_url) as world, world.database.read() as work:
        assert [each.method for each in work.people.credentials_of(anna.id)] == ["password"]
        rules = {rule.scope: rule.methods for rule in work.rules.rules_for(["national", "0001000"])}
    assert "phone_approval" in rules["national"]
    assert rules["0001000"] == ["password", "phone_approval"], "what somebody decided stays"


def test_tables_of_others_in_the_same_database_are_left_alone(database_url: str, engine: Engine):
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('theirs')")
        connection.exec_driver_sql("CREATE TABLE somebody_elses (id INTEGER)")
    migrate.upgrade(database_url)
    migrate.downgrade(database_url, "base")
    assert tables(engine) == {"alembic_version", "somebody_elses"}
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == "theirs"


def test_a_database_that_is_not_there_is_unavailable():
    with pytest.raises(StorageUnavailableError):
        migrate.upgrade(f"postgresql://nobody@127.0.0.1:{free_port()}/x")


def test_every_module_with_models_is_compared():
    modules = {module.__name__.rpartition(".")[2] for module in MODEL_MODULES}
    sources = Path(__file__).parents[1] / "idp" / "models"
    with_tables = {
        path.stem for path in sources.glob("*.py") if re.search(r"__tablename__", path.read_text())
    }
    assert modules == with_tables
