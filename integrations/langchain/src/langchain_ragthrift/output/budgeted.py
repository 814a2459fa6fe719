"""A chat model whose answers have a budget, for chains."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import ensure_config
from typing_extensions import override

from langchain_ragthrift.memory.viewing import session_in
from langchain_ragthrift.output.sending import (
    instructed,
    own_limit,
    question_in,
    thinks,
    to_messages,
    told,
)
from langchain_ragthrift.wrapped_llm import limited
from ragthrift.ledger import UNTAGGED
from ragthrift.prompt.output import Asking, OutputBudget

Model = Runnable[LanguageModelInput, AIMessage]


class BudgetedModel(Runnable[LanguageModelInput, AIMessage]):
    """Puts the budget's instruction last and sets its limit; `prompt | BudgetedModel(...)`.

    A conversation is held out as a whole: `thread_id` or `session_id` in the config names it, or
    `session`, a function of the config; without a name it is the question. A stream cannot be
    asked again.

    >>> from langchain_core.language_models import FakeListChatModel
    >>> from ragthrift.prompt.output import Allowance
    >>> budget = OutputBudget({"faq": Allowance.of(60)}, holdout=0)
    >>> model = FakeListChatModel(responses=["On the 25th."])
    >>> BudgetedModel(model, budget, request_type="faq").invoke("Payday?").text
    'On the 25th.'
    """

    def __init__(
        self,
        model: Model,
        budget: OutputBudget,
        *,
        request_type: str = UNTAGGED,
        session: Callable[[RunnableConfig], str] | None = None,
    ) -> None:
        self.budget = budget
        self._model, self._type, self._session = model, request_type, session

    @override
    def invoke(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AIMessage:
        messages = to_messages(input)
        asking = self._asking(messages, config, kwargs)
        while True:
            model, sent, options = self._sent(messages, asking, kwargs)
            answer = model.invoke(sent, config, **options)
            if not asking.again(*told(answer)):
                return answer

    @override
    async def ainvoke(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AIMessage:
        messages = to_messages(input)
        asking = self._asking(messages, config, kwargs)
        while True:
            model, sent, options = self._sent(messages, asking, kwargs)
            answer = await model.ainvoke(sent, config, **options)
            if not asking.again(*told(answer)):
                return answer

    @override
    def stream(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[AIMessage]:
        messages, whole = to_messages(input), AIMessageChunk(content="")
        asking = self._asking(messages, config, kwargs)
        model, sent, options = self._sent(messages, asking, kwargs)
        for chunk in model.stream(sent, config, **options):
            whole = _added(whole, chunk)
            yield chunk
        asking.again(*told(whole))

    @override
    async def astream(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[AIMessage]:
        messages, whole = to_messages(input), AIMessageChunk(content="")
        asking = self._asking(messages, config, kwargs)
        model, sent, options = self._sent(messages, asking, kwargs)
        async for chunk in model.astream(sent, config, **options):
            whole = _added(whole, chunk)
            yield chunk
        asking.again(*told(whole))

    def _asking(
        self, messages: list[BaseMessage], config: RunnableConfig | None, options: dict[str, Any]
    ) -> Asking:
        known = ensure_config(config)
        key = self._session(known) if self._session else session_in(known)
        return self.budget.asking(
            self._type,
            key or question_in(messages),
            thinks=thinks(self._model),
            limit=options.get("max_tokens") or own_limit(self._model),
        )

    def _sent(
        self, messages: list[BaseMessage], asking: Asking, given: dict[str, Any]
    ) -> tuple[Model, list[BaseMessage], dict[str, Any]]:
        sent = instructed(messages, asking.instruction)
        if asking.plan.max_tokens is None or asking.max_tokens is None:
            return self._model, sent, given
        model, limit = limited(self._model, asking.max_tokens)
        return model, sent, given | limit


def _added(whole: AIMessageChunk, chunk: Any) -> AIMessageChunk:
    added = whole + chunk
    return added if isinstance(added, AIMessageChunk) else whole
