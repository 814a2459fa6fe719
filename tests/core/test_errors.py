"""The error tree: caught by one root, caught by Python's own kinds, sendable to another process."""

import copy
import pickle
import re

import pytest

import ragthrift
from ragthrift import (
    ContextOverflowError,
    ContractError,
    InputError,
    MissingExtraError,
    ModelError,
    ModelNotFoundError,
    RagthriftError,
    errors,
)
from ragthrift.errors import missing_extra

TREE = {
    RagthriftError: (Exception,),
    InputError: (RagthriftError, ValueError),
    MissingExtraError: (RagthriftError, ImportError),
    ModelError: (RagthriftError,),
    ModelNotFoundError: (ModelError, FileNotFoundError),
    ContextOverflowError: (ModelError,),
    ContractError: (RagthriftError,),
}


@pytest.mark.parametrize("error", TREE, ids=lambda error: error.__name__)
def test_every_error_has_its_place(error: type[Exception]) -> None:
    assert error.__bases__ == TREE[error]


def test_the_tree_is_complete_and_public() -> None:
    found = {value for value in vars(errors).values() if isinstance(value, type)}
    assert found == set(TREE)
    assert {error.__name__ for error in TREE} <= set(ragthrift.__all__)


def test_the_drawing_shows_every_error_under_its_parent() -> None:
    drawn = {}
    parents: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"([\s│├└─]*)(\w+Error)\b", line)
        if found:
            depth = len(found[1].lstrip(" ")) // 4
            parents[depth:] = [found[2]]
            drawn[found[2]] = parents[depth - 1] if depth else "Exception"
    assert drawn == {error.__name__: bases[0].__name__ for error, bases in TREE.items()}


def test_a_missing_extra_says_what_to_install() -> None:
    cause = ImportError("No module named 'tokenizers'", name="tokenizers")
    with pytest.raises(MissingExtraError) as raised:
        missing_extra("onnx", "tokenizers", cause)
    assert str(raised.value) == 'tokenizers is not installed; run: pip install "ragthrift[onnx]"'
    assert raised.value.__cause__ is cause
    assert raised.value.name == "tokenizers"


def test_an_overflow_says_how_much_and_what_to_do() -> None:
    error = ContextOverflowError(5000, 4096)
    assert (error.needed, error.window) == (5000, 4096)
    for part in ("5000", "4096", "fewer passages", "max_tokens", "n_ctx"):
        assert part in str(error)


ERRORS = [
    ContextOverflowError(5000, 4096),
    ContractError("broken"),
    InputError("wrong"),
    MissingExtraError("missing", name="torch"),
    ModelError("failed"),
    ModelNotFoundError("no such file"),
    RagthriftError("root"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_errors_survive_pickle_and_copy(error: RagthriftError) -> None:
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is type(error)
        assert str(again) == str(error)
        assert vars(again) == vars(error)
