"""Whether a model writes fast enough to be of use."""

import time
import warnings

from ragthrift.local.server import LlamaServer

SLOWEST = 1.0
"""Tokens per second; below it nobody waits for an answer."""
_TOKENS = 8


def tokens_per_second(server: LlamaServer) -> float:
    """Speed of writing a few tokens, after the first."""
    body = {"prompt": "One, two, three,", "max_tokens": _TOKENS, "ignore_eos": True}
    first, last, written = None, 0.0, 0
    for chunk in server.stream("completions", {**body, "temperature": 0.0}):
        if any(choice.get("text") for choice in chunk["choices"]):
            last = time.perf_counter()
            first = first or last
            written += 1
    if first is None or last <= first:
        return float("inf")
    return (written - 1) / (last - first)


def warn_if_slow(speed: float, model: str, threads: int) -> None:
    """Warn below `SLOWEST`, and say what to do."""
    if speed < SLOWEST:
        warnings.warn(
            f"{model} writes {speed:.2f} tokens a second with {threads} threads. Other work may "
            "hold the CPUs: try fewer threads. If xllamacpp was imported before ragthrift loaded "
            "a model, set OMP_WAIT_POLICY=passive and GOMP_SPINCOUNT=0 before Python starts. "
            "Else take a smaller model or a smaller quantization",
            RuntimeWarning,
            stacklevel=3,
        )
