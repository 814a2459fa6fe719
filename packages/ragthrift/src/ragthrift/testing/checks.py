"""How contracts look at a part: through errors, through time and from many threads."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Given = TypeVar("Given")
Result = TypeVar("Result")


@contextmanager
def no_error(doing: str) -> Iterator[None]:
    """Turn any error into a failed assertion that says what was being done.

    The error is shown by its repr, since its text may hold what no terminal can print.
    """
    try:
        yield
    except AssertionError:
        raise
    except Exception as error:
        raise AssertionError(f"{doing} raised {error!r:.300}") from error


def from_threads(
    call: Callable[[Given], Result], arguments: Sequence[Given], *, rounds: int = 3
) -> list[Result]:
    """Results of `call(argument)`, one thread per argument, all started at the same moment.

    Several rounds, each of which gives one result per argument: a race is rarely lost at once.
    """
    start = threading.Barrier(len(arguments))

    def wait_and_call(argument: Given) -> Result:
        start.wait()
        return call(argument)

    results: list[Result] = []
    with no_error("a call from several threads"), ThreadPoolExecutor(len(arguments)) as pool:
        for _ in range(rounds):
            results += pool.map(wait_and_call, arguments)
    return results
