"""How well a model foretells a text, and what a smaller copy of it lost."""

import json
import math
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragthrift.errors import InputError, ModelError
from ragthrift.local.gguf import read_gguf
from ragthrift.local.speed import Speed
from ragthrift.machine import available_cpus

_BLOCK = 32
"""Tokens close to each other share a context: the error is that of means over so many."""
_FEWEST_BLOCKS = 8
_TWO_SIDED_95 = 1.96


@dataclass(frozen=True, slots=True)
class Scores:
    """What one model made of a text, token by token."""

    model: str
    tokens: NDArray[np.int32]
    """Shape (n,); the first token of a window is not among them unless one stands before it."""
    logprobs: NDArray[np.float64]
    """Natural logarithm of each token's probability, shape (n,)."""
    likeliest: NDArray[np.int32]
    """The token that the model would have written there, shape (n,)."""
    speed: Speed | None = None

    @property
    def perplexity(self) -> float:
        """Among how many equally likely tokens the model felt itself choosing; lower is better."""
        return math.exp(-float(self.logprobs.mean()))


@dataclass(frozen=True, slots=True)
class Change:
    """What a copy of a model lost against the model, on the same tokens."""

    perplexity: float
    """Relative: 0.01 is 1 % more."""
    low: float
    high: float
    """The ends of its 95 % interval."""
    agreement: float
    """The share of places, 0 to 1, where both would have written the same token."""
    tokens: int

    def __str__(self) -> str:
        return (
            f"{self.perplexity:+.2%} ({self.low:+.2%} to {self.high:+.2%}), "
            f"agreement {self.agreement:.1%}, {self.tokens:,} tokens"
        )


def score(
    path: str | os.PathLike[str],
    text: str,
    *,
    window: int = 512,
    max_tokens: int = 4096,
    threads: int | None = None,
    timed: bool = False,
) -> Scores:
    """Score the first `max_tokens` tokens of a text, each by those before it in its window.

    Windows do not overlap and every token in them counts, so that the perplexity is higher than
    llama.cpp's own, which leaves out the first half of each. `timed` measures the speed, too.

    The model runs in a process of its own. Raises ModelNotFoundError, ModelError, InputError for a
    text that is too short, MissingExtraError without xllamacpp.
    """
    if window < 2 or max_tokens < 2:
        raise InputError(f"window={window} and max_tokens={max_tokens} must be at least 2")
    file = Path(path)
    read_gguf(file)
    job = {
        "model": str(file),
        "text": text,
        "window": window,
        "max_tokens": max_tokens,
        "threads": threads or available_cpus(),
        "timed": timed,
    }
    return _read(file, _run(job))


def compare_scores(reference: Scores, other: Scores) -> Change:
    """Paired: the error of the difference, which is much smaller than that of either value.

    >>> tokens = np.zeros(640, np.int32)
    >>> better = Scores("f16", tokens, np.full(640, -2.0), tokens)
    >>> worse = Scores("q8", tokens, np.tile([-2.0, -2.02], 320), tokens)
    >>> str(compare_scores(better, worse))
    '+1.01% (+1.01% to +1.01%), agreement 100.0%, 640 tokens'
    """
    if not np.array_equal(reference.tokens, other.tokens):
        raise InputError(
            f"{reference.model} and {other.model} did not score the same tokens: "
            "compare copies of one model on one text"
        )
    losses = reference.logprobs - other.logprobs
    blocks = len(losses) // _BLOCK
    if blocks < _FEWEST_BLOCKS:
        raise InputError(
            f"{len(losses)} tokens are too few to compare; give {_FEWEST_BLOCKS * _BLOCK} or more"
        )
    means = losses[: blocks * _BLOCK].reshape(blocks, _BLOCK).mean(axis=1)
    middle = float(losses.mean())
    margin = _TWO_SIDED_95 * float(means.std(ddof=1)) / math.sqrt(blocks)
    return Change(
        perplexity=math.expm1(middle),
        low=math.expm1(middle - margin),
        high=math.expm1(middle + margin),
        agreement=float((reference.likeliest == other.likeliest).mean()),
        tokens=len(losses),
    )


def _run(job: Mapping[str, object]) -> dict[str, Any]:
    from ragthrift.local.llama_library import library_path

    library_path()
    done = subprocess.run(
        [sys.executable, "-m", "ragthrift.local.perplexity_process"],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()[-1:] or ["no word why"]
        raise ModelError(f"llama.cpp ended with {done.returncode} over {job['model']}: {said[0]}")
    answer: dict[str, Any] = json.loads(done.stdout)
    if "error" in answer:
        raise InputError(answer["error"]) if answer["input"] else ModelError(answer["error"])
    return answer


def _read(file: Path, answer: Mapping[str, Any]) -> Scores:
    return Scores(
        model=file.stem,
        tokens=np.array(answer["tokens"], np.int32),
        logprobs=np.array(answer["logprobs"], np.float64),
        likeliest=np.array(answer["likeliest"], np.int32),
        speed=Speed(answer["prefill"], answer["decode"]) if "decode" in answer else None,
    )
