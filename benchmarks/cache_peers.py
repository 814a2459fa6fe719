"""Whole caches beside each other, asked the same questions in the same order."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.cache_sets import Known, Pair, Question, Vectors
from benchmarks.cache_systems import AskedCache, System, systems
from benchmarks.shared import quantiles, say, share

TIMED = 200
"""Lookups with the embedding, at the end of a stream."""


def peers_on_pairs(pairs: Sequence[Pair], at: Vectors, quiet: bool) -> dict[str, Any]:
    """Each pair alone in an empty cache."""

    def ask(system: System) -> dict[str, Any]:
        hits: dict[bool, list[bool]] = {True: [], False: []}
        for pair in pairs:
            with system(Known(at)) as cache:
                cache.lookup(pair.stored)
                cache.store(pair.stored, "stored")
                apart = cache.scoped and not pair.shared_scope
                hits[pair.same].append(not apart and cache.lookup(pair.asked) is not None)
        served, wrong = sum(hits[True]), sum(hits[False])
        return {
            "served": share(served, len(hits[True])),
            "wrong": share(wrong, len(hits[False])),
            "wrong_of_hits": share(wrong, served + wrong),
        }

    return each_system(ask, quiet)


def peers_on_stream(asked: Sequence[Question], at: Vectors, quiet: bool) -> dict[str, Any]:
    """One replay into an empty cache; the last lookups embed, all others know the vectors."""

    def ask(system: System) -> dict[str, Any]:
        stream, last, known = asked[:-TIMED], asked[-TIMED:], Known(at)
        with system(known) as cache:
            hits, seconds = _replayed(cache, stream)
            known.forget()
            with_embedding = [_timed(cache, question)[1] for question in last]
        served = [answer == question.answer for question, answer in hits]
        intents = {question.answer for question in asked if question.in_scope}
        strayed = sum(not question.in_scope and answer in intents for question, answer in hits)
        return {
            "served": share(len(served), len(stream)),
            "wrong": share(served.count(False), len(stream)),
            "wrong_of_hits": share(served.count(False), len(served)),
            "out_of_scope_served": strayed,
            **quantiles("lookup_known", seconds),
            **quantiles("lookup", with_embedding),
        }

    return each_system(ask, quiet)


def _replayed(
    cache: AskedCache, stream: Sequence[Question]
) -> tuple[list[tuple[Question, str]], list[float]]:
    hits, seconds = [], []
    for question in stream:
        answer, took = _timed(cache, question)
        seconds.append(took)
        if answer is None:
            cache.store(question.text, question.answer)
        else:
            hits.append((question, answer))
    return hits, seconds


def _timed(cache: AskedCache, question: Question) -> tuple[str | None, float]:
    started = time.perf_counter()
    answer = cache.lookup(question.text)
    return answer, time.perf_counter() - started


def each_system(ask: Callable[[System], Mapping[str, Any]], quiet: bool) -> dict[str, Any]:
    """What each gives; those that are not installed say so."""
    found: dict[str, Any] = {}
    with systems() as here:
        for name, system in here.items():
            try:
                found[name] = ask(system)
            except ImportError as error:
                found[name] = {"skipped": str(error)}
            say(quiet, f"{name:20} {found[name]}")
    return found
