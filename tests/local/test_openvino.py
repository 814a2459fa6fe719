"""A GGUF file by OpenVINO GenAI, where that is installed."""

import json
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from ragthrift.errors import InputError, MissingExtraError, ModelError, ModelNotFoundError
from ragthrift.local.model import LocalModel
from ragthrift.local.models import smollm2_135m
from ragthrift.local.openvino import OpenVinoRuntime
from ragthrift.local.sampling import Request
from ragthrift.types import Message, Tool
from tests.local.runtime_contract import STORY, RuntimeContract

needed = pytest.mark.skipif(find_spec("openvino_genai") is None, reason="openvino-genai is missing")
pytestmark = pytest.mark.model

QUESTION = [Message("user", "What is the capital of France? One word.")]


@pytest.fixture(scope="module")
def path() -> Path:
    try:
        return smollm2_135m()
    except MissingExtraError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def llm(path: Path) -> Iterator[LocalModel]:
    with LocalModel(OpenVinoRuntime(path, n_ctx=192)) as model:
        yield model


@needed
class TestContract(RuntimeContract):
    reports_cached_tokens = False
    same_together = False


@needed
def test_it_answers_through_the_template(llm: LocalModel) -> None:
    assert llm.count("Hello world") == 2
    answer = llm.complete(QUESTION, max_tokens=12)
    assert "Paris" in answer.text
    assert answer.finish_reason == "stop"


@needed
def test_an_answer_follows_a_schema(llm: LocalModel) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"enum": ["Paris", "Rome"]}},
        "required": ["city"],
        "additionalProperties": False,
    }
    assert json.loads(llm.complete(QUESTION, schema=schema, max_tokens=40).text)["city"]


@needed
@pytest.mark.parametrize(
    "setting", [{"schema": {"type": "nonsense"}}, {"grammar": "root ::= nope"}, {"logprobs": 3}]
)
def test_what_it_cannot_follow_is_refused_and_harms_no_other_call(
    llm: LocalModel, setting: dict[str, Any]
) -> None:
    expected = llm.complete(STORY, max_tokens=12).text
    other = llm.stream(STORY, max_tokens=12)
    first = next(other)
    with pytest.raises((InputError, ModelError)):
        llm.complete(QUESTION, max_tokens=4, **setting)
    assert first + "".join(other) == expected
    assert llm.complete(STORY, max_tokens=12).text == expected


@needed
def test_what_breaks_openvino_for_good_costs_one_loading(llm: LocalModel) -> None:
    import openvino_genai

    expected = llm.complete(QUESTION, max_tokens=8).text
    pipeline = llm.runtime._running()  # type: ignore[attr-defined]
    request = Request(messages=tuple(QUESTION))
    settings = pipeline.settings(request, 8)
    broken = openvino_genai.StructuredOutputConfig(grammar="root ::= nope")
    settings.structured_output_config = broken
    with pytest.raises(InputError, match=r'Rule "nope" is not defined'):
        list(pipeline.run(llm.runtime._prompt(request), settings))  # type: ignore[attr-defined]
    assert llm.complete(QUESTION, max_tokens=8).text == expected


@needed
def test_a_tool_that_must_be_called_is(llm: LocalModel) -> None:
    answer = llm.complete(QUESTION, tools=[Tool("menu")], tool_choice="required", max_tokens=50)
    assert answer.tool_calls[0].name == "menu"


@needed
def test_logprobs_are_those_of_the_chosen_tokens(llm: LocalModel) -> None:
    answer = llm.complete(QUESTION, max_tokens=4, logprobs=0)
    assert len(answer.logprobs) == answer.usage.output_tokens
    assert all(token.logprob <= 0 for token in answer.logprobs)
    assert answer.text.startswith(answer.logprobs[0].token)


@needed
def test_a_closed_model_takes_no_call(path: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError):
        OpenVinoRuntime(tmp_path / "none.gguf")
    with pytest.raises(InputError, match="n_ctx"):
        OpenVinoRuntime(path, n_ctx=1_000_000)
    with LocalModel(OpenVinoRuntime(path, prompt_lookup=True)) as model:
        assert "Paris" in model.complete(QUESTION, max_tokens=12).text
    with pytest.raises(ModelError, match="closed"):
        model.complete(QUESTION)


def test_the_package_that_is_missing_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino_genai", None)
    with pytest.raises(MissingExtraError, match=r"ragthrift\[openvino\]"):
        OpenVinoRuntime(path)
