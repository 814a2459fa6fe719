"""What a prompt's layout and its breakpoints cost: `python -m benchmarks.prompt`.

Replays the calls of a RAG application (see `benchmarks.prompt_workload`) under each provider's
rules. Every figure is the change of the bill against no caching at all: -0.26 is 26 % less.
`marked_end` writes each prompt to the cache though none begins like another; `middleware` is where
LangChain's `AnthropicPromptCachingMiddleware` marks; `after_stable` is the system message alone;
`canonical` has the hot documents first, in one order, and marks them, too. Dollars are of list
prices.
"""

import json
from collections.abc import Sequence
from typing import Any

from benchmarks.prompt_workload import (
    HOT,
    calls_of,
    middleware_pattern,
    peer_breakpoints,
    unshared,
)
from benchmarks.shared import finish, parser, say
from ragthrift.ledger import Call
from ragthrift.provider_cache import (
    NO_CACHING,
    CacheRules,
    Replayed,
    after_documents,
    after_stable,
    after_stable_and_at_end,
    at_end,
    hot_documents,
    in_canonical_order,
    nowhere,
    replay,
    rules_for,
)

MODELS = (
    "gpt-5-mini",
    "gpt-5.6-sol",
    "gpt-6.1-terra",
    "claude-sonnet-4-5",
    "claude-sonnet-5-5",
    "claude-haiku-4-5",
    "gemini-3.8-flash",
)


def layouts(calls: Sequence[Call], hot: Sequence[str], rules: CacheRules) -> dict[str, Replayed]:
    """The same questions in each layout."""

    def canonical(segments: Any) -> Any:
        return in_canonical_order(segments, hot)

    return {
        "none": replay(calls, NO_CACHING, place=nowhere),
        "marked_end": replay(unshared(calls), rules, place=at_end),
        "middleware": replay(calls, rules, place=middleware_pattern),
        "after_stable": replay(calls, rules, place=after_stable),
        "canonical": replay(calls, rules, place=after_documents(set(hot)), reorder=canonical),
    }


def figures(model: str, calls: int, seed: int) -> dict[str, Any]:
    """One row of the table."""
    asked = calls_of(model, calls, seed=seed)
    found = layouts(asked, HOT, rules_for(model))
    plain = found.pop("none")
    row: dict[str, Any] = {"dollars": round(float(plain.dollars), 2)}
    return row | {name: round(-one.saved_against(plain), 3) for name, one in found.items()}


def other_shares(calls: int, seed: int) -> dict[str, float]:
    """Canonical order where each hot document is retrieved less often, by that share.

    Hot documents are learnt from the first half, and the second is billed.
    """
    found = {}
    for share in (1.0, 0.9, 0.7, 0.5, 0.3):
        asked = calls_of("claude-sonnet-4-5", 2 * calls, seed=seed, hot_share=share)
        before, after = asked[:calls], asked[calls:]
        hot = hot_documents([s.id for s in c.segments if s.kind == "document"] for c in before)
        priced = layouts(after, hot, rules_for("claude-sonnet-4-5"))
        found[str(share)] = round(-priced["canonical"].saved_against(priced["none"]), 3)
    return found


def traffic(calls: int, seed: int) -> dict[str, float]:
    """The stable part marked, by the seconds between two calls: 5 minutes are kept."""
    rules, found = rules_for("claude-sonnet-4-5"), {}
    for seconds in (0.0, 10.0, 240.0, 360.0):
        asked = calls_of("claude-sonnet-4-5", calls, seed=seed, seconds=seconds)
        plain = replay(asked, NO_CACHING, place=nowhere)
        found[str(seconds)] = round(
            -replay(asked, rules, place=after_stable).saved_against(plain), 3
        )
    return found


def main() -> None:
    """Run the command."""
    arguments = parser(__doc__ or "")
    chosen = arguments.parse_args()
    calls = chosen.limit or 1000
    rows = {}
    for model in MODELS:
        rows[model] = figures(model, calls, chosen.seed)
        say(chosen.json, f"{model}: {json.dumps(rows[model])}")
    try:
        peer: Any = peer_breakpoints()
    except ImportError as error:
        peer = f"skipped: {error}"
    asked = calls_of("claude-sonnet-4-5", calls, seed=chosen.seed)
    default = replay(asked, rules_for("claude-sonnet-4-5"), place=after_stable_and_at_end)
    same = replay(asked, rules_for("claude-sonnet-4-5"), place=middleware_pattern)
    finish(
        {
            "calls": calls,
            "models": rows,
            "middleware_marks": peer,
            "middleware_dollars": round(float(same.dollars), 2),
            "conversation_marks_dollars": round(float(default.dollars), 2),
            "canonical_by_hot_share": other_shares(calls, chosen.seed),
            "after_stable_by_seconds": traffic(calls, chosen.seed),
        }
    )


if __name__ == "__main__":
    main()
