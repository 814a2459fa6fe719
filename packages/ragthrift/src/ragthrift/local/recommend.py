"""Which quantization of a model to run here: measured, then chosen."""

import math
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ragthrift.errors import InputError, ModelError
from ragthrift.local.memory_need import available_memory, memory_need
from ragthrift.local.perplexity import Change, Scores, compare_scores, score
from ragthrift.local.quantize import check_source, quantize
from ragthrift.local.quantize_kinds import kind_of

Preference = Literal["size", "speed"]
ORIGINAL = "as given"
_MB = 1e6
USUAL_KINDS = ("q8_0", "q6_k", "q5_k_m", "q4_k_m", "q4_0")


@dataclass(frozen=True, slots=True)
class Measured:
    """One kind of a model, measured on this machine."""

    kind: str
    """A kind of `quantize`, or `as given` for the model that was copied."""
    path: Path
    size: int
    """Bytes of its file."""
    perplexity: float
    change: Change
    """Against the model as given."""
    prefill: float
    """Tokens per CPU-second when it reads a prompt."""
    decode: float
    """Tokens per CPU-second when it writes."""
    seconds: float
    """That it took to quantize; 0 for the model as given."""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The kind to take, and why."""

    chosen: Measured | None
    """`None` if nothing fits and is good enough."""
    reasons: tuple[str, ...]
    """A line for each kind."""

    def __str__(self) -> str:
        head = f"take {self.chosen.kind}" if self.chosen else "none of these will do"
        return "\n".join((head, *(f"  {reason}" for reason in self.reasons)))


def compare(
    source: str | os.PathLike[str],
    kinds: Sequence[str],
    text: str,
    *,
    folder: str | os.PathLike[str] | None = None,
    max_tokens: int = 4096,
    from_quantized: bool = False,
) -> Iterator[Measured]:
    """Quantize and measure, one kind after the other; the model as given comes first.

    The files are `<name of the source>-<kind>.gguf` in `folder`. Without one they are gone when
    the iterator goes on. 4,096 tokens tell a change of 1 % from none; with 400 they do not.

    Raises what `quantize` and `score` raise.
    """
    origin = Path(source)
    wanted = [kind_of(kind).name for kind in dict.fromkeys(kinds)]
    for kind in wanted:
        check_source(origin, kind, from_quantized=from_quantized)
    reference = score(origin, text, max_tokens=max_tokens, timed=True)
    yield _measured(ORIGINAL, origin, reference, reference, 0.0)
    with tempfile.TemporaryDirectory(prefix="ragthrift-") as scratch:
        for kind in wanted:
            target = Path(folder or scratch) / f"{origin.stem}-{kind}.gguf"
            start = time.perf_counter()
            quantize(origin, target, kind, from_quantized=from_quantized)
            seconds = time.perf_counter() - start
            scores = score(target, text, max_tokens=max_tokens, timed=True)
            yield _measured(kind, target, scores, reference, seconds)
            if folder is None:
                target.unlink()


def recommend(
    measured: Sequence[Measured],
    *,
    max_loss: float = 0.01,
    n_ctx: int = 4096,
    slots: int = 1,
    prefer: Preference = "size",
    memory: int | None = None,
) -> Recommendation:
    """The smallest kind, or the fastest writer, that fits and surely loses at most `max_loss`.

    `max_loss` is a relative rise in perplexity: 0.01 is 1 %. It bounds the upper end of the
    interval, so that a kind is not taken because too little text was read. `memory` is in bytes,
    by default what is free; a kind must hold its windows in it, too.
    """
    if not (math.isfinite(max_loss) and max_loss >= 0):
        raise InputError(f"max_loss={max_loss} must be 0 or more; 0.01 is 1 %")
    if not measured:
        raise InputError("nothing was measured; give what compare() yields")
    free = available_memory() if memory is None else memory
    shape = memory_need(measured[0].path, n_ctx=n_ctx, slots=slots)
    reasons, fit = [], []
    for one in measured:
        need = replace(shape, weights=one.size).total
        objections = list(_objections(one, need, free, max_loss))
        if not objections:
            fit.append(one)
        reasons.append(f"{one.kind}: {'; '.join(objections) or _praise(one, need)}")
    key = _size if prefer == "size" else _slowness
    return Recommendation(min(fit, key=key, default=None), tuple(reasons))


def _measured(kind: str, path: Path, scores: Scores, reference: Scores, seconds: float) -> Measured:
    if scores.speed is None:
        raise ModelError(f"{path} was scored without its speed")
    return Measured(
        kind=kind,
        path=path,
        size=path.stat().st_size,
        perplexity=scores.perplexity,
        change=compare_scores(reference, scores),
        prefill=scores.speed.prefill,
        decode=scores.speed.decode,
        seconds=seconds,
    )


def _objections(one: Measured, need: int, free: int | None, max_loss: float) -> Iterator[str]:
    if one.change.high > max_loss:
        yield f"may lose {one.change.high:.2%}, the bound is {max_loss:.2%}"
    if free is not None and need > free:
        yield f"needs {need / _MB:,.0f} MB of {free / _MB:,.0f} MB"


def _praise(one: Measured, need: int) -> str:
    return (
        f"loses at most {max(0.0, one.change.high):.2%}, needs {need / _MB:,.0f} MB, "
        f"writes {one.decode:.0f} tokens per CPU-second"
    )


def _size(one: Measured) -> float:
    return one.size


def _slowness(one: Measured) -> float:
    return -one.decode
