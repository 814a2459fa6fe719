"""A model behind an endpoint that speaks OpenAI's chat protocol."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ragthrift import Completion, InputError, Message, ModelError, Usage
from ragthrift.errors import MissingExtraError

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletion

_FINISHES = {"stop", "length", "tool_calls", "content_filter"}


class EndpointLLM:
    """Asks with temperature 0 and a fixed seed. The client tries failed calls again by itself.

    With a `url` of your own a key is not needed; without one it is OpenAI's and `OPENAI_API_KEY`
    must be set.
    """

    def __init__(self, model: str, url: str | None = None, *, tries: int = 5) -> None:
        try:
            from openai import OpenAI
        except ImportError as error:
            raise MissingExtraError(
                'openai is not installed; run: pip install "ragthrift-bench[endpoint]"',
                name=error.name,
            ) from error
        key = os.environ.get("OPENAI_API_KEY") or ("none" if url else None)
        if key is None:
            raise InputError("set OPENAI_API_KEY, or name an endpoint: openai:MODEL@URL")
        self._client = OpenAI(base_url=url, api_key=key, max_retries=tries - 1)
        self._model = model

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
    ) -> Completion:
        """One answer with the tokens that the endpoint reports.

        Raises ModelError when the endpoint fails or reports no tokens.
        """
        from openai import OpenAIError

        limits: dict[str, Any] = {"max_tokens": max_tokens} if max_tokens else {}
        if stop:
            limits["stop"] = list(stop)
        turns: Any = [{"role": turn.role, "content": turn.content} for turn in messages]
        try:
            reply = self._client.chat.completions.create(
                model=self._model, messages=turns, temperature=0, seed=0, **limits
            )
        except OpenAIError as error:
            raise ModelError(f"{self._model} at {self._client.base_url}: {error}") from error
        return _completion(reply)


def _completion(reply: "ChatCompletion") -> Completion:
    choice = reply.choices[0]
    if reply.usage is None:
        raise ModelError(f"{reply.model} reports no tokens; turn usage on in its server")
    found = reply.usage.prompt_tokens_details
    details = found.model_dump() if found else {}
    finish: Any = choice.finish_reason if choice.finish_reason in _FINISHES else "error"
    return Completion(
        choice.message.content or "",
        Usage(
            reply.usage.prompt_tokens,
            reply.usage.completion_tokens,
            details.get("cached_tokens") or 0,
            details.get("cache_write_tokens") or 0,
        ),
        reply.model,
        finish,
    )
