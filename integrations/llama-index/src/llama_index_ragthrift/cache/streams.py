"""Streams of pieces in LlamaIndex's types."""

from collections.abc import Iterable

from llama_index.core.types import TokenAsyncGen, TokenGen


def tokens(source: Iterable[str]) -> TokenGen:
    """The pieces, without what a generator returns at its end; closing it closes the source."""
    yield from source


async def tokens_at_once(source: Iterable[str]) -> TokenAsyncGen:
    """Pieces that are there already."""
    for piece in source:
        yield piece
