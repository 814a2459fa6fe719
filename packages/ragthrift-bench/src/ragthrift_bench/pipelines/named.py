"""What a function of the user's built, asked in its own way."""

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack

from ragthrift import InputError
from ragthrift_bench.attempts import Application, Attempt
from ragthrift_bench.cases import Case
from ragthrift_bench.observation import Observation, observed

Ask = Callable[[Case], object]
"""Returns the answer: a text, or an `Attempt` that says everything by itself."""


def application(built: object) -> Application:
    """The application behind a chain, a query engine, a chat engine, an agent or a function.

    What its models are sent is seen by callbacks, so nothing in it has to be changed. An answer
    without a call of a model is an error: its price is not known. A plain function may return an
    `Attempt` instead of a text, and then nothing is looked at.
    """
    ask = _ask(built)

    def answer(case: Case) -> Attempt:
        with observed() as seen, ExitStack() as watched:
            if "langchain_core" in sys.modules:
                from ragthrift_bench.pipelines.langchain_calls import langchain_calls

                watched.enter_context(langchain_calls(seen))
            if "llama_index.core" in sys.modules:
                from ragthrift_bench.pipelines.llama_index_calls import llama_index_calls

                watched.enter_context(llama_index_calls(seen))
            started = time.perf_counter()
            said = ask(case)
            seconds = time.perf_counter() - started
        if isinstance(said, Attempt):
            return said
        return _attempt(said, seen, seconds)

    return answer


def _attempt(said: object, seen: Observation, seconds: float) -> Attempt:
    if not isinstance(said, str):
        raise InputError(
            f"the pipeline answered with a {type(said).__name__}; let it end with a text, a "
            "message, or a dict that holds one under answer, result, output, response or text"
        )
    if not seen.calls:
        raise InputError(
            "the pipeline answered without a call of a LangChain or LlamaIndex model, so its price "
            "is not known; let a function return a ragthrift_bench.attempts.Attempt with the calls"
        )
    return Attempt(said, tuple(seen.calls), None, seconds, seen.lever_seconds)


def _ask(built: object) -> Ask:
    if (ask := _of_langchain(built)) or (ask := _of_llama_index(built)):
        return ask
    if callable(built) and not isinstance(built, type):
        return lambda case: built(case.question)
    raise InputError(
        f"the function built a {type(built).__name__}; return a LangChain Runnable, a query engine "
        "or chat engine or agent of LlamaIndex, or a function of the question"
    )


def _of_langchain(built: object) -> Ask | None:
    if "langchain_core" not in sys.modules:
        return None
    from langchain_core.runnables import Runnable

    if not isinstance(built, Runnable):
        return None
    from ragthrift_bench.pipelines.runnable import ask_runnable

    return ask_runnable(built)


def _of_llama_index(built: object) -> Ask | None:
    if "llama_index.core" not in sys.modules:
        return None
    from ragthrift_bench.pipelines.llama_index_pipeline import ask_llama_index

    return ask_llama_index(built)
