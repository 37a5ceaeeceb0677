"""What journeys may ask for beside what every test may."""

from collections.abc import Iterator

import pytest

from tests.support.running_server import RunningServer, running_server


@pytest.fixture(scope="session")
def _server() -> Iterator[RunningServer]:
    with running_server() as started:
        yield started


@pytest.fixture
def server(_server: RunningServer) -> Iterator[RunningServer]:
    """The provider on granian with the demonstration in it: one for each test process, shared by its tests."""
    yield _server
    _server.close_browsers()
