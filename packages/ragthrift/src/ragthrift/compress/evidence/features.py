"""What is known of a sentence before it is kept or dropped: numbers, by name."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ragthrift.compress.evidence.sheet import Sheet, Window
from ragthrift.late import STOP_WORDS, STOPPED, inverse_frequency
from ragthrift.lexical import words
from ragthrift.states import TextStates, unit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Bools = NDArray[np.bool_]

NAMES = (
    "sentence",  # cosine of the question with the mean of the sentence's token states
    "sentence_gap",  # the same, less the best of the prompt
    "neighbour",  # the better of the two neighbours in the passage
    "window",  # cosine of the question with the window
    "passage",  # the best window of the passage
    "passage_gap",  # the same, less the best of the prompt
    "bm25",  # the passage's share of the best possible BM25
    "late",  # mean over the question's words of the nearest token in the sentence
    "window_late",  # the same over the whole window
    "lexical",  # idf-weighted share of the question's words that the sentence has
    "beyond",  # the same of the question's words that the heading lacks
    "keep",  # mean keep logit of the sentence's tokens
    "first",  # 1 for the first sentence under its heading
    "place",  # 1 / place under its heading
    "title",  # idf-weighted share of the heading's words that the question has
    "title_asked",  # 1 where the question holds the whole heading
    "names",  # the best window under a heading of another passage that the sentence names
    "named",  # the best sentence of another passage that names this heading
    "hop",  # cosine with the best of the two top sentences of other passages
    "length",  # log of 1 + tokens
)
_TOP, _LEADERS = 6, 2
_SHORTEST_NAME = 4
_BRACKETS = re.compile(r"\s*\([^)]*\)")


@dataclass(slots=True)
class Row:
    """One unit of a prompt and what is known of it."""

    passage: int
    unit: int
    title: str
    vector: "Floats"
    known: dict[str, float]


class Question:
    """A question: its words, its tokens, and how rare its words are in this prompt."""

    def __init__(
        self,
        text: str,
        states: TextStates,
        windows: Sequence[str],
    ) -> None:
        self.text = text
        self.states = states
        self.rarity = inverse_frequency(windows)
        every = list(dict.fromkeys(words(text)))
        self.words = [word for word in every if word not in STOPPED] or every
        self.line = f" {' '.join(words(text))} "
        unit_states = unit(states.states.astype("float32"))
        self.tokens = unit_states[_content_tokens(text, states)]

    def share(self, these: Sequence[str], among: Sequence[str]) -> float:
        """The rarity-weighted share of the first words that are among the second."""
        held = set(among)
        total = sum(map(self.rarity, these))
        return sum(self.rarity(word) for word in these if word in held) / total if total else 0.0


def rows(
    question: Question,
    sheets: Sequence[Sheet],
    read: Sequence[Sequence[TextStates]],
    logits: Sequence[Sequence["Floats"]],
    shares: "NDArray[np.float64]",
) -> list[Row]:
    """Every unit of the prompt that is no heading, in order.

    `read` and `logits` hold, for each sheet, the states and the keep logits of its windows;
    `shares`, shape (sheets,), is BM25's.
    """
    found: list[Row] = []
    for number, sheet in enumerate(sheets):
        of_passage: list[Row] = []
        for window, states, keep in zip(sheet.windows, read[number], logits[number], strict=True):
            of_passage += _window_rows(number, sheet, window, states, keep, question)
        best = max((row.known["window"] for row in of_passage), default=0.0)
        for row in of_passage:
            row.known |= {"passage": best, "bm25": float(shares[number])}
        _add_neighbours(of_passage)
        found += of_passage
    _compare(found)
    _link(found, sheets)
    return found


def matrix(found: Sequence[Row]) -> "Floats":
    """Shape (n, features), in the order of `NAMES`."""
    import numpy as np

    table = [[row.known[name] for name in NAMES] for row in found]
    return np.array(table, dtype=np.float32).reshape(len(found), len(NAMES))


def bare(title: str) -> str:
    """A title without its brackets.

    >>> bare("The Ape (2005 film)")
    'The Ape'
    """
    return _BRACKETS.sub("", title).strip()


def _content_tokens(text: str, states: TextStates) -> list[int]:
    """Places of a question's tokens that are no stop words, marks or special tokens."""
    spelled = [text[start:end].lower() for start, end in states.offsets]
    inner = range(1, len(spelled) - 1)
    plain = [at for at in inner if spelled[at].isalnum()]
    found = [at for at in plain if spelled[at] not in STOP_WORDS]
    return found or list(inner) or [0]


def _window_rows(
    number: int,
    sheet: Sheet,
    window: Window,
    read: TextStates,
    logits: "Floats",
    question: Question,
) -> list[Row]:
    states = read.states.astype("float32")
    near = question.tokens @ unit(states).T
    asked = question.states.vector
    shared = {
        "window": float(read.vector @ asked),
        "window_late": float(near[:, 1:-1].max(axis=1, initial=-1).mean()),
    }
    found = []
    for at in window.units:
        if not sheet.is_heading(at):
            mine = _tokens_of(read, sheet.units[at].start, sheet.units[at].end, window.start)
            vector = unit(states[mine].mean(axis=0))
            known = {
                "sentence": float(vector @ asked),
                "late": float(near[:, mine].max(axis=1).mean()),
                "keep": float(logits[mine].mean()),
            }
            known |= shared | _textual(sheet, at, question)
            found.append(Row(number, at, sheet.title(at), vector, known))
    return found


def _tokens_of(read: TextStates, start: int, end: int, window_start: int) -> "Bools":
    """The tokens of one unit; the first token of all where the window was cut before it."""
    import numpy as np

    starts, ends = read.offsets[:, 0] + window_start, read.offsets[:, 1] + window_start
    mine = (starts >= start) & (ends <= end) & (ends > starts)
    if not mine.any():
        mine[0] = True
    return np.asarray(mine, dtype=np.bool_)


def _textual(sheet: Sheet, at: int, question: Question) -> dict[str, float]:
    heading = words(bare(sheet.title(at)))
    named = [word for word in heading if word not in STOPPED]
    whole = bool(named) and f" {' '.join(heading)} " in question.line
    held = words(sheet.words(at))
    return {
        "lexical": question.share(question.words, held),
        "beyond": question.share([one for one in question.words if one not in heading], held),
        "first": float(sheet.rank(at) == 1),
        "place": 1 / sheet.rank(at),
        "title": question.share(named, question.words),
        "title_asked": float(whole),
        "length": math.log1p(sheet.tokens[at]),
    }


def _add_neighbours(of_passage: Sequence[Row]) -> None:
    for at, row in enumerate(of_passage):
        beside = [*of_passage[max(0, at - 1) : at], *of_passage[at + 1 : at + 2]]
        row.known["neighbour"] = max((one.known["sentence"] for one in beside), default=0.0)


def _compare(found: Sequence[Row]) -> None:
    """What a sentence is beside the best of the prompt."""
    best = max((row.known["sentence"] for row in found), default=0.0)
    best_passage = max((row.known["passage"] for row in found), default=0.0)
    leaders = sorted(found, key=lambda row: -row.known["sentence"])[:_TOP]
    for row in found:
        row.known["sentence_gap"] = row.known["sentence"] - best
        row.known["passage_gap"] = row.known["passage"] - best_passage
        others = [one.vector for one in leaders if one.passage != row.passage][:_LEADERS]
        row.known["hop"] = max((float(row.vector @ one) for one in others), default=0.0)


def _link(found: Sequence[Row], sheets: Sequence[Sheet]) -> None:
    """Sentences that name another passage's heading, and the sentences under that heading."""
    under: dict[tuple[int, str], list[Row]] = {}
    for row in found:
        row.known |= {"names": 0.0, "named": 0.0}
        if len(bare(row.title)) >= _SHORTEST_NAME:
            under.setdefault((row.passage, row.title), []).append(row)
    best = {heading: max(row.known["window"] for row in those) for heading, those in under.items()}
    for row in found:
        text = sheets[row.passage].words(row.unit)
        for heading, those in under.items():
            if heading[0] != row.passage and bare(heading[1]) in text:
                row.known["names"] = max(row.known["names"], best[heading])
                for other in those:
                    other.known["named"] = max(other.known["named"], row.known["sentence"])
