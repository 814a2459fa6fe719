"""Metrics of answers, against the reference implementations and by their own laws."""

import random
import string
from collections.abc import Callable, Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from ragthrift import InputError
from ragthrift_bench.answers import (
    METRICS,
    abstained,
    abstains_rightly,
    contains,
    exact_match,
    normalise,
    rouge_l,
    token_f1,
)

WORDS = ["the", "The", "a", "an", "cat", "Cat", "cats", "dog", "U.S.", "1901", "naïve", "don't"]
WORDS += ["well-known", "(mat)", "東京", "…", "/", "€5", "and", "sat"]
PLAIN = ["cat", "dog", "sat", "mat", "1901", "tokyo", "on", "in", "won", "barked"]

answers = st.text(alphabet="abt he.,-'\u00e9\n", max_size=30)
golds = st.lists(answers, min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("The cat", "cat"),
        ("a cat and an owl", "cat and owl"),
        ("THE CAT", "cat"),
        ("there, another; theatre", "there another theatre"),  # articles only as whole words
        ("U.S.", "us"),
        ("don't", "dont"),
        ("well-known", "wellknown"),
        ("the-cat", "thecat"),  # punctuation goes first, and what it held apart grows together
        ("a.", ""),
        ("  two \t\n spaces ", "two spaces"),
        ("$5.00", "500"),
        ("“quoted” … naïve", "“quoted” … naïve"),  # only ASCII counts as punctuation
        ("", ""),
    ],
)
def test_text_is_normalised_as_by_the_script_of_squad(text: str, left: str) -> None:
    assert normalise(text) == left


@pytest.mark.parametrize(
    ("answer", "gold", "em", "f1"),
    [
        ("Denver Broncos", ["Denver Broncos"], 1, 1),
        ("The Denver Broncos.", ["denver broncos"], 1, 1),
        ("Denver Broncos won", ["Denver Broncos"], 0, 0.8),
        ("Broncos Denver", ["Denver Broncos"], 0, 1),  # F1 knows no order
        ("Carolina Panthers", ["Denver Broncos"], 0, 0),
        ("Santa Clara", ["Levi's Stadium", "Santa Clara, California"], 0, 0.8),  # the best gold
        ("Levis Stadium", ["Santa Clara", "Levi's Stadium"], 1, 1),
        ("gold gold gold", ["gold"], 0, 0.5),  # a word counts as often as in both
        ("gold gold", ["gold gold silver"], 0, 0.8),
        ("", ["cat"], 0, 0),
        ("cat", [""], 0, 0),
        ("", [""], 1, 1),  # SQuAD 2.0: no answer is right where there is none
        ("the", ["a"], 1, 1),
    ],
)
def test_scores_are_those_of_the_script_of_squad(
    answer: str, gold: list[str], em: float, f1: float
) -> None:
    assert exact_match(answer, gold) == em
    assert token_f1(answer, gold) == pytest.approx(f1)


def test_f1_is_the_harmonic_mean_of_precision_and_recall() -> None:
    """On 1,000 random cases, counting by taking words away one by one."""
    for answer, gold in random_cases(WORDS):
        assert token_f1(answer, gold) == pytest.approx(max(slow_f1(answer, g) for g in gold))


def slow_f1(answer: str, gold: str) -> float:
    ours, theirs = normalise(answer).split(), normalise(gold).split()
    if not ours or not theirs:
        return float(ours == theirs)
    left = list(theirs)
    for word in ours:
        if word in left:
            left.remove(word)
    same = len(theirs) - len(left)
    precision, recall = same / len(ours), same / len(theirs)
    return 2 * precision * recall / (precision + recall) if same else 0.0


class Normalised:
    """Gives rouge-score the words that SQuAD's normalisation leaves."""

    def tokenize(self, text: str) -> list[str]:
        return normalise(text).split()


@pytest.mark.parametrize(
    ("tokenizer", "words"), [(Normalised(), WORDS), (None, PLAIN)], ids=["squad", "own tokenizer"]
)
def test_rouge_l_is_that_of_rouge_score(tokenizer: Normalised | None, words: list[str]) -> None:
    scorer = RougeScorer(["rougeL"], tokenizer=tokenizer)
    for answer, gold in random_cases(words):
        theirs = scorer.score_multi(gold, answer)["rougeL"].fmeasure
        assert rouge_l(answer, gold) == pytest.approx(theirs), (answer, gold)


def random_cases(words: Sequence[str], count: int = 1000) -> list[tuple[str, list[str]]]:
    chance = random.Random(7)

    def text(longest: int) -> str:
        return " ".join(chance.choices(words, k=chance.randint(0, longest)))

    return [(text(20), [text(8) for _ in range(chance.randint(1, 4))]) for _ in range(count)]


@given(answers, answers)
@example("", "")
@example("the", "")
def test_f1_and_rouge_l_are_symmetric(ours: str, theirs: str) -> None:
    assert token_f1(ours, [theirs]) == token_f1(theirs, [ours])
    assert rouge_l(ours, [theirs]) == rouge_l(theirs, [ours])


@given(answers, golds)
def test_an_exact_match_is_the_best_of_everything(answer: str, gold: list[str]) -> None:
    if exact_match(answer, gold) == 1:
        assert token_f1(answer, gold) == contains(answer, gold) or not normalise(answer)
        assert token_f1(answer, gold) == 1
    assert rouge_l(answer, gold) <= token_f1(answer, gold)


@given(answers, golds)
def test_the_order_of_the_gold_answers_does_not_matter(answer: str, gold: list[str]) -> None:
    for metric in METRICS.values():
        assert metric(answer, gold) == metric(answer, gold[::-1])


@given(st.text(), st.lists(st.text(), min_size=1))
def test_every_metric_lies_between_0_and_1(answer: str, gold: list[str]) -> None:
    for name, metric in METRICS.items():
        assert 0 <= metric(answer, gold) <= 1, name


@given(answers, golds, answers)
def test_another_gold_answer_never_lowers_a_score(
    answer: str, gold: list[str], another: str
) -> None:
    for metric in (exact_match, token_f1, contains, rouge_l):
        assert metric(answer, [*gold, another]) >= metric(answer, gold)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_nothing_to_compare_with_is_an_error(
    metric: Callable[[str, Sequence[str]], float],
) -> None:
    with pytest.raises(InputError, match="no gold answer"):
        metric("Ann", [])


@pytest.mark.parametrize(
    ("answer", "gold", "found"),
    [
        ("It leaves at 17:45 daily.", "17:45", True),
        ("It has 135 seats", "35", False),
        ("the New York Times", "New York", True),
        ("New-York", "New York", False),
        ("York New", "New York", False),
    ],
)
def test_an_answer_is_contained_as_whole_words(answer: str, gold: str, found: bool) -> None:
    assert contains(answer, [gold]) == found


@pytest.mark.parametrize(
    "answer",
    [
        "I don't know.",
        "I don\u2019t know",
        "I do not know the answer to that.",
        "Sorry, I didn't know where to look for that.",
        "Unknown",
        "unanswerable",
        "N/A",
        "No Answer Present.",
        "Not mentioned in the conversation",
        "It is not mentioned.",
        "The passages do not say who won.",
        "The context doesn't provide this information.",
        "There is no information about the prize in the documents.",
        "There is not enough information to answer.",
        "Based on the given passages, I cannot answer this question.",
        "The winner cannot be determined from the text.",
        "I'm unable to answer that. Is there anything else?",
        "None of the passages mention a winner.",
        "Nothing is said of it in the document; the document states nothing.",
        "",
        "...",
    ],
)
def test_a_refusal_is_seen(answer: str) -> None:
    assert abstained(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "Ann",
        "The Unknown Soldier",
        "No",
        "0",
        "Breakfast is not provided.",
        "The vaccine does not contain mercury.",
        "Nobody knows the trouble I've seen",
        "It was Ann. The passages do not say more.",
        "The document says 35 days.",
        "He did not answer the phone.",
        "Most people do not know that it is Canberra.",
        "not guilty",
        "Information Technology",
    ],
)
def test_an_answer_is_no_refusal(answer: str) -> None:
    assert not abstained(answer)


@given(st.text(alphabet=string.ascii_letters + " .", max_size=40))
def test_abstaining_is_right_where_there_is_no_answer(answer: str) -> None:
    refuses = float(abstained(answer))
    assert abstains_rightly(answer, ["Not mentioned"]) == refuses
    assert abstains_rightly(answer, ["Ann", "Bob"]) == 1 - refuses
