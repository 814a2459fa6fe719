"""A chat model of LangChain where ragthrift takes a language model."""

from collections.abc import Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable, RunnableBinding, RunnableConfig
from langchain_core.runnables.config import set_config_context

from langchain_ragthrift.cache.messages import ended
from langchain_ragthrift.convert import asked_calls
from langchain_ragthrift.memory.messages import to_message
from langchain_ragthrift.route.attempts import usage_of
from ragthrift import Completion, ContextOverflowError, Message, Usage
from ragthrift.memory.turn import message_tokens
from ragthrift.route import fault_of
from ragthrift.tokens import EstimatedTokens

TAGS = ["ragthrift", "nostream"]
"""Of each run; the second keeps its tokens out of LangGraph's `stream_mode="messages"`."""

_LIMITS = ("max_output_tokens", "num_predict")
"""What Gemini and Ollama call `max_tokens`: one overlooks that in a call, the other refuses it."""

Model = Runnable[LanguageModelInput, AIMessage]


class LangChainLLM:
    """A chat model, or one with tools bound to it, for what ragthrift asks of a model itself.

    Sampling is set on the model. A call is a run of its own: of the chain or graph around it, it
    has neither callbacks nor config, so that nothing of it streams to who waits for the answer.
    Usage is what the model tells, or estimated where it tells none. `purpose` is what a ledger
    books the calls under.

    >>> from langchain_core.language_models import FakeListChatModel
    >>> LangChainLLM(FakeListChatModel(responses=["Yes."])).complete([Message("user", "?")]).text
    'Yes.'
    """

    def __init__(self, model: Model, *, purpose: str | None = None) -> None:
        self._model = model
        self._about = {"purpose": purpose} if purpose else {}

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
    ) -> Completion:
        """One answer; a prompt that is too long for the model raises `ContextOverflowError`."""
        model, options = self._model, {"stop": list(stop)} if stop else {}
        if max_tokens is not None:
            model, limit = limited(model, max_tokens)
            options |= limit
        try:
            config = RunnableConfig(tags=TAGS, metadata=self._about)
            reply = _alone(model, [to_message(turn) for turn in messages], config, options)
        except Exception as error:
            if fault_of(error) == "overflow":
                raise self._overflow(messages, max_tokens) from error
            raise
        said = str(reply.text)
        usage = usage_of(reply) or Usage(_tokens(messages), EstimatedTokens().count(said))
        return Completion(said, usage, self._name(reply), ended(reply), asked_calls(reply))

    def _name(self, reply: AIMessage) -> str:
        known = reply.response_metadata
        name = known.get("model_name") or known.get("model")
        return str(name or type(_innermost(self._model)).__name__)

    def _overflow(self, messages: Sequence[Message], max_tokens: int | None) -> Exception:
        needed = _tokens(messages) + (max_tokens or 0)
        profile = getattr(_innermost(self._model), "profile", None) or {}
        # Where nobody says how large the window is, it is smaller than what was needed.
        return ContextOverflowError(needed, profile.get("max_input_tokens") or needed - 1)


def _alone(
    model: Model, prompt: LanguageModelInput, config: RunnableConfig, options: dict[str, Any]
) -> AIMessage:
    """Invoke a model as if nothing ran around it: LangChain hands configs on by the context."""
    with set_config_context(RunnableConfig()) as context:
        return context.run(model.invoke, prompt, config, **options)


def limited(model: Any, max_tokens: int) -> tuple[Any, dict[str, Any]]:
    """The model, or a copy, with the limit, or with the argument of a call that sets it."""
    if isinstance(model, RunnableBinding):
        bound, options = limited(model.bound, max_tokens)
        return model.model_copy(update={"bound": bound}), options
    fields = type(model).model_fields if isinstance(model, BaseChatModel) else {}
    own = next((name for name in _LIMITS if name in fields), None)
    if own is None:
        return model, {"max_tokens": max_tokens}
    return model.model_copy(update={own: max_tokens}), {}


def _innermost(model: Any) -> Any:
    return _innermost(model.bound) if isinstance(model, RunnableBinding) else model


def _tokens(messages: Sequence[Message]) -> int:
    counter = EstimatedTokens()
    return sum(message_tokens(message, counter) for message in messages)
