"""An embedder of ragthrift where LlamaIndex takes an embedding model."""

import asyncio
from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import Field

from ragthrift import InputError
from ragthrift.protocols import Embedder


class LocalEmbedding(BaseEmbedding):
    """Any `ragthrift.protocols.Embedder`: a local model, or `ragthrift.embed.minilm()`.

    Vectors have length 1. The async forms wait in threads.
    """

    embedder: Any = Field(exclude=True, frozen=True, description="Turns texts into vectors.")

    def __init__(self, embedder: Embedder, **fields: Any) -> None:
        if not isinstance(embedder, Embedder):
            raise InputError(f"{embedder!r} has no embed(texts)")
        given: dict[str, Any] = {**fields, "embedder": embedder}
        super().__init__(**given)

    @classmethod
    def class_name(cls) -> str:
        """The name that LlamaIndex serialises the class under."""
        return "LocalEmbedding"

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return [[float(x) for x in vector] for vector in self.embedder.embed(texts)]

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return await asyncio.to_thread(self._get_text_embeddings, texts)

    async def _aget_text_embedding(self, text: str) -> list[float]:
        return await asyncio.to_thread(self._get_text_embedding, text)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return await asyncio.to_thread(self._get_query_embedding, query)
