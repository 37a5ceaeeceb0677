"""Migrated databases, copied from one that was migrated once."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from idp.storage import migrate
from tests.support.builders import World
from tests.support.services import PostgresServer


@pytest.fixture(scope="session")
def _migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "migrated.sqlite3"
    migrate.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def _migrated_name(postgres: PostgresServer) -> str:
    url = postgres.create_database()
    migrate.upgrade(url)
    return str(make_url(url).database)


@pytest.fixture
def migrated_sqlite(_migrated_file: Path, tmp_path: Path) -> str:
    path = tmp_path / "visvaris.sqlite3"
    shutil.copy(_migrated_file, path)
    return f"sqlite:///{path}"


@pytest.fixture
def migrated_postgres(postgres: PostgresServer, _migrated_name: str) -> Iterator[str]:
    url = postgres.create_database(template=_migrated_name)
    yield url
    postgres.drop_database(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def migrated_url(request: pytest.FixtureRequest) -> str:
    url = request.getfixturevalue("migrated_sqlite" if request.param == "sqlite" else "migrated_postgres")
    assert isinstance(url, str)
    return url


@pytest.fixture
def world(migrated_url: str) -> Iterator[World]:
    """The stores, once on SQLite and once on PostgreSQL."""
    with World(migrated_url) as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql", "redis"])
def short_lived(request: pytest.FixtureRequest) -> Iterator[World]:
    """Shelf and throttle, once on each of the three."""
    if request.param == "redis":
        url, redis_url = request.getfixturevalue("migrated_sqlite"), request.getfixturevalue("redis_url")
    else:
        url, redis_url = request.getfixturevalue(f"migrated_{request.param.removesuffix('ql')}"), None
    with World(url, redis_url) as made:
        yield made
