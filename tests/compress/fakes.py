"""A reader with a known outcome, and passages to read."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from ragthrift import Passage
from ragthrift.compress import Reading
from ragthrift.lexical import words


@dataclass
class WordReader:
    """Keeps words of the query, token by token; counts how often it is asked."""

    calls: list[int] = field(default_factory=list)

    def read(self, query: str, passages: Sequence[Passage]) -> list[Reading]:
        self.calls.append(len(passages))
        return [self._read(set(words(query)), passage.text) for passage in passages]

    def _read(self, asked: set[str], text: str) -> Reading:
        spans = [match.span() for match in re.finditer(r"\w+", text)]
        keep = [float(words(text[a:b])[0] in asked) for a, b in spans]
        found = asked & set(words(text))
        return Reading(len(found) / len(asked) if asked else 0.0, keep, spans)


HANDBOOK = [
    Passage(
        "# Canteen\n\nThe canteen opens at nine. It closes at three.\n\nWe serve:\n- soup\n- bread",
        id="canteen",
        score=0.4,
        metadata={"title": "Canteen"},
    ),
    Passage(
        "Bicycles are kept in the cellar. The key hangs by the door. Ask the porter.", id="bikes"
    ),
    Passage(
        "| day | open |\n|---|---|\n| Mon | 9-15 |\n| Fri | 9-14 |\n\nThe canteen is free.",
        id="table",
        metadata={"page": 3},
    ),
]
QUERY = "When does the canteen open?"
