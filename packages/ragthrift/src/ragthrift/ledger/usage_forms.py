"""How each provider writes down what a call used: one function for each form.

Every function returns counts by the names of `genai_prices.Usage`, where `input_tokens` is the
total with cached tokens, and `output_tokens` the total with reasoning.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from math import isfinite

Counts = dict[str, int]

_MODALITIES = {
    "AUDIO": ("input_audio_tokens", "cache_audio_read_tokens", "output_audio_tokens"),
    "IMAGE": ("input_image_tokens", "cache_image_read_tokens", "output_image_tokens"),
    "DOCUMENT": ("input_image_tokens", "cache_image_read_tokens", "output_image_tokens"),
    "VIDEO": ("input_video_tokens", "cache_video_read_tokens", "output_video_tokens"),
}
"""Of Gemini; documents are billed as images."""


def found(raw: object, *names: str) -> object:
    """A value down a path of keys or attributes, `None` where it ends early."""
    for name in names:
        raw = raw.get(name) if isinstance(raw, Mapping) else getattr(raw, name, None)
        if raw is None:
            return None
    return raw


def number(value: object) -> int:
    """A count: 0 for what is none.

    >>> number(12.0), number("7"), number(None), number(True)
    (12, 7, 0, 0)
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal, str)):
        return 0
    try:
        return int(value) if isinstance(value, int) else _whole(float(value))
    except ValueError:
        return 0


def first(raw: object, *paths: str) -> int:
    """The first count that is not 0 at one of some dotted paths."""
    for path in paths:
        if count := number(found(raw, *path.split("."))):
            return count
    return 0


def openai_chat(raw: object, provider: str) -> Counts:
    """Chat completions: OpenAI, vLLM, llama.cpp, Ollama, DeepSeek, OpenRouter, LiteLLM, ...

    xAI's and Gemini's OpenAI endpoints leave reasoning out of `completion_tokens`; the total, if
    there is one, shows it. https://platform.openai.com/docs/api-reference/chat/object
    """
    details, answer = found(raw, "prompt_tokens_details"), found(raw, "completion_tokens_details")
    prompt, said = first(raw, "prompt_tokens"), first(raw, "completion_tokens")
    reasoning = first(answer, "reasoning_tokens") or first(raw, "reasoning_tokens")
    beyond = first(raw, "total_tokens") - prompt - said
    if provider == "x-ai" and not first(raw, "total_tokens"):
        beyond = reasoning
    return {
        "input_tokens": prompt,
        "output_tokens": said + max(0, beyond),
        "cache_read_tokens": first(details, "cached_tokens")
        or first(raw, "prompt_cache_hit_tokens", "cache_read_input_tokens", "cached_tokens"),
        "cache_write_tokens": first(details, "cache_write_tokens", "cache_creation_tokens")
        or first(raw, "cache_creation_input_tokens"),
        "cache_write_1h_tokens": first(
            details, "cache_creation_token_details.ephemeral_1h_input_tokens"
        ),
        "input_audio_tokens": first(details, "audio_tokens"),
        "output_audio_tokens": first(answer, "audio_tokens"),
        "output_reasoning_tokens": reasoning,
        "web_searches": first(raw, "num_search_queries", "server_tool_use.web_search_requests"),
    }


def openai_responses(raw: object, _: str) -> Counts:
    """Responses: `input_tokens` is the total.

    https://platform.openai.com/docs/api-reference/responses/object
    """
    read = ("input_tokens_details", "input_token_details")
    written = ("output_tokens_details", "output_token_details")
    return {
        "input_tokens": first(raw, "input_tokens"),
        "output_tokens": first(raw, "output_tokens"),
        "cache_read_tokens": first(
            raw, *(f"{at}.cached_tokens" for at in read), f"{read[0]}.cache_read_input_tokens"
        ),
        "cache_write_tokens": first(raw, *(f"{at}.cache_write_tokens" for at in read)),
        "input_audio_tokens": first(raw, *(f"{at}.audio_tokens" for at in read)),
        "input_image_tokens": first(raw, *(f"{at}.image_tokens" for at in read)),
        "cache_audio_read_tokens": first(
            raw, *(f"{at}.cached_tokens_details.audio_tokens" for at in read)
        ),
        "output_audio_tokens": first(raw, *(f"{at}.audio_tokens" for at in written)),
        "output_reasoning_tokens": first(raw, *(f"{at}.reasoning_tokens" for at in written)),
    }


def anthropic(raw: object, _: str) -> Counts:
    """Messages: `input_tokens` is what was neither read from a cache nor written to it.

    The total of writes is at times 0 where their lifetimes are told apart. What a compaction used
    is not in the totals. https://platform.claude.com/docs/en/build-with-claude/prompt-caching
    """
    counts = _anthropic_pass(raw)
    for one in _items(found(raw, "iterations")):
        if found(one, "type") == "compaction":
            for name, count in _anthropic_pass(one).items():
                counts[name] += count
    return counts


def _anthropic_pass(raw: object) -> Counts:
    read = first(raw, "cache_read_input_tokens")
    hour = first(raw, "cache_creation.ephemeral_1h_input_tokens")
    minutes = first(raw, "cache_creation.ephemeral_5m_input_tokens")
    write = max(first(raw, "cache_creation_input_tokens"), hour + minutes)
    return {
        "input_tokens": first(raw, "input_tokens") + read + write,
        "output_tokens": first(raw, "output_tokens"),
        "cache_read_tokens": read,
        "cache_write_tokens": write,
        "cache_write_1h_tokens": hour,
        "output_reasoning_tokens": first(raw, "output_tokens_details.thinking_tokens"),
        "web_searches": first(raw, "server_tool_use.web_search_requests"),
    }


def gemini(raw: object, _: str) -> Counts:
    """`usageMetadata`: thoughts are not in the candidates' count, nor tools' results in the prompt.

    https://ai.google.dev/api/generate-content#UsageMetadata
    """
    thoughts = first(raw, "thoughtsTokenCount", "thoughts_token_count")
    tools = first(raw, "toolUsePromptTokenCount", "tool_use_prompt_token_count")
    answer = first(
        raw,
        "candidatesTokenCount",
        "candidates_token_count",
        "responseTokenCount",
        "response_token_count",
    )
    counts = {
        "input_tokens": first(raw, "promptTokenCount", "prompt_token_count") + tools,
        "output_tokens": answer + thoughts,
        "cache_read_tokens": first(raw, "cachedContentTokenCount", "cached_content_token_count"),
        "output_reasoning_tokens": thoughts,
    }
    for place, names in enumerate(
        (
            ("promptTokensDetails", "toolUsePromptTokensDetails"),
            ("cacheTokensDetails",),
            ("candidatesTokensDetails", "responseTokensDetails"),
        )
    ):
        for name in names:
            _add_modalities(counts, raw, name, place)
    return counts


def _add_modalities(counts: Counts, raw: object, name: str, place: int) -> None:
    """Add the tokens of a list of modalities, whose name is in camel or in snake case."""
    snake = "".join(f"_{c.lower()}" if c.isupper() else c for c in name)
    for item in _items(found(raw, name) or found(raw, snake)):
        modality = found(item, "modality")
        kind = str(getattr(modality, "value", modality)).upper()
        if kind in _MODALITIES:
            counted = _MODALITIES[kind][place]
            counts[counted] = counts.get(counted, 0) + first(item, "tokenCount", "token_count")


def bedrock(raw: object, _: str) -> Counts:
    """Converse: `inputTokens` leaves out what was read from a cache or written to it.

    https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html
    """
    read = first(raw, "cacheReadInputTokens", "cacheReadInputTokenCount")
    details = list(_items(found(raw, "cacheDetails")))
    hour = sum(first(one, "inputTokens") for one in details if found(one, "ttl") == "1h")
    write = max(
        first(raw, "cacheWriteInputTokens", "cacheWriteInputTokenCount"),
        sum(first(one, "inputTokens") for one in details),
    )
    return {
        "input_tokens": first(raw, "inputTokens") + read + write,
        "output_tokens": first(raw, "outputTokens"),
        "cache_read_tokens": read,
        "cache_write_tokens": write,
        "cache_write_1h_tokens": hour,
    }


def ollama(raw: object, _: str) -> Counts:
    """Ollama's own API. https://docs.ollama.com/api."""
    return {
        "input_tokens": first(raw, "prompt_eval_count"),
        "output_tokens": first(raw, "eval_count"),
    }


def cohere(raw: object, _: str) -> Counts:
    """What Cohere bills. https://docs.cohere.com/reference/chat."""
    return {
        "input_tokens": first(raw, "billed_units.input_tokens"),
        "output_tokens": first(raw, "billed_units.output_tokens"),
        "rerank_searches": first(raw, "billed_units.search_units"),
    }


def _items(value: object) -> Iterable[object]:
    return value if isinstance(value, (list, tuple)) else ()


def _whole(value: float) -> int:
    return int(value) if isfinite(value) else 0
