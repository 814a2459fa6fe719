"""First-stage hits with human judgements, as TREC keeps them."""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.shared import read_text
from ragthrift import Passage


@dataclass(frozen=True, slots=True)
class Topic:
    """One query, what the first stage found for it (best first), and the grades."""

    query: str
    hits: tuple[Passage, ...]
    grades: Mapping[str, int]


def read_topics(hits: Path, qrels: Path, limit: int | None = None) -> list[Topic]:
    """Topics of a JSON list of `{"query", "hits": [{"content", "qid", "docid", "score"}]}`."""
    grades = _read_grades(qrels)
    rows = json.loads(read_text(hits))
    return [
        Topic(
            row["query"],
            tuple(
                Passage(hit["content"], id=str(hit["docid"]), score=float(hit["score"]))
                for hit in row["hits"]
            ),
            grades[str(row["hits"][0]["qid"])],
        )
        for row in rows[:limit]
    ]


def _read_grades(path: Path) -> Mapping[str, dict[str, int]]:
    grades: dict[str, dict[str, int]] = defaultdict(dict)
    for line in read_text(path).splitlines():
        topic, _, document, grade = line.split()
        grades[topic][document] = int(grade)
    return grades
