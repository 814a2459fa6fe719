"""Shorten passages to the sentences that a question needs, and see why the rest went."""

from ragthrift import Budget
from ragthrift.compress import EmbeddingReader, Limits, SentencePruner
from ragthrift.tokens import OpenAITokens
from ragthrift_bench import handbook

pruner = SentencePruner(
    EmbeddingReader(),
    Limits(budget=Budget(tokens=120), pin=[r"Section \d+"]),
    token_counter=OpenAITokens("o200k_base"),
    elision=" […]",
)
report = pruner.explain_ranked("How many days of leave do I get?", handbook.passages()[:12])

for kept in report.kept:
    print(f"kept     {kept.passage.score:.2f}  {kept.passage.text}")
for drop in report.dropped[:5]:
    print(f"dropped  {drop.score:.2f}  {drop.text[:60]!r}: {drop.reason}")
print(f"{report.tokens.before} tokens became {report.tokens.after}")
