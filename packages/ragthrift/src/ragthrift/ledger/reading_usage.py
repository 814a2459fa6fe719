"""What a provider or a framework says that a call used, in one form."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ragthrift.failures import Tally
from ragthrift.ledger import usage_forms as forms
from ragthrift.ledger.call import Processing
from ragthrift.ledger.usage_forms import Counts, first, found, number
from ragthrift.usage import Usage

_PLACES = ("usage", "usageMetadata", "usage_metadata")
"""Where a whole response holds its usage."""
_MARKS: tuple[tuple[tuple[str, ...], Callable[[object, str], Counts]], ...] = (
    (("prompt_tokens", "completion_tokens"), forms.openai_chat),
    (("promptTokenCount", "candidatesTokenCount", "responseTokenCount"), forms.gemini),
    (("prompt_token_count", "candidates_token_count", "response_token_count"), forms.gemini),
    (("cache_creation_input_tokens", "cache_read_input_tokens", "cache_creation"), forms.anthropic),
    (("input_tokens_details", "input_token_details"), forms.openai_responses),
    (("input_tokens", "output_tokens"), forms.anthropic),  # without a cache the two forms agree
    (("inputTokens", "outputTokens"), forms.bedrock),
    (("prompt_eval_count", "eval_count"), forms.ollama),
    (("billed_units",), forms.cohere),
)
"""Keys that tell a form; the first that is there decides."""
_TIERS: Mapping[str, Processing] = {
    "flex": "flex",
    "priority": "priority",
    "fast": "fast",
    "batch": "batch",
    "on_demand_flex": "flex",
    "on_demand_priority": "priority",
}
_TIERED: tuple[Processing, ...] = ("flex", "priority")
"""Tiers that LangChain puts before its keys."""
_PARTS = {
    "cache_write_1h_tokens": "cache_write_tokens",
    "cache_audio_read_tokens": "cache_read_tokens",
    "cache_image_read_tokens": "cache_read_tokens",
    "cache_video_read_tokens": "cache_read_tokens",
    "output_reasoning_tokens": "output_tokens",
    "output_audio_tokens": "output_tokens",
    "output_image_tokens": "output_tokens",
    "output_video_tokens": "output_tokens",
    "input_audio_tokens": "input_tokens",
    "input_image_tokens": "input_tokens",
    "input_video_tokens": "input_tokens",
}
"""What each class is a part of."""
_TOTALS = frozenset({"input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"})

oddities = Tally("ledger", "pass")
"""How often a provider's counts could not be right."""


@dataclass(frozen=True, slots=True)
class BilledTokens:
    """What a call used, as a `Call` takes it."""

    usage: Usage
    classes: Mapping[str, int] = field(default_factory=dict, hash=False)
    processing: Processing = "standard"


def read_usage(raw: object, provider: str = "") -> BilledTokens | None:
    """From a provider's own usage, or the response that holds it; `None` where nothing is counted.

    Mappings and objects with attributes are both read. The form is told by its keys: OpenAI's chat
    completions (and vLLM, llama.cpp, Ollama, ...) and responses, Anthropic's messages, Gemini's
    `usageMetadata`, Bedrock's Converse, Ollama's and Cohere's own. Keys that nobody knows are
    passed over; counts that cannot be right are clamped, counted in `oddities` and logged once.

    >>> used = {"input_tokens": 50, "cache_read_input_tokens": 5000, "output_tokens": 80}
    >>> read_usage(used, "anthropic").usage
    Usage(input_tokens=5050, output_tokens=80, cache_read_tokens=5000, cache_write_tokens=0)
    >>> read_usage({"choices": []}, "openai") is None
    True
    """
    inner = next((part for name in _PLACES if (part := found(raw, name)) is not None), raw)
    for keys, form in _MARKS:
        if any(found(inner, key) is not None for key in keys):
            counts = form(inner, provider)
            if inner is not raw:
                _add_from_response(counts, raw)
            return _billed(counts, _processing(raw, inner), provider)
    return None


def read_langchain_usage(metadata: object, provider: str = "") -> BilledTokens | None:
    """From LangChain's `usage_metadata`, whose input is the total; `None` where nothing is counted.

    LangChain sets `cache_creation` to 0 where Anthropic tells 5-minute and 1-hour writes apart,
    and puts OpenAI's tier before its keys:

    >>> read = read_langchain_usage({
    ...     "input_tokens": 900, "output_tokens": 50,
    ...     "input_token_details": {"flex": 100, "flex_cache_read": 800},
    ... })
    >>> read.usage.cache_read_tokens, read.processing
    (800, 'flex')
    """
    names = ("input_tokens", "output_tokens")
    if all(found(metadata, name) is None for name in names):
        return None
    given, written = found(metadata, "input_token_details"), found(metadata, "output_token_details")
    tiers = (tier for tier in _TIERED if _is_tier(given, tier) or _is_tier(written, tier))
    tier: Processing = next(tiers, "standard")
    hour = first(given, "ephemeral_1h_input_tokens")
    minutes = first(given, "ephemeral_5m_input_tokens")
    prompt, said = (number(found(metadata, name)) for name in names)
    beyond = first(metadata, "total_tokens") - prompt - said
    counts = {
        "input_tokens": prompt,
        "output_tokens": said + max(0, beyond),
        "cache_read_tokens": first(given, "cache_read", f"{tier}_cache_read"),
        "cache_write_tokens": max(
            first(given, "cache_creation", f"{tier}_cache_creation"), hour + minutes
        ),
        "cache_write_1h_tokens": hour,
        "output_reasoning_tokens": first(written, "reasoning", f"{tier}_reasoning"),
    }
    for modality in ("audio", "image", "video"):
        counts[f"input_{modality}_tokens"] = first(given, modality)
        counts[f"output_{modality}_tokens"] = first(written, modality)
    return _billed(counts, tier, provider)


def _is_tier(details: object, tier: str) -> bool:
    names = (tier, *(f"{tier}_{key}" for key in ("cache_read", "cache_creation", "reasoning")))
    return any(found(details, name) is not None for name in names)


def _processing(*places: object) -> Processing:
    """The tier that served a call; `trafficType` is Vertex AI's name for it."""
    names = ("service_tier", "serviceTier", "trafficType", "traffic_type", "speed")
    said = [found(place, name) for place in places for name in names]
    tiers = [str(getattr(one, "value", one)).lower() for one in said]
    return next((_TIERS[tier] for tier in tiers if tier in _TIERS), "standard")


def _add_from_response(counts: Counts, response: object) -> None:
    """What only the whole response tells: searches that OpenAI ran, and llama.cpp's cache."""
    output = found(response, "output")
    kinds = [found(item, "type") for item in output] if isinstance(output, (list, tuple)) else []
    for name, kind in (
        ("web_searches", "web_search_call"),
        ("storage_searches", "file_search_call"),
    ):
        counts[name] = counts.get(name, 0) or kinds.count(kind)
    if not counts.get("cache_read_tokens"):
        counts["cache_read_tokens"] = first(response, "timings.cache_n")


def _billed(counts: Counts, processing: Processing, provider: str) -> BilledTokens:
    asked = dict(counts)
    counts = {name: max(0, count) for name, count in counts.items()}
    total = counts.get("input_tokens", 0)
    read = min(counts.get("cache_read_tokens", 0), total)
    write = min(counts.get("cache_write_tokens", 0), total - read)
    counts |= {"cache_read_tokens": read, "cache_write_tokens": write}
    for name, whole in _PARTS.items():
        if counts.get(name):
            counts[name] = min(counts[name], counts.get(whole, 0))
    if any(counts.get(name, 0) != count for name, count in asked.items()):
        who = provider or "a provider"
        oddities.warn("impossible", f"the counts of {who} cannot be right and were cut: {asked}")
    usage = Usage(total, counts.get("output_tokens", 0), read, write)
    classes = {name: n for name, n in counts.items() if n and name not in _TOTALS}
    return BilledTokens(usage, classes, processing)
