from pathlib import Path

import pytest

from ragthrift import Message
from ragthrift.testing import LLMContract, ScriptedLLM
from ragthrift_bench.generations import CachedLLM

ASKED = [Message("user", "Why?")]


def test_the_same_content_is_asked_once(tmp_path: Path) -> None:
    llm = ScriptedLLM(["first", "second"])
    cached = CachedLLM(lambda: llm, tmp_path, model_name="m")
    assert cached.generate(ASKED) == cached.generate(ASKED)
    assert len(llm.calls) == 1
    again = CachedLLM(lambda: ScriptedLLM([]), tmp_path, model_name="m")
    assert again.complete(ASKED) == cached.complete(ASKED)


def test_other_content_is_another_question(tmp_path: Path) -> None:
    llm = ScriptedLLM(lambda messages: messages[-1].content)
    cached = CachedLLM(lambda: llm, tmp_path, model_name="m")
    cached.complete(ASKED)
    cached.complete(ASKED, max_tokens=5)
    cached.complete(ASKED, stop=["?"])
    cached.complete([Message("system", "Why?")])
    CachedLLM(lambda: llm, tmp_path, model_name="n").complete(ASKED)
    assert len(llm.calls) == 5


def test_a_failed_call_is_asked_again(tmp_path: Path) -> None:
    failing = ScriptedLLM([TimeoutError(), "now"])
    cached = CachedLLM(lambda: failing, tmp_path, model_name="m")
    with pytest.raises(TimeoutError):
        cached.complete(ASKED)
    assert cached.complete(ASKED).text == "now"
    assert not list(tmp_path.glob("**/*.tmp"))


class TestCachedLLM(LLMContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def make(self) -> CachedLLM:
        llm = ScriptedLLM(lambda messages: messages[-1].content + " and more words to cut")
        return CachedLLM(lambda: llm, self.folder, model_name="m")


def test_the_model_is_loaded_when_an_answer_is_missing_and_never_twice(tmp_path: Path) -> None:
    loaded = []

    def load() -> ScriptedLLM:
        loaded.append("once")
        return ScriptedLLM(lambda messages: "yes")

    cached = CachedLLM(load, tmp_path, model_name="m")
    assert not loaded
    cached.complete(ASKED)
    cached.complete([Message("user", "And then?")])
    assert loaded == ["once"]
    CachedLLM(load, tmp_path, model_name="m").complete(ASKED)
    assert loaded == ["once"]
