"""The published sets, read from the files as they were published."""

from collections.abc import Callable
from pathlib import Path
from statistics import fmean

import pytest

from ragthrift_bench.cases import Case, cases_hash
from ragthrift_bench.evidence import answer_kept, gold_kept, supports_kept
from ragthrift_bench.sets import hotpot, locomo, nq, qed

SHARED = Path(__file__).parents[3] / "shared" / "data"
NQ = SHARED / "rag" / "nq_open_oracle.jsonl.gz"
HOTPOT = SHARED / "rag" / "hotpotqa_distractor_hipporag.json"
QED = SHARED / "rag" / "qed_dev.jsonl.gz"
LOCOMO = SHARED / "memory" / "locomo_*.json.gz"

Loader = Callable[..., list[Case]]
SETS = {"nq": (nq.cases, NQ), "hotpot": (hotpot.cases, HOTPOT)}
SETS |= {"qed": (qed.cases, QED), "locomo": (locomo.cases, LOCOMO)}


def present(path: Path) -> Path:
    """The file, or the reason why the test is skipped."""
    if not list(path.parent.glob(path.name)):
        pytest.skip(f"{path} is not here: evaluation files are not part of the project")
    return path


@pytest.fixture(params=SETS)
def loader(request: pytest.FixtureRequest) -> tuple[Loader, Path]:
    load, path = SETS[request.param]
    return load, present(path)


def test_every_case_holds_its_gold_among_ten(loader: tuple[Loader, Path]) -> None:
    load, path = loader
    cases = load(path, limit=50)
    assert len({case.id for case in cases}) == len(cases) == 50
    assert all(gold_kept(case, case.passages) == 1 for case in cases)
    assert all(supports_kept(case, case.passages) in (1, None) for case in cases)
    assert all(len({p.id for p in case.passages}) == len(case.passages) for case in cases)
    assert fmean(len(case.passages) for case in cases) > 9.9


def test_a_case_is_the_same_whatever_else_is_asked(loader: tuple[Loader, Path]) -> None:
    load, path = loader
    few, more = load(path, limit=5, seed=3), load(path, limit=20, seed=3)
    assert set(few) <= set(more)
    assert cases_hash(few) == cases_hash(load(path, limit=5, seed=3))
    assert cases_hash(few) != cases_hash(load(path, limit=5, seed=4))


def test_fewer_passages_keep_the_gold(loader: tuple[Loader, Path]) -> None:
    load, path = loader
    for case in load(path, limit=30, passages=1):
        assert len(case.passages) == len(case.gold_ids)
        assert case.keeps_gold(case.passages)


def test_nq_has_a_gold_passage_that_holds_the_answer() -> None:
    cases = nq.cases(present(NQ), limit=200)
    alone = [[p for p in case.passages if p.id in case.gold_ids] for case in cases]
    shares = [answer_kept(case, gold) for case, gold in zip(cases, alone, strict=True)]
    assert all(len(gold) == 1 for gold in alone)
    assert shares.count(0) / len(shares) < 0.02
    assert all(
        case.cluster == gold[0].metadata["title"] for case, gold in zip(cases, alone, strict=True)
    )


def test_distractors_of_nq_and_qed_hold_no_answer() -> None:
    for case in [*nq.cases(present(NQ), limit=50), *qed.cases(present(QED), limit=50)]:
        wrong = [p for p in case.passages if p.id not in case.gold_ids]
        assert len(wrong) == 9
        assert answer_kept(case, wrong) in (0, None)


def test_hotpot_needs_two_paragraphs_of_ten() -> None:
    cases = hotpot.cases(present(HOTPOT))
    assert len(cases) == 100
    assert all(len(case.gold_ids) == 2 for case in cases)
    assert all(len(case.supports) >= 2 for case in cases)
    assert sum(answer_kept(case, case.passages) is None for case in cases) == 9  # yes or no
    first = cases[0]
    assert first.question == "If Gallu is a demon Lilu is what?"
    assert first.answers == ("a spirit",)
    assert first.gold_ids == {"Alû", "Lilu (mythology)"}


def test_hotpot_drops_distractors_from_the_end() -> None:
    ten, five = (hotpot.cases(present(HOTPOT), passages=n)[0] for n in (10, 5))
    assert len(five.passages) == 5
    wrong = [p for p in ten.passages if p.id not in ten.gold_ids][:3]
    assert [p for p in five.passages if p.id not in five.gold_ids] == wrong
    assert [p for p in ten.passages if p in five.passages] == list(five.passages)


def test_qed_has_the_sentence_that_a_person_chose() -> None:
    cases = qed.cases(present(QED), passages=2)
    assert len(cases) == 1355
    assert sum(bool(case.supports) for case in cases) == 1021
    first = cases[0]
    assert first.question == "who got the first nobel prize in physics"
    assert first.answers == ("Wilhelm Conrad Röntgen , of Germany", "Wilhelm Conrad Röntgen")
    assert first.supports[0].startswith("The first Nobel Prize in Physics was awarded in 1901")
    assert first.cluster == "List of Nobel laureates in Physics"
    assert all(answer_kept(case, case.passages) in (1, None) for case in cases)


def test_locomo_asks_on_five_conversations() -> None:
    cases = locomo.cases(present(LOCOMO))
    assert {case.cluster for case in cases} == {f"locomo_{n}" for n in (26, 30, 41, 42, 43)}
    assert all(case.history[0].role in ("user", "assistant") for case in cases)
    kinds = {case.id.split("/")[1] for case in cases}
    assert kinds == {"multi-hop", "temporal", "open-domain", "single-hop"}


def test_locomo_says_when_and_by_whom_a_turn_was_said() -> None:
    case = locomo.cases(present(LOCOMO.with_name("locomo_26.json.gz")))[0]
    assert case.question == "When did Caroline go to the LGBTQ support group?"
    assert case.answers == ("7 May 2023",)
    assert case.id == "locomo_26/temporal/0"
    gold = next(p for p in case.passages if p.id in case.gold_ids)
    assert gold.id == "locomo_26/D1:3"
    assert gold.text.startswith("1:56 pm on 8 May, 2023\nCaroline: I went to a LGBTQ support group")
    assert case.history[0].content.startswith("[1:56 pm on 8 May, 2023]\nCaroline: Hey Mel!")
    assert [m.role for m in case.history[:3]] == ["user", "assistant", "user"]
    assert len(case.history) == 419


def test_locomo_reads_evidence_that_was_written_carelessly() -> None:
    cases = locomo.cases(present(LOCOMO))
    assert any({"locomo_26/D8:6", "locomo_26/D9:17"} <= case.gold_ids for case in cases)
    assert any("locomo_43/D11:26" in case.gold_ids for case in cases)
    assert all(case.gold_ids for case in cases)


def test_locomo_without_an_answer_wants_a_refusal() -> None:
    cases = locomo.cases(present(LOCOMO), categories=[5], history=False)
    assert len(cases) > 200
    assert {case.answers for case in cases} == {(locomo.NOT_MENTIONED,)}
    assert not any(case.history for case in cases)
