"""Late interaction beside cosine and BM25."""

import numpy as np
import pytest
from numpy.typing import NDArray

from ragthrift import InputError, Passage
from ragthrift.late import INTERCEPT, SLOPE, inverse_frequency, late_scores
from ragthrift.rerank import HybridReranker, LateInteractionReranker
from ragthrift.states import StateEncoder, minilm_states
from ragthrift.testing import RerankerContract
from ragthrift_models import minilm_model, minilm_tokenizer

TEXTS = ["The canteen opens at 11:30.", "Payday is the 25th of the month.", "Dogs are not allowed."]


class TestLateInteraction(RerankerContract):
    def make(self) -> LateInteractionReranker:
        return LateInteractionReranker()


def test_scores_are_those_of_the_formula() -> None:
    query = "When does the canteen open?"
    encoder = minilm_states()
    asked, *read = encoder.read([query, *TEXTS])
    late = late_scores(query, asked, read, inverse_frequency(TEXTS))
    without = uncalibrated(LateInteractionReranker(late_weight=0.0).scores(query, TEXTS)) * 1.2
    with_late = uncalibrated(LateInteractionReranker(late_weight=0.25).scores(query, TEXTS)) * 1.45
    assert with_late - without == pytest.approx(0.25 * late.clip(0, 1), abs=1e-4)


def test_without_its_weight_it_is_the_hybrid() -> None:
    query, exact = "What about dogs?", StateEncoder(minilm_model(), minilm_tokenizer())
    ours = LateInteractionReranker(exact, late_weight=0.0).scores(query, TEXTS)
    assert np.abs(uncalibrated(ours) - HybridReranker().scores(query, TEXTS)).max() < 2e-3


def uncalibrated(probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
    p = probabilities.astype(np.float64)
    return np.asarray((np.log(p / (1 - p)) - INTERCEPT) / SLOPE)


def test_rare_words_count_more_than_common_ones() -> None:
    encoder = minilm_states()
    texts = ["the hall is open", "the bar is open", "the zeppelin is open"]
    asked, *read = encoder.read(["the zeppelin", *texts])
    scores = late_scores("the zeppelin", asked, read, inverse_frequency(texts))
    assert scores.argmax() == 2


def test_words_that_stand_there_are_matched_best() -> None:
    asked, same, other = minilm_states().read(["blue parrot", "a blue parrot", "tax forms"])
    scores = late_scores("blue parrot", asked, [same, other], inverse_frequency(["a", "b"]))
    assert scores[0] > 0.7 > scores[1]


def test_long_passages_count_by_their_best_window() -> None:
    filler = "Nothing of note happened in the yard that day. " * 60
    long = Passage(f"{filler}The canteen opens at 11:30. {filler}", id="long")
    ranked = LateInteractionReranker().rank(
        "When does the canteen open?", [Passage(TEXTS[2], id="dogs"), long]
    )
    assert ranked[0].id == "long"


def test_an_empty_question_is_no_error() -> None:
    assert len(LateInteractionReranker().rank("", [Passage(text) for text in TEXTS])) == 3


def test_weights_below_zero_are_refused() -> None:
    with pytest.raises(InputError, match="negative"):
        LateInteractionReranker(late_weight=-1)
