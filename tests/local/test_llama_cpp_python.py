"""A GGUF file by llama-cpp-python; it has no wheels, so that most machines skip this."""

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from ragthrift.errors import InputError, MissingExtraError, ModelError, ModelNotFoundError
from ragthrift.local.llama_cpp_python import LlamaCppPythonRuntime
from ragthrift.local.model import LocalModel
from ragthrift.local.models import smollm2_135m
from ragthrift.local.prompts import plain_text
from ragthrift.types import Message, Tool, ToolCall
from tests.local.runtime_contract import STORY, RuntimeContract

needed = pytest.mark.skipif(find_spec("llama_cpp") is None, reason="llama-cpp-python is missing")
pytestmark = pytest.mark.model

QUESTION = [Message("user", "What is the capital of France? One word.")]
SCHEMA = {
    "type": "object",
    "properties": {"city": {"enum": ["Paris", "Rome"]}, "people": {"type": "integer"}},
    "required": ["city", "people"],
    "additionalProperties": False,
}
MENU = Tool("menu", "Dishes of a day", {"properties": {"day": {"enum": ["today", "tomorrow"]}}})


@pytest.fixture(scope="module")
def path() -> Path:
    try:
        return smollm2_135m()
    except MissingExtraError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def without_amx() -> Iterator[None]:
    """A build from source crashes on CPUs that list AMX and do not let it be used."""
    # As the runtime sets them itself: they are read once, when the library is loaded.
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    import llama_cpp.llama_cpp as library

    plain = library.llama_model_default_params

    def defaults() -> Any:
        parameters = plain()
        parameters.use_extra_bufts = False
        return parameters

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(library, "llama_model_default_params", defaults)
        yield


@pytest.fixture(scope="module")
def llm(path: Path, without_amx: None) -> Iterator[LocalModel]:
    with LocalModel(LlamaCppPythonRuntime(path, n_ctx=320, threads=2, pooling="mean")) as model:
        yield model


@needed
class TestContract(RuntimeContract):
    pass


@needed
def test_it_knows_its_vocabulary(llm: LocalModel) -> None:
    assert llm.model == "SmolLM2-135M-Instruct.Q4_1"
    assert llm.count("Hello world") == 2
    assert llm.count(" tea" * 100) == 100


@needed
def test_it_answers_through_the_template(llm: LocalModel) -> None:
    answer = llm.complete(QUESTION, max_tokens=12)
    assert "Paris" in answer.text
    assert answer.finish_reason == "stop"
    assert answer.usage.input_tokens > 30, "the template brings a system message of its own"


@needed
def test_characters_of_many_tokens_stay_whole(llm: LocalModel) -> None:
    answer = llm.complete(QUESTION, max_tokens=12, grammar='root ::= "🍲ü食"')
    assert answer.text == "🍲ü食"


@needed
def test_an_answer_follows_a_schema_or_a_grammar(llm: LocalModel) -> None:
    import json

    found = json.loads(llm.complete(QUESTION, schema=SCHEMA, max_tokens=60).text)
    assert found.keys() == {"city", "people"}
    assert llm.complete(QUESTION, grammar='root ::= "Oslo" | "Rome"').text in ("Oslo", "Rome")
    assert llm.complete(STORY, max_tokens=4).finish_reason == "length"


@needed
@pytest.mark.parametrize(
    "setting",
    [{"schema": {"type": "nonsense"}}, {"grammar": "root ::= nope"}, {"grammar": "no"}],
)
def test_a_broken_constraint_is_refused_and_harms_nothing(
    llm: LocalModel, setting: dict[str, Any]
) -> None:
    with pytest.raises(InputError):
        llm.complete(QUESTION, max_tokens=4, **setting)
    assert llm.complete(QUESTION, max_tokens=4).text


@needed
def test_a_tool_that_must_be_called_is(llm: LocalModel) -> None:
    for choice in ("required", "menu"):
        answer = llm.complete(QUESTION, tools=[MENU], tool_choice=choice, max_tokens=60)
        assert answer.finish_reason == "tool_calls"
        assert answer.tool_calls[0].name == "menu"
        assert answer.text == ""
    call = ToolCall("1", "menu", '{"day": "today"}')
    turns = [
        *QUESTION,
        Message("assistant", "", (call,)),
        Message("tool", "Soup", tool_call_id="1"),
    ]
    assert llm.complete(turns, max_tokens=8).text


@needed
def test_logprobs_are_those_of_the_chosen_tokens(llm: LocalModel) -> None:
    answer = llm.complete(QUESTION, max_tokens=4, logprobs=3)
    assert "".join(token.token for token in answer.logprobs)[: len(answer.text)] == answer.text
    for token in answer.logprobs:
        assert token.alternatives[0] == (token.token, token.logprob), "greedy takes the likeliest"
        assert token.logprob <= 0


@needed
def test_embeddings_are_unit_vectors(llm: LocalModel) -> None:
    tea, coffee, again = llm.embed(["a cup of tea", "a cup of coffee", "a cup of tea"])
    assert tea @ tea == pytest.approx(1.0, abs=1e-4)
    assert (tea == again).all()
    assert tea @ coffee < 0.9999
    assert llm.embed([]).shape == (0, 576)
    assert llm.embed([""]).shape == (1, 576)


@needed
def test_a_prompt_format_bypasses_the_template(path: Path, without_amx: None) -> None:
    runtime = LlamaCppPythonRuntime(path, n_ctx=128, threads=2, prompt_format=plain_text)
    with LocalModel(runtime) as model:
        answer = model.complete([Message("user", "The capital of France is")], max_tokens=2)
        assert answer.text.startswith(" Paris")
        assert "embeddings" not in runtime.abilities
    with pytest.raises(ModelError, match="closed"):
        model.complete(QUESTION)


@needed
def test_files_and_settings_that_cannot_work(path: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError):
        LlamaCppPythonRuntime(tmp_path / "none.gguf")
    with pytest.raises(InputError, match="n_ctx"):
        LlamaCppPythonRuntime(path, n_ctx=1_000_000)
    with pytest.raises(InputError, match="threads"):
        LlamaCppPythonRuntime(path, threads=0)


def test_the_package_that_is_missing_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "llama_cpp", None)
    with pytest.raises(MissingExtraError, match=r"ragthrift\[llama-cpp-python\]"):
        LlamaCppPythonRuntime(path)
