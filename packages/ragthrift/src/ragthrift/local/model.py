"""A language model, wherever it runs."""

from collections.abc import Generator, Sequence
from dataclasses import fields, replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, Unpack

from ragthrift.errors import ContextOverflowError, InputError
from ragthrift.local.pieces import whole
from ragthrift.local.runtime import Runtime
from ragthrift.local.sampling import CallSettings, Request, Sampling
from ragthrift.tokens import well_formed
from ragthrift.types import Completion, Message

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SAMPLING = frozenset(field.name for field in fields(Sampling))
_NEEDED = {
    "tools": "tools",
    "schema": "schema",
    "grammar": "grammar",
    "logprobs": "logprobs",
    "adapter": "adapters",
}
"""What a request asks for, and the ability that it takes."""


class LocalModel:
    """An `LLM`, an `Embedder` and a `TokenCounter` over a runtime. Safe for threads.

    What the runtime cannot do is refused by name; nothing is cut off or left out in silence.
    """

    def __init__(
        self,
        runtime: Runtime,
        *,
        sampling: Sampling | None = None,
        settings: CallSettings | None = None,
    ) -> None:
        """`sampling` and `settings` hold for each call that does not say otherwise."""
        self.runtime = runtime
        self._sampling = sampling or Sampling()
        self._settings: CallSettings = settings or {}

    @property
    def model(self) -> str:
        """The name of the model."""
        return self.runtime.model

    @property
    def exact(self) -> bool:
        """Whether `count` is that of the model's own tokenizer."""
        return "exact_count" in self.runtime.abilities

    def count(self, text: str) -> int:
        """Tokens of the text; the name of a special token inside it counts as that one token."""
        return self.runtime.count(text) if text else 0

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
        **settings: Unpack[CallSettings],
    ) -> Completion:
        """One answer with its usage; without `max_tokens` it may fill the window.

        Raises ContextOverflowError before anything runs when prompt and answer do not fit.
        """
        return whole(self.stream(messages, max_tokens=max_tokens, stop=stop, **settings))

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
        **settings: Unpack[CallSettings],
    ) -> Generator[str, None, Completion]:
        """Pieces of text as they come; the generator's return value is the whole Completion.

        `answer = yield from model.stream(...)` gets both. Checks run at the call, the model at
        the first piece; closing the generator stops the model.
        """
        if isinstance(stop, str):
            raise InputError(f"stop={stop!r} must be a sequence of texts that are not empty")
        request = self._request(messages, max_tokens, stop, settings)
        return self.runtime.stream(self._fitted(request))

    def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """Unit vectors, shape (n, d); InputError if the runtime was not loaded for embeddings."""
        if "embeddings" not in self.runtime.abilities:
            raise InputError(f"{self.model} was not loaded for embeddings")
        return self.runtime.embed([_valid(text) for text in texts])

    def close(self) -> None:
        """Take no more calls; the memory is freed when the last running one has ended."""
        self.runtime.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _request(
        self,
        messages: Sequence[Message],
        max_tokens: int | None,
        stop: Sequence[str],
        settings: CallSettings,
    ) -> Request:
        given: dict[str, Any] = {**self._settings, **settings}
        unknown = given.keys() - CallSettings.__annotations__.keys()
        if unknown:
            raise InputError(
                f"a call has no {sorted(unknown)}; it takes max_tokens, stop and "
                f"{sorted(CallSettings.__annotations__)}"
            )
        sampling = {name: given.pop(name) for name in _SAMPLING & given.keys()}
        given["tools"] = tuple(given.get("tools") or ())
        request = Request(
            messages=tuple(map(_readable, messages)),
            max_tokens=max_tokens,
            stop=tuple(stop),
            sampling=replace(self._sampling, **sampling),
            **given,
        )
        self._check_abilities(request)
        return request

    def _check_abilities(self, request: Request) -> None:
        for name, ability in _NEEDED.items():
            if getattr(request, name) in (None, ()):
                continue
            if ability not in self.runtime.abilities:
                raise InputError(
                    f"{type(self.runtime).__name__} with {self.model} takes no {name}; "
                    f"it knows {sorted(self.runtime.abilities)}"
                )

    def _fitted(self, request: Request) -> Request:
        """The request with the most tokens its answer may take, or with fewer turns."""
        window = self.runtime.window
        if window is None:
            return request
        while True:
            needed = self.runtime.count_prompt(request)
            if needed + (request.max_tokens or 1) <= window:
                # An estimate may leave more than there is: the server then knows the room itself.
                rest = window - needed if self.exact else None
                return replace(request, max_tokens=request.max_tokens or rest)
            shorter = _without_oldest(request.messages)
            if request.overflow == "error" or len(shorter) == len(request.messages):
                raise ContextOverflowError(needed + (request.max_tokens or 1), window)
            request = replace(request, messages=shorter)


def _readable(message: Message) -> Message:
    """The message in characters that every runtime reads; nothing else is changed."""
    calls = tuple(replace(call, arguments=_valid(call.arguments)) for call in message.tool_calls)
    return replace(message, content=_valid(message.content), tool_calls=calls)


def _valid(text: str) -> str:
    """U+FFFD for half a character and for NUL, which end a text or a call in some of them."""
    return well_formed(text).replace("\0", "\ufffd")


def _without_oldest(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Without the oldest question and what followed it; rules and the last question stay.

    >>> talk = [Message("system", "s"), Message("user", "a"), Message("assistant", "b")]
    >>> [message.content for message in _without_oldest((*talk, Message("user", "c")))]
    ['s', 'c']
    """
    asked = [place for place, message in enumerate(messages) if message.role == "user"]
    if len(asked) < 2:
        return messages
    rules = tuple(message for message in messages[: asked[0]] if message.role == "system")
    return rules + messages[asked[1] :]
