"""Answers kept on disk by what was asked, so that a second run is free and identical."""

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from ragthrift import Completion, Message, Usage
from ragthrift.protocols import LLM


@dataclass(frozen=True, slots=True)
class Generation:
    """One answer and how long it took when it was made."""

    completion: Completion
    seconds: float


class Answering(Protocol):
    """A model that says how long its answers took when they were made."""

    def generate(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
    ) -> Generation:
        """One answer."""
        ...


class CachedLLM:
    """Asks a model once for each content: model name, messages, limits.

    Every answer is a file of its own, written whole or not at all, so that an interrupted run goes
    on where it was. `model_name` must say everything that changes answers, such as quantisation.
    The model is loaded, once, when an answer is missing.
    """

    def __init__(self, load: Callable[[], LLM], folder: Path, *, model_name: str) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._llm: LLM | None = None
        self._folder = folder
        self._model_name = model_name
        folder.mkdir(parents=True, exist_ok=True)

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
    ) -> Completion:
        """The kept answer, or the model's, which is then kept."""
        return self.generate(messages, max_tokens=max_tokens, stop=stop).completion

    def generate(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
    ) -> Generation:
        """The same with the seconds that the answer took when it was made."""
        file = self._file(messages, max_tokens, stop)
        if file.exists():
            return _read(file)
        llm = self._loaded()
        started = time.perf_counter()
        completion = llm.complete(messages, max_tokens=max_tokens, stop=stop)
        generation = Generation(completion, time.perf_counter() - started)
        _write(file, generation)
        return generation

    def _loaded(self) -> LLM:
        with self._lock:
            if self._llm is None:
                self._llm = self._load()
            return self._llm

    def _file(
        self, messages: Sequence[Message], max_tokens: int | None, stop: Sequence[str]
    ) -> Path:
        asked = [self._model_name, [asdict(message) for message in messages], max_tokens, [*stop]]
        digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
        return self._folder / digest[:2] / f"{digest[2:34]}.json"


def _read(file: Path) -> Generation:
    raw = json.loads(file.read_text(encoding="utf-8"))
    told = raw["completion"]
    completion = Completion(
        told["text"], Usage(**told["usage"]), told["model"], told["finish_reason"]
    )
    return Generation(completion, raw["seconds"])


def _write(file: Path, generation: Generation) -> None:
    file.parent.mkdir(exist_ok=True)
    scratch = file.with_suffix(f".{os.getpid()}-{threading.get_ident()}.tmp")
    scratch.write_text(json.dumps(asdict(generation)), encoding="utf-8")
    scratch.replace(file)
