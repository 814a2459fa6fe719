"""What a model's generations say: text, usage, model, how they ended, and whether a cache did."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, Generation

from langchain_ragthrift.cache.messages import FINISH_KEYS, MARK, ended, finish_reason
from ragthrift import Usage
from ragthrift.ledger import BilledTokens, read_langchain_usage, read_usage
from ragthrift.ledger.provider_names import provider_id

_RAW = ("usage", "token_usage")
"""Where integrations leave the provider's own counts."""


@dataclass(frozen=True, slots=True)
class Said:
    """One generation; a cache changes the generation later, but not what is noted here."""

    text: str
    message: AIMessage | None
    told: Mapping[str, Any]
    """The message's `response_metadata`, or the generation's info."""
    usage: Mapping[str, Any] | None

    @classmethod
    def of(cls, generation: Generation) -> Self:
        """What is there to be read, without reading it."""
        message = generation.message if isinstance(generation, ChatGeneration) else None
        if not isinstance(message, AIMessage):
            return cls(generation.text, None, generation.generation_info or {}, None)
        return cls("", message, message.response_metadata, message.usage_metadata)

    @property
    def whole_text(self) -> str:
        """With the calls of tools, which are billed as output, too."""
        if self.message is None:
            return self.text
        calls = [json.dumps(call["args"]) for call in self.message.tool_calls]
        return "\n".join([str(self.message.text), *calls]) if calls else str(self.message.text)

    @property
    def by_cache(self) -> bool:
        """LangChain prices a hit of its cache at 0 and tells the usage of the call before."""
        free = self.usage is not None and self.usage.get("total_cost") == 0
        return free or MARK in self.told

    @property
    def finish_reason(self) -> str:
        """Empty where the provider says nothing."""
        if not any(self.told.get(key) for key in FINISH_KEYS):
            return ""
        return finish_reason(self.told) if self.message is None else ended(self.message)


@dataclass(frozen=True, slots=True)
class Answered:
    """All generations for one prompt."""

    text: str = ""
    billed: BilledTokens | None = None
    model: str = ""
    provider: str = ""
    finish_reason: str = ""
    by_cache: bool = False

    @classmethod
    def of(
        cls, answers: Sequence[Sequence[Said]], output: Mapping[str, Any], provider: str
    ) -> Self:
        """The sum of them; `output` is what the model's class tells besides."""
        said = [one for several in answers for one in several]
        told = [one.told for one in said]
        named = provider_id(_first(told, "model_provider")) or provider
        by_cache = bool(said) and all(one.by_cache for one in said)
        billed = _billed(answers, output, named)
        if by_cache and billed is not None and not billed.usage.total_tokens:
            billed = None
        reasons = [one.finish_reason for one in said]
        return cls(
            "\n".join(one.whole_text for one in said),
            billed,
            _first([*told, output], "model_name", "model"),
            named,
            "length" if "length" in reasons else next(filter(None, reasons), ""),
            by_cache,
        )


def _billed(
    answers: Sequence[Sequence[Said]], output: Mapping[str, Any], provider: str
) -> BilledTokens | None:
    found = [one for several in answers if (one := _of_prompt(several, provider)) is not None]
    if found:
        return found[0] if len(found) == 1 else _sum(found)
    for name in _RAW:
        raw = output.get(name)
        if raw == {}:  # LangChain tells a batch's usage with its first prompt
            return BilledTokens(Usage())
        if raw and (billed := read_usage(raw, provider)) is not None:
            return billed
    return None


def _of_prompt(said: Sequence[Said], provider: str) -> BilledTokens | None:
    """Of one prompt's candidates: OpenAI's tell the usage of all, each of them."""
    read = [billed for one in said if (billed := _of_answer(one, provider)) is not None]
    if not read or all(one == read[0] for one in read):
        return read[0] if read else None
    most = max(one.usage.input_tokens for one in read)
    summed = _sum(read)
    usage = Usage(
        most,
        summed.usage.output_tokens,
        max(one.usage.cache_read_tokens for one in read),
        max(one.usage.cache_write_tokens for one in read),
    )
    return BilledTokens(usage, summed.classes, summed.processing)


def _of_answer(said: Said, provider: str) -> BilledTokens | None:
    raw = next((said.told[name] for name in _RAW if said.told.get(name)), None)
    tier = said.told.get("service_tier")
    own = None if raw is None else read_usage({"usage": raw, "service_tier": tier}, provider)
    if said.usage is None or (billed := read_langchain_usage(said.usage, provider)) is None:
        return own
    if own is None:
        return billed
    # Searches are billed, too, and LangChain leaves them out.
    fees = {name: n for name, n in own.classes.items() if name.endswith("_searches")}
    processing = own.processing if billed.processing == "standard" else billed.processing
    return BilledTokens(billed.usage, {**fees, **billed.classes}, processing)


def _sum(read: Sequence[BilledTokens]) -> BilledTokens:
    classes: dict[str, int] = {}
    for one in read:
        for name, count in one.classes.items():
            classes[name] = classes.get(name, 0) + count
    return BilledTokens(sum((one.usage for one in read), Usage()), classes, read[0].processing)


def _first(places: Sequence[Mapping[str, Any]], *names: str) -> str:
    return next((str(at[name]) for at in places for name in names if at.get(name)), "")
