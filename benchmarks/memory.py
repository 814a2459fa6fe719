"""What a conversation's memory costs and what it can still answer: `python -m benchmarks.memory`.

`evidence@N`: of a hundred questions, those all of whose evidence stands word for word in the N
tokens that recall gives back, every turn being an old one. In `by_way`, `facts` are those that a
model read out of the talk; they point at their turns. `cost@P` is that of the prompts of a whole
replay, one call for each message of the user, in millions of input tokens at the full price, where
a cached token costs P; recall and summaries are in it.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from benchmarks.memory_evidence import Remembered, evidence, gated
from benchmarks.memory_peers import PEERS
from benchmarks.memory_replay import CACHED_PRICES, Cost, System, replay
from benchmarks.memory_sets import Talk, read_talk
from benchmarks.memory_systems import PLAIN, by_model, ours
from benchmarks.shared import existing, finish, parser, say
from ragthrift.embed import minilm
from ragthrift.protocols import Embedder
from ragthrift.tokens import OpenAITokens

_USUAL = 0.1
"""The price of a cached token at which prompts and summaries are counted."""


def total(talks: Sequence[Talk], system: System) -> Cost:
    """Of all talks."""
    return sum((replay(talk, system) for talk in talks), Cost())


def costs(talks: Sequence[Talk], embedder: Embedder | None) -> dict[str, float]:
    """Ours, its policy told each price in turn; tokens and summaries as at the usual price."""
    by_price = {price: total(talks, ours(price, embedder)) for price in CACHED_PRICES}
    figures = by_price[_USUAL].figures()
    return figures | {f"cost@{p}": round(cost.at(p), 3) for p, cost in by_price.items()}


def others(talks: Sequence[Talk], *, peers: bool, quiet: bool) -> dict[str, Any]:
    """Other ways, each replayed once; what is not installed is told."""
    found: dict[str, Any] = {}
    systems: dict[str, Callable[[], System]] = {
        "ours, summaries by a model": lambda: by_model(_USUAL),
        **PLAIN,
        **(PEERS if peers else {}),
    }
    for name, begin in systems.items():
        try:
            found[name] = total(talks, begin()).figures()
        except ImportError as error:
            found[name] = f"skipped: {error}"
        say(quiet, f"{name}: {json.dumps(found[name])}")
    return found


def main() -> None:
    """Run the command."""
    arguments = parser(__doc__ or "")
    arguments.add_argument("--locomo", type=existing, nargs="+", required=True)
    arguments.add_argument("--embedder", choices=["minilm", "none"], default="minilm")
    arguments.add_argument("--peers", action="store_true", help="replay other memories beside it")
    chosen = arguments.parse_args()
    talks = [read_talk(path, OpenAITokens()) for path in chosen.locomo]
    if chosen.limit:
        talks = [replace(talk, questions=talk.questions[: chosen.limit]) for talk in talks]
    questions = sum(len(talk.questions) for talk in talks)
    say(chosen.json, f"{len(talks)} conversations, {questions} questions")
    embedder = Remembered(minilm()) if chosen.embedder == "minilm" else None
    result: dict[str, Any] = {
        "conversations": len(talks),
        "questions": questions,
        "embedder": chosen.embedder,
        **evidence(talks, embedder, chosen.seed),
        **gated(talks),
        **costs(talks, embedder),
    }
    say(chosen.json, json.dumps(result))
    finish({**result, "others": others(talks, peers=chosen.peers, quiet=chosen.json)})


if __name__ == "__main__":
    main()
