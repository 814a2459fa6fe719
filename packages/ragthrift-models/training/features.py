"""The library's features on prompts made for training."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ragthrift.compress.evidence.features import NAMES, Question, Row, matrix
from ragthrift.compress.evidence.features import rows as rows_of
from ragthrift.lexical import Bm25
from training.prompts import Prompt
from training.states import States

__all__ = ["NAMES", "Row", "Score", "matrix", "rows"]

Floats = NDArray[np.float32]
Score = Callable[[str, Sequence[str]], list[Floats]]
"""Keep logits of every token of every window, from the question and the windows' texts."""


def rows(prompt: Prompt, states: States, score: Score) -> list[Row]:
    """Every unit of the prompt that is no heading, in order."""
    pieces = [[sheet.piece(window) for window in sheet.windows] for sheet in prompt.sheets]
    every = [piece for group in pieces for piece in group]
    question = Question(prompt.question, states[prompt.question], every)
    logits = iter(score(prompt.question, every))
    return rows_of(
        question,
        prompt.sheets,
        [[states[piece] for piece in group] for group in pieces],
        [[next(logits) for _ in group] for group in pieces],
        Bm25([sheet.text for sheet in prompt.sheets]).shares(prompt.question),
    )
