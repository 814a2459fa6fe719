"""Answers of the right length and shape: a measured budget, and repairs without documents."""

import random

from pydantic import BaseModel

from ragthrift import Message, Price, Usage
from ragthrift.ledger import Call
from ragthrift.prompt.output import OutputBudget, Repair, StructuredLLM
from ragthrift.testing import ScriptedLLM

PRICE = Price(0.25, 2.0)


class Dish(BaseModel):
    """What is asked for."""

    name: str
    price: float


rng = random.Random(0)
past = [
    Call(
        model="gpt-5-mini",
        usage=Usage(1500, max(5, round(rng.gauss(180, 60)))),
        request_type="faq",
        finish_reason="stop",
    )
    for _ in range(500)
]
budget = OutputBudget.learn(past)
allowed = budget.allowances["faq"]
print(f"asked for: {allowed.words} words; limit: {allowed.max_tokens} tokens")

for conversation in range(1500):
    asking = budget.asking("faq", f"thread-{conversation}")
    usual = max(5, round(rng.gauss(180, 60)))
    written = min(usual, round(rng.gauss(140, 20))) if asking.instruction else usual
    asking.again("stop", Usage(1500, written))
saving = budget.saving(PRICE)
if saving.per_call and saving.dollars:
    low, high = saving.per_call.low, saving.per_call.high
    print(
        f"{saving.calls} answers against {saving.held_out} without: {low:.0f} to {high:.0f} tokens"
    )
    print(f"saved: ${saving.dollars.low:.3f} to ${saving.dollars.high:.3f}")

answers = [
    '```json\n{"name": "Pea soup", "price": 4.5}\n```',
    "{'name': 'Fish', 'price': '9.0',}",
    '{"name": "Bread, "price": 1.2}',
]
small = ScriptedLLM('{"name": "Bread", "price": 1.2}')
repair = Repair(Dish, small)
documents = "A menu of many pages. " * 400
for text in answers:
    asked = StructuredLLM(ScriptedLLM(text), repair)
    answer = asked.ask([Message("user", f"{documents} Which dish?")])
    print(f"{answer.how:>10}: {answer.value!r}")
sent = sum(len(message.content) for call in small.calls for message in call)
print(f"{len(small.calls)} repair call of {sent} characters; the prompt has {len(documents)}")
