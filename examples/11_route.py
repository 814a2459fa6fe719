"""A router without a framework: choose, check, learn from outcomes, hold a target."""

from ragthrift import Message, Price, Tier, Usage
from ragthrift.route import Ask, Attempt, Budget, Call, Outcome, Router

TIERS = [
    Tier("cheap", "small-model", Price(0.10, 0.40)),
    Tier("strong", "large-model", Price(2.50, 10.00)),
]


def ask(tier: Tier, call: Call) -> Attempt:
    """Stands in for your client."""
    hard = "Prove" in call.messages[-1].content
    text = "I cannot say." if hard and tier.name == "cheap" else f"{tier.name} says so."
    return Attempt(text, Usage(40, 12))


def outcomes() -> list[Outcome]:
    """What both tiers made of 100 questions; in an application `router.log.outcomes()`."""
    easy = [Outcome(Ask(f"What is {n} + {n}?"), {"cheap": 1, "strong": 1}) for n in range(50)]
    hard = [Outcome(Ask(f"Prove lemma {n}."), {"cheap": 0, "strong": 1}) for n in range(50)]
    return easy + hard


def main() -> None:
    """Ask two questions and print the bill."""
    with Router(TIERS) as router:
        router.fit(outcomes())
        rate = router.calibrate(Budget(share=0.5), outcomes())
        print(f"expected: {rate.quality:.0%} of the strong tier's quality at half the way in cost")
        for question in ("What is 6 + 6?", "Prove lemma 7."):
            call = Call([Message("user", question)])
            routed = router.run(call, ask)
            assert routed.answer
            assert routed.dollars is not None
            print(f"{question} -> {routed.answer.text} (${routed.dollars:.6f})")
        print(router.explain(call))


if __name__ == "__main__":
    main()
