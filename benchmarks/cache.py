"""What the cache's decision serves, and how wrong: `python -m benchmarks.cache`.

`--pairs`: each pair alone in a cache; `served` among pairs of the same answer, `wrong` among traps.
A JSON list of `{"origin", "similar"}` is GPTCache's: all origins stored, every similar asked.
`--stream`: questions in random order into an empty cache, the same category is the same answer;
with CLINC150's JSON, `out_of_scope_served` counts questions outside of every intent that got the
answer of one.
`--conversations`: the last turns of two conversations; earlier user turns are part of the scope.
`--peers` asks whole caches in the same run: this one in a file and on Redis, and others.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.cache_peers import peers_on_pairs, peers_on_stream
from benchmarks.cache_sets import (
    Pair,
    Question,
    Vectors,
    half_of,
    read_conversations,
    read_pairs,
    read_stream,
    shuffled,
    vectors_of,
)
from benchmarks.shared import (
    SHARED,
    existing,
    finish,
    parser,
    quantiles,
    read_text,
    say,
    share,
)
from ragthrift.cache.serving import Neighbour, ServingPolicy
from ragthrift.embed import minilm

LENGTH = 4000
"""Questions of a stream that are asked, unless `--limit` says otherwise."""


@dataclass(slots=True)
class Count:
    """What a replay came to."""

    asked: int = 0
    served: int = 0
    wrong: int = 0
    strayed: int = 0
    """Questions outside of every intent that got the answer of one."""
    seconds: list[float] = field(default_factory=list)


class Memory:
    """A flat store of entries: exact cosine, nothing evicted."""

    def __init__(self) -> None:
        self._entries: list[tuple[str, str, str]] = []
        self._vectors = np.zeros((64, 384), dtype=np.float32)

    def add(
        self, question: str, answer: str, at: NDArray[np.float32], group: str | None = None
    ) -> str:
        """Store an entry; its group."""
        size = len(self._entries)
        if size == len(self._vectors):
            self._vectors = np.concatenate([self._vectors, np.zeros_like(self._vectors)])
        self._vectors[size] = at
        self._entries.append((question, answer, group or str(size)))
        return self._entries[-1][2]

    def nearest(self, at: NDArray[np.float32], k: int = 5) -> list[Neighbour]:
        """The k nearest entries, nearest first."""
        size = len(self._entries)
        cosines = self._vectors[:size] @ at
        top = np.argpartition(-cosines, min(k, size) - 1)[:k] if size else np.empty(0, int)
        top = top[np.argsort(-cosines[top])]
        rows = [(int(i), *self._entries[i]) for i in top]
        return [Neighbour(str(i), q, a, float(cosines[i]), g) for i, q, a, g in rows]


def replay(
    questions: Sequence[Question], policy: ServingPolicy, at: Vectors, memory: Memory | None = None
) -> Count:
    """Ask every question once; misses and audits are answered, learnt from and stored."""
    count, memory = Count(), memory or Memory()
    intents = {question.answer for question in questions if question.in_scope}
    for question in questions:
        near = memory.nearest(at[question.text])
        started = time.perf_counter()
        serving = policy.decide(question.text, near)
        count.seconds.append(time.perf_counter() - started)
        count.asked += 1
        if serving.serve and serving.neighbour:
            count.served += 1
            count.wrong += serving.neighbour.answer != question.answer
            count.strayed += not question.in_scope and serving.neighbour.answer in intents
            continue
        label = policy.learn(question.text, near, question.answer, serving=serving)
        memory.add(question.text, question.answer, at[question.text], label.group)
    return count


def ask_pairs(pairs: Sequence[Pair], at: Vectors) -> dict[str, Any]:
    """Every pair in a fresh cache, so that none teaches about another."""
    seconds, served = [], []
    for pair in pairs:
        cosine = float(at[pair.stored] @ at[pair.asked])
        near = [Neighbour("0", pair.stored, "", cosine, "0")] if pair.shared_scope else []
        policy = ServingPolicy(audit_share=0)
        started = time.perf_counter()
        served.append(policy.decide(pair.asked, near).serve)
        seconds.append(time.perf_counter() - started)
    rows = list(zip(pairs, served, strict=True))
    good = [hit for pair, hit in rows if pair.same]
    bad = [hit for pair, hit in rows if not pair.same]
    return {
        "pairs": len(pairs),
        "served": share(sum(good), len(good)),
        "wrong": share(sum(bad), len(bad)),
        "wrong_of_hits": share(sum(bad), sum(served)),
        "served_by_kind": {
            kind: share(*_of_kind(rows, kind)) for kind in sorted({pair.kind for pair in pairs})
        },
        **quantiles("decision", seconds),
    }


def _of_kind(rows: Sequence[tuple[Pair, bool]], kind: str) -> tuple[int, int]:
    hits = [hit for pair, hit in rows if pair.kind == kind]
    return sum(hits), len(hits)


def ask_similar(path: Path, vectors: str, limit: int | None) -> dict[str, Any]:
    """GPTCache's benchmark: which of all stored originals answers each rewording."""
    rows = json.loads(read_text(path))[:limit]
    at = vectors_of([row[key] for row in rows for key in ("origin", "similar")], vectors)
    memory, count = Memory(), Count()
    for number, row in enumerate(rows):
        memory.add(row["origin"], str(number), at[row["origin"]])
    for row in rows:
        near = memory.nearest(at[row["similar"]])
        started = time.perf_counter()
        serving = ServingPolicy(audit_share=0).decide(row["similar"], near)
        count.seconds.append(time.perf_counter() - started)
        count.served += serving.serve
        found = serving.neighbour.answer if serving.serve and serving.neighbour else ""
        count.wrong += serving.serve and rows[int(found)]["origin"] != row["origin"]
    return {
        "right": count.served - count.wrong,
        "wrong_answers": count.wrong,
        "missed": len(rows) - count.served,
        "served": share(count.served - count.wrong, len(rows)),
        "wrong": share(count.wrong, len(rows)),
        "wrong_of_hits": share(count.wrong, count.served),
        **quantiles("decision", count.seconds),
    }


def ask_stream(questions: Sequence[Question], chosen: Any) -> dict[str, Any]:
    """One replay a seed; with several, the means and how many met the limit."""
    at = vectors_of([question.text for question in questions], chosen.vectors)
    counts = []
    for seed in range(chosen.seed, chosen.seed + chosen.runs):
        limits = {chosen.bound: chosen.max_error_rate} if chosen.max_error_rate else {}
        policy = ServingPolicy(**limits, agree=str.__eq__, seed=seed)
        counts.append(replay(shuffled(questions, seed)[: chosen.limit or LENGTH], policy, at))
        served, wrong, asked = counts[-1].served, counts[-1].wrong, counts[-1].asked
        say(chosen.json, f"seed {seed}: {served} served, {wrong} wrong of {asked}")
    return {
        "served": share(sum(c.served for c in counts), sum(c.asked for c in counts)),
        "wrong": share(sum(c.wrong for c in counts), sum(c.asked for c in counts)),
        "wrong_of_hits": share(sum(c.wrong for c in counts), sum(c.served for c in counts)),
        "out_of_scope_served": sum(c.strayed for c in counts),
        "runs": chosen.runs,
        **(_met(counts, chosen) if chosen.max_error_rate else {}),
        **quantiles("decision", [second for c in counts for second in c.seconds]),
    }


def _met(counts: Sequence[Count], chosen: Any) -> dict[str, Any]:
    rates = [
        c.wrong / max(c.served if chosen.bound == "max_error_rate" else c.asked, 1) for c in counts
    ]
    met = sum(rate <= chosen.max_error_rate for rate in rates)
    return {"bound": chosen.bound, "limit": chosen.max_error_rate, "runs_that_met_it": met}


def lookup_times(texts: Sequence[str]) -> dict[str, float]:
    """A whole lookup among 1,000 entries at most: embedding, search and decision."""
    memory, policy, seconds = Memory(), ServingPolicy(audit_share=0), []
    for text, at in vectors_of(texts[:1000]).items():
        memory.add(text, "", at)
    for text in texts[:200]:
        started = time.perf_counter()
        policy.decide(text, memory.nearest(minilm().embed([text])[0]))
        seconds.append(time.perf_counter() - started)
    return quantiles("lookup", seconds)


def main() -> None:
    """Run the command."""
    arguments = parser(__doc__ or "")
    arguments.add_argument("--pairs", type=existing)
    arguments.add_argument("--stream", type=existing)
    arguments.add_argument("--conversations", type=existing)
    arguments.add_argument("--max-error-rate", type=float)
    arguments.add_argument(
        "--bound", default="max_error_rate", choices=["max_error_rate", "max_error_rate_of_all"]
    )
    arguments.add_argument("--runs", type=int, default=1, help="seeded replays of a stream")
    arguments.add_argument("--half", choices=["dev", "report"], help="only this half of the file")
    arguments.add_argument("--peers", action="store_true", help="ask other caches beside it")
    arguments.add_argument("--vectors", default="", help="folder that keeps the vectors of texts")
    chosen = arguments.parse_args()
    if chosen.pairs and chosen.pairs.suffix == ".json":
        texts = [row["similar"] for row in json.loads(read_text(chosen.pairs))]
        finish({**ask_similar(chosen.pairs, chosen.vectors, chosen.limit), **lookup_times(texts)})
    elif chosen.pairs or chosen.conversations:
        read = read_pairs if chosen.pairs else read_conversations
        pairs = read(chosen.pairs or chosen.conversations)
        pairs = [p for p in pairs if chosen.half in (None, half_of(p.stored))][: chosen.limit]
        texts = [text for pair in pairs for text in (pair.stored, pair.asked)]
        at = vectors_of(texts, chosen.vectors)
        peers = {"peers": peers_on_pairs(pairs, at, chosen.json)} if chosen.peers else {}
        finish({**ask_pairs(pairs, at), **lookup_times(texts), **peers})
    else:
        stream = read_stream(chosen.stream or existing(str(SHARED / "cache/banking77_train.csv")))
        stream = [q for q in stream if chosen.half in (None, half_of(q.text))]
        texts = [question.text for question in stream]
        found = {**ask_stream(stream, chosen), **lookup_times(texts)}
        if chosen.peers:
            asked = shuffled(stream, chosen.seed)[: chosen.limit or LENGTH]
            at = vectors_of(texts, chosen.vectors)
            found["peers"] = peers_on_stream(asked, at, chosen.json)
        finish(found)


if __name__ == "__main__":
    main()
