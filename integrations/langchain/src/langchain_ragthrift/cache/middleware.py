"""An agent that answers what it answered before, without a loop of tools and models."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain_core.language_models import BaseChatModel
from langchain_core.load import dumps
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.runnables import ensure_config
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from langchain_ragthrift.cache.messages import ended, to_kept, to_served, tool_calls, total_tokens
from langchain_ragthrift.cache.outputs import evidence
from langchain_ragthrift.cache.pending import Pending
from langchain_ragthrift.cache.scopes import Parts, as_scope, named_by, plain
from langchain_ragthrift.cache.witness import found_by
from langchain_ragthrift.cache.writing import read, write
from langchain_ragthrift.convert import to_messages
from langchain_ragthrift.ledger.hits import tell_hit
from ragthrift import InputError, Passage, Scope, ToolCall
from ragthrift.bridge import Bridge
from ragthrift.cache import (
    Answer,
    Asked,
    Fresh,
    Lookup,
    SemanticCache,
    fingerprint,
    last_question,
)
from ragthrift.cache.lookup import from_cache

Request = ModelRequest[Any]
Response = ModelResponse[Any]


@dataclass(frozen=True, slots=True)
class _Turn:
    """The user's last question, and what the agent did about it so far."""

    asked: Asked
    scope: Scope
    user: str | None
    message_id: str | None
    since: tuple[BaseMessage, ...]

    @property
    def key(self) -> Hashable:
        return (self.asked, self.scope, self.user, self.message_id)


class SemanticCacheMiddleware(AgentMiddleware[Any, Any, Any]):
    """Looks for the user's question before the agent's first call of the model for it.

    A hit is the agent's final answer: no tool runs and no model is called. Otherwise the final
    answer is kept, with the documents of tool messages as evidence. If other tools ran, it is kept
    only where all of them are declared in `Rules(deterministic_tools=...)`: what a tool did to the
    world would not be done again.

    `scope` names what the agent does not tell, such as the tenant: a dict, or a function of the
    `ModelRequest`. The model and its settings, the system prompt, the tools' schemas and the
    user's earlier turns become part of the scope by themselves. Put it last in the list of
    middleware, where it sees the request as it will be sent. Answers with a `response_format`
    and questions with more than text go to the model unseen.

    Who asks the same at once waits for the first one's response, and gets it if it is the answer;
    if it calls tools, each goes on alone.
    """

    def __init__(
        self,
        cache: SemanticCache,
        *,
        scope: Parts | Callable[[Request], Parts],
        document_key: str | None = None,
        user: Callable[[Request], str | None] | None = None,
    ) -> None:
        super().__init__()
        self._cache, self._scope, self._user = cache, scope, user
        self._document_key = document_key
        self._pending = Pending()

    def wrap_model_call(
        self, request: Request, handler: Callable[[Request], Response]
    ) -> Response | AIMessage:
        """Answer from the cache, or call the model and keep what it says last."""
        turn = self._turn(request)
        return handler(request) if turn is None else self._ask(turn, lambda: handler(request))

    async def awrap_model_call(
        self, request: Request, handler: Callable[[Request], Awaitable[Response]]
    ) -> Response | AIMessage:
        """Do the same; the cache is asked in a thread."""
        turn = self._turn(request)
        if turn is None:
            return await handler(request)
        bridge = Bridge()

        async def handled() -> Response:
            return await handler(request)

        return await bridge.call(lambda: self._ask(turn, lambda: bridge.wait(handled())))

    def _turn(self, request: Request) -> _Turn | None:
        if request.response_format is not None:
            return None
        messages = request.messages
        spoken = [n for n, message in enumerate(messages) if isinstance(message, HumanMessage)]
        try:
            asked = last_question(to_messages([messages[n] for n in spoken]))
        except InputError:  # nothing was asked, or with more than text
            return None
        last = spoken[-1]
        scope = as_scope(named_by(self._scope, request), earlier=asked.earlier, **_sent(request))
        user = self._user(request) if self._user else None
        return _Turn(asked, scope, user, messages[last].id, tuple(messages[last + 1 :]))

    def _ask(self, turn: _Turn, ask: Callable[[], Response]) -> Response | AIMessage:
        """Blocking: only the first call of the model for a question may be saved."""
        if turn.since:
            return self._kept(turn, ask())
        found = self._cache.find(turn.asked.question, scope=turn.scope, user=turn.user)
        if found.hit is None:
            return self._shared(turn, found, ask)
        served = _served(from_cache(found, found.hit, None))
        return served or self._begun(turn, found, ask())

    def _shared(
        self, turn: _Turn, found: Lookup, ask: Callable[[], Response]
    ) -> Response | AIMessage:
        """The model's first response; if it is the answer, it is that of all who ask the same now.

        Whoever waits for a response that goes on with tools, or fails, asks for itself: tools run
        for one conversation, and an error may be about it.
        """
        mine: list[Response] = []
        asked = False

        def compute(_: str, __: Sequence[Passage]) -> Fresh:
            nonlocal asked
            asked = True
            mine.append(ask())
            said = _final(mine[0])
            if said is None:
                raise _GoesOnError
            return self._fresh(said, ())

        served: AIMessage | None = None
        try:
            answer = self._cache.make(found, compute, user=turn.user)
        except Exception as error:
            if asked and not isinstance(error, _GoesOnError):
                raise
        else:
            if mine:
                return mine[0]
            served = _served(answer)
        return served or self._begun(turn, found, mine[0] if mine else ask())

    def _begun(self, turn: _Turn, found: Lookup, response: Response) -> Response:
        """The first response of a turn that may go on."""
        self._pending.put(turn.key, found)
        return self._kept(turn, response)

    def _kept(self, turn: _Turn, response: Response) -> Response:
        """Keep an answer that ends the turn, if its beginning was seen here."""
        said = _final(response)
        found = self._pending.pop(turn.key) if said else None
        if said and found:
            self._cache.keep(found, self._fresh(said, turn.since), user=turn.user)
        return response

    def _fresh(self, said: AIMessage, since: Sequence[BaseMessage]) -> Fresh:
        results = [message for message in since if isinstance(message, ToolMessage)]
        found = [(message, found_by(message)) for message in results]
        documents = [d for _, shelf in found if shelf is not None for d in shelf]
        retrieved = any(shelf is not None for _, shelf in found)
        before = [message for message in since if isinstance(message, AIMessage)]
        fresh = Fresh(
            str(said.text),
            passages=evidence(documents, self._document_key) if retrieved else None,
            finish_reason=ended(said),
            tool_calls=tuple(
                ToolCall(m.tool_call_id, m.name or "") for m, shelf in found if shelf is None
            ),
            tokens=sum(map(total_tokens, [*before, said])) or None,
        )
        try:
            return replace(fresh, extra=write(to_kept(said)))
        except InputError:
            return replace(fresh, finish_reason="error")


class _GoesOnError(Exception):
    """The response calls tools: it is no answer yet."""


def _final(response: Response) -> AIMessage | None:
    """The answer that a response is."""
    said = response.result[-1] if response.result else None
    return said if isinstance(said, AIMessage) and not tool_calls(said) else None


def _served(answer: Answer) -> AIMessage | None:
    """The message that an answer was, as a new one; `None` if it cannot be given again."""
    kept: AIMessage | None = read(answer.extra)
    if kept is None:
        return None
    tell_hit(ensure_config(), answer.lookup.question, answer.text)
    return to_served(kept, answer)


def _sent(request: Request) -> dict[str, str | None]:
    """What goes to the model besides the conversation."""
    system = request.system_message
    tools = [convert_to_openai_tool(t) if isinstance(t, BaseTool) else t for t in request.tools]
    settings = [str(sorted(request.model_settings.items())), str(request.tool_choice)]
    return {
        "model": fingerprint([_named(request.model), *settings]),
        "system_prompt": fingerprint(plain(system.content)) if system else None,
        "tools": fingerprint(tools) if tools else None,
    }


def _named(model: object) -> str:
    """A model with its settings, as LangChain's own caches tell models apart."""
    return model._get_llm_string() if isinstance(model, BaseChatModel) else dumps(model)
