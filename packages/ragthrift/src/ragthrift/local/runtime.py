"""What a model needs of the library or the server that runs it."""

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from ragthrift.local.sampling import Request
from ragthrift.types import Completion

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Ability = Literal[
    "chat",
    "tools",
    "schema",
    "grammar",
    "logprobs",
    "adapters",
    "sessions",
    "embeddings",
    "saved_prefixes",
    "exact_count",
]


@runtime_checkable
class Runtime(Protocol):
    """Runs a model: llama.cpp, OpenVINO, PyTorch, or a server somewhere else. Safe for threads."""

    @property
    def model(self) -> str:
        """Its name."""
        ...

    @property
    def window(self) -> int | None:
        """Tokens that prompt and answer may take together; `None` if that is not known."""
        ...

    @property
    def parallel(self) -> int:
        """How many calls it works on at once; others wait."""
        ...

    @property
    def abilities(self) -> frozenset[Ability]:
        """What a request may ask for; anything else is refused before it is sent."""
        ...

    def count(self, text: str) -> int:
        """Tokens of a text alone; an estimate without `exact_count`."""
        ...

    def count_prompt(self, request: Request) -> int:
        """Tokens of the whole prompt of a request, template and tools included."""
        ...

    def stream(self, request: Request) -> Generator[str, None, Completion]:
        """Pieces of text as they come; the generator returns the whole answer.

        Closing it stops the model. Tool calls and log-probabilities are in the answer alone.
        """
        ...

    def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """Unit vectors, shape (n, d)."""
        ...

    def close(self) -> None:
        """Take no more calls and free the memory when the running ones have ended."""
        ...
