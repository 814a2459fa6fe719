"""The spans around a model call: their trace, their names, and what was retrieved."""

import inspect
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from llama_index.core.bridge.pydantic import Field, PrivateAttr
from llama_index.core.instrumentation.span_handlers import BaseSpanHandler
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeWithScore

MOST_OPEN = 20_000
"""Spans that are kept open; what is older was left without an end."""
KEPT = 64
"""Retrievals of one trace that are kept: a workflow may run for days."""
RECENT = 32
"""Ended traces in which a prompt's documents are looked for."""
_ID = 37
"""Characters that LlamaIndex puts behind a span's name: a hyphen and a UUID."""

Nodes = Sequence[NodeWithScore]
Dropped = Callable[[str, BaseException | None], None]


@dataclass(slots=True)
class Trace:
    """All spans below one root."""

    id: str
    names: tuple[str, ...] = ()
    """Of the root."""
    queries: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT))
    found: deque[Nodes] = field(default_factory=lambda: deque(maxlen=KEPT))
    trims: deque[tuple[Nodes, Nodes]] = field(default_factory=lambda: deque(maxlen=KEPT))


@dataclass(frozen=True, slots=True)
class Span:
    """A span that is open."""

    trace: Trace
    parent_id: str | None = None
    names: tuple[str, ...] = ()
    """Classes of the spans around it and its own, outermost first."""
    instance: object = None
    given: Nodes | None = None
    """Of a postprocessor."""


class OpenSpans(BaseSpanHandler[Any]):
    """Spans by their ids, from their start to their end."""

    _known: dict[str, Span] = PrivateAttr(default_factory=dict)
    recent: deque[Trace] = Field(default_factory=lambda: deque(maxlen=RECENT))
    """Traces that have ended with something retrieved, such as those of streams read later."""
    _dropped: Dropped = PrivateAttr()

    def __init__(self, dropped: Dropped) -> None:
        super().__init__()
        self._dropped = dropped

    @classmethod
    def class_name(cls) -> str:
        """The name that LlamaIndex knows the class by."""
        return "RagthriftOpenSpans"

    def around(self, span_id: str | None) -> Span:
        """The span that something happens in."""
        known = self._known.get(span_id) if span_id else None
        return known or Span(Trace(span_id or ""))

    def above(self, span_id: str | None) -> Iterator[str]:
        """The ids of a span and those around it, innermost first."""
        while span_id is not None and (span := self._known.get(span_id)) is not None:
            yield span_id
            span_id = span.parent_id

    def span_enter(
        self,
        id_: str,
        bound_args: inspect.BoundArguments,
        instance: Any | None = None,
        parent_id: str | None = None,
        tags: dict[str, Any] | None = None,  # noqa: ARG002
        **kwargs: Any,  # noqa: ARG002
    ) -> None:
        """A span begins."""
        above = self._known.get(parent_id) if parent_id else None
        name = type(instance).__name__ if instance is not None else id_[:-_ID]
        given = None
        if isinstance(instance, BaseNodePostprocessor):
            given = tuple(bound_args.arguments.get("nodes") or ())
        self._known[id_] = Span(
            above.trace if above else Trace(id_, (name,)),
            parent_id,
            (*above.names, name) if above else (name,),
            instance,
            given,
        )
        if len(self._known) > MOST_OPEN:
            self._known.pop(next(iter(self._known)), None)

    def span_exit(
        self,
        id_: str,
        bound_args: inspect.BoundArguments,  # noqa: ARG002
        instance: Any | None = None,  # noqa: ARG002
        result: Any | None = None,
        **kwargs: Any,  # noqa: ARG002
    ) -> None:
        """A span ends; a postprocessor's tells what it took away."""
        span = self._known.pop(id_, None)
        if span is not None and span.trace.id == id_ and span.trace.found:
            self.recent.append(span.trace)
        if span is None or span.given is None or not isinstance(result, list):
            return
        above = self._known.get(span.parent_id) if span.parent_id else None
        if above is None or above.instance is not span.instance:  # else it told by itself
            trimmed(span.trace, span.given, result)

    def span_drop(
        self,
        id_: str,
        bound_args: inspect.BoundArguments,  # noqa: ARG002
        instance: Any | None = None,  # noqa: ARG002
        err: BaseException | None = None,
        **kwargs: Any,  # noqa: ARG002
    ) -> None:
        """A span ends by an error."""
        self._known.pop(id_, None)
        self._dropped(id_, err)

    def new_span(self, *_: Any, **__: Any) -> None:
        """Not used: nothing of pydantic is made for each span."""

    def prepare_to_exit_span(self, *_: Any, **__: Any) -> None:
        """Not used."""

    def prepare_to_drop_span(self, *_: Any, **__: Any) -> None:
        """Not used."""


def trimmed(trace: Trace, before: Nodes, after: Nodes) -> None:
    """A step kept `after` of `before`."""
    trace.trims.append((before, tuple(after)))
    trace.found.append(tuple(after))
