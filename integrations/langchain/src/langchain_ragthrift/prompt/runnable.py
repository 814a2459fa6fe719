"""Chains whose prompts a provider can cache."""

from collections.abc import Sequence

from langchain_core.documents import Document
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    convert_to_messages,
)
from langchain_core.prompt_values import PromptValue
from langchain_core.runnables import Runnable, RunnableLambda

from langchain_ragthrift.convert import to_passages
from langchain_ragthrift.prompt.marking import marked, unmarked
from langchain_ragthrift.prompt.planned import Planner, is_system, leading
from langchain_ragthrift.prompt.rules import rules_of
from ragthrift.failures import Tally
from ragthrift.pipeline import OnError
from ragthrift.prompt import Traffic
from ragthrift.provider_cache import CacheRules, call_markers, canonical_order


def prompt_caching(
    model: BaseChatModel,
    *,
    rules: CacheRules | None = None,
    shared: Traffic | None = None,
    session: Traffic | None = None,
    stable: int | None = None,
    key: str = "",
    on_error: OnError = "pass",
) -> Runnable[LanguageModelInput, AIMessage]:
    """A model for the end of a chain that marks what is worth caching in each prompt.

    The stable part are the system messages that a prompt begins with, or its first `stable`
    messages where examples follow them. Of the rest nothing is marked, unless `session` says that
    conversations go on. It streams as the model does. With a router, give the model of each tier,
    or `rules` where all tiers are one provider's.

    >>> from langchain_core.language_models import FakeListChatModel
    >>> from langchain_core.prompts import ChatPromptTemplate
    >>> prompt = ChatPromptTemplate([("system", "Be brief."), ("user", "{question}")])
    >>> chain = prompt | prompt_caching(FakeListChatModel(responses=["At noon."]))
    >>> chain.invoke({"question": "When is soup?"}).content
    'At noon.'
    """
    told = rules or rules_of(model)
    marking = _Marking(told, Planner(shared, session or Traffic.once()), stable, on_error)
    return RunnableLambda(marking, name="prompt_caching") | model.bind(
        **call_markers(told, key=key)
    )


def canonical_documents(hot: Sequence[str]) -> Runnable[Sequence[Document], list[Document]]:
    """Puts retrieved documents in an order that caches serve: see `ragthrift.prompt`.

    Documents are named by their ids, or by a digest of their texts where they have none.

    >>> soup, rules = Document("Soup at noon.", id="soup"), Document("No dogs.", id="rules")
    >>> [document.id for document in canonical_documents(["rules"]).invoke([soup, rules])]
    ['rules', 'soup']
    """

    def ordered(documents: Sequence[Document]) -> list[Document]:
        named = list(zip(to_passages(documents), documents, strict=True))[::-1]
        return [one for _, one in canonical_order(named, hot, lambda pair: pair[0].id)]

    return RunnableLambda(ordered, name="canonical_documents")


class _Marking:
    """From a prompt to messages with markers; to the prompt as it came where that fails."""

    def __init__(
        self, rules: CacheRules, planner: Planner, stable: int | None, on_error: OnError
    ) -> None:
        self._rules, self._planner, self._stable = rules, planner, stable
        self._tally = Tally("prompt layout", on_error)

    def __call__(self, prompt: LanguageModelInput) -> LanguageModelInput:
        with self._tally.passing("markers"):
            return self._marked(prompt)
        return prompt

    def _marked(self, prompt: LanguageModelInput) -> list[BaseMessage]:
        messages = [unmarked(message) for message in _messages(prompt)]
        size = leading(messages, is_system) if self._stable is None else self._stable
        planned = self._planner.plan(messages[:size], messages[size:], (), self._rules)
        if planned.stable is not None:
            messages[size - 1] = marked(messages[size - 1], self._rules, planned.stable)
        if planned.talk is not None:
            messages[-1] = marked(messages[-1], self._rules, planned.talk)
        return messages


def _messages(prompt: LanguageModelInput) -> list[BaseMessage]:
    if isinstance(prompt, PromptValue):
        return prompt.to_messages()
    if isinstance(prompt, str):
        return [HumanMessage(prompt)]
    return convert_to_messages(prompt)
