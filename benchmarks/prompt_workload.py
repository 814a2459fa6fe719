"""Calls of a RAG application as FIELD counts them, and other ways to lay its prompts out.

Each prompt: a system message of 1,500 tokens, 5 documents of 600, a question of 30; the answer has
150. Of the documents 3 (60 %) are the same for all questions, and 2 are new each time; they come in
the order of a ranking that changes. All calls lie within one lifetime of the cache.
"""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from ragthrift import Usage
from ragthrift.ledger import Call, Segment
from ragthrift.provider_cache import Breakpoint, CacheRules, at_end

SYSTEM, DOCUMENT, QUESTION, ANSWER = 1500, 600, 30, 150
HOT = ("rules", "prices", "hours")
COLD = 2
_BEGAN = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()


def calls_of(
    model: str, calls: int, *, seed: int = 0, seconds: float = 0.25, hot_share: float = 1.0
) -> list[Call]:
    """Calls at equal distances; each hot document is retrieved with a probability."""
    chance = random.Random(seed)
    system = Segment.of("system", "The rules of the canteen.", tokens=SYSTEM)
    found = []
    for number in range(calls):
        hot = [name if chance.random() < hot_share else f"other {name} {number}" for name in HOT]
        names = [*hot, *(f"cold {number} {n}" for n in range(COLD))]
        chance.shuffle(names)
        documents = (Segment.of("document", n, tokens=DOCUMENT, document_id=n) for n in names)
        question = Segment.of("question", f"Question {number}?", tokens=QUESTION)
        usage = Usage(SYSTEM + DOCUMENT * len(names) + QUESTION, ANSWER)
        found.append(
            Call(
                model=model,
                usage=usage,
                segments=(system, *documents, question),
                at=_BEGAN + number * seconds,
                first_token_seconds=0.6,
                id=str(number),
            )
        )
    return found


def unshared(calls: Sequence[Call]) -> list[Call]:
    """The same calls, each of which begins with a clock: no prompt begins like another."""
    return [
        replace(call, segments=(Segment.of("system", call.id, tokens=SYSTEM), *call.segments[1:]))
        for call in calls
    ]


def middleware_pattern(segments: Sequence[Segment], rules: CacheRules) -> Sequence[Breakpoint]:
    """As `AnthropicPromptCachingMiddleware` marks, which `peer_breakpoints` looks at."""
    stable = sum(segment.kind == "system" for segment in segments)
    return (Breakpoint(stable), *at_end(segments, rules))


def peer_breakpoints() -> list[str]:
    """What the real middleware marks in a request of one question; ImportError without it."""
    from langchain.agents.middleware import ModelRequest
    from langchain_anthropic import ChatAnthropic
    from langchain_anthropic.middleware import AnthropicPromptCachingMiddleware
    from langchain_core.messages import HumanMessage, SystemMessage

    model = ChatAnthropic(model="claude-sonnet-4-5", api_key="none")  # type: ignore[call-arg,arg-type]
    request = ModelRequest(
        model=model,
        messages=[HumanMessage("The documents, and the question?")],
        system_message=SystemMessage("The rules of the canteen."),
    )
    seen: list[ModelRequest] = []

    def handler(sent: ModelRequest) -> None:
        seen.append(sent)

    AnthropicPromptCachingMiddleware().wrap_model_call(request, handler)  # type: ignore[arg-type]
    [sent] = seen
    messages = [*([sent.system_message] if sent.system_message else []), *sent.messages]
    payload = model._get_request_payload(messages, **sent.model_settings)
    marked = [f"system[{n}]" for n, b in enumerate(payload["system"]) if "cache_control" in b]
    return [*marked, *(["end"] if "cache_control" in payload else [])]
