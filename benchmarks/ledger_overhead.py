"""What recording costs the request: time inside our callbacks, for a call with a long prompt.

    python -m benchmarks.ledger_overhead [--calls 2000]

Each call is a chain with a retriever and a chat model that answers at once; its prompt has some
5,000 tokens in ten documents. All that a call spends in the callback's methods is added up, from
the chain's start to the model's end, while the thread behind reads, counts and hashes calls before.
"""

import argparse
import json
import time
from collections.abc import Callable
from statistics import median, quantiles
from typing import Any

from ragthrift.ledger import Call, Recorder

_PASSAGE = "The canteen serves soup at noon, fish on Friday, and bread all day; no leeks. " * 26
_HOOKS = (
    "on_chain_start", "on_chain_end", "on_retriever_start", "on_retriever_end",
    "on_chat_model_start", "on_llm_end",
)  # fmt: skip


class _Counted:
    def __init__(self) -> None:
        self.calls = 0

    def record(self, _: Call) -> None:
        self.calls += 1


def handler_ms(calls: int = 2000) -> dict[str, float]:
    """Milliseconds that the LangChain callback adds to one call: `p50`, `p95`, `p99`."""
    from langchain_ragthrift import LedgerCallback

    ledger = _Counted()
    callback = LedgerCallback(Recorder(ledger, room=calls + 1))
    spent: list[float] = []
    clock = _clocked(callback)
    chain = _chain()
    for number in range(calls):
        clock[0] = 0.0
        chain.invoke(f"When is soup on day {number}?", {"callbacks": [callback]})
        spent.append(clock[0] * 1000)
    callback.recorder.flush(120)
    assert ledger.calls == calls, callback.recorder.failures
    return _quantiles(spent)


def _quantiles(spent: list[float]) -> dict[str, float]:
    return {
        "p50": round(median(spent), 4),
        "p95": round(quantiles(spent, n=20)[-1], 4),
        "p99": round(quantiles(spent, n=100)[-1], 4),
    }


def llama_index_ms(calls: int = 500) -> dict[str, float]:
    """Milliseconds that `LedgerEvents` adds to a query of two model calls: `p50`, `p95`, `p99`."""
    from llama_index_instrumentation import get_dispatcher

    from llama_index_ragthrift import LedgerEvents

    spent: list[float] = []
    total = [0.0]
    events = LedgerEvents(Recorder(_Counted(), room=calls + 1))
    events.install()
    root = get_dispatcher()
    for heard, names in (
        (events, ("handle",)),
        (root.span_handlers[-1], ("span_enter", "span_exit")),
    ):
        for name in names:
            object.__setattr__(heard, name, _timed(getattr(heard, name), total))
    engine = _engine()
    for number in range(calls):
        total[0] = 0.0
        engine.query(f"When is soup on day {number}?")
        spent.append(total[0] * 1000)
    events.uninstall()
    return _quantiles(spent)


def behind_ms(calls: int = 300) -> float:
    """Milliseconds of the thread behind for one call: reading, finding documents, hashing."""
    from langchain_ragthrift import LedgerCallback

    ledger = _Counted()
    callback = LedgerCallback(Recorder(ledger, room=calls + 1))
    waiting: list[Callable[[], Any]] = []
    recorder: Any = callback.recorder
    recorder.put = waiting.append
    chain = _chain()
    for number in range(calls):
        chain.invoke(f"When is soup on day {number}?", {"callbacks": [callback]})
    started = time.perf_counter()
    for tell in waiting:
        recorder._record(tell)
    return (time.perf_counter() - started) * 1000 / calls


def _clocked(callback: Any) -> list[float]:
    """Add up the seconds inside the callback's methods."""
    total = [0.0]
    for name in _HOOKS:
        setattr(callback, name, _timed(getattr(callback, name), total))
    return total


def _timed(own: Callable[..., Any], total: list[float]) -> Callable[..., Any]:
    def timed(*args: Any, **kwargs: Any) -> Any:
        started = time.perf_counter()
        try:
            return own(*args, **kwargs)
        finally:
            total[0] += time.perf_counter() - started

    return timed


def _engine() -> Any:
    from llama_index.core import Document, MockEmbedding, VectorStoreIndex
    from llama_index.core.llms import MockLLM

    documents = [Document(text=f"{n}. {_PASSAGE}", id_=str(n)) for n in range(10)]
    index = VectorStoreIndex.from_documents(documents, embed_model=MockEmbedding(embed_dim=8))
    return index.as_query_engine(llm=MockLLM(max_tokens=8), similarity_top_k=10)


def _chain() -> Any:
    from langchain_core.documents import Document
    from langchain_core.language_models import FakeListChatModel
    from langchain_core.prompts import ChatPromptTemplate
    from langchain_core.retrievers import BaseRetriever
    from langchain_core.runnables import RunnablePassthrough

    class Shelf(BaseRetriever):
        def _get_relevant_documents(self, *_: Any, **__: Any) -> list[Document]:
            return [Document(f"{n}. {_PASSAGE}", id=str(n)) for n in range(10)]

    template = ChatPromptTemplate.from_messages(
        [("system", "Answer briefly."), ("human", "{context}\n\nQuestion: {question}")]
    )
    found = Shelf() | (lambda documents: "\n\n".join(one.page_content for one in documents))
    inputs: Any = {"context": found, "question": RunnablePassthrough()}
    return inputs | template | FakeListChatModel(responses=["Soup is at noon, fish on Friday."])


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2000)
    calls = parser.parse_args().calls
    found = {"handler_ms": handler_ms(calls), "llama_index_ms": llama_index_ms(calls)}
    print(json.dumps({**found, "behind_ms": round(behind_ms(), 3)}))


if __name__ == "__main__":
    main()
