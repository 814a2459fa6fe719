from collections.abc import Iterator
from typing import Any

import pytest
from llama_index.core import MockEmbedding, VectorStoreIndex
from llama_index.core.callbacks import CBEventType
from llama_index.core.callbacks.base_handler import BaseCallbackHandler
from llama_index.core.instrumentation import get_dispatcher  # type: ignore[attr-defined]
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events import BaseEvent
from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode

TEXTS = {
    "wing": "The canteen is in the north wing. It opens at eight.",
    "menu": "Lunch changes daily. Friday is fish.",
    "park": "Bicycles stand in the yard. Cars do not.",
    "keys": "Keys are kept by the porter. He sleeps at night.",
}


class Heard(BaseEventHandler):
    """Every event of LlamaIndex's instrumentation, in order."""

    events: list[BaseEvent]

    @classmethod
    def class_name(cls) -> str:
        return "Heard"

    def handle(self, event: BaseEvent, **kwargs: Any) -> None:
        self.events.append(event)

    def named(self, *names: str) -> list[Any]:
        return [event for event in self.events if event.class_name() in names]


class Called(BaseCallbackHandler):
    """Every callback, in order: its type, whether it started or ended, its payload."""

    def __init__(self) -> None:
        super().__init__([], [])
        self.calls: list[tuple[CBEventType, str, dict[str, Any]]] = []

    def on_event_start(
        self,
        event_type: CBEventType,
        payload: dict[str, Any] | None = None,
        event_id: str = "",
        parent_id: str = "",
        **kwargs: Any,
    ) -> str:
        self.calls.append((event_type, "start", payload or {}))
        return event_id

    def on_event_end(
        self,
        event_type: CBEventType,
        payload: dict[str, Any] | None = None,
        event_id: str = "",
        **kwargs: Any,
    ) -> None:
        self.calls.append((event_type, "end", payload or {}))

    def start_trace(self, trace_id: str | None = None) -> None: ...

    def end_trace(
        self, trace_id: str | None = None, trace_map: dict[str, list[str]] | None = None
    ) -> None: ...

    def of(self, event_type: CBEventType) -> list[tuple[str, dict[str, Any]]]:
        return [(when, payload) for type_, when, payload in self.calls if type_ == event_type]


@pytest.fixture
def heard() -> Iterator[Heard]:
    root = get_dispatcher()
    before = list(root.event_handlers)
    listening = Heard(events=[])
    root.add_event_handler(listening)
    yield listening
    root.event_handlers = before


@pytest.fixture
def called() -> Called:
    return Called()


@pytest.fixture
def handbook() -> list[TextNode]:
    return [
        TextNode(
            id_=id_,
            text=text,
            metadata={"file": f"{id_}.md", "page": at, "secret": "x"},
            excluded_embed_metadata_keys=["secret"],
            excluded_llm_metadata_keys=["secret", "page"],
            relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=f"doc-{id_}")},
        )
        for at, (id_, text) in enumerate(TEXTS.items())
    ]


@pytest.fixture
def index(handbook: list[TextNode]) -> VectorStoreIndex:
    return VectorStoreIndex(handbook, embed_model=MockEmbedding(embed_dim=4))
