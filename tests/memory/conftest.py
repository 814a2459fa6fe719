from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest

from ragthrift.memory import Transcript
from tests.cache.servers import Server, running
from tests.memory.stores.places import PLACES, opener


@pytest.fixture(scope="session")
def server_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Server]]:
    """Starts a server of a kind when it is first asked for."""
    with ExitStack() as running_servers:

        @cache
        def server(kind: str) -> Server:
            return running_servers.enter_context(running(kind, tmp_path_factory.mktemp(kind)))

        yield server


@pytest.fixture(params=PLACES)
def open_transcript(
    request: pytest.FixtureRequest, tmp_path: Path, server_of: Callable[[str], Server]
) -> Iterator[Callable[[], Transcript]]:
    with ExitStack() as opened:
        yield opener(request.param, tmp_path, server_of, opened)


@pytest.fixture
def transcript(open_transcript: Callable[[], Transcript]) -> Transcript:
    return open_transcript()
