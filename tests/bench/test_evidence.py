"""Whether evidence survives, on prompts that were cut in known ways."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragthrift import Passage
from ragthrift_bench.cases import Case
from ragthrift_bench.evidence import EVIDENCE, answer_kept, gold_kept, supports_kept

PASSAGES = (
    Passage("The ramp opens at 7. It is steep.", id="a"),
    Passage("Boats are rinsed at the ramp.\nRinsing is free.", id="b"),
    Passage("The canteen opens at 11:30.", id="c"),
)
CASE = Case(
    "When does the ramp open, and what is free there?",
    PASSAGES,
    ("at 7", "7 o'clock"),
    frozenset({"a", "b"}),
    supports=("The ramp opens at 7.", "Rinsing is free."),
)
UNKNOWN = Case("When?", PASSAGES, ("7",), frozenset())


def test_all_is_kept_in_what_was_retrieved() -> None:
    assert [measure(CASE, PASSAGES) for measure in EVIDENCE.values()] == [1, 1, 1]


def test_nothing_is_kept_in_an_empty_prompt() -> None:
    assert [measure(CASE, ()) for measure in EVIDENCE.values()] == [0, 0, 0]


def test_every_gold_passage_is_needed() -> None:
    assert gold_kept(CASE, PASSAGES[:1]) == 0
    assert gold_kept(CASE, PASSAGES[:2]) == 1


def test_a_gold_passage_that_was_compressed_keeps_its_id() -> None:
    short = [PASSAGES[0].with_text("It is steep."), PASSAGES[1]]
    assert gold_kept(CASE, short) == 1
    assert supports_kept(CASE, short) == 0.5
    assert answer_kept(CASE, short) == 0


def test_an_answer_may_survive_in_another_passage() -> None:
    assert answer_kept(CASE, [Passage("Everything opens AT 7!")]) == 1
    assert answer_kept(CASE, [Passage("Everything opens at 17.")]) == 0


def test_an_answer_does_not_reach_from_one_passage_into_the_next() -> None:
    assert answer_kept(CASE, [Passage("Look at"), Passage("7 boats.")]) == 0


def test_a_sentence_is_looked_for_verbatim_but_for_white_space() -> None:
    case = Case("?", (), ("x",), frozenset(), supports=("Rinsing is  free.",))
    assert supports_kept(case, PASSAGES) == 1
    assert supports_kept(case, [Passage("rinsing is free.")]) == 0


def test_what_is_not_known_is_neither_kept_nor_lost() -> None:
    assert gold_kept(UNKNOWN, PASSAGES) is None
    assert supports_kept(UNKNOWN, PASSAGES) is None


@pytest.mark.parametrize(
    ("answers", "known"), [(("Yes",), False), (("no.", "yes"), False), (("yes", "Ann"), True)]
)
def test_yes_and_no_cannot_be_looked_for(answers: tuple[str, ...], known: bool) -> None:
    case = Case("Is it free?", PASSAGES, answers, frozenset())
    assert (answer_kept(case, PASSAGES) is not None) == known


@given(st.sets(st.sampled_from(PASSAGES)))
def test_more_passages_never_keep_less(kept: set[Passage]) -> None:
    for measure in EVIDENCE.values():
        share, whole = measure(CASE, [*kept]), measure(CASE, PASSAGES)
        assert share is not None
        assert whole is not None
        assert 0 <= share <= whole
