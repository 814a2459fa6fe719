"""What servers of OpenAI's chat protocol add to it, each in words of its own."""

from collections.abc import Mapping
from typing import Any, Literal

from ragthrift.errors import InputError
from ragthrift.local.openai_form import as_tools, as_turns
from ragthrift.local.runtime import Ability
from ragthrift.local.sampling import Request, Sampling

Dialect = Literal["openai", "vllm", "llama-server", "ollama"]

_COMMON: frozenset[Ability] = frozenset({"chat", "tools", "schema", "logprobs", "embeddings"})
_FURTHER: frozenset[Ability] = _COMMON | {"grammar", "adapters", "exact_count"}
ABILITIES: Mapping[Dialect, frozenset[Ability]] = {
    "openai": _COMMON,
    "ollama": _COMMON,
    "vllm": _FURTHER,
    "llama-server": _FURTHER,
}

_SAMPLING: Mapping[Dialect, Mapping[str, str]] = {
    "openai": {},
    "ollama": {},
    "vllm": {"top_k": "top_k", "min_p": "min_p", "repeat_penalty": "repetition_penalty"},
    "llama-server": {"top_k": "top_k", "min_p": "min_p", "repeat_penalty": "repeat_penalty"},
}
"""Names of what OpenAI's protocol has no field for."""
_UNLIMITED_TOP_K = -1
"""vLLM's word for 0; its older releases refuse 0."""


def chat_body(request: Request, dialect: Dialect) -> dict[str, Any]:
    """The request of `/v1/chat/completions`, but for the model.

    Raises InputError for what the dialect has no field for: nothing is left out in silence.
    """
    body: dict[str, Any] = {
        "messages": as_turns(request.messages),
        **_sampling(request.sampling, dialect),
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if request.max_tokens is not None:
        body["max_tokens"] = request.max_tokens
    if request.stop:
        body["stop"] = list(request.stop)
    if request.logprobs is not None:
        # llama-server sends none at all for 0, so that one is asked for and left out again.
        body |= {"logprobs": True, "top_logprobs": max(1, request.logprobs)}
    return body | tool_fields(request) | _form(request, dialect)


def tool_fields(request: Request) -> dict[str, Any]:
    """The tools, and which of them must be called."""
    if not request.tools:
        return {}
    choice: object = request.tool_choice
    if choice not in ("auto", "none", "required"):
        choice = {"type": "function", "function": {"name": choice}}
    return {"tools": as_tools(request.tools), "tool_choice": choice}


def _sampling(sampling: Sampling, dialect: Dialect) -> dict[str, Any]:
    """Each field written out: vLLM and llama-server have defaults of their own."""
    fields: dict[str, Any] = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "seed": sampling.seed,
    }
    plain = Sampling()
    for name in ("top_k", "min_p", "repeat_penalty"):
        value = getattr(sampling, name)
        if name in _SAMPLING[dialect]:
            fields[_SAMPLING[dialect][name]] = value
        elif value != getattr(plain, name):
            raise InputError(
                f"{name}={value} has no field in OpenAI's protocol; set it in the server, or "
                "name its dialect if it is vLLM or llama-server"
            )
    if dialect == "vllm" and not sampling.top_k:
        fields["top_k"] = _UNLIMITED_TOP_K
    return fields


def _form(request: Request, dialect: Dialect) -> dict[str, Any]:
    """What the answer must fit."""
    if request.schema is not None:
        form = {"name": "answer", "strict": True, "schema": dict(request.schema)}
        return {"response_format": {"type": "json_schema", "json_schema": form}}
    if request.grammar is None:
        return {}
    if dialect == "vllm":  # vLLM 0.12 removed guided_grammar
        return {"structured_outputs": {"grammar": request.grammar}}
    return {"grammar": request.grammar}
