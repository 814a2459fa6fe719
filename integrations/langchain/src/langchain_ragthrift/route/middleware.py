"""An agent whose model is chosen for each question."""

import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from langchain.agents.middleware import AgentMiddleware
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.runnables.config import ensure_config
from langgraph.errors import GraphBubbleUp

from langchain_ragthrift.route.agent_step import AgentStep, Handler, Request, Response
from langchain_ragthrift.route.provider_markers import Markers
from langchain_ragthrift.route.running import Policy, model_of
from ragthrift.bridge import Bridge
from ragthrift.route import Router

log = logging.getLogger(__name__)

_MOST_REMEMBERED = 1024


class RoutingMiddleware(AgentMiddleware[Any, Any, Any]):
    """Puts the chosen tier's model in the place of the agent's, call by call.

    The agent's own model is `default`, the strongest tier's if left out; a request for any other,
    such as a fallback's or that of a middleware before, goes on as it is. So does one that is made
    again after the tiers failed. What one question of the user needs, tool calls and all, stays
    with the tier that began it, while that tier can; `thread_id` keeps a conversation where its
    prompt is cached, as the router weighs it. Tiers that lack tools or structured output are passed
    over where the request needs them.

    Put it before middleware that looks at the model, such as prompt caching. The tier is chosen,
    and another takes its place if it fails; with `verify=True` answers are checked before they
    leave, and go up where that helps, but are not streamed word by word. The answer's
    `response_metadata["routing"]` tells tier, reason, attempts and dollars.
    """

    def __init__(
        self,
        router: Router,
        models: Mapping[str, BaseChatModel],
        *,
        default: BaseChatModel | None = None,
        verify: bool = False,
    ) -> None:
        super().__init__()
        by_tier = [model_of(tier, models) for tier in router.tiers]
        self.default = by_tier[-1] if default is None else default
        markers = Markers([self.default, *models.values()])
        self._policy = Policy(router, dict(models), markers, verify=verify)
        self._began = False
        self._failed: deque[str] = deque(maxlen=_MOST_REMEMBERED)

    def wrap_model_call(self, request: Request, handler: Handler) -> Response | AIMessage:
        """Choose, and call the handler with the tier's model."""
        if not self._routes(request):
            return handler(request)
        with self._remembering():
            return AgentStep(self._policy, request, handler).response()

    async def awrap_model_call(
        self, request: Request, handler: Callable[[Request], Awaitable[Response]]
    ) -> Response | AIMessage:
        """Do the same; the router waits in a thread."""
        if not self._routes(request):
            return await handler(request)
        bridge = Bridge()

        async def handled(told: Request) -> Response:
            return await handler(told)

        with self._remembering():
            step = AgentStep(self._policy, request, lambda told: bridge.wait(handled(told)))
            return await bridge.call(step.response)

    def _routes(self, request: Request) -> bool:
        ours = request.model is self.default
        if not ours and not self._began:
            log.warning(
                "the agent's model is not the default of RoutingMiddleware, so nothing is routed "
                "(logged once); give the agent the model of the strongest tier, or default=..."
            )
        self._began = True
        return ours and _step() not in self._failed

    @contextmanager
    def _remembering(self) -> Iterator[None]:
        """Remember the step of an agent in which all tiers failed."""
        try:
            yield
        except GraphBubbleUp:  # an interrupt, not a failure
            raise
        except Exception:
            if (step := _step()) is not None:
                self._failed.append(step)
            raise


def _step() -> str | None:
    """LangGraph's name for the step under way, which no other has."""
    step = ensure_config().get("metadata", {}).get("langgraph_checkpoint_ns")
    return None if step is None else str(step)
