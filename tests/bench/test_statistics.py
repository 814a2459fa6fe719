"""Statistics against simulated data with a known truth."""

from statistics import NormalDist

import numpy as np
import pytest

from ragthrift import InputError
from ragthrift_bench.comparison import compare, holm, mcnemar, resolvable_loss
from ragthrift_bench.intervals import lower_bound, mean_interval

SIMULATIONS = 1_000


def _covered(sample: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]", truth: float) -> bool:
    interval = mean_interval(sample.tolist(), resamples=1_000)
    return interval.low <= truth <= interval.high


def test_the_95_percent_interval_covers_paired_answers() -> None:
    generator = np.random.default_rng(1)
    hits = sum(
        _covered(generator.choice([-1.0, 0.0, 1.0], p=[0.1, 0.82, 0.08], size=200), -0.02)
        for _ in range(SIMULATIONS)
    )
    assert 0.93 <= hits / SIMULATIONS <= 0.97


def test_the_one_sided_bound_covers() -> None:
    generator = np.random.default_rng(2)
    hits = sum(
        lower_bound(generator.normal(0.1, 0.4, size=150).tolist(), resamples=1_000) <= 0.1
        for _ in range(SIMULATIONS)
    )
    assert 0.93 <= hits / SIMULATIONS <= 0.97


def test_clusters_widen_the_interval_to_where_it_covers() -> None:
    generator = np.random.default_rng(3)
    naive = clustered = 0
    labels = [document for document in range(60) for _ in range(8)]
    for _ in range(300):
        by_document = np.repeat(generator.normal(0, 0.3, size=60), 8)
        values = (by_document + generator.normal(0, 0.1, size=480)).tolist()
        alone = mean_interval(values, resamples=500)
        together = mean_interval(values, clusters=labels, resamples=500)
        naive += alone.low <= 0 <= alone.high
        clustered += together.low <= 0 <= together.high
    assert clustered / 300 >= 0.91
    assert naive / 300 < 0.8


def test_equal_seeds_give_equal_intervals() -> None:
    values = np.random.default_rng(4).normal(size=50).tolist()
    assert mean_interval(values, seed=7) == mean_interval(values, seed=7)
    assert mean_interval(values, seed=7) != mean_interval(values, seed=8)


def test_one_cluster_and_no_values_are_refused() -> None:
    with pytest.raises(InputError, match="one cluster"):
        mean_interval([1.0, 0.0], clusters=["a", "a"])
    with pytest.raises(InputError, match="at least one value"):
        mean_interval([])
    with pytest.raises(InputError, match="labels"):
        mean_interval([1.0, 0.0], clusters=["a"])


def _quality(count: int, lost: float, won: float, seed: int = 5) -> list[float]:
    generator = np.random.default_rng(seed)
    shares = [lost, 1 - lost - won, won]
    return [float(change) for change in generator.choice([-1, 0, 1], p=shares, size=count)]


def test_verdicts() -> None:
    cheaper = [-0.001] * 2_000
    assert compare(cheaper, _quality(2_000, 0.02, 0.02)).verdict == "saves, non-inferior"
    assert compare(cheaper, _quality(2_000, 0.30, 0.02)).verdict == "saves, inferior"
    assert compare([0.001, 0.002] * 1_000, _quality(2_000, 0, 0.1)).verdict == "costs more"


@pytest.mark.parametrize("quality", [[0.0] * 30, _quality(30, 0.05, 0.05)])
def test_thirty_questions_are_inconclusive(quality: list[float]) -> None:
    assert compare([-0.001] * 30, quality).verdict == "inconclusive"


def test_half_the_gold_gone_is_inferior_even_with_few_questions() -> None:
    assert compare([-0.001] * 60, _quality(60, 0.5, 0.0)).verdict == "saves, inferior"


def test_resolvable_loss_is_found_at_80_percent_power() -> None:
    generator = np.random.default_rng(6)
    loss = resolvable_loss(generator.normal(0, 0.3, size=200).tolist())
    error = 0.3 / 200**0.5
    found = sum(
        generator.normal(-loss, 0.3, size=200).mean() < -NormalDist().inv_cdf(0.95) * error
        for _ in range(2_000)
    )
    assert 0.74 <= found / 2_000 <= 0.86


def test_mcnemar_and_holm() -> None:
    assert mcnemar([True] * 5, [True] * 5) == 1.0
    assert mcnemar([True] * 10, [False] * 10) == pytest.approx(2 / 2**10)
    assert holm({"a": 0.2}) == {"a": 0.2}
    assert holm({"a": 0.9, "b": 0.6}) == {"b": 1.0, "a": 1.0}


def test_a_clear_gain_has_a_bound_above_zero() -> None:
    gains = [0.5] * 60 + [0.0] * 20 + [-0.5] * 5
    assert compare([-1.0] * 85, gains).quality_bound > 0.2


def test_where_nothing_changed_a_small_loss_is_still_not_ruled_out() -> None:
    found = compare([-1.0] * 30, [0.0] * 30)
    assert found.quality_bound == pytest.approx(-(1 - 0.05 ** (1 / 30)))
    assert found.resolvable >= -found.quality_bound
