"""The start of a server looks at the revision by itself; it must see what Alembic sees."""

from pathlib import Path

import pytest
from alembic.runtime.migration import MigrationContext

from idp.errors import StorageUnavailableError
from idp.storage import migrate
from idp.storage.connections import parse_url, writing_engine
from idp.storage.revision import EXPECTED_REVISION, current_revision
from idp.storage.schema import VERSION_TABLE


def test_the_code_expects_the_head_of_the_history():
    assert migrate.head_revision() == EXPECTED_REVISION


@pytest.mark.parametrize("migrated", ["migrated_sqlite", "migrated_postgres"])
def test_a_migrated_database_is_where_alembic_says(migrated: str, request: pytest.FixtureRequest):
    engine = writing_engine(parse_url(request.getfixturevalue(migrated)))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert current_revision(engine) == context.get_current_revision() == EXPECTED_REVISION
    engine.dispose()


def test_a_database_without_a_history_has_no_revision_and_none_is_made(tmp_path: Path):
    path = tmp_path / "none.sqlite3"
    assert current_revision(writing_engine(parse_url(f"sqlite:///{path}"))) is None
    assert not path.exists()
    path.touch()
    assert current_revision(writing_engine(parse_url(f"sqlite:///{path}"))) is None


def test_what_is_no_database_cannot_be_used(tmp_path: Path):
    with pytest.raises(StorageUnavailableError):
        current_revision(writing_engine(parse_url("postgresql://nobody@127.0.0.1:1/none")))
