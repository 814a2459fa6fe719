"""One order for prompts: found wanting by the linter, laid out, and replayed at list prices."""

from ragthrift import Passage, Usage
from ragthrift.ledger import Call
from ragthrift.prompt import PromptLayout, PromptParts, lint
from ragthrift.provider_cache import after_documents, after_stable, nowhere, replay

MODEL = "claude-sonnet-5-5"
RULES = "You are the waiter of a canteen. Answer by the documents, in one sentence. " * 60
HOURS = Passage("The canteen opens at 11:30 and closes at 14:00. " * 40, id="hours")
PRICES = Passage("Soup is 3 francs, bread is 1 franc, tea is free. " * 40, id="prices")


def parts(number: int, system: str = RULES) -> PromptParts:
    """A question, and what was retrieved for it in the order of its scores."""
    found = [HOURS, PRICES, Passage(f"The menu of day {number}. " * 60, id=f"menu {number}")]
    return PromptParts(
        system=system,
        documents=tuple(found[number % 3 :] + found[: number % 3]),
        context=f"It is day {number}.",
        question=f"Is there soup on day {number}?",
    )


def recorded(layout: PromptLayout, number: int) -> Call:
    """The call as a ledger has it."""
    segments = layout.arrange(parts(number)).segments
    usage = Usage(sum(segment.tokens for segment in segments), 60)
    return Call(model=MODEL, usage=usage, segments=segments, at=1e9 + 20 * number)


dated = [PromptLayout().arrange(parts(n, f"Today is 2026-11-2{n}. {RULES}")) for n in (2, 3)]
print("the linter says:", lint(*dated)[0].explain())

calls = [recorded(PromptLayout(), number) for number in range(300)]
learnt = PromptLayout.learn(calls)
better = [recorded(learnt, number) for number in range(300)]
print("hot documents:", learnt.hot)
print(learnt.arrange(parts(1)).plan.explain())

plain = replay(calls, place=nowhere)
print(f"no caching             ${plain.dollars:.2f}")
for name, laid_out, place in (
    ("the rules marked", calls, after_stable),
    ("documents in order", better, after_documents(learnt.hot)),
):
    found = replay(laid_out, place=place)
    print(f"{name:22} ${found.dollars:.2f}  {-found.saved_against(plain):+.0%}")
