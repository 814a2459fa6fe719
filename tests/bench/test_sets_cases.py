"""A case's identity, and the hash of many."""

import subprocess
import sys
from dataclasses import replace

import pytest

from ragthrift import InputError, Message, Passage
from ragthrift_bench.cases import Case, cases_hash

CASE = Case(
    "Who won in 1901?",
    (Passage("Ann won.", id="a"), Passage("Bob lost.", id="b")),
    ("Ann", "Ann B."),
    frozenset({"a", "b"}),
    history=(Message("user", "Hello"), Message("assistant", "Hello!")),
    cluster="prizes",
    supports=("Ann won.",),
)


def test_a_case_is_named_by_its_question() -> None:
    assert Case("Who?", (), ("Ann",), frozenset()).id == Case("Who?", (), ("Bob",), frozenset()).id
    assert Case("Who?", (), ("Ann",), frozenset()).id != CASE.id
    assert replace(CASE, id="q1").id == "q1"


def test_a_question_of_any_text_has_an_id() -> None:
    assert len(Case("half an emoji: \ud83d", (), ("x",), frozenset()).id) == 16


def test_a_case_without_an_answer_is_an_error() -> None:
    with pytest.raises(InputError, match="'Who\\?' has no answer"):
        Case("Who?", (), (), frozenset())


@pytest.mark.parametrize(
    "other",
    [
        replace(CASE, question="Who lost?", id=CASE.id),
        replace(CASE, passages=CASE.passages[::-1]),
        replace(CASE, passages=(CASE.passages[0].with_text("Ann did."), CASE.passages[1])),
        replace(CASE, answers=("Ann",)),
        replace(CASE, gold_ids=frozenset({"a"})),
        replace(CASE, history=CASE.history[:1]),
        replace(CASE, id="another"),
        replace(CASE, cluster=None),
        replace(CASE, supports=()),
    ],
)
def test_the_hash_sees_every_change(other: Case) -> None:
    assert cases_hash([other]) != cases_hash([CASE])


def test_the_hash_sees_order_and_number() -> None:
    other = replace(CASE, id="other")
    hashes = {cases_hash(c) for c in ([], [CASE], [CASE, CASE], [CASE, other], [other, CASE])}
    assert len(hashes) == 5


def test_scores_and_metadata_do_not_count() -> None:
    scored = tuple(p.with_score(0.1 + 0.2) for p in CASE.passages)
    marked = (replace(CASE.passages[0], metadata={"when": object()}), CASE.passages[1])
    same = (CASE, replace(CASE, passages=scored), replace(CASE, passages=marked))
    assert len({cases_hash([case]) for case in same}) == 1


def test_another_process_finds_the_same_hash() -> None:
    """Sets are kept in another order under every hash seed."""
    code = (
        "from ragthrift_bench.cases import Case, cases_hash\n"
        "gold = frozenset(map(str, range(50)))\n"
        "print(cases_hash([Case('Who?', (), ('Ann',), gold)]))"
    )
    found = {
        subprocess.check_output(
            [sys.executable, "-c", code], text=True, env={"PYTHONHASHSEED": seed}
        )
        for seed in ("1", "2", "3")
    }
    assert len(found) == 1
