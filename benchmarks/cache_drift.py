"""What a cache serves while documents change: `python -m benchmarks.cache_drift`.

The handbook of the demo set is asked through a cache; a reader answers with the sentence that the
retrieved passages hold, or does not know. Regimes, each in an empty cache that was first asked
every question once: the same words `again`, a `paraphrase`, a `near_miss` with another answer, an
`unanswerable` question, a document that `changed`, a `new_chunk` that amends a document nobody
touched, and the same with passages joined to long documents that many questions share. Questions
and edits are in `drift/questions.jsonl`.

A served answer is wrong if neither the handbook nor the pipeline without a cache says it now, and
stale if it says what was true before. `untold` is `after_retrieval` where nobody tells the cache
what changed. `--peers` asks others, which cannot be told.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.cache_peers import each_system
from benchmarks.cache_sets import Known, vectors_of
from benchmarks.cache_systems import SCOPE, AskedCache, System
from benchmarks.cache_world import Fact, Where, World, facts
from benchmarks.shared import finish, parser, say
from ragthrift import Passage
from ragthrift.cache import Freshness, SemanticCache, SqliteStore
from ragthrift.cache.serving import ServingPolicy
from ragthrift.cache.settings import Mode

Ask = Callable[[str, Sequence[Where], World], tuple[str, bool]]
"""`(question, where its answer is, world) -> (answer, whether the cache gave it)`."""
Tell = Callable[[Sequence[Passage], str], None]
"""`(new passages, changed document)`: what a pipeline tells its cache."""
Opened = Callable[[], AbstractContextManager[tuple[Ask, Tell]]]


@dataclass(slots=True)
class Count:
    """What came of the questions of a regime."""

    asked: int = 0
    served: int = 0
    wrong: int = 0
    stale: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Run:
    """One cache in front of one world."""

    world: World
    ask: Ask
    tell: Tell
    count: Count = field(default_factory=Count)

    def put(self, question: str, places: Sequence[Where], *, old: str = "") -> None:
        """Ask, and count what comes."""
        answer, served = self.ask(question, places, self.world)
        world, count = self.world, self.count
        right = {world.true(places), world.read(places, world.retrieve(question))}
        wrong = served and answer not in right
        count.asked += 1
        count.served += served
        count.wrong += wrong
        count.stale += bool(wrong and old and old in answer)
        if wrong:
            count.examples.append(f"{question} {answer}")


def again(run: Run, fact: Fact) -> None:
    """The same words, typed otherwise."""
    run.put("  " + fact.question.rstrip("?").lower(), fact.answer)


def paraphrase(run: Run, fact: Fact) -> None:
    """The same question in other words."""
    run.put(fact.again, fact.answer)


def near_miss(run: Run, fact: Fact) -> None:
    """Another question in nearly the same words."""
    run.put(fact.near, fact.near_places)


def unanswerable(run: Run, fact: Fact) -> None:
    """A question that the handbook does not answer."""
    run.put(fact.unknown, ())


def changed(run: Run, fact: Fact) -> None:
    """A document changes; its question comes again in two wordings, twice."""
    run.tell((), run.world.edit(fact.document, fact.old, fact.new))
    for question in (fact.again, fact.question) * 2:
        run.put(question, fact.answer, old=fact.old)


def new_chunk(run: Run, fact: Fact) -> None:
    """A new document amends an old one."""
    run.tell([run.world.amend(fact)], "")
    for question in (fact.again, fact.question) * 2:
        run.put(question, fact.answer, old=fact.old)


REGIMES: Mapping[str, Callable[[Run, Fact], None]] = {
    "again": again,
    "paraphrase": paraphrase,
    "near_miss": near_miss,
    "unanswerable": unanswerable,
    "changed": changed,
    "new_chunk": new_chunk,
    "long near_miss": near_miss,
    "long changed": changed,
}


@contextmanager
def told(known: Known, mode: Mode, *, tell: bool) -> Iterator[tuple[Ask, Tell]]:
    """Our cache in front of retrieval, and what its pipeline tells it."""
    with (
        TemporaryDirectory() as folder,
        SemanticCache(
            known,
            store=SqliteStore(Path(folder, "c.db")),
            freshness=Freshness(mode),
            policy=ServingPolicy(seed=0),
            on_error="raise",
        ) as cache,
    ):
        yield partial(_ask_ours, cache), partial(_tell, cache) if tell else _tell_nobody


def _ask_ours(
    cache: SemanticCache, question: str, places: Sequence[Where], world: World
) -> tuple[str, bool]:
    answer = cache.answer(
        question,
        lambda _, documents: world.read(places, documents),
        scope=SCOPE,
        retrieve=world.retrieve,
    )
    return answer.text, answer.source != "model"


def _tell(cache: SemanticCache, added: Sequence[Passage], changed: str) -> None:
    if changed:
        cache.invalidate(document_id=changed)
    cache.chunks_added(added)


def _tell_nobody(_added: Sequence[Passage], _changed: str) -> None:
    """There is nothing that a document's id could be handed to."""


@contextmanager
def untold(system: System, known: Known) -> Iterator[tuple[Ask, Tell]]:
    """Another cache."""
    with system(known) as peer:
        yield partial(_ask_peer, peer), _tell_nobody


def _ask_peer(
    peer: AskedCache, question: str, places: Sequence[Where], world: World
) -> tuple[str, bool]:
    documents = world.retrieve(question)
    served = peer.lookup(question, documents)
    if served is not None:
        return served, True
    answer = world.read(places, documents)
    peer.store(question, answer, documents)
    return answer, False


def measure(opened: Opened, order: Sequence[Fact]) -> dict[str, Any]:
    """Every regime in an empty cache."""
    found: dict[str, Any] = {}
    for name, regime in REGIMES.items():
        with opened() as (ask, tell):
            run = Run(World(chapters=name.startswith("long")), ask, tell)
            for fact in order:
                ask(fact.question, fact.answer, run.world)
            for fact in order:
                regime(run, fact)
        found[name] = asdict(run.count)
    return found


def shown(name: str, rows: Mapping[str, Any], *, examples: bool) -> str:
    """A line for each regime, for people."""
    lines = [f"{name}:"]
    for regime, row in rows.items():
        wrong = "".join(f"\n      {said}" for said in row["examples"]) if examples else ""
        numbers = [f"{row[key]:4} {key}" for key in ("asked", "served", "wrong", "stale")]
        lines.append(f"  {regime:15}{', '.join(numbers)}{wrong}")
    return "\n".join(lines)


def total(rows: Mapping[str, Any]) -> dict[str, Any]:
    """The regimes as they are and added up, without examples."""
    kept = {
        name: {key: row[key] for key in ("asked", "served", "wrong", "stale")}
        for name, row in rows.items()
    }
    added = {
        key: sum(row[key] for row in kept.values()) for key in ("asked", "served", "wrong", "stale")
    }
    return {**added, "regimes": kept}


def main() -> None:
    """Run the command."""
    arguments = parser(__doc__ or "")
    arguments.add_argument("--peers", action="store_true", help="ask other caches, too")
    arguments.add_argument("--examples", action="store_true", help="print what was wrong")
    chosen = arguments.parse_args()
    order = random.Random(chosen.seed).sample(facts(), len(facts()))[: chosen.limit]
    texts = [
        text for fact in order for text in (fact.question, fact.again, fact.near, fact.unknown)
    ]
    known = Known(vectors_of(texts))
    ways: dict[str, Opened] = {
        mode: partial(told, known, mode, tell=True)
        for mode in ("before_retrieval", "auto", "after_retrieval")
    }
    ways["untold"] = partial(told, known, "after_retrieval", tell=False)
    found = {name: measure(opened, order) for name, opened in ways.items()}
    if chosen.peers:
        peers = each_system(lambda system: measure(partial(untold, system, known), order), True)
        found |= {name: rows for name, rows in peers.items() if not name.startswith("ragthrift")}
    missing = [name for name, rows in found.items() if "skipped" in rows]
    for name in missing:
        say(chosen.json, f"{name}: skipped, {found.pop(name)['skipped']}")
    say(chosen.json, *(shown(name, rows, examples=chosen.examples) for name, rows in found.items()))
    finish({"questions": len(order), **{name: total(rows) for name, rows in found.items()}})


if __name__ == "__main__":
    main()
