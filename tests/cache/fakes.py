"""A policy and models that do what a test says."""

import threading
import time
from collections.abc import Mapping, Sequence

from ragthrift.cache.serving.neighbour import Label, Neighbour, Serving
from ragthrift.types import Passage


class ServeNear:
    """Serves the nearest at a fixed similarity; equal texts are equal answers."""

    def __init__(self, min_similarity: float = 0.7, *, audit: bool = False) -> None:
        self.min_similarity = min_similarity
        self.audit = audit
        self.lessons: list[Label] = []

    def decide(self, question: str, neighbours: Sequence[Neighbour]) -> Serving:
        if not neighbours:
            return Serving(None, False, 0.0, "no neighbour")
        best = neighbours[0]
        serve = best.similarity >= self.min_similarity
        reason = "near" if serve else "far"
        audit = serve and self.audit
        return Serving(best, serve and not audit, best.similarity, reason, (), audit)

    def explain(self, question: str, neighbours: Sequence[Neighbour]) -> str:
        return "near" if neighbours[0].similarity >= self.min_similarity else "far"

    def learn(
        self, question: str, neighbours: Sequence[Neighbour], answer: str, *, serving: Serving
    ) -> Label:
        same = neighbours[0].answer == answer
        label = Label("agreed" if same else "disagreed", neighbours[0].group if same else None)
        self.lessons.append(label)
        return label

    def state(self) -> Mapping[str, object]:
        return {"lessons": len(self.lessons)}


class Model:
    """Counts its calls and takes its time."""

    def __init__(self, answer: str = "At nine.", *, seconds: float = 0.0) -> None:
        self.answer, self.seconds = answer, seconds
        self.calls = 0
        self._lock = threading.Lock()

    def __call__(self, question: str, passages: Sequence[Passage]) -> str:
        with self._lock:
            self.calls += 1
        time.sleep(self.seconds)
        return self.answer
