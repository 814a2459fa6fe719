"""Watches LangChain's runs and puts every model call into a ledger."""

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Self, TypeGuard
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.documents import Document
from langchain_core.messages import BaseMessage, ToolMessage
from langchain_core.outputs import LLMResult
from langchain_core.runnables.config import var_child_runnable_config
from typing_extensions import override

from langchain_ragthrift.cache.witness import found_by
from langchain_ragthrift.ledger.answers import Said
from langchain_ragthrift.ledger.hits import Hit, observed_hit
from langchain_ragthrift.ledger.reading import Begun, Ended, observed
from langchain_ragthrift.ledger.runs import MOST_OPEN, Documents, OpenRuns
from ragthrift.failures import Passing
from ragthrift.ledger import Recorder
from ragthrift.ledger.recorder import Records


class LedgerCallback(BaseCallbackHandler):
    """One `Call` in the ledger for each call of a model, whoever makes it.

    Pass it as a callback, or have `audit` put it everywhere. What runs while an answer is awaited
    only notes; reading, counting and hashing are the recorder's, behind. Answers of a cache are
    recorded as such and never billed; failed and aborted calls are recorded, too.

    >>> from langchain_core.language_models import FakeListChatModel
    >>> calls = []
    >>> class Kept:
    ...     record = staticmethod(calls.append)
    >>> ledger = LedgerCallback(Kept())
    >>> config = {"callbacks": [ledger], "metadata": {"request_type": "faq"}}
    >>> said = FakeListChatModel(responses=["At noon."]).invoke("When is soup?", config)
    >>> ledger.recorder.flush(), calls[0].request_type, calls[0].measured
    (True, 'faq', False)
    """

    run_inline = True
    """In the thread of the run: noting is quicker than asking the event loop for another."""

    def __init__(self, ledger: Records | Recorder) -> None:
        self.recorder = Recorder.of(ledger)
        self.raise_error = self.recorder.on_error == "raise"
        self._runs = OpenRuns()
        self._calls: dict[UUID, Begun] = {}

    def __deepcopy__(self, _: dict[int, object]) -> Self:
        """The same: a copy of a chain records in the same ledger."""
        return self

    @override
    def on_chat_model_start(
        self,
        serialized: dict[str, Any],
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Note the prompt."""
        with self._passing():
            self._begin(run_id, parent_run_id, tuple(messages[0]), tags, metadata, kwargs)

    @override
    def on_llm_start(
        self,
        serialized: dict[str, Any],
        prompts: list[str],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Note the prompt of a model that completes text."""
        with self._passing():
            self._begin(run_id, parent_run_id, prompts[0], tags, metadata, kwargs)

    def _begin(
        self,
        run_id: UUID,
        parent_run_id: UUID | None,
        messages: Sequence[BaseMessage] | str,
        tags: Sequence[str] | None,
        metadata: Mapping[str, Any] | None,
        more: Mapping[str, Any],
    ) -> None:
        around = var_child_runnable_config.get() or {}
        self._calls[run_id] = Begun(
            run_id,
            self._runs.around(parent_run_id),
            messages,
            more.get("invocation_params") or {},
            tuple(tags or ()),
            metadata or {},
            more.get("name") or "",
            tuple(self._runs.recent),
            around.get("configurable") or {},
            more.get("batch_size") or 1,
        )
        if len(self._calls) > MOST_OPEN:
            self._calls.pop(next(iter(self._calls)), None)

    @override
    def on_llm_new_token(self, token: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """Note when the first word came."""
        begun = self._calls.get(run_id)
        if begun is not None and begun.first is None and token:
            begun.first = time.perf_counter()

    @override
    def on_stream_event(self, event: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """Note the same where a stream is made of events."""
        kind = event.get("event") if isinstance(event, Mapping) else None
        self.on_llm_new_token(kind == "content-block-delta", run_id=run_id)

    @override
    def on_retry(self, retry_state: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """Count it."""
        begun = self._calls.get(run_id)
        if begun is not None:
            begun.retries += 1

    @override
    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        """Have the call recorded."""
        with self._passing():
            self._end(run_id, response, None)

    @override
    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """Have the failed call recorded, with what it said before."""
        with self._passing():
            self._end(run_id, kwargs.get("response"), error)

    def _end(self, run_id: UUID, response: LLMResult | None, error: BaseException | None) -> None:
        begun = self._calls.pop(run_id, None)
        if begun is None:
            return
        answers = [[Said.of(one) for one in several] for several in _generations(response)]
        output = (response.llm_output if response else None) or {}
        ended = Ended(answers, output, time.perf_counter(), error)
        self.recorder.put(lambda: [observed(begun, ended)])

    @override
    def on_chain_start(
        self,
        serialized: dict[str, Any] | None,
        inputs: Any,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        **kwargs: Any,
    ) -> None:
        """Note whose runs are below."""
        with self._passing():
            name = kwargs.get("name") or (serialized or {}).get("name") or ""
            given = inputs.get("documents") if isinstance(inputs, dict) else None
            shelf = given if _are_documents(given) else ()
            self._runs.begin(run_id, parent_run_id, name, given=tuple(shelf))

    @override
    def on_chain_end(self, outputs: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """Note documents that a step gives."""
        if _are_documents(outputs):
            self.on_retriever_end(outputs, run_id=run_id)
        else:
            self._runs.end(run_id)

    @override
    def on_chain_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """Close the run."""
        self._runs.end(run_id)

    @override
    def on_tool_start(
        self,
        serialized: dict[str, Any] | None,
        input_str: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        **kwargs: Any,
    ) -> None:
        """Note whose runs are below."""
        with self._passing():
            name = kwargs.get("name") or (serialized or {}).get("name") or ""
            self._runs.begin(run_id, parent_run_id, name)

    @override
    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """Note documents that a tool gives."""
        found = found_by(output) if isinstance(output, ToolMessage) else None
        self.on_chain_end(found, run_id=run_id)

    @override
    def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """Close the run."""
        self._runs.end(run_id)

    @override
    def on_retriever_start(
        self,
        serialized: dict[str, Any] | None,
        query: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        **kwargs: Any,
    ) -> None:
        """Note what is searched."""
        with self._passing():
            name = kwargs.get("name") or ""
            self._runs.begin(run_id, parent_run_id, name, query=str(query))

    @override
    def on_retriever_end(
        self, documents: Sequence[Document], *, run_id: UUID, **kwargs: Any
    ) -> None:
        """Note what was found."""
        with self._passing():
            self._runs.find(run_id, documents)

    @override
    def on_retriever_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """Close the run."""
        self._runs.end(run_id)

    def answered_by_cache(self, hit: Hit) -> None:
        """Have an answer recorded for which no model was called."""
        with self._passing():
            around = self._runs.around(hit.parent_run_id)
            self.recorder.put(partial(observed_hit, hit, around))

    def trimmed(self, run_id: UUID | None, before: Documents, after: Documents) -> None:
        """Note what a step of ours took from documents in a run."""
        self._runs.around(run_id).trace.trims.append((tuple(before), tuple(after)))

    def _passing(self) -> Passing:
        return self.recorder.tally.passing("callback")


def _generations(response: LLMResult | None) -> Sequence[Sequence[Any]]:
    return response.generations if response is not None else ()


def _are_documents(value: Any) -> TypeGuard[Sequence[Document]]:
    return isinstance(value, list | tuple) and bool(value) and isinstance(value[0], Document)
