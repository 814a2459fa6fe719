from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from ragthrift.errors import MissingExtraError
from ragthrift.local import LocalModel, gemma_3_270m, load_model, plain_text, smollm2_135m


def _installed(model: Callable[[], Path]) -> Path:
    # Not pytest.importorskip: xllamacpp must not be imported before the thread settings stand.
    if find_spec("xllamacpp") is None:
        pytest.skip("xllamacpp is not installed")
    try:
        return model()
    except MissingExtraError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def smollm2_path() -> Path:
    return _installed(smollm2_135m)


@pytest.fixture(scope="session")
def gemma_path() -> Path:
    return _installed(gemma_3_270m)


@pytest.fixture(scope="session")
def smollm2(smollm2_path: Path) -> Iterator[LocalModel]:
    """A chat model: its file holds a template."""
    with load_model(smollm2_path, n_ctx=1024) as llm:
        yield llm


@pytest.fixture(scope="session")
def continuing(smollm2_path: Path) -> Iterator[LocalModel]:
    """The same model asked as a base model: it goes on with the text."""
    with load_model(smollm2_path, n_ctx=512, prompt_format=plain_text) as llm:
        yield llm


@pytest.fixture(scope="session")
def gemma(gemma_path: Path) -> Iterator[LocalModel]:
    """A base model: its file holds no template."""
    with load_model(gemma_path, n_ctx=1024, prompt_format=plain_text) as llm:
        yield llm
