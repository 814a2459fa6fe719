"""One call on its way through the router to the tiers' models."""

import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, TypeVar

from langchain_core.callbacks import BaseCallbackManager
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import merge_configs
from langchain_core.tracers._streaming import _StreamingCallbackHandler

from langchain_ragthrift.convert import to_passages
from langchain_ragthrift.route.calls import (
    conversation_of,
    from_turns,
    modalities,
    passages_in,
    to_turns,
)
from langchain_ragthrift.route.forms import Form, Sent
from langchain_ragthrift.route.passages import retrieved
from langchain_ragthrift.route.provider_markers import Markers
from ragthrift import InputError, Tier
from ragthrift.bridge import Bridge
from ragthrift.route import Attempt, Call, Hold, Piece, Router

T = TypeVar("T")

UNHEARD = "nostream"
"""LangGraph's tag for a model whose words are not the answer."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The router, its models, and how answers leave."""

    router: Router
    models: Mapping[str, BaseChatModel]
    markers: Markers
    hold: Hold | None = None
    verify: bool = False

    @property
    def holds(self) -> bool:
        """Whether words wait until they were looked at."""
        return self.verify or self.hold is not None


class Run:
    """One call. Without a `bridge` it asks in its own thread, with one on the event loop."""

    def __init__(
        self,
        policy: Policy,
        form: Form,
        messages: Sequence[BaseMessage],
        config: RunnableConfig,
        options: Mapping[str, Any],
        *,
        bridge: Bridge | None = None,
    ) -> None:
        self._policy, self._form, self._bridge = policy, form, bridge
        self._messages, self._config = list(messages), config
        self._options = dict(options)
        self._thread = 0

    def invoke(self) -> Any:
        """The answer; where somebody listens to its words they have left, so it is not replaced."""
        policy, call = self._policy, self._begun()
        if listened_to(self._config) and not policy.holds:
            routed = drained(policy.router.stream(call, one_piece(self._whole)))
        else:
            routed = policy.router.run(call, self._whole)
        answer = routed.answer
        return self._form.marked(answer.raw if answer else None, routed)

    def stream(self) -> Generator[Any, None, None]:
        """The answer's chunks; the last tells the routing."""
        policy, form, last = self._policy, self._form, None
        routing = policy.router.stream(
            self._begun(), self._parts, hold=policy.hold, verify=policy.verify
        )
        with closing(routing):
            while True:
                try:
                    piece = next(routing)
                except StopIteration as end:
                    routed = end.value
                    break
                if form.ends(piece.raw):
                    last = piece.raw
                elif piece.raw is not None:
                    yield piece.raw
        if last is not None:
            yield form.marked(last, routed)

    def _begun(self) -> Call:
        """What is asked; whatever runs in another thread is not part of the answer."""
        self._thread = threading.get_ident()
        options, messages = self._options, self._messages
        told = options.pop("passages", None)
        passages = retrieved() if told is None else to_passages(told)
        limit = options.get("max_tokens")
        return Call(
            to_turns(messages),
            passages if passages is not None else passages_in(messages),
            tools=self._form.schemas,
            schema=self._form.schema,
            modalities=modalities(messages),
            tier=options.pop("model", None),
            conversation=conversation_of(self._config, messages),
            max_tokens=limit if isinstance(limit, int) else None,
        )

    def _whole(self, tier: Tier, call: Call) -> Attempt:
        sent = self._sent(tier, call)
        if self._bridge is None or self._behind:
            return self._form.whole(sent)
        return self._bridge.wait(self._form.awhole(sent))

    def _parts(self, tier: Tier, call: Call) -> Iterator[Piece | Attempt]:
        if self._behind:
            yield self._whole(tier, call)
        elif self._bridge is None:
            yield from self._form.parts(self._sent(tier, call))
        else:
            yield from self._bridge.values(self._form.aparts(self._sent(tier, call)))

    @property
    def _behind(self) -> bool:
        """Whether this is a shadow call: those run in the router's own thread."""
        return threading.get_ident() != self._thread

    def _sent(self, tier: Tier, call: Call) -> Sent:
        model = model_of(tier, self._policy.models)
        messages = [*self._messages, *from_turns(call.added)]
        metadata = {"ragthrift_tier": tier.name}
        if self._behind:
            metadata["purpose"] = "shadow"
        told: RunnableConfig = {"metadata": metadata}
        if self._behind or self._policy.holds:
            told["tags"] = [UNHEARD]
        markers = self._policy.markers
        return Sent(
            model,
            markers.messages(messages, model),
            merge_configs(self._config, told),
            markers.settings(self._options, model),
        )


def model_of(tier: Tier, models: Mapping[str, BaseChatModel]) -> BaseChatModel:
    """The model of a tier, or of a fallback."""
    if tier.name not in models:
        raise InputError(
            f"models hold {sorted(models)}, but none for the tier {tier.name!r}; add it under its "
            "name"
        )
    return models[tier.name]


def listened_to(config: RunnableConfig) -> bool:
    """Whether words are passed on as they come: `stream_mode="messages"`, `astream_events`."""
    callbacks = config.get("callbacks")
    handlers = callbacks.handlers if isinstance(callbacks, BaseCallbackManager) else callbacks
    return any(isinstance(one, _LISTENERS) for one in handlers or ())


def one_piece(ask: Callable[[Tier, Call], Attempt]) -> Callable[[Tier, Call], Iterator[Attempt]]:
    """A stream of one whole answer: the tier is chosen first, and the answer is not replaced."""

    def whole(tier: Tier, call: Call) -> Iterator[Attempt]:
        yield ask(tier, call)

    return whole


def drained(pieces: Generator[Any, None, T]) -> T:
    """What a generator returns."""
    while True:
        try:
            next(pieces)
        except StopIteration as end:
            value: T = end.value
            return value


def _listeners() -> tuple[type, ...]:
    try:
        from langchain_core.tracers._streaming import _V2StreamingCallbackHandler
    except ImportError:  # before the events of version 3
        return (_StreamingCallbackHandler,)
    return (_StreamingCallbackHandler, _V2StreamingCallbackHandler)


_LISTENERS = _listeners()
