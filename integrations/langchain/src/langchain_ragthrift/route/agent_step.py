"""One call of an agent's model, on its way to the tier that is chosen."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from langchain.agents.middleware import ModelRequest, ModelResponse
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.runnables.config import ensure_config, merge_configs

from langchain_ragthrift.route.attempts import ROUTING, attempt_of, marked
from langchain_ragthrift.route.calls import (
    conversation_of,
    from_turns,
    modalities,
    passages_in,
    to_turns,
    tool_schemas,
)
from langchain_ragthrift.route.forms import MessageForm, Sent, Tools
from langchain_ragthrift.route.passages import retrieved
from langchain_ragthrift.route.response_formats import answer_schema, answer_tools
from langchain_ragthrift.route.running import UNHEARD, Policy, drained, model_of, one_piece
from ragthrift import InputError, Tier
from ragthrift.errors import ContextOverflowError
from ragthrift.route import Attempt, Call, Routed, fault_of

Request = ModelRequest[Any]
Response = ModelResponse[Any]
Handler = Callable[[Request], Response]


class AgentStep:
    """The request, and the handler that calls a model with it."""

    def __init__(self, policy: Policy, request: Request, handler: Handler) -> None:
        self._policy, self._request, self._handler = policy, request, handler
        self._config = ensure_config()
        self._thread = 0

    def response(self) -> Response:
        """What the handler gave for the tier that answered."""
        self._thread = threading.get_ident()
        call = self._call()
        began = _tier_of_question(self._request.messages, self._policy.router.tiers)
        try:
            routed = self._routed(replace(call, tier=began))
        except Exception as error:
            moves = isinstance(error, (InputError, ContextOverflowError)) or fault_of(error)
            if began is None or not moves:
                raise
            routed = self._routed(call)
        return _response(routed)

    def _routed(self, call: Call) -> Routed:
        if self._policy.verify:
            return self._policy.router.run(call, self._attempt)
        return drained(self._policy.router.stream(call, one_piece(self._attempt)))

    def _attempt(self, tier: Tier, call: Call) -> Attempt:
        if threading.get_ident() != self._thread:
            return self._shadow(tier)
        response = self._handler(self._sent(tier, call))
        message = next(m for m in response.result if isinstance(m, AIMessage))
        return attempt_of(message, response)

    def _sent(self, tier: Tier, call: Call) -> Request:
        request, markers = self._request, self._policy.markers
        model = model_of(tier, self._policy.models)
        system = request.system_message
        messages: list[Any] = [*request.messages, *from_turns(call.added)]
        return request.override(
            # A copy with a tag, not a binding: other middleware looks at the model's class.
            model=_unheard(model) if self._policy.verify else model,
            messages=markers.messages(messages, model),
            system_message=markers.messages([system], model)[0] if system else None,
            tools=markers.tools(request.tools, model),
            model_settings=markers.settings(request.model_settings, model),
        )

    def _shadow(self, tier: Tier) -> Attempt:
        """Ask the model alone: the agent has gone on, and its other middleware with it."""
        request, policy = self._request, self._policy
        model = model_of(tier, policy.models)
        system: list[BaseMessage] = [request.system_message] if request.system_message else []
        messages = policy.markers.messages([*system, *request.messages], model)
        config = merge_configs(self._config, {"tags": [UNHEARD]})
        options = policy.markers.settings(request.model_settings, model)
        form = MessageForm(Tools(tuple(request.tools)), policy.markers)
        return form.whole(Sent(model, messages, config, options))

    def _call(self) -> Call:
        request = self._request
        system: list[BaseMessage] = [request.system_message] if request.system_message else []
        told = retrieved()
        limit = request.model_settings.get("max_tokens")
        return Call(
            to_turns([*system, *request.messages]),
            passages_in(request.messages) if told is None else told,
            tools={**tool_schemas(request.tools), **answer_tools(request.response_format)},
            schema=answer_schema(request.response_format),
            modalities=modalities(request.messages),
            conversation=conversation_of(self._config, request.messages),
            max_tokens=limit if isinstance(limit, int) else None,
        )


def _unheard(model: BaseChatModel) -> BaseChatModel:
    return model.model_copy(update={"tags": [*(model.tags or ()), UNHEARD]})


def _response(routed: Routed) -> Response:
    response = routed.answer.raw if routed.answer else None
    if not isinstance(response, ModelResponse):
        raise InputError("a middleware after RoutingMiddleware gave no ModelResponse")
    said = next(n for n, one in enumerate(response.result) if isinstance(one, AIMessage))
    result = list(response.result)
    result[said] = marked(result[said], routed)  # type: ignore[arg-type]
    return replace(response, result=result)


def _tier_of_question(messages: Sequence[BaseMessage], tiers: Sequence[Tier]) -> str | None:
    """The tier that answered last since the user spoke."""
    names = {tier.name for tier in tiers}
    for message in reversed(messages):
        if isinstance(message, HumanMessage):
            return None
        routing = message.response_metadata.get(ROUTING)
        if isinstance(routing, Mapping) and routing.get("tier") in names:
            return str(routing["tier"])
    return None
