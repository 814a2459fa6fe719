"""Requests in portions that a provider takes."""

from collections.abc import Iterable, Iterator

from ragthrift.batch.file_lines import LINE_BYTES
from ragthrift.batch.provider import Limits
from ragthrift.errors import InputError


def portions(waiting: Iterable[tuple[int, int]], limits: Limits) -> Iterator[list[int]]:
    """Numbers of requests by part, from numbers and lengths in bytes; none is too long for any.

    >>> list(portions([(0, 10), (1, 10), (2, 10)], Limits(requests=2, bytes=1_000)))
    [[0, 1], [2]]
    """
    portion: list[int] = []
    size = 0
    for number, length in waiting:
        line = length + LINE_BYTES
        if portion and (len(portion) == limits.requests or size + line > limits.bytes):
            yield portion
            portion, size = [], 0
        portion.append(number)
        size += line
    if portion:
        yield portion


def check_size(identity: str, body: str, limits: Limits) -> None:
    """Refuse a request that no batch can hold, with InputError."""
    if len(body.encode()) + LINE_BYTES > limits.bytes:
        raise InputError(
            f"the request {identity!r} is larger than a batch may be ({limits.bytes:,} bytes)"
        )
