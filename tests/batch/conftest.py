from collections.abc import Iterator

import pytest

from tests.batch.anthropic_api import AnthropicApi
from tests.batch.loopback import Loopback
from tests.batch.openai_api import OpenAIApi


@pytest.fixture
def openai() -> Iterator[Loopback]:
    server = Loopback(OpenAIApi())
    yield server
    server.close()


@pytest.fixture
def anthropic() -> Iterator[Loopback]:
    server = Loopback(AnthropicApi())
    yield server
    server.close()


@pytest.fixture(params=[OpenAIApi, AnthropicApi], ids=["openai", "anthropic"])
def server(request: pytest.FixtureRequest) -> Iterator[Loopback]:
    made = Loopback(request.param())
    yield made
    made.close()
