"""A router that is told what to expect of its tiers, around LLMs that are told what to say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.bridge.pydantic import BaseModel
from llama_index.core.llms import LLM

from llama_index_ragthrift import RouterLLM
from ragthrift import Price, Tier
from ragthrift.route import Ask, EscalationModel, Outcome, QualityModel, Routed, Router
from tests.llama_index.route.llms import Scripted

CHEAP = Tier("cheap", "small", Price(0.1, 0.4))
STRONG = Tier("strong", "large", Price(3.0, 15.0))
TIERS = (CHEAP, STRONG)
ASKED = "When does the canteen open?"
REFUSAL = "I'm sorry, I can't help with that."
EVERY_FORM = pytest.mark.parametrize("form", ["", "a", "stream_", "astream_"])
METHOD = pytest.mark.parametrize("method", ["chat", "complete"])
WHOLE = pytest.mark.parametrize("form", ["", "a"])


@dataclass
class Expects(QualityModel):
    """The same qualities for every question, by the tier's name; remembers what it was asked."""

    qualities: Mapping[str, float]
    asks: list[Ask] = field(default_factory=list)

    def expected(self, ask: Ask, tiers: Sequence[str]) -> tuple[float, ...]:
        self.asks.append(ask)
        return tuple(self.qualities[name] for name in tiers)

    def fit(self, outcomes: Sequence[Outcome]) -> "Expects":
        return self


class NoGain(EscalationModel):
    """Leaves it to the checks."""

    def gain(self, ask: Ask, answer: str, tier: str, above: str) -> float:
        return 0.0

    def fit(self, outcomes: Sequence[Outcome]) -> "NoGain":
        return self


def prefers(tier: str) -> Expects:
    return Expects({one.name: 0.9 if one.name == tier else 0.1 for one in TIERS})


class Setting:
    """A routed LLM with its parts, and the books of all that was run."""

    def __init__(
        self,
        cheap: Any = None,
        strong: Any = None,
        *,
        model: Expects | None = None,
        tiers: Sequence[Tier] = TIERS,
        router: Mapping[str, Any] | None = None,
        others: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> None:
        self.cheap = cheap or Scripted()
        self.strong = strong or Scripted("The large one says nine.", name="large")
        self.model = model or Expects({tier.name: 0.8 for tier in tiers})
        self.runs: list[Routed] = []
        self.router = Router(
            tiers,
            model=self.model,
            escalation=NoGain(),
            on_run=self.runs.append,
            on_error="raise",
            **(router or {}),
        )
        llms = {"cheap": self.cheap, "strong": self.strong} | dict(others or {})
        self.llm = RouterLLM(self.router, llms, **fields)


class Hours(BaseModel):
    """When a place opens."""

    opens: int


async def collected(stream: Any) -> list[Any]:
    """All that a stream gives, awaited or not."""
    if hasattr(stream, "__aiter__"):
        return [piece async for piece in stream]
    return list(stream)


async def ask(llm: LLM, form: str, method: str = "chat", **options: Any) -> Any:
    """The last response, whatever the form."""
    given = ASKED if method == "complete" else [ChatMessage(ASKED)]
    said = getattr(llm, form + method)(given, **options)
    said = await said if form.startswith("a") else said
    return (await collected(said))[-1] if "stream" in form else said


def text(response: Any) -> str:
    return str(response.message.content if hasattr(response, "message") else response.text)
