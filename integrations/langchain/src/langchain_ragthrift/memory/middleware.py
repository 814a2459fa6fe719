"""An agent whose model sees a view of the conversation, while its checkpoint keeps all of it."""

from collections.abc import Awaitable, Callable
from typing import Any, cast

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain.agents.middleware.types import ExtendedModelResponse
from langchain_core.messages import AnyMessage, BaseMessage
from langchain_core.runnables import run_in_executor
from langchain_core.runnables.config import ensure_config
from langgraph.types import Command

from langchain_ragthrift.memory.checkpoint import MemoryState, checkpointed, update_of
from langchain_ragthrift.memory.viewing import session_in, viewed
from ragthrift.memory import ConversationMemory, ViewState

Request = ModelRequest[Any]
Response = ModelResponse[Any]


class MemoryMiddleware(AgentMiddleware[Any, Any, Any]):
    """Sends facts, summaries, recent turns and recalled ones in the place of the whole history.

    The graph's messages are not touched. What was derived from them is kept in its checkpoint, too:
    a process that goes on with the thread sends what the one before it would have sent, and a
    summary is not paid for twice. A conversation is named by `thread_id`, or by `session`, a
    function of the request: agents that share a thread and not a conversation need it. Without a
    name it is known by its beginning, and a summary is waited for.

    A summary that pays is made in the background once the model has answered, and stands in the
    next view. Where the memory fails, the model gets the whole history. Put it before middleware
    that looks at the prompt, such as caches.
    """

    state_schema = MemoryState

    def __init__(
        self, memory: ConversationMemory, *, session: Callable[[Request], str] | None = None
    ) -> None:
        super().__init__()
        self.memory = memory
        self._session = session

    def wrap_model_call(
        self, request: Request, handler: Callable[[Request], Response]
    ) -> Response | ExtendedModelResponse[Any]:
        """Call the model with the view."""
        session = self._named(request)
        shorter, known = self._shortened(request, session)
        return self._finished(handler(shorter), session, known)

    async def awrap_model_call(
        self, request: Request, handler: Callable[[Request], Awaitable[Response]]
    ) -> Response | ExtendedModelResponse[Any]:
        """Do the same; the view is made in a thread: the event loop stays free."""
        session = self._named(request)
        shorter, known = await run_in_executor(None, self._shortened, request, session)
        response = await handler(shorter)
        return await run_in_executor(None, self._finished, response, session, known)

    def _named(self, request: Request) -> str | None:
        return session_in(ensure_config()) if self._session is None else self._session(request)

    def _shortened(self, request: Request, session: str | None) -> tuple[Request, ViewState | None]:
        """The request to send, and what the checkpoint holds."""
        known = self._adopted(request, session)
        rules: list[BaseMessage] = (
            [] if request.system_message is None else [request.system_message]
        )
        sent = viewed(self.memory, session, [*rules, *request.messages])
        return request.override(messages=cast(list[AnyMessage], sent[len(rules) :])), known

    def _adopted(self, request: Request, session: str | None) -> ViewState | None:
        """What the checkpoint holds, which the memory has now; `None` if that is left alone."""
        if session is None:
            return None
        with self.memory.tally.passing("checkpoint"):
            known = checkpointed(request.state)
            self.memory.adopt(session, known)
            return known
        return None

    def _finished(
        self, response: Response, session: str | None, known: ViewState | None
    ) -> Response | ExtendedModelResponse[Any]:
        """The response, with what was derived since the checkpoint was written."""
        if session is None:
            return response
        update = None if known is None else self._update(session, known)
        self.memory.after(session)
        return response if update is None else ExtendedModelResponse(response, update)

    def _update(self, session: str, known: ViewState) -> Command[Any] | None:
        with self.memory.tally.passing("checkpoint"):
            return update_of(self.memory.derived(session), known)
        return None
