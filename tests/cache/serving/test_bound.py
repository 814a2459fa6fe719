"""Certified thresholds against streams whose truth is known."""

import json
import math
import random

import pytest

from ragthrift.cache.serving.bound import GRID, Bet, Certificate
from ragthrift.cache.serving.drift import Drift
from ragthrift.cache.serving.limits import Limits
from ragthrift.errors import InputError

AUDITED = 0.05


def run(limits: Limits, seed: int, *, requests: int, error: float) -> tuple[int, float]:
    """Answers served, and their true risk, where confidence c errs with chance error * (1 - c)."""
    draw = random.Random(seed)
    served, risk = 0, 0.0
    for _ in range(requests):
        confidence = 1 - 0.4 * draw.random() ** 2
        mistaken = draw.random() < error * (1 - confidence)
        limits.asked(confidence)
        fit = confidence >= limits.threshold
        if fit and draw.random() >= AUDITED:
            limits.served(confidence, audit_share=AUDITED)
            served, risk = served + 1, risk + error * (1 - confidence)
        else:
            limits.labelled(confidence, not mistaken, audit=fit, audit_share=AUDITED)
    return served, risk


@pytest.mark.parametrize("limit", [0.01, 0.02, 0.05])
@pytest.mark.parametrize("error", [0.3, 1.0, 3.0])
def test_wrong_hits_stay_below_the_limit_in_95_of_100_streams(limit: float, error: float) -> None:
    outcomes = [run(Limits(limit), seed, requests=1200, error=error) for seed in range(100)]
    assert sum(risk <= limit * served for served, risk in outcomes) >= 95


@pytest.mark.parametrize("limit", [0.01, 0.05])
def test_wrong_answers_of_all_requests_stay_below_the_limit(limit: float) -> None:
    outcomes = [run(Limits(of_all=limit), seed, requests=1200, error=1.0) for seed in range(100)]
    assert sum(risk <= limit * 1200 for _, risk in outcomes) >= 95


def test_good_traffic_is_served_soon() -> None:
    served, _ = run(Limits(0.05), 1, requests=2000, error=0.1)
    assert served > 1000


def test_at_the_limit_itself_a_certificate_is_rare() -> None:
    """Whoever looks after every label is fooled in at most 5 % of streams; 100 here, 2000 looks."""
    fooled = 0
    for seed in range(100):
        draw, bet = random.Random(seed), Bet(0.05)
        for _ in range(2000):
            bet.observe(float(draw.random() < 0.05), probability=1.0)
        fooled += bet.peak >= math.log(20)
    assert fooled <= 9  # the 97.5 % quantile of Binomial(100, 0.05)


def test_a_laxer_threshold_waits_for_the_stricter() -> None:
    certificate = Certificate(0.05, of_hits=True)
    for _ in range(300):
        certificate.observe(0.8, False, looked=True, probability=1.0)
    assert certificate.threshold is None
    for _ in range(300):
        certificate.observe(0.99, False, looked=True, probability=1.0)
    assert certificate.threshold == GRID[-1]


def test_an_unlooked_serving_says_little_and_an_audited_error_much() -> None:
    unseen, audited = Bet(0.05), Bet(0.05)
    for _ in range(100):
        unseen.observe(0.0, probability=0.02)
        audited.observe(0.0, probability=0.02)
    audited.observe(50.0, probability=0.02)
    assert 0 < unseen.log_wealth < 0.5
    assert audited.log_wealth < unseen.log_wealth - 1


def test_what_cannot_be_told_counts_as_wrong_in_a_bound() -> None:
    limits = Limits(0.05)
    for _ in range(500):
        limits.labelled(0.99, None, audit=False, audit_share=0.02)
    assert limits.threshold > 1


def test_limits_are_saved_and_restored() -> None:
    limits = Limits(0.05, 0.02)
    run(limits, 3, requests=800, error=0.1)
    state = json.loads(json.dumps(limits.state()))
    again = Limits(0.05, 0.02).restored(state)
    assert again.threshold == limits.threshold < 1
    assert Limits(0.01).restored(state).threshold > 1  # another limit has to be earned anew


@pytest.mark.parametrize("limit", [0.0, 1.0, 2.0, -0.1])
def test_a_limit_is_a_share(limit: float) -> None:
    with pytest.raises(InputError, match=r"0\.02 means 2 %"):
        Limits(limit)


def test_drift_tightens_and_calm_takes_it_back() -> None:
    limits = Limits()
    before = limits.threshold
    for _ in range(6):
        limits.labelled(0.99, False, audit=True, audit_share=0.02)
    assert limits.threshold > before
    assert "drift" in limits.why()
    for _ in range(300):
        limits.labelled(0.999, True, audit=True, audit_share=0.02)
    assert "drift" not in limits.why()


def test_drift_revokes_certificates() -> None:
    limits = Limits(0.05)
    for _ in range(200):
        limits.labelled(0.99, True, audit=False, audit_share=0.02)
    assert limits.threshold < 1
    for _ in range(8):
        limits.labelled(0.99, False, audit=True, audit_share=0.02)
    assert limits.threshold > 1


def test_the_expected_rate_raises_no_alarm() -> None:
    draw = random.Random(0)
    drifts = [Drift(0.02) for _ in range(50)]
    for drift in drifts:
        for _ in range(300):
            drift.audited(wrong=draw.random() < 0.01)
    assert sum(drift.level > 0 for drift in drifts) <= 2
