"""What finds passages: FAISS over a corpus."""

from collections.abc import Callable, Sequence

from ragthrift import Passage
from ragthrift.protocols import Embedder

Retrieve = Callable[[str], list[Passage]]


def faiss_retriever(corpus: Sequence[Passage], embedder: Embedder, top_k: int) -> Retrieve:
    """The `top_k` passages nearest to a question by cosine similarity, best first."""
    import faiss

    vectors = embedder.embed([passage.text for passage in corpus])
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)

    def retrieve(question: str) -> list[Passage]:
        scores, positions = index.search(embedder.embed([question]), top_k)
        found = zip(positions[0], scores[0], strict=True)
        return [corpus[at].with_score(score) for at, score in found if at >= 0]

    return retrieve
