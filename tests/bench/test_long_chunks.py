"""Long chunks made of a file's short passages."""

import json
from pathlib import Path

import pytest

from ragthrift import InputError
from ragthrift_bench.answers import contains
from ragthrift_bench.sets.long_chunks import long_chunks


@pytest.fixture
def file(tmp_path: Path) -> Path:
    lines = [
        {
            "question": f"Where is thing number {number}?",
            "answers": [f"room {number}x"],
            "ctxs": [
                {
                    "title": f"Thing {number}",
                    "text": f"Thing number {number} is in room {number}x. " + "It is old. " * 30,
                    "isgold": True,
                }
            ],
        }
        for number in range(40)
    ]
    path = tmp_path / "nq.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


def test_one_chunk_holds_the_gold_passage_and_its_neighbours(file: Path) -> None:
    for case in long_chunks(file, passages=5, chunk_words=400, limit=10):
        assert len(case.passages) == 5
        holding = [passage for passage in case.passages if contains(passage.text, case.answers)]
        assert [passage.id for passage in holding] == list(case.gold_ids)
        for passage in case.passages:
            assert passage.text.count("is in room") == 4


def test_the_place_is_drawn_and_repeats(file: Path) -> None:
    first = long_chunks(file, passages=3, chunk_words=200)
    assert first == long_chunks(file, passages=3, chunk_words=200)
    places = {
        next(at for at, passage in enumerate(case.passages) if passage.id in case.gold_ids)
        for case in first
    }
    assert places == {0, 1, 2}
    assert first != long_chunks(file, passages=3, chunk_words=200, seed=1)


def test_chunks_shorter_than_a_passage_are_refused(file: Path) -> None:
    with pytest.raises(InputError, match="at least 100"):
        long_chunks(file, chunk_words=50)
