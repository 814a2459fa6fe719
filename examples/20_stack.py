"""Every lever in one order, on one question after the other, with the ledger's own bill."""

from collections import Counter

from ragthrift import Scope
from ragthrift.cache import SemanticCache, ServingPolicy
from ragthrift.compress import ExtractiveCompressor
from ragthrift.embed import minilm
from ragthrift.ledger import SqliteLedger
from ragthrift.prompt import PromptLayout
from ragthrift.prompt.output import Allowance, OutputBudget
from ragthrift.rerank import HybridReranker, Keep
from ragthrift.stack import Levers, Stack
from ragthrift.testing import ScriptedLLM
from ragthrift_bench import handbook

ledger = SqliteLedger("calls.db")
levers = Levers(
    cache=SemanticCache(minilm(), policy=ServingPolicy(audit_share=0)),
    rerank=HybridReranker(keep=Keep(top_k=2, max_similarity=0.9)),
    compress=ExtractiveCompressor(),
    layout=PromptLayout(),
    output=OutputBudget({"faq": Allowance.of(60)}, holdout=0),
    ledger=ledger,
)
llm = ScriptedLLM(lambda messages: messages[-1].content.split(". ")[0][:200])
stack = Stack(llm, levers, system="Answer from the handbook only.")
shelf = handbook.passages()[:12]

for question in (
    "How many days of annual leave do I get?",
    "how many days of annual leave do I get",
    "How many annual leave days do I get?",
    "How many days of sick leave do I get?",
):
    said = stack.answer(
        question,
        retrieve=lambda _: shelf,
        scope=Scope.of(tenant="skarnholt"),
        request_type="faq",
    )
    print(f"{said.source:8}  {question}")

stack.flush()
calls = list(ledger.calls())
print(Counter("cache" if call.answered_by_cache else "model" for call in calls))
for name, saved in calls[0].savings.items():
    print(f"{name}: {saved.before:.0f} prompt tokens before, {saved.after:.0f} after")
ledger.close()
levers.cache.close()
