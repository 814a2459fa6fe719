import pytest

from ragthrift.errors import InputError
from ragthrift.route import Ask
from ragthrift.route.answer_features import NAMES, answered
from ragthrift.route.arithmetic import equations
from ragthrift.route.learned_escalation import LearnedEscalation
from ragthrift.route.prior import PriorEscalation
from tests.route.learning.questions import mean, sums

EGGS = Ask("7 boxes hold 12 eggs each. How many eggs are there?")


def gain(model: LearnedEscalation | PriorEscalation, answer: str) -> float:
    return model.gain(EGGS, answer, "cheap", "strong")


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("3 x 12 = 36", [True]),
        ("1,200 / 4 = 300", [True]),
        ("20% * 50 = 10", [True]),
        ("$5 \u00d7 3 = $16", [False]),
        ("2/3 * 10 = 6.67", [True]),
        ("<<3*60=180>>180", [True]),
        ("5 / 0 = 3", []),
        ("2 ** 9999999 = 5", []),
        ("__import__('os') + 1 = 2", []),
        ("x + 3 = 5", []),
        ("in 2024 = last year", []),
    ],
)
def test_equations_are_worked_out_again(text: str, holds: list[bool]) -> None:
    assert [equation.holds for equation in equations(text)] == holds


def test_a_long_row_of_signs_takes_no_time() -> None:
    assert equations("1+" * 20_000 + "=") == []


@pytest.mark.parametrize("answer", ["", " ", "####", "\n\n", "1", "\ud83d\ude00" * 50, "9" * 400])
def test_any_answer_has_a_shape(answer: str) -> None:
    shape = answered(EGGS, answer)
    assert len(shape) == len(NAMES)
    assert all(abs(number) < 1e4 for number in shape)


def test_the_prior_mends_what_shows_to_be_wrong() -> None:
    model = PriorEscalation()
    right = gain(model, "7 x 12 = 84 eggs.")
    assert gain(model, "7 x 12 = 94 eggs.") > right
    assert gain(model, "7 boxes of 12 eggs hold") > right
    assert gain(model, "Unfortunately the number is unclear; however, perhaps 84.") > right


def test_it_learns_that_wrong_sums_are_worth_a_dearer_answer() -> None:
    model = LearnedEscalation().fit(sums(300))
    right = mean(
        [
            model.gain(o.ask, o.answers["cheap"], "cheap", "strong")
            for o in sums(100, seed=1)
            if o.qualities["cheap"] == 1
        ]
    )
    wrong = mean(
        [
            model.gain(o.ask, o.answers["cheap"], "cheap", "strong")
            for o in sums(100, seed=1)
            if o.qualities["cheap"] == 0
        ]
    )
    assert wrong > right + 0.5


def test_another_pair_of_tiers_keeps_the_prior() -> None:
    model = LearnedEscalation().fit(sums(60))
    assert model.gain(EGGS, "84", "middle", "strong") == PriorEscalation().gain(
        EGGS, "84", "middle", "strong"
    )


def test_too_few_outcomes_teach_nothing() -> None:
    model = LearnedEscalation().fit(sums(10))
    assert gain(model, "84") == gain(LearnedEscalation(), "84")


def test_bytes_bring_back_the_same_model() -> None:
    model = LearnedEscalation().fit(sums(80))
    again = LearnedEscalation.from_bytes(model.to_bytes())
    assert gain(again, "7 x 12 = 94") == gain(model, "7 x 12 = 94")
    with pytest.raises(InputError, match="fit it anew"):
        LearnedEscalation.from_bytes(b"")
