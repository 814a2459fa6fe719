"""What the fakes say of themselves, beyond the contracts."""

import math
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from ragthrift import Completion, InputError, Message, ModelError, Passage, Scope, Tier, Usage
from ragthrift.testing import (
    DictCache,
    FailingStep,
    FakeEmbedder,
    KeepFirstSentence,
    LastTurnsMemory,
    QuestionLengthRouter,
    ScriptedLLM,
    WordOverlapReranker,
)

ASK = [Message("user", "When does the canteen open?")]


def test_answers_are_given_in_turn() -> None:
    llm = ScriptedLLM(["one", "two"])
    assert [llm.complete(ASK).text for _ in range(2)] == ["one", "two"]
    with pytest.raises(InputError, match="asked 3 times and has 2 answers"):
        llm.complete(ASK)


def test_one_text_answers_everything() -> None:
    llm = ScriptedLLM("yes")
    assert [llm.complete(ASK).text for _ in range(3)] == ["yes"] * 3


def test_a_function_answers_by_the_messages() -> None:
    llm = ScriptedLLM(lambda messages: messages[-1].content.upper())
    assert llm.complete(ASK).text == "WHEN DOES THE CANTEEN OPEN?"


def test_given_errors_are_raised_in_their_turn() -> None:
    llm = ScriptedLLM([TimeoutError("too slow"), "two"])
    with pytest.raises(TimeoutError, match="too slow"):
        llm.complete(ASK)
    assert llm.complete(ASK).text == "two"
    assert len(llm.calls) == 2


def test_a_completion_is_given_as_it_stands() -> None:
    answer = Completion("two", Usage(9, 1, cache_read_tokens=8), "other", "content_filter")
    assert ScriptedLLM([answer]).complete(ASK, max_tokens=1, stop=["t"]) is answer


def test_messages_of_every_call_are_kept_as_they_were() -> None:
    llm = ScriptedLLM("yes")
    messages = list(ASK)
    llm.complete(messages)
    messages.append(Message("assistant", "yes"))
    llm.complete(messages)
    assert llm.calls == [tuple(ASK), tuple(messages)]


@pytest.mark.parametrize(
    ("stop", "max_tokens", "text", "reason"),
    [
        ((), None, "At nine. At three.", "stop"),
        (["At"], None, "", "stop"),
        (["three", "nine"], None, "At ", "stop"),
        (["four"], None, "At nine. At three.", "stop"),
        ((), 2, "At nine.", "length"),
        (["nine"], 2, "At ", "stop"),
        (["three"], 1, "At n", "length"),
        ((), 0, "", "length"),
    ],
)
def test_answers_are_cut_where_they_should_be(
    stop: list[str], max_tokens: int | None, text: str, reason: str
) -> None:
    answer = ScriptedLLM("At nine. At three.").complete(ASK, stop=stop, max_tokens=max_tokens)
    assert (answer.text, answer.finish_reason) == (text, reason)
    assert answer.usage == Usage(7, math.ceil(len(text) / 4))


def test_answers_in_turn_are_given_once_each_to_many_threads() -> None:
    llm = ScriptedLLM([str(place) for place in range(100)])
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda _: llm.complete(ASK).text, range(100))
        assert sorted(answers, key=int) == [str(place) for place in range(100)]


def test_texts_that_share_words_are_near() -> None:
    embed = FakeEmbedder(dimensions=256).embed
    a, b, c = embed(["opening of the canteen", "canteen opening", "yellow bicycles in cellars"])
    assert a @ b > 0.5 > a @ c
    assert embed(["Canteens!"])[0] @ embed(["canteen"])[0] == pytest.approx(1)


@pytest.mark.parametrize("dimensions", [1, 3, 1000])
def test_vectors_have_as_many_dimensions_as_asked(dimensions: int) -> None:
    vectors = FakeEmbedder(dimensions).embed(["a b c d e f", "", "g"])
    assert vectors.shape == (3, dimensions)
    assert (vectors**2).sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_the_same_vectors_come_from_every_process() -> None:
    code = (
        "from ragthrift.testing import FakeEmbedder\n"
        "print(FakeEmbedder(4).embed(['canteen'])[0].tolist())"
    )
    found = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert found.strip() == str(FakeEmbedder(4).embed(["canteen"])[0].tolist())


def test_equal_overlap_keeps_the_order() -> None:
    passages = [Passage("tea"), Passage("soup"), Passage("red"), Passage("bread")]
    ranked = WordOverlapReranker(top_k=3).rank("red soup", passages)
    assert [(p.text, p.score) for p in ranked] == [("soup", 0.5), ("red", 0.5), ("tea", 0.0)]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("One. Two.", "One."),
        ("One! Two.", "One!"),
        ("One?\nTwo.", "One?"),
        ("It costs 1.50 euros. Yes.", "It costs 1.50 euros."),
        ("no end", "no end"),
        ("", ""),
    ],
)
def test_the_first_sentence_is_kept(text: str, first: str) -> None:
    assert KeepFirstSentence().compress("", [Passage(text)])[0].text == first


def test_answers_are_invalidated_by_any_document_of_their_passages() -> None:
    cache = DictCache()
    chunk = Passage("Soup at noon.", id="menu#3", metadata={"document_id": "menu"})
    for question in ("Soup?", "Noon?"):
        cache.store(question, "At noon.", scope=Scope(), passages=[chunk])
    cache.store("Who?", "A canteen.", scope=Scope())
    assert cache.invalidate(document_id="menu#") == 0
    assert cache.invalidate(document_id="menu") == 2
    assert cache.lookup("Who?", scope=Scope()) is not None


@pytest.mark.parametrize(("words", "tier"), [(12, "cheap"), (13, "strong")])
def test_long_questions_go_to_the_last_tier(words: int, tier: str) -> None:
    tiers = [Tier(name, name) for name in ("cheap", "middle", "strong")]
    question = Message("user", "word " * words)
    decision = QuestionLengthRouter(tiers).route([question, Message("assistant", "word " * 50)])
    assert decision.tier.name == tier
    assert str(words) in decision.reason


def test_memory_keeps_as_many_turns_as_asked() -> None:
    talk = [Message("system", "Be brief.")]
    for place in range(4):
        talk += [Message("user", f"question {place}"), Message("assistant", f"answer {place}")]
    assert LastTurnsMemory(turns=2).condense(talk) == [talk[0], *talk[-4:]]
    assert LastTurnsMemory(turns=4).condense(talk) == talk
    assert LastTurnsMemory(turns=9).condense(talk) == talk


@pytest.mark.parametrize("error", [None, TimeoutError("no answer"), KeyboardInterrupt()])
def test_a_failing_step_raises_what_it_was_given(error: BaseException | None) -> None:
    with pytest.raises(type(error) if error else ModelError):
        FailingStep(error)("query", [])


def test_fakes_need_neither_pytest_nor_any_extra() -> None:
    code = """
import sys
for missing in ("pytest", "hypothesis", "tiktoken", "tokenizers", "onnxruntime", "torch"):
    sys.modules[missing] = None
import ragthrift.testing as testing
class Mine(testing.RerankerContract):
    def make(self):
        return testing.WordOverlapReranker()
rules = [name for name in dir(Mine) if name.startswith("test_")]
for rule in rules:
    getattr(Mine(), rule)()
print(len(rules))
"""
    assert int(subprocess.check_output([sys.executable, "-c", code], text=True)) > 10
