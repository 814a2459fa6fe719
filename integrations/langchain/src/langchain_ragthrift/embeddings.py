"""An embedder of ragthrift where LangChain takes embeddings."""

from langchain_core.embeddings import Embeddings

from ragthrift import ContractError
from ragthrift.protocols import Embedder


class LocalEmbeddings(Embeddings):
    """Any `ragthrift.protocols.Embedder`: a local model, or `ragthrift.embed.minilm()`.

    Vectors have length 1. The async forms work in threads.

    >>> import numpy as np
    >>> class Letters:
    ...     def embed(self, texts):
    ...         return np.eye(26, dtype=np.float32)[[ord(text[0]) - 97 for text in texts]]
    >>> LocalEmbeddings(Letters()).embed_query("bread")[:3]
    [0.0, 1.0, 0.0]
    """

    def __init__(self, embedder: Embedder) -> None:
        if not isinstance(embedder, Embedder):
            raise ContractError(f"{type(embedder).__name__} is no embedder: it needs embed(texts)")
        self.embedder = embedder

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """One vector for each text."""
        return [[float(x) for x in vector] for vector in self.embedder.embed(texts)]

    def embed_query(self, text: str) -> list[float]:
        """The vector of a question."""
        return self.embed_documents([text])[0]
