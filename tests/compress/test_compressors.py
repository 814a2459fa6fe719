"""The contract of every compressor, and what each one is for."""

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ragthrift import Budget, ModelError, Passage, Pipeline
from ragthrift.compress import (
    EmbeddingReader,
    ExtractiveCompressor,
    Limits,
    LLMLinguaCompressor,
    Reading,
    SentencePruner,
    units,
)
from ragthrift.compress.reading import unit_values
from ragthrift.embed import minilm
from ragthrift.protocols import Compressor, Reranker
from ragthrift.testing import CompressorContract, FakeEmbedder, RerankerContract
from tests.compress.fakes import HANDBOOK, QUERY, WordReader


class TestExtractive(CompressorContract):
    def make(self) -> Compressor:
        return ExtractiveCompressor(Limits(rate=0.5), elision=" […]", antecedents=True)


class TestExtractiveWithinABudget(CompressorContract):
    def make(self) -> Compressor:
        return ExtractiveCompressor(Limits(budget=Budget(12), min_score=0.1))


class TestPruner(CompressorContract):
    def make(self) -> Compressor:
        return SentencePruner(WordReader(), Limits(rate=0.4))


class TestPrunerWithAnEmbedder(CompressorContract):
    def make(self) -> Compressor:
        return SentencePruner(EmbeddingReader(FakeEmbedder()), Limits(min_score=0.3))


class TestRanker(RerankerContract):
    def make(self) -> Reranker:
        return SentencePruner(WordReader()).ranker


class TestLLMLingua(CompressorContract):
    @pytest.fixture(autouse=True)
    def _load(self, wordpiece_model: Path) -> None:
        self.compressor = LLMLinguaCompressor(str(wordpiece_model), rate=0.3)

    def make(self) -> Compressor:
        return self.compressor


def test_one_reading_ranks_and_prunes() -> None:
    reader = WordReader()
    pruner = SentencePruner(reader, Limits(rate=0.5))
    both = pruner.rank_and_prune(QUERY, HANDBOOK)
    assert reader.calls == [3], "one call for all passages, and no second one"
    ranked = pruner.ranker.rank(QUERY, HANDBOOK)
    assert [p.id for p in both] == [p.id for p in ranked if p.id in {q.id for q in both}]
    assert all(p.score == q.score for p in both for q in ranked if p.id == q.id)
    texts = {passage.id: passage.text for passage in pruner.compress(QUERY, HANDBOOK)}
    assert {passage.id: passage.text for passage in both} == texts
    assert reader.calls == [3, 3, 3]


def test_nothing_is_read_where_there_is_nothing() -> None:
    reader = WordReader()
    pruner = SentencePruner(reader)
    assert pruner.rank_and_prune(QUERY, []) == pruner.compress(QUERY, []) == []
    assert reader.calls == []


def test_a_pipeline_takes_the_pruner_for_a_compressor() -> None:
    pruner = SentencePruner(WordReader(), Limits(rate=0.5))
    assert not isinstance(pruner, Reranker)
    run = Pipeline([pruner.ranker, pruner], on_error="raise").run(QUERY, HANDBOOK)
    assert run.records[0].passages.after == len(HANDBOOK)
    assert run.tokens.after <= run.tokens.before / 2
    again = Pipeline([pruner.rank_and_prune], on_error="raise").run(QUERY, HANDBOOK)
    assert again.passages == run.passages


def test_the_passage_weighs_as_much_as_asked() -> None:
    passages = [Passage("canteen tea.", id="a"), Passage("canteen opens. Door.", id="b")]
    query = "canteen opens"

    limits = Limits(min_score=2, allow_empty=True)

    def scores(weight: float) -> list[float]:
        pruner = SentencePruner(WordReader(), limits, passage_weight=weight)
        report = pruner.explain(query, passages)
        return [round(drop.score, 3) for drop in report.dropped]

    assert scores(0) == [0.7, 1.0, 0.0]
    assert scores(0.5) == [0.592, 1.0, 0.0]
    assert scores(1) == [0.5, 1.0, 1.0]


@pytest.mark.parametrize(
    "readings",
    [
        [],
        [Reading(1.5, [1.0], [(0, 4)])],
        [Reading(0.5, [float("nan")], [(0, 4)])],
        [Reading(0.5, [1.0, 1.0], [(0, 4)])],
        [Reading(0.5, [-0.1], [(0, 4)])],
    ],
)
def test_an_unsound_reading_is_an_error(readings: list[Reading]) -> None:
    class Broken:
        def read(self, query: str, passages: object) -> list[Reading]:
            return readings

    with pytest.raises(ModelError, match="reading"):
        SentencePruner(Broken()).compress("", [Passage("Four.")])


def test_values_of_tokens_and_of_longer_spans_reach_the_units() -> None:
    text = "One two. Three four. Five."
    cut = units(text)
    tokens = Reading(1.0, [1.0, 0.5, 0.2], [(0, 3), (4, 7), (9, 14)])
    assert np.allclose(unit_values(tokens, cut), [0.75, 0.2, 0.2])
    whole = Reading(1.0, [0.7], [(0, len(text))])
    assert np.allclose(unit_values(whole, cut), [0.7, 0.7, 0.7])
    assert np.allclose(unit_values(Reading(1.0, [], []), cut), 0)


def test_an_embedder_is_asked_once_for_everything() -> None:
    class Counting(FakeEmbedder):
        calls = 0

        def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            self.calls += 1
            return super().embed(texts)

    embedder = Counting()
    readings = EmbeddingReader(embedder).read(QUERY, HANDBOOK)
    assert embedder.calls == 1
    assert [len(reading.spans) for reading in readings] == [6, 3, 2]


def test_a_unit_is_read_in_its_context() -> None:
    class Listening(FakeEmbedder):
        def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            self.read = list(texts)
            return super().embed(texts)

    rows = "".join(f"\n{n}\tyes" for n in range(8))
    passages = [
        Passage("# Hours\n\nAt nine.", id="a"),
        Passage("At ten.", id="b", metadata={"title": "Lift"}),
        Passage(f"room\topen{rows}", id="c"),
    ]
    embedder = Listening()
    EmbeddingReader(embedder).read("When?", passages)
    parts = embedder.read[1 + len(passages) :]
    assert parts[:3] == ["# Hours", "Hours: At nine.", "Lift: At ten."]
    assert parts[-1] == "room\topen\n7\tyes"


def test_minilm_keeps_the_sentence_that_answers() -> None:
    passages = [
        Passage("Payday is the 25th. Ask Ann about it. She sits in room 4.", id="pay"),
        Passage("Soup is free for guests. The canteen serves lunch from noon to two.", id="food"),
    ]
    pruner = SentencePruner(EmbeddingReader(minilm()), Limits(budget=Budget(12)))
    kept = pruner.rank_and_prune("When is lunch served?", passages)
    assert [passage.text for passage in kept] == ["The canteen serves lunch from noon to two."]


def test_extraction_prefers_rare_words_of_the_question_in_any_script() -> None:
    text = "图书馆在二楼。食堂在九点开门。停车场免费。"
    (kept,) = ExtractiveCompressor(Limits(rate=0.4)).compress("食堂几点开门", [Passage(text)])
    assert kept.text == "食堂在九点开门。"


def test_what_is_said_twice_is_kept_once() -> None:
    twice = [
        Passage("The canteen opens at nine o'clock.", id="a"),
        Passage("The canteen opens at nine o'clock.", id="b"),
        Passage("The canteen opens later on Fridays.", id="c"),
    ]
    kept = ExtractiveCompressor(Limits(rate=0.7)).compress(QUERY, twice)
    assert [passage.id for passage in kept] == ["a", "c"]


def test_a_title_and_a_score_speak_for_a_passage() -> None:
    plain = [Passage("It opens at nine.", id=name) for name in "ab"]
    titled = [plain[0], Passage("It opens at nine.", id="b", metadata={"title": "Canteen"})]
    scored = [plain[0].with_score(0.1), plain[1].with_score(0.9)]
    for passages in (titled, scored):
        (kept,) = ExtractiveCompressor(Limits(rate=0.5)).compress("canteen", passages)
        assert kept.id == "b"


def test_a_long_document_takes_no_time() -> None:
    text = "The canteen opens at nine and closes at three. " * 2200
    started = time.perf_counter()
    ExtractiveCompressor(Limits(rate=0.25)).compress(QUERY, [Passage(text)])
    assert time.perf_counter() - started < 3
