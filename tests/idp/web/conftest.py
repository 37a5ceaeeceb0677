"""The whole provider over WSGI, on a database that was migrated once and copied for each test."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from idp.storage import municipalities
from tests.support.actors import Browser, Employee, Hall
from tests.support.builders import make_database
from tests.support.certificates import Authority
from tests.support.identity import IdentityRig, identity_rig
from tests.support.smart_id.authority import SmartIdAuthority


@pytest.fixture(scope="session")
def _migrated_for_pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pages") / "migrated.sqlite3"
    with make_database(f"sqlite:///{path}").begin() as work:
        municipalities.load(work)
    return path


@pytest.fixture
def fresh_database(_migrated_for_pages: Path, tmp_path: Path) -> str:
    path = tmp_path / "pages.sqlite3"
    shutil.copy(_migrated_for_pages, path)
    return f"sqlite:///{path}"


@pytest.fixture
def hall(fresh_database: str) -> Iterator[Hall]:
    made = Hall(fresh_database)
    yield made
    made.close()


@pytest.fixture
def browser(hall: Hall) -> Browser:
    return hall.browser()


@pytest.fixture
def anna(hall: Hall) -> Employee:
    """With a password and an authenticator, in a municipality that asks for one factor."""
    return hall.employee("anna", totp=True)


@pytest.fixture(scope="session")
def people() -> SmartIdAuthority:
    """Of the Smart-ID that is emulated."""
    return SmartIdAuthority()


@pytest.fixture
def rig(
    fresh_database: str, people: SmartIdAuthority, authority: Authority, tmp_path: Path
) -> Iterator[IdentityRig]:
    with identity_rig(fresh_database, people, authority, tmp_path) as made:
        yield made
