"""An agent whose answers have a budget."""

from collections.abc import Awaitable, Callable
from typing import Any, cast

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain_core.messages import AIMessage, AnyMessage
from langchain_core.runnables.config import ensure_config

from langchain_ragthrift.memory.viewing import session_in
from langchain_ragthrift.output.sending import instructed, own_limit, question_in, thinks, told
from langchain_ragthrift.wrapped_llm import limited
from ragthrift.ledger import UNTAGGED
from ragthrift.prompt.output import Asking, OutputBudget

Request = ModelRequest[Any]
Response = ModelResponse[Any]


class OutputBudgetMiddleware(AgentMiddleware[Any, Any, Any]):
    """Puts the budget's instruction last in each prompt, and its limit into `model_settings`.

    The instruction is in no checkpoint. `thread_id` names the conversation that is held out as a
    whole; without one it is the question. Where the agent has tools, an answer that met the limit
    is always asked for once more, since it may be a call that was cut in two. A structured answer
    (`response_format`) is left alone. Put it behind middleware that looks at the prompt or
    the model, such as caches and routers.
    """

    def __init__(
        self, budget: OutputBudget, *, request_type: str | Callable[[Request], str] = UNTAGGED
    ) -> None:
        super().__init__()
        self.budget = budget
        self._type = request_type

    def wrap_model_call(self, request: Request, handler: Callable[[Request], Response]) -> Response:
        """Call the model under the budget."""
        asking = self._asking(request)
        response = handler(_sent(request, asking))
        if asking.again(*_told(response)):
            response = handler(_sent(request, asking))
            asking.again(*_told(response))
        return response

    async def awrap_model_call(
        self, request: Request, handler: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        """Do the same; nothing here waits."""
        asking = self._asking(request)
        response = await handler(_sent(request, asking))
        if asking.again(*_told(response)):
            response = await handler(_sent(request, asking))
            asking.again(*_told(response))
        return response

    def _asking(self, request: Request) -> Asking:
        if request.response_format is not None:
            return self.budget.unasked()
        kind, limit = self._type, request.model_settings.get("max_tokens")
        asking = self.budget.asking(
            kind if isinstance(kind, str) else kind(request),
            session_in(ensure_config()) or question_in(request.messages),
            thinks=thinks(request.model),
            limit=limit or own_limit(request.model),
        )
        asking.retry = asking.retry or bool(request.tools)
        return asking


def _sent(request: Request, asking: Asking) -> Request:
    messages = cast(list[AnyMessage], instructed(request.messages, asking.instruction))
    if asking.plan.max_tokens is None or asking.max_tokens is None:
        return request.override(messages=messages)
    model, limit = limited(request.model, asking.max_tokens)
    settings = request.model_settings | limit
    return request.override(messages=messages, model=model, model_settings=settings)


def _told(response: Any) -> Any:
    """Of the model's own message; a response may be one, or stand inside another's."""
    inner = getattr(response, "model_response", response)
    messages = [inner] if isinstance(inner, AIMessage) else getattr(inner, "result", [])
    found = [message for message in messages if isinstance(message, AIMessage)]
    return told(found[-1]) if found else ("", None, 0)
