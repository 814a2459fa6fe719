"""A step of a chain that shortens the conversation on its way to the model."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain_core.messages import BaseMessage, convert_to_messages
from langchain_core.prompt_values import PromptValue
from langchain_core.runnables import (
    Runnable,
    RunnableConfig,
    RunnableLambda,
    run_in_executor,
)

from langchain_ragthrift.memory.viewing import session_in, viewed
from ragthrift import InputError
from ragthrift.memory import ConversationMemory

Session = str | Callable[[RunnableConfig], str]
"""The name of a conversation, or a function of the run's config."""


def condensed(memory: ConversationMemory, *, session: Session | None = None) -> Runnable[Any, Any]:
    """Put it between prompt and model, or give it to an agent as `pre_model_hook`.

    It takes messages, or a prompt, and gives messages; of a graph's state it takes `messages` and
    gives `llm_input_messages`, so that the graph keeps what it has.

    `session` names the conversation; else `thread_id` or `session_id` in the config does, else it
    is known by its beginning. A summary that pays is made while the model answers, and stands in
    the next view; without a name it is waited for.

    >>> from langchain_core.messages import HumanMessage
    >>> with ConversationMemory() as memory:
    ...     condensed(memory, session="ann").invoke([HumanMessage("Soup?")])[0].content
    'Soup?'
    """

    def run(given: Any, config: RunnableConfig) -> Any:
        messages, of_state = _messages_in(given)
        name = _name(session, config)
        sent = viewed(memory, name, messages)
        if name is not None:
            memory.after(name)
        return {"llm_input_messages": sent} if of_state else sent

    async def arun(given: Any, config: RunnableConfig) -> Any:
        return await run_in_executor(None, run, given, config)

    return RunnableLambda(run, arun, name="condensed")


def _name(session: Session | None, config: RunnableConfig) -> str | None:
    if session is None:
        return session_in(config)
    return session if isinstance(session, str) else session(config)


def _messages_in(given: Any) -> tuple[Sequence[BaseMessage], bool]:
    """The messages of an input, and whether it is a graph's state."""
    if isinstance(given, PromptValue):
        return given.to_messages(), False
    if isinstance(given, Sequence) and not isinstance(given, str):
        return convert_to_messages(given), False
    if isinstance(given, Mapping):
        found = given.get("messages")
    else:
        found = getattr(given, "messages", None)
    if found is None:
        raise InputError(
            f"condensed takes messages, a prompt, or a state with messages, not a "
            f"{type(given).__name__}; put it after the prompt"
        )
    return convert_to_messages(found), True
