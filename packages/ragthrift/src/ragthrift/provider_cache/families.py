"""The rules of the providers, by the names of their models; prices come from `genai-prices`."""

import re
from dataclasses import replace

from ragthrift.errors import MissingExtraError
from ragthrift.ledger import Call, Prices
from ragthrift.provider_cache.rules import NO_CACHING, CacheRules, Lifetime
from ragthrift.usage import Usage

AS_OF = "2026-11"
"""When the tables below were read in the providers' documentation; prices are always today's."""

_ANTHROPIC = CacheRules(
    style="cache_control",
    lifetimes=(Lifetime(300, name="5m"), Lifetime(3600, name="1h")),
    breakpoints=4,
    lookback=20,
)
"""https://platform.claude.com/docs/en/build-with-claude/prompt-caching"""
_OPENAI = CacheRules(
    style="prompt_cache",
    min_tokens=1024,
    lifetimes=(Lifetime(1800, name="30m"),),
    breakpoints=4,
    lookback=80,
    marks_end=True,
)
"""From GPT-5.6 on. https://developers.openai.com/api/docs/guides/prompt-caching"""
_OPENAI_OLDER = CacheRules(style="automatic", min_tokens=1024, lifetimes=(Lifetime(300),), step=128)
"""Up to GPT-5.5: kept for 5 to 10 minutes, of which 5 are sure. The same guide."""
_GEMINI = CacheRules(style="automatic", lifetimes=(Lifetime(300),))
"""Implicit caching; how long it lasts is not documented, and taken to be 5 minutes.
https://ai.google.dev/gemini-api/docs/caching"""
_BEDROCK = replace(_ANTHROPIC, style="cachePoint")
"""https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html"""
_NOVA = CacheRules(
    style="cachePoint",
    min_tokens=1000,
    lifetimes=(Lifetime(300, name="5m"),),
    breakpoints=4,
    lookback=20,
)
_DEEPSEEK = CacheRules(style="automatic", min_tokens=64, lifetimes=(Lifetime(3600),), step=64)
"""Kept for hours. https://api-docs.deepseek.com/guides/kv_cache"""
_ELSEWHERE = CacheRules(style="automatic", min_tokens=1024, lifetimes=(Lifetime(300),))
"""A provider whose list has a lower price for cached tokens, and of whom no more is known."""
_OWN_SERVER = CacheRules(
    style="automatic", min_tokens=16, lifetimes=(Lifetime(3600),), read=0.0, step=16, billed=False
)
"""vLLM's blocks of 16 tokens; SGLang, llama.cpp and Ollama match by the token. Kept until memory is
needed. https://docs.vllm.ai/en/latest/design/prefix_caching.html"""

OWN_SERVERS = frozenset(
    {"vllm", "sglang", "llama_cpp", "llama.cpp", "llamacpp", "ollama", "gpt4all", "ragthrift"}
)
"""Parts of the names of providers that send no bill."""

_MINIMA: tuple[tuple[str, int], ...] = (
    (r"claude-(fable|mythos)", 512),
    (r"claude-(opus-5|sonnet-5-5|haiku-5-5)", 512),
    (r"claude-opus-4-7", 2048),
    (r"claude-(haiku-4-5|opus-4-[56])", 4096),
    (r"claude-(3-haiku|3-5-haiku|haiku-3)", 2048),
    (r"claude", 1024),
    (r"gemini-2\.5-pro", 2048),
    (r"gemini-([3-9]|\d\d)", 4096),
    (r"gemini", 1024),
)
"""The least number of tokens that is cached. Anthropic's and Google's documentation, and the
`prompt_cache_min_tokens` of LiteLLM's model list, November 2026."""
_GPT = re.compile(r"\bgpt-(\d+)(?:\.(\d+))?")
_OPENAI_NAMES = re.compile(r"\b(?:o[1-9]|chatgpt)\b")
_PROBE = 1000


def rules_for(
    model: str, provider: str | None = None, *, prices: Prices | None = None
) -> CacheRules:
    """How prompts of a model are cached.

    `provider` is an id of `genai-prices`, or one of `OWN_SERVERS`; without it the model's name
    tells. Prices are those of `prices`, the published ones if left out. Where no price is known,
    the rules promise no saving (`priced` is false): give one in `Prices`, or `replace` them.

    >>> rules_for("claude-haiku-4-5").min_tokens, rules_for("gpt-5-mini").step
    (4096, 128)
    >>> rules_for("claude-sonnet-5-5").read, rules_for("claude-sonnet-4-5").read
    (0.05, 0.1)
    >>> rules_for("qwen3-8b", "vllm").billed, rules_for("nobody-knows-it").style
    (False, 'none')
    """
    name = model.lower()
    who = (provider or "").lower()
    family = _family(name, who)
    if not family.billed:
        return replace(family, name=model)
    least = next((n for part, n in _MINIMA if re.search(part, name)), family.min_tokens)
    found = replace(family, min_tokens=least, name=model)
    shares = _shares(model, who, prices or Prices())
    if shares is None and family.style == "cachePoint":
        shares = _shares(f"regional.{name}", who, prices or Prices())
    if family is _ELSEWHERE and (shares is None or shares[0] >= 1):
        return replace(NO_CACHING, name=model, priced=shares is not None)
    return replace(found, priced=False) if shares is None else _priced(found, *shares)


def _family(name: str, provider: str) -> CacheRules:
    openai = provider in ("", "openai", "azure", "openrouter") and "gpt-oss" not in name
    families = (
        (any(server in provider for server in OWN_SERVERS), _OWN_SERVER),
        ("claude" in name, _BEDROCK if _on_bedrock(name, provider) else _ANTHROPIC),
        ("nova" in name and _on_bedrock(name, provider), _NOVA),
        ("gemini" in name, _GEMINI),
        ("deepseek" in name and provider in ("", "deepseek"), _DEEPSEEK),
        (openai and _gpt(name) >= (5, 6), _OPENAI),
        (openai and bool(_gpt(name) or _OPENAI_NAMES.search(name)), _OPENAI_OLDER),
    )
    return next((rules for fits, rules in families if fits), _ELSEWHERE)


def _gpt(name: str) -> tuple[int, ...]:
    """The version in a name: (5, 6) of gpt-5.6-sol, () of any other model's."""
    version = _GPT.search(name)
    return (int(version[1]), int(version[2] or 0)) if version else ()


def _on_bedrock(name: str, provider: str) -> bool:
    return provider in ("aws", "bedrock") or "anthropic." in name or "amazon." in name


def _priced(rules: CacheRules, read: float, write: float, hour: float) -> CacheRules:
    lifetimes = tuple(
        replace(lifetime, write=hour if lifetime.name == "1h" else write)
        for lifetime in rules.lifetimes
    )
    return replace(rules, read=read, lifetimes=lifetimes)


def _shares(model: str, provider: str, prices: Prices) -> tuple[float, float, float] | None:
    """Prices of a token that is read, written, and written for an hour; a fresh one costs 1."""
    usages: tuple[tuple[Usage, dict[str, int]], ...] = (
        (Usage(_PROBE), {}),
        (Usage(_PROBE, cache_read_tokens=_PROBE), {}),
        (Usage(_PROBE, cache_write_tokens=_PROBE), {}),
        (Usage(_PROBE, cache_write_tokens=_PROBE), {"cache_write_1h_tokens": _PROBE}),
    )
    who = "aws" if provider == "bedrock" or _on_bedrock(model, provider) else provider
    try:
        dollars = [
            prices.dollars(Call(model=model, provider=who, usage=usage, classes=classes))
            for usage, classes in usages
        ]
    except MissingExtraError:
        return None
    fresh, *cached = (None if one is None else float(one) for one in dollars)
    if not fresh or None in cached:
        return None
    read, write, hour = (round((one or 0.0) / fresh, 6) for one in cached)
    return read, write, hour
