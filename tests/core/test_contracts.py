"""Every contract passes what keeps it, and fails what breaks any one of its rules."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ragthrift import Passage
from ragthrift.errors import InputError
from ragthrift.protocols import (
    LLM,
    Cache,
    Compressor,
    Embedder,
    Memory,
    Reranker,
    Router,
    TokenCounter,
)
from ragthrift.testing import (
    CacheContract,
    CompressorContract,
    DictCache,
    EmbedderContract,
    FakeEmbedder,
    KeepFirstSentence,
    LastTurnsMemory,
    LLMContract,
    MemoryContract,
    QuestionLengthRouter,
    RerankerContract,
    RouterContract,
    ScriptedLLM,
    TokenCounterContract,
    WordOverlapReranker,
)
from ragthrift.tokens import EstimatedTokens, OpenAITokens
from tests.core.broken import (
    caches,
    compressors,
    embedders,
    llms,
    memories,
    rerankers,
    routers,
    token_counters,
)


class TestWordOverlapReranker(RerankerContract):
    def make(self) -> Reranker:
        return WordOverlapReranker()


class TestWordOverlapRerankerWithTopK(RerankerContract):
    keeps_all = False

    def make(self) -> Reranker:
        return WordOverlapReranker(top_k=2)


class WorstFirst:
    def rank(self, query: str, passages: Sequence[Passage]) -> list[Passage]:
        return WordOverlapReranker().rank(query, passages)[::-1]


class TestAnotherOrder(RerankerContract):
    ordered_by_score = False

    def make(self) -> Reranker:
        return WorstFirst()


class TestKeepFirstSentence(CompressorContract):
    def make(self) -> Compressor:
        return KeepFirstSentence()


class TestFakeEmbedder(EmbedderContract):
    batch_tolerance = 1e-6

    def make(self) -> Embedder:
        return FakeEmbedder()


class TestEstimatedTokens(TokenCounterContract):
    def make(self) -> TokenCounter:
        return EstimatedTokens()


class TestOpenAITokens(TokenCounterContract):
    def make(self) -> TokenCounter:
        return OpenAITokens("o200k_base")


class TestOlderOpenAITokens(TokenCounterContract):
    def make(self) -> TokenCounter:
        return OpenAITokens("cl100k_base")


class TestScriptedLLM(LLMContract):
    def make(self) -> LLM:
        return ScriptedLLM(llms.ANSWER)


class TestSamplingLLM(LLMContract):
    deterministic = False

    def make(self) -> LLM:
        return llms.CountsItsAnswers()


class TestLastTurnMemory(MemoryContract):
    def make(self) -> Memory:
        return LastTurnsMemory(turns=1)


class TestLastTurnsMemory(MemoryContract):
    def make(self) -> Memory:
        return LastTurnsMemory(turns=2)


class TestDictCache(CacheContract):
    def make(self) -> Cache:
        return DictCache()


class TestQuestionLengthRouter(RouterContract):
    def make(self) -> Router:
        return QuestionLengthRouter(self.tiers)


BROKEN: list[tuple[type[Any], str, str, Callable[[], object]]] = [
    (contract, *filed)
    for contract, parts in (
        (CacheContract, caches.BROKEN.made),
        (CompressorContract, compressors.BROKEN.made),
        (EmbedderContract, embedders.BROKEN.made),
        (LLMContract, llms.BROKEN.made),
        (MemoryContract, memories.BROKEN.made),
        (RerankerContract, rerankers.BROKEN.made),
        (RouterContract, routers.BROKEN.made),
        (TokenCounterContract, token_counters.BROKEN.made),
    )
    for filed in parts
]
CONTRACTS = list(dict.fromkeys(contract for contract, *_ in BROKEN))


@pytest.mark.parametrize(
    ("contract", "rule", "make"),
    [(contract, rule, make) for contract, rule, _, make in BROKEN],
    ids=[f"{contract.__name__}-{rule}-{name}" for contract, rule, name, _ in BROKEN],
)
def test_a_broken_part_fails_the_rule_it_breaks(
    contract: type[Any], rule: str, make: Callable[[], object]
) -> None:
    class Tested(contract):  # type: ignore[misc]
        def make(self) -> object:
            return make()

    with pytest.raises(AssertionError) as failure:
        getattr(Tested(), rule)()
    assert failure.type is AssertionError
    assert str(failure.value), f"{rule} fails without saying why"


@pytest.mark.parametrize("contract", CONTRACTS)
def test_every_rule_is_broken_by_some_part(contract: type[Any]) -> None:
    rules = {name for name in vars(contract) if name.startswith("test_")}
    assert rules == {rule for c, rule, _, _ in BROKEN if c is contract}


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_contract_without_a_part_says_what_to_do(contract: type[Any]) -> None:
    with pytest.raises(NotImplementedError, match=r"from make\(\)"):
        contract().make()


def test_a_broken_rule_is_not_hidden_by_an_opt_out_for_another() -> None:
    class Tested(RerankerContract):
        keeps_all = False
        ordered_by_score = False

        def make(self) -> Reranker:
            return rerankers.FunctionReranker(rerankers.invents_a_passage)

    with pytest.raises(AssertionError, match="not given"):
        Tested().test_no_passage_is_invented()


def test_fakes_refuse_what_cannot_work() -> None:
    for make in (
        lambda: FakeEmbedder(dimensions=0),
        lambda: WordOverlapReranker(top_k=0),
        lambda: LastTurnsMemory(turns=0),
        lambda: QuestionLengthRouter([]),
    ):
        with pytest.raises(InputError):
            make()
