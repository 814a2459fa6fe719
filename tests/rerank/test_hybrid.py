import pytest

from ragthrift import InputError, Passage, Pipeline
from ragthrift.rerank import HybridReranker, Keep
from ragthrift.testing import RerankerContract
from ragthrift_bench import handbook

FILLER = "The committee met again and approved the minutes of the previous meeting. " * 60


class TestHybridReranker(RerankerContract):
    def make(self) -> HybridReranker:
        return HybridReranker()


def test_the_answering_passage_comes_first() -> None:
    passages = handbook.passages()[:20]
    best = HybridReranker(keep=Keep(top_k=1)).rank("How many vacation days do I get?", passages)
    assert best[0].metadata["title"] == "Annual leave"


def test_scores_lie_between_0_and_1_and_follow_relevance() -> None:
    text = "Annual leave is 27 days."
    scores = HybridReranker().scores("How much annual leave?", [text, "Zinc is a metal.", ""])
    assert ((scores >= 0) & (scores <= 1)).all()
    assert scores.argmax() == 0


def test_a_long_passage_counts_by_its_best_window() -> None:
    answer = "A lost badge costs the host department 10 euros."
    question = "How much does a lost badge cost?"
    scores = HybridReranker(bm25_weight=0).scores(question, [FILLER, FILLER + answer, answer])
    assert scores[1] > scores[0] + 0.2
    assert scores[1] > 0.5 * scores[2]


def test_negative_weight_is_refused() -> None:
    with pytest.raises(InputError, match="bm25_weight"):
        HybridReranker(bm25_weight=-1)


def test_it_is_a_step_and_its_savings_are_recorded() -> None:
    lever = HybridReranker(keep=Keep(top_k=3))
    run = Pipeline([lever]).run("When is payday?", handbook.passages()[:10])
    (record,) = run.records
    assert (record.name, record.passages.after, record.error) == ("HybridReranker", 3, None)
    assert 0.5 < record.tokens.share < 0.9


def test_ids_and_metadata_survive() -> None:
    passage = Passage("Payday is the 25th.", id="x", metadata={"page": 3})
    (ranked,) = HybridReranker().rank("payday", [passage])
    assert (ranked.id, ranked.text, ranked.metadata) == ("x", passage.text, {"page": 3})
    assert passage.score is None
