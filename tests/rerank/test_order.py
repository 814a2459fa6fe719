import pytest

from ragthrift import InputError, Passage
from ragthrift.rerank import CrossEncoderReranker
from ragthrift.rerank.order import Order

TEXTS = ["e", "b", "a", "d", "c"]
SCORES = {"a": 0.9, "b": 0.8, "c": 0.7, "d": 0.6, "e": 0.5}


def ranked(order: Order) -> list[str]:
    reranker = CrossEncoderReranker(lambda _, texts: [SCORES[t] for t in texts], order=order)
    return [passage.text for passage in reranker.rank("?", [Passage(t, id=t) for t in TEXTS])]


def test_by_score() -> None:
    assert ranked("score") == ["a", "b", "c", "d", "e"]


def test_best_first_and_last_puts_the_worst_in_the_middle() -> None:
    assert ranked("best_first_and_last") == ["a", "c", "e", "d", "b"]


def test_canonical_order_depends_on_the_set_only() -> None:
    def rank(scores: dict[str, float]) -> list[str]:
        reranker = CrossEncoderReranker(
            lambda _, texts: [scores[t] for t in texts], order="canonical"
        )
        return [p.id for p in reranker.rank("?", [Passage(t, id=t) for t in TEXTS])]

    upside_down = {text: 1 - score for text, score in SCORES.items()}
    assert rank(SCORES) == rank(upside_down) == ["a", "b", "c", "d", "e"]


def test_unknown_order_is_refused_with_the_choices() -> None:
    with pytest.raises(InputError, match="canonical"):
        ranked("random")  # type: ignore[arg-type]
