"""An agent whose model sees a view of the conversation, while its checkpoint keeps all of it."""

from collections.abc import Awaitable, Callable
from typing import Any, cast

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain_core.messages import AIMessage, AnyMessage, BaseMessage
from langchain_core.runnables import run_in_executor
from langchain_core.runnables.config import ensure_config

from langchain_ragthrift.memory.viewing import session_in, viewed
from ragthrift.memory import ConversationMemory

Request = ModelRequest[Any]
Response = ModelResponse[Any]


class MemoryMiddleware(AgentMiddleware[Any, Any, Any]):
    """Sends facts, summaries, recent turns and recalled ones in the place of the whole history.

    The graph's state and its checkpoints are not touched. A conversation is named by `thread_id`,
    or by `session`, a function of the request: agents that share a thread and not a conversation
    need it. Without a name it is known by its beginning, and a summary is waited for.

    A summary that pays is made in the background once the model has answered, and stands in the
    next view. Where the memory fails, the model gets the whole history. Put it before middleware
    that looks at the prompt, such as caches.
    """

    def __init__(
        self, memory: ConversationMemory, *, session: Callable[[Request], str] | None = None
    ) -> None:
        super().__init__()
        self.memory = memory
        self._session = session

    def wrap_model_call(
        self, request: Request, handler: Callable[[Request], Response]
    ) -> Response | AIMessage:
        """Call the model with the view."""
        session = self._named(request)
        response = handler(self._shortened(request, session))
        self._after(session)
        return response

    async def awrap_model_call(
        self, request: Request, handler: Callable[[Request], Awaitable[Response]]
    ) -> Response | AIMessage:
        """Do the same; the view is made in a thread: the event loop stays free."""
        session = self._named(request)
        shorter = await run_in_executor(None, self._shortened, request, session)
        response = await handler(shorter)
        self._after(session)
        return response

    def _named(self, request: Request) -> str | None:
        return session_in(ensure_config()) if self._session is None else self._session(request)

    def _shortened(self, request: Request, session: str | None) -> Request:
        rules: list[BaseMessage] = (
            [] if request.system_message is None else [request.system_message]
        )
        sent = viewed(self.memory, session, [*rules, *request.messages])
        return request.override(messages=cast(list[AnyMessage], sent[len(rules) :]))

    def _after(self, session: str | None) -> None:
        if session is not None:
            self.memory.after(session)
