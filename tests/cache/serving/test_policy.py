"""The decision from outside: serving, learning, auditing, explaining."""

import json
import random
import threading
import time
from dataclasses import replace

import pytest

from ragthrift.cache.serving import Neighbour, Serving, ServingPolicy, Vetoes
from ragthrift.cache.serving.shadow import interval
from ragthrift.errors import InputError

HOURS = Neighbour("1", "What are your opening hours?", "9 to 5", 0.98, "hours")
ASKED = "what are your opening hours"
DIM = Neighbour("2", "Where can I park near the opera house?", "In the yard.", 0.83, "park")
VAGUE = "Is parking offered around the opera house in the evenings?"


def no_audits(**settings: object) -> ServingPolicy:
    return ServingPolicy(audit_share=0, **settings)  # type: ignore[arg-type]


def test_a_repeat_is_served_and_a_stranger_is_not() -> None:
    policy = no_audits()
    assert policy.decide(ASKED, [HOURS]).serve
    assert not policy.decide("How tall is the tower?", [replace(HOURS, similarity=0.2)]).serve
    assert policy.decide(ASKED, []) == Serving(
        None, False, 0.0, "not served: nothing is stored near the question"
    )


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        ("How do I enable SSH root login?", "How do I disable SSH root login?"),
        ("Who won the cup in 2018?", "Who won the cup in 2014?"),
        ("Is port 6379 open?", "Is port 6379 closed?"),
        ("Is the vase on show?", "Isn't the vase on show?"),
        ("Send it from Ann to Bo", "Send it from Bo to Ann"),
        ("How do I cook rice?", "How do I cook pasta?"),
        ("What does my car insurance cover?", "What does my home insurance cover?"),
    ],
)
def test_a_near_miss_is_not_served(asked: str, stored: str) -> None:
    serving = no_audits().decide(asked, [Neighbour("1", stored, "a", 0.98, "1")])
    assert not serving.serve
    assert serving.reason.startswith("not served")


def test_the_next_neighbour_serves_when_the_nearest_is_forbidden() -> None:
    near = Neighbour("1", "Who won the cup in 2014?", "Ann", 0.99, "a")
    right = Neighbour("2", "who won the cup in 2018", "Bo", 0.97, "b")
    serving = no_audits().decide("Who won the cup in 2018?", [near, right])
    assert serving.neighbour == right


def test_nothing_far_is_served_whatever_its_neighbours_say() -> None:
    crowd = [replace(HOURS, entry_id=str(i), similarity=0.59) for i in range(5)]
    serving = no_audits().decide("when are you open", crowd)
    assert not serving.serve
    assert "too far" in serving.reason


def test_neighbours_of_one_group_speak_for_each_other_and_rivals_against() -> None:
    def confidence(group: str) -> float:
        others = [Neighbour(str(i), DIM.question, "x", 0.82, group) for i in range(3, 7)]
        return no_audits().decide(VAGUE, [DIM, *others]).confidence

    assert confidence("park") > no_audits().decide(VAGUE, [DIM]).confidence > confidence("other")


def test_an_entry_with_wrong_servings_is_trusted_less() -> None:
    policy = no_audits()
    fresh = policy.decide(ASKED, [HOURS]).confidence
    assert policy.decide(ASKED, [replace(HOURS, wrong=2)]).confidence < fresh


def test_labels_change_what_is_served() -> None:
    policy = no_audits()
    doubtful = replace(DIM, similarity=0.9)
    before = policy.decide(VAGUE, [doubtful]).confidence
    for _ in range(60):
        serving = policy.decide(VAGUE, [doubtful])
        label = policy.learn(VAGUE, [doubtful], "On the roof.", serving=serving)
        assert label.agreement == "disagreed"
        assert label.group is None
    assert policy.decide(VAGUE, [doubtful]).confidence < before - 0.1


def test_a_fresh_answer_joins_the_group_that_it_agrees_with() -> None:
    other = Neighbour("7", "How late are you open?", "10 to 6", 0.9, "late")
    policy = no_audits()
    serving = policy.decide(ASKED, [HOURS, other])
    label = policy.learn(ASKED, [HOURS, other], "10 to 6", serving=serving)
    assert (label.agreement, label.group) == ("disagreed", "late")
    assert policy.learn(ASKED, [HOURS], "9 to 5", serving=serving).group == "hours"


def test_learning_needs_the_neighbours_that_were_decided_on() -> None:
    policy = no_audits()
    with pytest.raises(InputError, match="other neighbours"):
        policy.learn(ASKED, [DIM], "9 to 5", serving=policy.decide(ASKED, [HOURS]))


def test_the_judge_can_be_replaced() -> None:
    policy = no_audits(agree=lambda fresh, stored: None)
    serving = policy.decide(VAGUE, [DIM])
    assert policy.learn(VAGUE, [DIM], DIM.answer, serving=serving).agreement == "unknown"


def test_audits_call_the_model_and_are_as_frequent_as_asked() -> None:
    policy = ServingPolicy(audit_share=0.2, seed=1)
    servings = [policy.decide(ASKED, [HOURS]) for _ in range(1000)]
    assert all(serving.serve != serving.audit for serving in servings)
    assert 150 < sum(serving.audit for serving in servings) < 250


def test_audited_errors_stop_the_serving() -> None:
    policy = ServingPolicy(audit_share=1, seed=1)
    for _ in range(40):
        serving = policy.decide(ASKED, [HOURS])
        policy.learn(ASKED, [HOURS], "10 to 6", serving=serving)
    serving = policy.decide(ASKED, [HOURS])
    assert not serving.serve
    assert not serving.audit


def late(question: str, neighbour: Neighbour) -> bool:
    time.sleep(0.5)
    return True


@pytest.mark.parametrize(
    ("opinion", "said"),
    [
        (lambda question, neighbour: True, "agrees"),
        (lambda question, neighbour: 0.97, "agrees"),
        (lambda question, neighbour: False, "disagrees"),
        (lambda question, neighbour: 1 / 0, "failed with ZeroDivisionError"),
        (lambda question, neighbour: float("nan"), "no probability"),
        (lambda question, neighbour: 7, "no probability"),
        (late, "no second opinion within"),
    ],
)
def test_a_second_opinion_settles_the_grey_zone_or_fails_closed(opinion: object, said: str) -> None:
    grey = replace(DIM, similarity=0.65)
    assert 0.3 < no_audits().decide(VAGUE, [grey]).confidence < 0.55
    serving = no_audits(second_opinion=opinion, opinion_timeout=0.1).decide(VAGUE, [grey])
    assert serving.serve == (said == "agrees")
    assert said in serving.reason


def test_a_second_opinion_is_not_asked_about_the_clear_cases() -> None:
    asked: list[str] = []

    def opinion(question: str, neighbour: Neighbour) -> bool:
        asked.append(question)
        return True

    policy = no_audits(second_opinion=opinion)
    policy.decide(ASKED, [HOURS])
    policy.decide("Who won in 2018?", [Neighbour("1", "Who won in 2014?", "a", 0.99, "1")])
    policy.decide("How tall is it?", [replace(DIM, similarity=0.1)])
    assert asked == []


def test_with_a_limit_nothing_is_served_before_it_is_certified() -> None:
    policy = ServingPolicy(max_error_rate=0.05, seed=1)
    servings = []
    for _ in range(300):
        serving = policy.decide(ASKED, [HOURS])
        servings.append(serving.serve)
        if not serving.serve:
            policy.learn(ASKED, [HOURS], HOURS.answer, serving=serving)
    assert not any(servings[:60])
    assert any(servings[60:])
    assert "certified" in policy.decide(ASKED, [HOURS]).reason


def test_what_was_learnt_survives_as_json() -> None:
    policy, draw = ServingPolicy(seed=1), random.Random(0)
    for _ in range(700):
        near = replace(DIM, similarity=0.6 + 0.4 * draw.random())
        serving = policy.decide(VAGUE, [near])
        if not serving.serve:
            answer = near.answer if draw.random() < 0.5 else "On the roof."
            policy.learn(VAGUE, [near], answer, serving=serving)
    state = json.loads(json.dumps(policy.state()))
    again = ServingPolicy.restore(state, audit_share=0)
    assert again.explain(VAGUE, [DIM]) == policy.explain(VAGUE, [DIM])
    assert again.explain(VAGUE, [DIM]) != no_audits().explain(VAGUE, [DIM])
    assert json.loads(json.dumps(again.state())) == state
    with pytest.raises(InputError, match="start without it"):
        ServingPolicy.restore({"version": 0})


def test_a_decision_explains_itself() -> None:
    near = replace(HOURS, question="Who won in 2014?")
    text = no_audits().explain("Who won the cup in 2018?", [near])
    assert text.startswith("not served: the numbers")
    off = no_audits(vetoes=Vetoes(numbers=False))
    text = off.explain("Who won the cup in 2018?", [near])
    assert "numbers 1.000: -" in text


def test_shadow_mode_reports_what_would_have_been_served() -> None:
    policy = no_audits()
    for fresh in ["9 to 5"] * 18 + ["10 to 6"] * 2:
        serving = policy.decide(ASKED, [HOURS])
        policy.shadowed(serving, policy.learn(ASKED, [HOURS], fresh, serving=serving))
    missed = policy.decide(ASKED, [])
    policy.shadowed(missed, policy.learn(ASKED, [], "9 to 5", serving=missed))
    report = policy.shadow_report()
    assert (report.requests, report.would_serve, report.wrong) == (21, 20, 2)
    assert report.wrong_of_hits.low < 0.1 < report.wrong_of_hits.high
    assert "10.00% of the 20 judged ones wrong" in str(report)


def test_the_interval_holds_its_rate_95_times_in_100() -> None:
    draw, held = random.Random(0), 0
    for _ in range(1000):
        found = interval(sum(draw.random() < 0.03 for _ in range(400)), 400)
        held += found.low <= 0.03 <= found.high
    assert 930 <= held <= 975


def test_threads_share_a_policy() -> None:
    policy = ServingPolicy(audit_share=0.5, seed=0)
    failures: list[Exception] = []

    def work() -> None:
        try:
            for _ in range(150):
                serving = policy.decide(VAGUE, [DIM])
                label = policy.learn(VAGUE, [DIM], "In the yard.", serving=serving)
                policy.shadowed(serving, label)
                policy.state()
        except Exception as error:  # noqa: BLE001 - whatever a thread meets fails the test
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert policy.shadow_report().requests == 900
    assert policy.state()["model"]["seen"] == 900


@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_the_audit_share_is_a_share(share: float) -> None:
    with pytest.raises(InputError, match="0 to 1"):
        ServingPolicy(audit_share=share)
