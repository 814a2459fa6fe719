import random
from collections.abc import Sequence

import numpy as np
import pytest

from ragthrift.errors import InputError
from ragthrift.route import Ask, Outcome, QualityModel
from ragthrift.route.learned import LearnedQuality
from ragthrift.route.prior import PriorQuality
from tests.route.learning.questions import ask_about, mean, outcomes

TIERS = ("cheap", "strong")


def gain(model: QualityModel, ask: Ask) -> float:
    cheap, strong = model.expected(ask, TIERS)
    return strong - cheap


def gains(model: QualityModel, topic: str) -> float:
    draw = random.Random(99)
    return mean([gain(model, ask_about(topic, draw)) for _ in range(50)])


def test_the_prior_expects_more_of_dearer_tiers_and_more_gain_from_harder_asks() -> None:
    easy = Ask("What is 6 x 7?")
    hard = Ask(
        "Compare both treaties, clause by clause, unless a clause has no counterpart; say which "
        "of them never took effect, and by how many percent trade fell without it, and why."
    )
    three = PriorQuality().expected(hard, ["cheap", "middle", "strong"])
    assert list(three) == sorted(three)
    assert gain(PriorQuality(), hard) > gain(PriorQuality(), easy) > 0


def test_gains_grow_with_length_however_long() -> None:
    found = [gain(PriorQuality(), Ask("word " * count)) for count in (5, 50, 500, 1_500)]
    assert found == sorted(found)


def test_it_learns_on_which_topics_the_strong_tier_is_better() -> None:
    model = LearnedQuality().fit(outcomes(300))
    assert gains(model, "chemistry") > gains(model, "history") + 0.25


def test_few_outcomes_leave_the_prior_in_charge() -> None:
    few, many = LearnedQuality().fit(outcomes(20)), LearnedQuality().fit(outcomes(600))
    apart = [gains(model, "chemistry") - gains(model, "history") for model in (few, many)]
    assert abs(apart[0]) < apart[1] * 2 / 3


def test_expectations_have_the_scale_of_what_came_true() -> None:
    model = LearnedQuality().fit(outcomes(800))
    unseen = outcomes(800, seed=1)
    expected = np.array([model.expected(one.ask, TIERS) for one in unseen])
    seen = np.array([[one.qualities[tier] for tier in TIERS] for one in unseen])
    assert np.abs(expected.mean(axis=0) - seen.mean(axis=0)).max() < 0.05
    high = expected[:, 1] - expected[:, 0] > 0.3
    came_true = (seen[:, 1] - seen[:, 0])[high].mean()
    assert abs(came_true - (expected[:, 1] - expected[:, 0])[high].mean()) < 0.12


def test_it_learns_though_no_question_was_put_to_both() -> None:
    draw = random.Random(4)
    alone = []
    for one in outcomes(800):
        tier = draw.choice(TIERS)
        alone.append(Outcome(one.ask, {tier: one.qualities[tier]}, propensity=0.5))
    model = LearnedQuality().fit(alone)
    assert gains(model, "chemistry") > gains(model, "history") + 0.1


def test_a_rarely_tried_outcome_weighs_by_the_inverse_of_its_propensity() -> None:
    asks = [Ask(f"What is {number} and more?") for number in range(200)]
    seen = [Outcome(ask, {"cheap": 1.0, "strong": 1.0}) for ask in asks[:180]]
    seen += [Outcome(a, {"cheap": 0.0, "strong": 1.0}, propensity=0.1) for a in asks[180:]]
    blind = [Outcome(one.ask, one.qualities) for one in seen]
    cheap, _ = LearnedQuality().fit(seen).expected(asks[0], TIERS)
    assumed, _ = LearnedQuality().fit(blind).expected(asks[0], TIERS)
    assert cheap < assumed - 0.2


def test_a_tier_never_tried_keeps_the_prior() -> None:
    ask, names = Ask("What is an acid?"), ["cheap", "new"]
    model = LearnedQuality().fit(outcomes(60))
    assert model.expected(ask, names)[1] == PriorQuality().expected(ask, names)[1]


def test_some_of_the_tiers_may_be_asked_for_in_any_order() -> None:
    model = LearnedQuality().fit(outcomes(60))
    both = dict(zip(TIERS, model.expected(Ask("Why?"), TIERS), strict=True))
    assert model.expected(Ask("Why?"), ["strong"]) == (both["strong"],)


@pytest.mark.parametrize("seen", [[], [Outcome(Ask(""), {})], outcomes(1), outcomes(3)])
def test_next_to_nothing_is_no_error(seen: Sequence[Outcome]) -> None:
    expected = LearnedQuality().fit(seen).expected(Ask("Why?"), TIERS)
    assert all(0 <= quality <= 1 for quality in expected)


def test_equal_questions_and_equal_qualities_are_no_error() -> None:
    seen = [Outcome(Ask("Why?"), {"cheap": 1.0, "strong": 1.0})] * 50
    cheap, strong = LearnedQuality().fit(seen).expected(Ask("Why?"), TIERS)
    assert cheap > 0.9
    assert strong > 0.9


def test_bytes_bring_back_the_same_model() -> None:
    model = LearnedQuality().fit(outcomes(120))
    again = LearnedQuality.from_bytes(model.to_bytes())
    for one in outcomes(20, seed=5):
        assert again.expected(one.ask, TIERS) == model.expected(one.ask, TIERS)


def test_bytes_of_a_prior_are_a_prior() -> None:
    again = LearnedQuality.from_bytes(LearnedQuality().to_bytes())
    assert again.expected(Ask("Why?"), TIERS) == PriorQuality().expected(Ask("Why?"), TIERS)


def test_other_bytes_are_refused() -> None:
    with pytest.raises(InputError, match="fit it anew"):
        LearnedQuality.from_bytes(b"not a model")


def test_the_same_outcomes_make_the_same_model() -> None:
    seen, ask = outcomes(100), Ask("What is a king?")
    first, second = (LearnedQuality().fit(seen).expected(ask, TIERS) for _ in range(2))
    assert first == second


class Topics:
    """An embedder that sees topics, and nothing else."""

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        rows = [[float("acid" in text), float("king" in text)] for text in texts]
        return np.array(rows, dtype=np.float32)


def test_the_applications_embeddings_are_one_more_head() -> None:
    seen = [
        Outcome(Ask(f"{number} {word}"), {"cheap": float(word == "king"), "strong": 1.0})
        for number in range(60)
        for word in ("acid", "king")
    ]
    model = LearnedQuality(embedder=Topics()).fit(seen)
    assert gain(model, Ask("acid")) > gain(model, Ask("king"))
    again = LearnedQuality.from_bytes(model.to_bytes(), embedder=Topics())
    assert gain(again, Ask("acid")) == gain(model, Ask("acid"))
    with pytest.raises(InputError, match="embedder"):
        LearnedQuality.from_bytes(model.to_bytes()).expected(Ask("acid"), TIERS)
