"""Rerank without a framework, keep what fits a budget, and see why the rest went."""

from ragthrift import Budget
from ragthrift.rerank import HybridReranker, Keep
from ragthrift.tokens import OpenAITokens
from ragthrift_bench import handbook

reranker = HybridReranker(
    keep=Keep(top_k=4, min_gap=0.3, max_similarity=0.8, budget=Budget(tokens=300)),
    token_counter=OpenAITokens("o200k_base"),
)
ranking = reranker.explain("How many days of leave do I get?", handbook.passages()[:12])

for passage in ranking.kept:
    print(f"kept     {passage.score:.2f}  {passage.metadata['title']}")
for drop in ranking.dropped:
    print(f"dropped  {drop.passage.score:.2f}  {drop.passage.metadata['title']}: {drop.reason}")
