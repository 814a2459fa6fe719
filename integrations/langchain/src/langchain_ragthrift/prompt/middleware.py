"""An agent whose prompts its provider can cache."""

from collections.abc import Awaitable, Callable
from typing import Any

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain_core.messages import AnyMessage, HumanMessage

from langchain_ragthrift.prompt.marking import (
    blocks_of,
    canonical_tools,
    marked,
    marked_tool,
    unmarked,
)
from langchain_ragthrift.prompt.planned import Planner
from langchain_ragthrift.prompt.rules import RulesOf, rules_of
from ragthrift.failures import Tally
from ragthrift.pipeline import OnError
from ragthrift.prompt import CachePlan, Traffic
from ragthrift.provider_cache import call_markers, takes_key, without_cache_markers

Request = ModelRequest[Any]
Response = ModelResponse[Any]


class PromptCachingMiddleware(AgentMiddleware[Any, Any, Any]):
    """Sorts tools, puts what is volatile before the question, and marks what is worth caching.

    The markers are those of the model that the request goes to: Anthropic's, OpenAI's or
    Bedrock's, none for others. Markers that were there before are replaced. So give it last, after
    a router or a fallback in the list: each attempt then gets the markers of its own model.

    `shared` tells how often prompts begin with these tools and rules, `session` how the calls of
    one conversation follow one another; without it, an agent with tools or a history is expected
    to go on twice, and a single question not at all. `context` gives the date, the user or
    memories, which stand right before the last question, outside of what is cached. `key` is
    OpenAI's `prompt_cache_key`, one for each kind of agent or tenant.

    Where it fails, the request goes on as it came; `failures` counts.
    """

    def __init__(
        self,
        *,
        shared: Traffic | None = None,
        session: Traffic | None = None,
        context: Callable[[Request], str] | None = None,
        key: str = "",
        rules: RulesOf = rules_of,
        on_error: OnError = "pass",
    ) -> None:
        super().__init__()
        self._planner = Planner(shared, session)
        self._context, self._key, self._rules = context, key, rules
        self._tally = Tally("prompt layout", on_error)
        self.plan = CachePlan()
        """Of the last request, with its reasons."""

    @property
    def failures(self) -> dict[str, int]:
        """How often a part failed and was passed over."""
        return self._tally.failures()

    def wrap_model_call(self, request: Request, handler: Callable[[Request], Response]) -> Response:
        """Call the model with a prompt that can be cached."""
        return handler(self._laid_out(request))

    async def awrap_model_call(
        self, request: Request, handler: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        """Do the same: nothing here waits."""
        return await handler(self._laid_out(request))

    def _laid_out(self, request: Request) -> Request:
        with self._tally.passing("markers"):
            return self._marked(request)
        return request

    def _marked(self, request: Request) -> Request:
        rules = self._rules(request.model)
        tools = canonical_tools(request.tools)
        system = [] if request.system_message is None else [unmarked(request.system_message)]
        messages = [unmarked(message) for message in request.messages]
        context = self._context(request) if self._context else ""
        asked = _last_question(messages)
        stays = asked if context and asked is not None else len(messages)
        planned = self._planner.plan(system, messages[:stays], tools, rules)
        self.plan = planned.plan
        if planned.stable is not None and system:
            system = [marked(system[0], rules, planned.stable)]
        elif planned.stable is not None:
            tools[-1:] = [marked_tool(tool, rules, planned.stable) for tool in tools[-1:]]
        if planned.talk is not None:
            messages[stays - 1] = marked(messages[stays - 1], rules, planned.talk)
        if context and asked is not None:
            messages[asked] = _with_context(messages[asked], context)
        settings = without_cache_markers(request.model_settings)
        given = request.model_settings.get("prompt_cache_key")
        key = str(given) if given and takes_key(rules) else self._key
        return request.override(
            tools=tools,
            system_message=system[0] if system else None,
            messages=messages,
            model_settings={**settings, **call_markers(rules, key=key)},
        )


def _last_question(messages: list[AnyMessage]) -> int | None:
    places = [n for n, message in enumerate(messages) if isinstance(message, HumanMessage)]
    return places[-1] if places else None


def _with_context(message: AnyMessage, context: str) -> AnyMessage:
    blocks = [{"type": "text", "text": f"{context}\n\n"}, *blocks_of(message)]
    return message.model_copy(update={"content": blocks})
