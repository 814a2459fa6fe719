"""Made-up outcomes of which it is known what there is to learn."""

import random
from collections.abc import Sequence

from ragthrift.route import Ask, Outcome

TOPICS = {
    "chemistry": ["acid", "salt", "molecule", "reaction", "bond", "electron", "oxide", "ion"],
    "history": ["king", "treaty", "empire", "battle", "revolt", "dynasty", "crown", "siege"],
}


def ask_about(topic: str, draw: random.Random) -> Ask:
    """A question of a topic, in words drawn from it."""
    words = draw.sample(TOPICS[topic], 4)
    return Ask(f"What does the {words[0]} of a {words[1]} say of {words[2]} and {words[3]}?")


def outcomes(count: int, *, seed: int = 0, noise: float = 0.1) -> list[Outcome]:
    """The strong tier is better at chemistry alone."""
    draw = random.Random(seed)
    made = []
    for _ in range(count):
        topic = draw.choice(sorted(TOPICS))
        right = {"cheap": 0.3 if topic == "chemistry" else 0.9, "strong": 0.9}
        tried = {
            tier: float(draw.random() < (share if draw.random() > noise else 0.5))
            for tier, share in right.items()
        }
        made.append(Outcome(ask_about(topic, draw), tried))
    return made


def sums(count: int, *, seed: int = 0) -> list[Outcome]:
    """The cheap answer is wrong where its sum does not come out."""
    draw = random.Random(seed)
    made = []
    for _ in range(count):
        a, b, wrong = draw.randint(2, 99), draw.randint(2, 99), draw.random() < 0.4
        answer = f"{a} x {b} = {a * b * (2 if wrong else 1)} eggs."
        ask = Ask(f"{a} boxes hold {b} eggs each. How many eggs are there?")
        quality = {"cheap": float(not wrong), "strong": 1.0}
        made.append(Outcome(ask, quality, answers={"cheap": answer}))
    return made


def mean(values: Sequence[float]) -> float:
    """Of at least one."""
    return sum(values) / len(values)
