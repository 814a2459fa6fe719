"""A second opinion on the grey zone, with a time limit, failing closed."""

import math
import threading
from collections.abc import Callable

from ragthrift.cache.serving.neighbour import Neighbour

SecondOpinion = Callable[[str, Neighbour], float | bool]
"""`(question, neighbour) -> P(the stored answer is right)`, or whether it is."""

_AT_ONCE = threading.BoundedSemaphore(16)
"""Opinions that never come back must not pile up threads without end."""


def ask(
    opinion: SecondOpinion, question: str, neighbour: Neighbour, *, timeout: float
) -> tuple[float, str]:
    """The opinion as a probability, and what happened; 0 unless a clear answer came in time.

    >>> near = Neighbour("1", "Is it open?", "Yes.", 0.9, "g")
    >>> ask(lambda question, neighbour: True, "Is it open now?", near, timeout=1)
    (0.999, 'the second opinion agrees')
    """
    if not _AT_ONCE.acquire(blocking=False):
        return 0.0, "no second opinion: too many are still awaited"
    answers: list[float] = []
    failures: list[str] = []

    def run() -> None:
        try:
            answers.append(float(opinion(question, neighbour)))
        except Exception as error:  # noqa: BLE001 - any failure of a plugged-in function means no
            failures.append(type(error).__name__)
        finally:
            _AT_ONCE.release()

    worker = threading.Thread(target=run, daemon=True, name="ragthrift-second-opinion")
    worker.start()
    worker.join(timeout)
    if failures:
        return 0.0, f"the second opinion failed with {failures[0]}"
    if not answers:
        return 0.0, f"no second opinion within {timeout} s"
    if not (math.isfinite(answers[0]) and 0 <= answers[0] <= 1):
        return 0.0, f"the second opinion {answers[0]} is no probability"
    said = "agrees" if answers[0] >= 0.5 else "disagrees"
    return min(answers[0], 0.999), f"the second opinion {said}"
