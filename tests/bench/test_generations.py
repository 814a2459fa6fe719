from pathlib import Path

import pytest

from ragthrift import Message
from ragthrift.testing import LLMContract, ScriptedLLM
from ragthrift_bench.generations import CachedLLM

ASKED = [Message("user", "Why?")]


def test_the_same_content_is_asked_once(tmp_path: Path) -> None:
    llm = ScriptedLLM(["first", "second"])
    cached = CachedLLM(llm, tmp_path, model_name="m")
    assert cached.generate(ASKED) == cached.generate(ASKED)
    assert len(llm.calls) == 1
    again = CachedLLM(ScriptedLLM([]), tmp_path, model_name="m")
    assert again.complete(ASKED) == cached.complete(ASKED)


def test_other_content_is_another_question(tmp_path: Path) -> None:
    llm = ScriptedLLM(lambda messages: messages[-1].content)
    cached = CachedLLM(llm, tmp_path, model_name="m")
    cached.complete(ASKED)
    cached.complete(ASKED, max_tokens=5)
    cached.complete(ASKED, stop=["?"])
    cached.complete([Message("system", "Why?")])
    CachedLLM(llm, tmp_path, model_name="n").complete(ASKED)
    assert len(llm.calls) == 5


def test_a_failed_call_is_asked_again(tmp_path: Path) -> None:
    cached = CachedLLM(ScriptedLLM([TimeoutError(), "now"]), tmp_path, model_name="m")
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
        return CachedLLM(llm, self.folder, model_name="m")
