"""A model on this machine keeps the library's contracts.

Not that of embedders: a chat model's vectors do not tell related texts from others, and a text
that is too long is refused, where small encoders cut it.
"""

from collections.abc import Iterator
from typing import ClassVar

import pytest

from ragthrift import Message
from ragthrift.local import LocalModel, load_model
from ragthrift.protocols import LLM, TokenCounter
from ragthrift.testing import LLMContract, TokenCounterContract

pytestmark = pytest.mark.model


class Kept:
    """Loaded once for this module."""

    model: ClassVar[LocalModel]


@pytest.fixture(scope="module", autouse=True)
def _loaded(request: pytest.FixtureRequest) -> Iterator[None]:
    path = request.getfixturevalue("smollm2_path")
    with load_model(path, n_ctx=1024, self_test=False) as Kept.model:
        yield


class TestLLM(LLMContract):
    messages = (Message("user", "Tell me a short story about a boat."),)

    def make(self) -> LLM:
        return Kept.model


class TestTokenCounter(TokenCounterContract):
    def make(self) -> TokenCounter:
        return Kept.model
