"""`python -m ragthrift.local.perplexity_process`: one model scores a text, in a process of its own.

A process, so that a build of llama.cpp that is not as expected cannot take the caller with it, so
that its CPU time is the model's alone, and so that its memory is free when the next one comes.
The job comes as JSON on standard input, the answer goes as JSON to standard output.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ragthrift.errors import InputError, RagthriftError
from ragthrift.local.perplexity_forward import Forward, ForwardModel, Tokens

_SCORED_AT_ONCE = 128
"""With a vocabulary of 262,144 tokens that is 128 MiB of scores."""
_WRITTEN_TOKENS = 24
_REPEATS = 3


def main() -> None:
    """Do the job on standard input."""
    job = json.load(sys.stdin)
    try:
        answer = _answer(job)
    except RagthriftError as error:
        answer = {"error": str(error), "input": isinstance(error, InputError)}
    json.dump(answer, sys.stdout)


def _answer(job: dict[str, Any]) -> dict[str, Any]:
    model = ForwardModel(Path(job["model"]))
    tokens = model.tokens(job["text"])[: job["max_tokens"]]
    windows = [
        np.concatenate((model.first_token, tokens[start : start + job["window"]]))
        for start in range(0, len(tokens), job["window"])
    ]
    if len(windows[0] if windows else ()) < 2:
        raise InputError("the text is too short to be scored")
    answer: dict[str, Any] = {"tokens": [], "logprobs": [], "likeliest": []}
    n_ctx = job["window"] + 1
    with Forward(model, n_ctx=n_ctx, batch=_SCORED_AT_ONCE, threads=job["threads"]) as forward:
        for window in windows:
            forward.clear()
            for part in _scores(forward, window):
                for name, values in zip(answer, part, strict=True):
                    answer[name].extend(values.tolist())
    if job["timed"]:
        answer |= _speed(model, windows[0])
    return answer


def _scores(forward: Forward, window: Tokens) -> Iterator[tuple[Any, Any, Any]]:
    """Each token after the first, its log-probability, and the token that was likeliest there."""
    for start in range(0, len(window) - 1, _SCORED_AT_ONCE):
        read = window[start : start + _SCORED_AT_ONCE]
        due = window[start + 1 : start + 1 + len(read)]
        scores = forward.read(read, start)[: len(due)]
        peaks = scores.max(axis=1)
        sums = np.exp(scores - peaks[:, None]).sum(axis=1, dtype=np.float64)
        own = scores[np.arange(len(due)), due].astype(np.float64)
        yield due, own - peaks - np.log(sums), scores.argmax(axis=1)


def _speed(model: ForwardModel, prompt: Tokens) -> dict[str, float]:
    """Tokens per CPU-second, the best of a few: what else runs only ever slows it down.

    On one thread: several wait for each other, on busy CPUs for long, and their rates moved by a
    third from run to run where those of one moved by 3 %.
    """
    n_ctx, size = len(prompt) + _WRITTEN_TOKENS, len(prompt)
    reading, writing = [], []
    with Forward(model, n_ctx=n_ctx, batch=size, threads=1) as forward:
        for _ in range(_REPEATS):
            forward.clear()
            reading.append(_cpu_seconds(lambda: forward.read(prompt, 0, last_only=True)))
            writing.append(_cpu_seconds(lambda: _write(forward, prompt[-1:], size)))
    return {"prefill": size / min(reading), "decode": _WRITTEN_TOKENS / min(writing)}


def _write(forward: Forward, token: Tokens, start: int) -> None:
    for place in range(start, start + _WRITTEN_TOKENS):
        token = forward.read(token, place, last_only=True).argmax(axis=1).astype(np.int32)


def _cpu_seconds(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


if __name__ == "__main__":
    main()
