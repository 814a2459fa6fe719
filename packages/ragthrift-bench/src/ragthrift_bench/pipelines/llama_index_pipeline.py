"""A query engine, a chat engine or an agent of LlamaIndex."""

import asyncio
from typing import Any

from llama_index.core.agent.workflow import AgentWorkflow, BaseWorkflowAgent
from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.chat_engine.types import BaseChatEngine
from llama_index.core.llms import ChatMessage

from ragthrift_bench.cases import Case
from ragthrift_bench.pipelines.named import Ask


def ask_llama_index(built: object) -> Ask | None:
    """Ask by `query`, `chat` or `run`; `None` for anything else.

    Earlier turns go to a chat engine or an agent as its history; a query engine takes none.
    """
    if isinstance(built, BaseQueryEngine):
        return lambda case: str(built.query(case.question))
    if isinstance(built, BaseChatEngine):
        return lambda case: str(built.chat(case.question, chat_history=_turns(case)))
    if isinstance(built, AgentWorkflow | BaseWorkflowAgent):
        return lambda case: str(asyncio.run(_run(built, case)))
    return None


async def _run(agent: Any, case: Case) -> object:
    return await agent.run(user_msg=case.question, chat_history=_turns(case))


def _turns(case: Case) -> list[ChatMessage]:
    return [ChatMessage(role=turn.role, content=turn.content) for turn in case.history]
