"""The models that answer, by name."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from langchain_core.language_models import FakeListChatModel

from langchain_ragthrift import ChatLocal
from llama_index_ragthrift import LocalLLM
from ragthrift import Completion, InputError, Message, MissingExtraError, ModelError, Usage
from ragthrift.local import LlamaCppRuntime, smollm2_135m
from ragthrift.protocols import LLM
from ragthrift.testing import LLMContract, ScriptedLLM
from ragthrift_bench import models
from ragthrift_bench.attempts import Call
from ragthrift_bench.judge import Judge
from ragthrift_bench.models.endpoint import EndpointLLM
from ragthrift_bench.models.recorded import RecordedModel, write_recording
from ragthrift_bench.models.wrapped import as_llm
from tests.bench.test_own_pipelines import CASE

HERE = "tests.bench.own_pipelines"
ASKED = [Message("system", "Be short."), Message("user", "The canteen opens at 11:30. When?")]


@pytest.mark.parametrize("name", ["own_model", "own_langchain_model", "own_llama_index_model"])
def test_a_function_may_return_a_model_of_any_framework(name: str, tmp_path: Path) -> None:
    named = models.load(f"{HERE}:{name}")
    assert named is not None
    assert named.name == f"{HERE}:{name}"
    made = named.open(tmp_path).generate(ASKED, max_tokens=50, stop=["\n"])
    assert made.completion.text == "At 11:30."
    assert made.completion.usage.input_tokens > 0


def talkative(messages: Sequence[Message]) -> str:
    return "Soup and bread can be eaten, and it usually opens at half past eleven."


class TestLangChainModel(LLMContract):
    def make(self) -> LLM:
        return as_llm(ChatLocal(llm=ScriptedLLM(talkative), model_name="scripted"))


class TestLlamaIndexModel(LLMContract):
    def make(self) -> LLM:
        return as_llm(LocalLLM(ScriptedLLM(talkative)))


def test_the_tokens_of_a_model_that_reports_none_are_estimated() -> None:
    plain = as_llm(FakeListChatModel(responses=["Yes."])).complete(ASKED)
    assert plain.text == "Yes."
    assert plain.usage.input_tokens > plain.usage.output_tokens > 0


def test_a_stop_string_ends_the_answer_of_a_llama_index_model() -> None:
    model = as_llm(LocalLLM(ScriptedLLM("Yes. No. Perhaps.")))
    assert model.complete(ASKED, stop=[" No"]).text == "Yes."


def test_a_frameworks_model_needs_its_adapter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "langchain_ragthrift", None)
    with pytest.raises(MissingExtraError, match="pip install langchain-ragthrift"):
        as_llm(FakeListChatModel(responses=["Yes."]))


def test_what_cannot_answer_is_refused() -> None:
    with pytest.raises(InputError, match="int is no model that can answer"):
        as_llm(7)


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("gpt-5", "unknown model 'gpt-5'; use embedded"),
        ("openai:", "unknown model"),
        ("openai:m@localhost:8000", "write openai:m@http"),
        ("recorded:/no/such/file.jsonl", "no file"),
    ],
)
def test_a_model_that_cannot_be_found_is_told(spec: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        models.load(spec)


def test_no_model_is_none() -> None:
    assert models.load("none") is None


def test_openai_itself_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(InputError, match="set OPENAI_API_KEY"):
        EndpointLLM("gpt-5-mini")


def test_an_endpoint_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    llm = EndpointLLM("m", "http://127.0.0.1:9/v1", tries=1)
    with pytest.raises(ModelError, match=r"m at http://127.0.0.1:9/v1/: Connection error"):
        llm.complete(ASKED)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, str]]:
    """The address and the key of llama.cpp's own OpenAI-compatible server."""
    runtime = LlamaCppRuntime(smollm2_135m(), n_ctx=1024, slots=1)
    yield runtime._server.address, runtime._server.key
    runtime.close()


@pytest.mark.model
def test_an_endpoint_of_openais_protocol_answers(
    served: tuple[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url, key = served
    monkeypatch.setenv("OPENAI_API_KEY", key)
    named = models.load(f"openai:smollm2@{url}")
    assert named is not None
    assert named.name == f"smollm2 at {url}"
    llm = named.open(tmp_path)
    asked = [Message("user", "What is the capital of France? One word.")]
    made = llm.generate(asked, max_tokens=12)
    assert "Paris" in made.completion.text
    assert made.completion.usage.input_tokens > 8
    assert 0 < made.completion.usage.output_tokens <= 12
    assert made.seconds > 0
    again = llm.generate(asked, max_tokens=12, stop=["is"])
    assert "is" not in again.completion.text


@pytest.mark.model
def test_a_wrong_key_is_told(served: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "wrong")
    with pytest.raises(ModelError, match="401"):
        EndpointLLM("smollm2", served[0]).complete(ASKED)


def test_a_recording_answers_without_a_model(tmp_path: Path) -> None:
    calls = [
        Call((Message("user", "When?"),), "", "m-1", Usage(3, 0), seconds=0.5),
        Call(tuple(ASKED), "At 11:30.", "m-2", seconds=1.5),
    ]
    write_recording([*calls, calls[0]], tmp_path / "run.jsonl")
    recorded = RecordedModel(tmp_path / "run.jsonl")
    assert recorded.models == "m-1, m-2"
    made = recorded.generate(ASKED)
    assert (made.completion.text, made.seconds) == ("At 11:30.", 1.5)
    assert recorded.generate(calls[0].messages).completion == Completion("", Usage(3, 0), "m-1")
    write_recording(calls[::-1], tmp_path / "again.jsonl")
    assert (tmp_path / "again.jsonl").read_bytes() == (tmp_path / "run.jsonl").read_bytes()
    named = models.load(f"recorded:{tmp_path / 'run.jsonl'}")
    assert named is not None
    assert named.name == "m-1, m-2, recorded"


def test_a_recording_of_ones_own_needs_messages_and_a_text(tmp_path: Path) -> None:
    line = {"messages": [{"role": "user", "content": "When?"}], "text": "Now."}
    (tmp_path / "own.jsonl").write_text(json.dumps(line))
    recorded = RecordedModel(tmp_path / "own.jsonl")
    assert recorded.generate([Message("user", "When?")]).completion.text == "Now."
    with pytest.raises(InputError, match="holds no answer to a prompt that ends 'Where"):
        recorded.generate([Message("user", "Where?")])


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ({"text": "Now."}, 'lacks "messages"'),
        ({"messages": [{"role": "user", "content": "?"}]}, 'lacks "text"'),
        ({"messages": [{"role": "judge", "content": "?"}], "text": ""}, '"role" must be system'),
        ({"messages": [{"role": "user", "content": 7}], "text": ""}, '"content" must be a text'),
        ({"messages": [{"role": "user", "content": "?"}], "text": 7}, '"text" must be a text'),
    ],
)
def test_a_broken_recording_names_the_line(
    line: dict[str, object], told: str, tmp_path: Path
) -> None:
    (tmp_path / "own.jsonl").write_text(json.dumps(line))
    with pytest.raises(InputError, match=f"own.jsonl, line 1.*{told}"):
        RecordedModel(tmp_path / "own.jsonl")


class Letters:
    """A judge that follows a rule."""

    def __init__(self, rule: "object") -> None:
        self._llm = ScriptedLLM(rule)  # type: ignore[arg-type]

    def generate(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
    ) -> "object":
        from ragthrift_bench.generations import Generation

        return Generation(self._llm.complete(messages, max_tokens=max_tokens, stop=stop), 0.0)


def fair(messages: Sequence[Message]) -> str:
    """Prefers the answer that holds the reference."""
    asked = messages[-1].content
    first = asked.partition("Answer A: ")[2].partition("\n")[0]
    return "A" if "11:30" in first else "B"


def test_a_fair_judge_prefers_the_better_answer_in_both_places() -> None:
    judge = Judge(Letters(fair))  # type: ignore[arg-type]
    assert judge.prefers(CASE, "At 11:30.", "At noon.") == 1
    assert judge.prefers(CASE, "At noon.", "At 11:30.") == 0


@pytest.mark.parametrize("rule", ["A", "B", "C", "Both are fine.", ""])
def test_a_judge_that_looks_at_places_only_prefers_nothing(rule: str) -> None:
    assert Judge(Letters(rule)).prefers(CASE, "At 11:30.", "At noon.") == 0.5  # type: ignore[arg-type]


def test_equal_answers_are_not_asked_about() -> None:
    assert Judge(Letters([])).prefers(CASE, "At 11:30. ", "At 11:30.") == 0.5  # type: ignore[arg-type]


def test_braces_in_an_answer_are_only_text() -> None:
    assert Judge(Letters(fair)).prefers(CASE, "{b} 11:30", "At {a}.") == 1  # type: ignore[arg-type]
