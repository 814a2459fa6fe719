"""A runtime that answers as it was told to, and remembers what it was asked."""

from collections.abc import Generator, Sequence

import numpy as np
from numpy.typing import NDArray

from ragthrift import Completion, ToolCall, Usage
from ragthrift.local.model import LocalModel
from ragthrift.local.runtime import Ability
from ragthrift.local.sampling import Request

ALL: frozenset[Ability] = frozenset(
    ["chat", "tools", "schema", "grammar", "logprobs", "adapters", "sessions", "embeddings"]
)


class ScriptedRuntime:
    """The last of `says` is said again and again."""

    model = "scripted"
    window: int | None = None
    parallel = 1

    def __init__(
        self, *says: str | tuple[ToolCall, ...] | Completion, abilities: frozenset[Ability] = ALL
    ) -> None:
        self.abilities = abilities
        self.asked: list[Request] = []
        self._says = says or ("Yes.",)

    def count(self, text: str) -> int:
        return len(text.split())

    def count_prompt(self, request: Request) -> int:
        return sum(self.count(message.content) for message in request.messages)

    def stream(self, request: Request) -> Generator[str, None, Completion]:
        says = self._says[min(len(self.asked), len(self._says) - 1)]
        self.asked.append(request)
        if isinstance(says, Completion):
            yield says.text
            return says
        usage = Usage(self.count_prompt(request), 2)
        if not isinstance(says, str):
            return Completion("", usage, self.model, "tool_calls", says)
        for word in says.split(" "):
            yield word if word is says.split(" ")[0] else f" {word}"
        return Completion(says, usage, self.model)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        found = [[text.count(letter) + 1 for letter in "aei"] for text in texts]
        vectors = np.array(found, dtype=np.float32).reshape(-1, 3)
        unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit

    def close(self) -> None:
        pass


def scripted(*says: str | tuple[ToolCall, ...] | Completion) -> tuple[LocalModel, ScriptedRuntime]:
    runtime = ScriptedRuntime(*says)
    return LocalModel(runtime), runtime
