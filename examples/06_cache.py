"""Serve what was asked before in other words, and nothing that a changed document made stale."""

from collections.abc import Sequence

from ragthrift import Passage
from ragthrift.cache import Rules, SemanticCache, ServingPolicy, cache_scope
from ragthrift.embed import minilm
from ragthrift.rerank import HybridReranker, Keep
from ragthrift_bench import handbook

reranker = HybridReranker(keep=Keep(top_k=1))
calls = 0


def retrieve(question: str) -> list[Passage]:
    """The best passage of a part of the handbook."""
    return reranker.rank(question, handbook.passages()[:12])


def model(question: str, passages: Sequence[Passage]) -> str:
    """Stands in for a language model: the passage's first sentences."""
    global calls  # noqa: PLW0603 - to show what was saved
    calls += 1
    return " ".join(passages[0].text.split("\n", 1)[-1].split(". ")[:2])


unaudited = ServingPolicy(audit_share=0)  # by default two hits in a hundred are asked again
cache = SemanticCache(minilm(), rules=Rules(declared=("tenant",)), policy=unaudited)
scope = cache_scope(tenant="skarnholt", model="stand-in", corpus="handbook")

for question in (
    "How many days of annual leave do I get?",
    "how many days of annual leave do I get",
    "How many annual leave days do I get?",
    "How many days of sick leave do I get?",
):
    answer = cache.answer(question, model, scope=scope, retrieve=retrieve)
    print(f"{answer.source:8}  {question}")
    print(f"          {answer.lookup.reason}")

gone = cache.invalidate(document_id="h001")
again = cache.answer(
    "How many days of annual leave do I get?", model, scope=scope, retrieve=retrieve
)
print(f"document h001 changed: {gone} answers forgotten, asked again: {again.source}")
print(f"{calls} calls of the model for 5 questions; {cache.counters}")
cache.close()
