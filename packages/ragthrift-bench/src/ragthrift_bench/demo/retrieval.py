"""What finds passages: FAISS over a corpus, or what was found beforehand."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from ragthrift import Passage
from ragthrift.protocols import Embedder
from ragthrift_bench.cases import Case

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


def known_passages(cases: Sequence[Case]) -> Retrieve:
    """The passages that each case already holds."""
    by_question = {case.question: list(case.passages) for case in cases}
    return by_question.__getitem__


def with_passages(cases: Sequence[Case], retrieve: Retrieve) -> list[Case]:
    """The cases with what a retriever finds for them."""
    return [replace(case, passages=tuple(retrieve(case.question))) for case in cases]
