"""The published formats, in small: what is wrong with a file is named with its place."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ragthrift import InputError
from ragthrift_bench.cases import Case
from ragthrift_bench.sets import hotpot, locomo, nq, qed

NQ: dict[str, Any] = {
    "question": "who won",
    "answers": ["Ann"],
    "ctxs": [{"title": "Prizes", "text": "Ann won.", "isgold": True}],
}
HOTPOT: dict[str, Any] = {
    "_id": "h1",
    "question": "Who won the older prize?",
    "answer": "Ann",
    "context": [["Prizes", ["Ann won in 1901.", " Bob won in 1902."]], ["Cats", ["Cats purr."]]],
    "supporting_facts": [["Prizes", 0]],
}
QED: dict[str, Any] = {
    "example_id": 7,
    "title_text": "Prizes",
    "question_text": "who won",
    "paragraph_text": "Ann won in 1901 .",
    "original_nq_answers": [[{"string": "Ann"}], [{"string": "Ann"}, {"string": "1901"}]],
    "annotation": {
        "answer": [{"paragraph_reference": {"string": "Ann won"}}],
        "selected_sentence": {"string": "Ann won in 1901 . "},
    },
}
LOCOMO: dict[str, Any] = {
    "speaker_a": "Ann",
    "speaker_b": "Bob",
    "session_1_date_time": "noon on 1 May, 2023",
    "session_1": [
        {"speaker": "Bob", "dia_id": "D1:1", "text": "Hello!"},
        {"speaker": "Ann", "dia_id": "D1:2", "text": "I won!", "blip_caption": "a photo of a cup"},
    ],
    "session_2_date_time": "noon on 2 May, 2023",
    "session_2": [{"speaker": "Ann", "dia_id": "D2:1", "text": "Still happy."}],
    "session_10_date_time": "noon on 9 May, 2023",
    "session_10": [{"speaker": "Bob", "dia_id": "D10:1", "text": "Again?"}],
    "session_11_date_time": "noon on 10 May, 2023",
    "qa": [
        {"question": "Who won?", "answer": "Ann", "evidence": ["D1:2"], "category": 4},
        {"question": "Why?", "answer": "luck; she said", "evidence": ["D2:1"], "category": 3},
        {"question": "How often?", "answer": 1, "evidence": ["D1:2", "D10:1"], "category": 1},
        {"question": "Lost to?", "answer": "x", "evidence": ["D7:7"], "category": 4},
        {"question": "What?", "adversarial_answer": "a", "evidence": ["D1:1"], "category": 5},
    ],
}


def lines(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def whole(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def without(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}


def test_nq_takes_the_passage_that_is_gold(tmp_path: Path) -> None:
    wrong = {"title": "Cats", "text": "Cats purr.", "isgold": False}
    row = {**NQ, "ctxs": [wrong, *NQ["ctxs"]]}
    case = nq.cases(lines(tmp_path / "nq.jsonl", row))[0]
    assert [p.text for p in case.passages] == ["Prizes\nAnn won."]


def test_qed_takes_every_span_as_an_answer(tmp_path: Path) -> None:
    case = qed.cases(lines(tmp_path / "qed.jsonl", QED))[0]
    assert case.answers == ("Ann", "1901", "Ann won")
    assert case.supports == ("Ann won in 1901 .",)


def test_qed_without_an_explanation_has_no_supports(tmp_path: Path) -> None:
    row = {**QED, "annotation": {"explanation_type": "none"}}
    case = qed.cases(lines(tmp_path / "qed.jsonl", row))[0]
    assert case.answers == ("Ann", "1901")
    assert case.supports == ()


def test_hotpot_joins_its_sentences_as_they_are(tmp_path: Path) -> None:
    case = hotpot.cases(whole(tmp_path / "h.json", [HOTPOT]))[0]
    assert case.passages[0].text == "Prizes\nAnn won in 1901. Bob won in 1902."
    assert case.supports == ("Ann won in 1901.",)


def test_locomo_sorts_sessions_by_number(tmp_path: Path) -> None:
    case = locomo.cases(whole(tmp_path / "talk.json", LOCOMO))[0]
    assert [message.content for message in case.history] == [
        "[noon on 1 May, 2023]\nBob: Hello!",
        "Ann: I won! [shares a photo of a cup]",
        "[noon on 2 May, 2023]\nAnn: Still happy.",
        "[noon on 9 May, 2023]\nBob: Again?",
    ]
    assert [message.role for message in case.history][:2] == ["assistant", "user"]
    assert case.supports == ("I won!",)


def test_locomo_answers_are_made_texts(tmp_path: Path) -> None:
    cases = locomo.cases(whole(tmp_path / "talk.json", LOCOMO))
    assert [case.answers for case in cases] == [("Ann",), ("luck",), ("1",)]
    assert cases[2].gold_ids == {"talk/D1:2", "talk/D10:1"}


def test_locomo_is_read_in_the_layout_of_its_own_repository_too(tmp_path: Path) -> None:
    talk = without(LOCOMO, "qa")
    samples = [{"sample_id": f"conv-{n}", "conversation": talk, "qa": LOCOMO["qa"]} for n in (1, 2)]
    cases = locomo.cases(whole(tmp_path / "locomo10.json", samples))
    assert [case.cluster for case in cases] == ["conv-1"] * 3 + ["conv-2"] * 3
    assert len({case.id for case in cases}) == 6


@pytest.mark.parametrize("cases", [nq.cases, qed.cases])
def test_a_packed_file_is_read_as_it_is(
    cases: Callable[[Path], list[Case]], tmp_path: Path
) -> None:
    row = NQ if cases is nq.cases else QED
    plain, packed = lines(tmp_path / "a.jsonl", row), tmp_path / "a.jsonl.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert cases(packed) == cases(plain)


@pytest.mark.parametrize(
    ("cases", "row", "message"),
    [
        (nq.cases, without(NQ, "answers"), r'line 2 lacks "answers"; it holds "question", "ctxs"'),
        (nq.cases, {**NQ, "answers": []}, r'line 2: "answers" must be a list of at least one'),
        (nq.cases, {**NQ, "answers": [None]}, r'line 2: "answers" must be a text or .* not null'),
        (nq.cases, {**NQ, "question": " "}, r'line 2: "question" must be a text that is not blank'),
        (nq.cases, {**NQ, "ctxs": []}, r'line 2: "ctxs" must hold one gold passage, not 0'),
        (nq.cases, {**NQ, "ctxs": [{"text": "x"}]}, r'line 2, ctxs 1 lacks "title"'),
        (nq.cases, {**NQ, "ctxs": "x"}, r'line 2: "ctxs" must be a list of objects, not "x"'),
        (nq.cases, [], r"line 2 should be a JSON object, not \[\]"),
        (qed.cases, without(QED, "paragraph_text"), r'line 2 lacks "paragraph_text"'),
        (qed.cases, {**QED, "original_nq_answers": [3]}, r"must be a list of lists of spans"),
        (qed.cases, {**QED, "original_nq_answers": [["x"]]}, r'"original_nq_answers" must be'),
        (qed.cases, {**QED, "annotation": []}, r'line 2: "annotation" must be an object'),
    ],
)
def test_a_wrong_line_is_named(
    cases: Callable[[Path], list[Case]], row: object, message: str, tmp_path: Path
) -> None:
    good = NQ if cases is nq.cases else QED
    with pytest.raises(InputError, match=f"set.jsonl, {message}" if "line" in message else message):
        cases(lines(tmp_path / "set.jsonl", good, row))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (without(HOTPOT, "_id"), 'item 2 lacks "_id"'),
        ({**HOTPOT, "context": [["x"]]}, r'item 2: "context" must be a list of \[title'),
        ({**HOTPOT, "supporting_facts": [["Dogs", 0]]}, 'item 2: "supporting_facts" must be'),
        ({**HOTPOT, "supporting_facts": [["Cats", 1]]}, "all of them in the context"),
        ({**HOTPOT, "supporting_facts": []}, "at least one sentence"),
        ("x", "item 2 should be a JSON object"),
    ],
)
def test_a_wrong_item_of_hotpot_is_named(row: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        hotpot.cases(whole(tmp_path / "h.json", [HOTPOT, row]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (without(LOCOMO, "qa"), 'talk.json lacks "qa"'),
        (without(LOCOMO, "session_2_date_time"), 'lacks "session_2_date_time"'),
        ({"speaker_a": "Ann", "qa": []}, "holds no session_1"),
        ({**LOCOMO, "session_1": [{"speaker": "Ann"}]}, 'session_1 1 lacks "text"'),
        ({**LOCOMO, "qa": [{"question": "?", "category": 9}]}, 'qa 1: "category" must be one of'),
        ([1], 'lacks "speaker_a"'),
    ],
)
def test_a_wrong_conversation_is_named(content: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        locomo.cases(whole(tmp_path / "talk.json", content))


@pytest.mark.parametrize("cases", [nq.cases, hotpot.cases, qed.cases, locomo.cases])
def test_a_file_that_cannot_be_read_is_named(
    cases: Callable[..., list[Case]], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"no file .*gone\.json"):
        cases(tmp_path / "gone.json")
    (tmp_path / "broken.json").write_text('{"question": ')
    with pytest.raises(InputError, match=r"broken\.json.* is not JSON"):
        cases(tmp_path / "broken.json")
    (tmp_path / "latin.json").write_bytes('{"question": "café"}'.encode("latin-1"))
    with pytest.raises(InputError, match=r"latin\.json is not UTF-8 at byte 17"):
        cases(tmp_path / "latin.json")
    (tmp_path / "cut.json.gz").write_bytes(gzip.compress(b"{}" * 500)[:20])
    with pytest.raises(InputError, match=r"cut\.json\.gz is not a whole gzip file"):
        cases(tmp_path / "cut.json.gz")
    with pytest.raises(InputError, match="passages=0"):
        cases(_any(cases, tmp_path), passages=0)


def _any(cases: Callable[..., list[Case]], folder: Path) -> Path:
    rows = {nq.cases: NQ, qed.cases: QED}
    if cases in rows:
        return lines(folder / "good.jsonl", rows[cases])
    return whole(folder / "good.json", [HOTPOT] if cases is hotpot.cases else LOCOMO)
