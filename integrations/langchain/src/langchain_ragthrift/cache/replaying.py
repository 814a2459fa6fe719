"""Streams: a chain's own chunks on the way into the cache, and a stored output in chunks again."""

import operator
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import reduce
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.runnables.utils import AddableDict

from ragthrift.cache import Answer
from ragthrift.cache.replay import pieces


class Piece(str):
    """The text in a chunk of a chain's stream, with the chunk."""

    __slots__ = ("chunk",)

    chunk: Any

    @classmethod
    def of(cls, chunk: Any, answer_key: str) -> "Piece":
        """The piece of an answer that a chunk brings, empty if it brings none."""
        said = chunk.get(answer_key) if isinstance(chunk, Mapping) else chunk
        text = said if isinstance(said, str) else ""
        piece = cls(str(said.text) if isinstance(said, AIMessage) else text)
        piece.chunk = chunk
        return piece


def own_chunks(source: Generator[str, None, Answer]) -> Generator[Any, None, Answer]:
    """The chunks that come from the chain; the generator returns the whole answer."""
    with closing(source):
        while True:
            try:
                piece = next(source)
            except StopIteration as end:
                answer: Answer = end.value
                return answer
            if isinstance(piece, Piece):
                yield piece.chunk


def joined(chunks: Sequence[Any]) -> Any:
    """The sum of a stream's chunks; the chunks themselves where they do not add up.

    >>> joined(["At ", "nine."]), joined([{"page": 4}, {"answer": "At "}, {"answer": "nine."}])
    ('At nine.', {'page': 4, 'answer': 'At nine.'})
    """
    if chunks and all(isinstance(chunk, str) for chunk in chunks):
        return "".join(chunks)
    if chunks and all(isinstance(chunk, AIMessageChunk) for chunk in chunks):
        return chunks[0] + list(chunks[1:]) if len(chunks) > 1 else chunks[0]
    try:
        return reduce(operator.add, map(_addable, chunks))
    except TypeError:
        return list(chunks)


def _addable(chunk: Any) -> Any:
    return AddableDict(chunk) if isinstance(chunk, Mapping) else chunk


def chunks_of(output: Any, answer_key: str) -> Iterator[Any]:
    """An output as a stream would have brought it: a dict key by key, its answer last.

    >>> list(chunks_of({"answer": "At nine.", "page": 4}, "answer"))
    [{'page': 4}, {'answer': 'At '}, {'answer': 'nine.'}]
    """
    if isinstance(output, str):
        yield from pieces(output)
    elif isinstance(output, AIMessage):
        yield from _message_chunks(output)
    elif isinstance(output, Mapping):
        for key, value in output.items():
            if key != answer_key:
                yield AddableDict({key: value})
        for chunk in _answer_chunks(output[answer_key]):
            yield AddableDict({answer_key: chunk})
    else:
        yield output


def _answer_chunks(answer: Any) -> Iterable[Any]:
    return _message_chunks(answer) if isinstance(answer, AIMessage) else pieces(answer)


def _message_chunks(message: AIMessage) -> Iterator[AIMessageChunk]:
    """Word by word where it is one text; usage and metadata come last, since chunks add up."""
    rest = message.model_dump(exclude={"content", "type", "tool_calls", "invalid_tool_calls"})
    content = message.content
    if isinstance(content, str):
        for text in pieces(content):
            yield AIMessageChunk(content=text, id=message.id)
        content = ""
    yield AIMessageChunk(content=content, **rest, chunk_position="last")
