"""Questions that were asked before: what a cache of answers could serve."""

from dataclasses import dataclass
from string import ascii_letters, digits

from ragthrift.ledger import Call
from ragthrift.ledger.near_duplicates import near_duplicates
from ragthrift.ledger.signature import LENGTH

MOST_QUESTIONS = 300_000
"""Different ones that are held; beyond, a sample of all."""
MIN_SIMILARITY = 0.7
_ALPHABET = {letter: place for place, letter in enumerate(f"{ascii_letters}{digits}-_")}
_PLACE = 12
"""Of a character that depends on one value of the MinHash alone: near questions mostly share it,
so that they stay in the sample or leave it together."""


Row = tuple[int, float, float]
"""Calls, dollars, and those of the first call; a tuple, which the garbage collector passes over."""


@dataclass(frozen=True, slots=True)
class RepeatedQuestions:
    """What was asked again by one type of request, without a conversation before it.

    Dollars are those of all calls but the first one of their group.
    """

    request_type: str
    calls: int
    """With a signature, and no history in the prompt."""
    equal: int
    """Asked before in the same words."""
    near: int
    """Asked before in nearly the same ones."""
    dollars: float
    equal_dollars: float
    near_dollars: float
    sampled: float
    """Share of the calls that this was counted on."""

    @property
    def equal_share(self) -> float:
        """Of these calls' dollars."""
        return self.equal_dollars / self.dollars if self.dollars else 0.0

    @property
    def near_share(self) -> float:
        """Of these calls' dollars, equal ones not counted."""
        return self.near_dollars / self.dollars if self.dollars else 0.0


class Questions:
    """Signatures by type of request, with their calls and dollars."""

    def __init__(self, most: int = MOST_QUESTIONS) -> None:
        self._most = most
        self._classes = len(_ALPHABET)
        self._held = 0
        self._found: dict[str, dict[str, Row]] = {}
        self._asked: dict[str, list[float]] = {}
        self.with_history = 0
        """Calls whose question stands in a conversation; another's answer is none to it."""

    def add(self, call: Call, dollars: float) -> None:
        """Take in a billed call."""
        if not call.question or call.purpose != "answer" or len(call.question) != LENGTH:
            return
        if "history" in [segment.kind for segment in call.segments]:
            self.with_history += 1
            return
        asked = self._asked.setdefault(call.request_type, [0.0, 0.0])
        asked[0] += 1
        asked[1] += dollars
        if _ALPHABET.get(call.question[_PLACE], 0) >= self._classes:
            return
        held = self._found.setdefault(call.request_type, {})
        row = held.get(call.question)
        if row is None:
            held[call.question] = (1, dollars, dollars)
            self._held += 1
            if self._held > self._most and self._classes > 1:
                self._thin()
            return
        held[call.question] = (row[0] + 1, row[1] + dollars, row[2])

    def _thin(self) -> None:
        """Keep half of the sample."""
        self._classes //= 2
        for name, held in self._found.items():
            self._found[name] = {
                one: row for one, row in held.items() if _ALPHABET[one[_PLACE]] < self._classes
            }
        self._held = sum(map(len, self._found.values()))

    def rows(self) -> tuple[RepeatedQuestions, ...]:
        """Where most dollars were paid again first."""
        found = [self._row(name, held) for name, held in self._found.items() if held]
        return tuple(sorted(found, key=lambda row: -(row.equal_dollars + row.near_dollars)))

    def _row(self, name: str, held: dict[str, Row]) -> RepeatedQuestions:
        groups = near_duplicates(list(held), min_similarity=MIN_SIMILARITY).tolist()
        rows = list(held.values())
        calls = sum(row[0] for row in rows)
        dollars = sum(row[1] for row in rows)
        later = [place for place, group in enumerate(groups) if group != place]
        scale = self._asked[name][0] / calls
        money = self._asked[name][1] / dollars if dollars else 1.0
        return RepeatedQuestions(
            request_type=name,
            calls=round(self._asked[name][0]),
            equal=round(scale * (calls - len(rows))),
            near=round(scale * len(later)),
            dollars=self._asked[name][1],
            equal_dollars=money * sum(row[1] - row[2] for row in rows),
            near_dollars=money * sum(rows[place][2] for place in later),
            sampled=1 / scale,
        )
