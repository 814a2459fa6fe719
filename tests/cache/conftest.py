import uuid
from collections.abc import Iterator

import pytest

from tests.cache.servers import KINDS, Server, running


@pytest.fixture(scope="session", params=KINDS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server for each way to search vectors; tests choose prefixes of their own."""
    with running(request.param, tmp_path_factory.mktemp(request.param)) as started:
        yield started


@pytest.fixture
def prefix() -> str:
    return uuid.uuid4().hex
