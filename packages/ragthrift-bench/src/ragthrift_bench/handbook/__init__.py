"""The demo set: the staff handbook of Skarnholt Instruments, a company that does not exist."""

import json
from importlib.resources import files
from typing import Any

from ragthrift import Passage
from ragthrift_bench.cases import Case

__all__ = ["passages", "questions"]


def passages() -> tuple[Passage, ...]:
    """The whole corpus; the title stands in the metadata and at the head of the text."""
    return tuple(
        Passage(f"{row['title']}\n{row['text']}", id=row["id"], metadata={"title": row["title"]})
        for row in _rows("passages.jsonl")
    )


def questions() -> tuple[Case, ...]:
    """The questions with nothing retrieved yet; the first twelve are a varied dozen."""
    return tuple(
        Case(row["question"], (), tuple(row["answers"]), frozenset(row["gold_ids"]))
        for row in _rows("questions.jsonl")
    )


def _rows(name: str) -> list[dict[str, Any]]:
    text = (files(__package__) / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]
