"""Late interaction on the encoder's own token states, added to cosine and BM25.

`python -m training.ranking --out DIR` compares it with cosine plus BM25 on data that nothing here
was trained on. Nothing is learnt: ColBERT's sum of best matches (Khattab and Zaharia, 2020) works
on MiniLM's token states as they are.
"""

import argparse
import gzip
import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from ragthrift.late import LATE_WEIGHT, fused, inverse_frequency, late_scores, with_shares
from ragthrift.lexical import Bm25
from ragthrift_bench.cases import Case
from ragthrift_bench.intervals import mean_interval
from ragthrift_bench.ranking import ndcg, recall_at_k, reciprocal_rank
from ragthrift_bench.sets import hotpot, nq
from training.prepare import DATA
from training.prompts import Corpus
from training.questions import Part
from training.states import States

Floats = NDArray[np.float32]
Metric = Callable[[Sequence[str], dict[str, int]], float]


@dataclass(frozen=True, slots=True)
class Listing:
    """A question with its candidates by id, and the grades."""

    question: str
    ids: tuple[str, ...]
    texts: tuple[str, ...]
    grades: dict[str, int]


def parts(listing: Listing, states: States) -> dict[str, Floats]:
    """Cosine, BM25 share and late interaction of every candidate, shape (n,) each."""
    asked = states[listing.question]
    read = [states[text] for text in listing.texts]
    late = late_scores(listing.question, asked, read, inverse_frequency(listing.texts))
    cosine = np.stack([states[text].vector for text in listing.texts]) @ asked.vector
    shares = Bm25(listing.texts).shares(listing.question)
    return {"cosine": cosine, "bm25": shares.astype(np.float32), "late": late}


def scores(part: dict[str, Floats], late_weight: float) -> Floats:
    """In [0, 1], shape (n,)."""
    meaning = fused(part["cosine"], part["late"], late_weight=late_weight)
    return with_shares(meaning, part["bm25"].astype(np.float64), late_weight=late_weight)


def measure(
    listings: Sequence[Listing], states: States, metric: Metric
) -> dict[str, dict[str, object]]:
    """The metric of cosine, of cosine + BM25, and of all three, with paired intervals."""
    found = [parts(listing, states) for listing in listings]

    def of(score: Callable[[dict[str, Floats]], Floats]) -> list[float]:
        results = []
        for listing, part in zip(listings, found, strict=True):
            order = np.argsort(-score(part), kind="stable")
            results.append(metric([listing.ids[at] for at in order], listing.grades))
        return results

    base = of(partial(scores, late_weight=0.0))
    named = {"cosine": of(lambda part: part["cosine"]), "cosine + BM25": base}
    for weight in (LATE_WEIGHT, 2 * LATE_WEIGHT):
        named[f"+ {weight} late"] = of(partial(scores, late_weight=weight))
    return {name: _against(results, base) for name, results in named.items()}


def _against(results: Sequence[float], base: Sequence[float]) -> dict[str, object]:
    gains = [ours - theirs for ours, theirs in zip(results, base, strict=True)]
    interval = mean_interval(gains)
    return {
        "mean": round(fmean(results), 4),
        "gain": round(fmean(gains), 4),
        "ci95": [round(interval.low, 4), round(interval.high, 4)],
    }


def trec(folder: Path) -> list[Listing]:
    """TREC DL19 passages, BM25's hundred best of each query."""
    grades: dict[str, dict[str, int]] = defaultdict(dict)
    for line in (folder / "qrels.dl19-passage.txt").read_text().splitlines():
        topic, _, document, grade = line.split()
        grades[topic][document] = int(grade)
    with gzip.open(folder / "trec_dl19_bm25_top100.json.gz", "rt", encoding="utf-8") as file:
        rows = json.load(file)
    return [
        Listing(
            row["query"],
            tuple(str(hit["docid"]) for hit in row["hits"]),
            tuple(hit["content"] for hit in row["hits"]),
            grades[str(row["hits"][0]["qid"])],
        )
        for row in rows
    ]


def of_cases(cases: Sequence[Case]) -> list[Listing]:
    """Benchmark cases with their gold passages as the relevant ones."""
    return [
        Listing(
            case.question,
            tuple(passage.id for passage in case.passages),
            tuple(passage.text for passage in case.passages),
            dict.fromkeys(case.gold_ids, 1),
        )
        for case in cases
    ]


def listings_of(corpus: Corpus, part: Part, count: int = 20) -> Iterator[Listing]:
    """Questions of one part with their passage among BM25's best of the pool."""
    for question in corpus.of(part):
        wrong = corpus.wrong(question, corpus.shares(question.text), count - 1)
        texts = [question.passage, *(corpus.pool[at] for at in wrong)]
        random.Random(question.text).shuffle(texts)
        ids = tuple(map(str, range(len(texts))))
        yield Listing(question.text, ids, tuple(texts), {str(texts.index(question.passage)): 1})


def gold_recall(ranked: Sequence[str], grades: dict[str, int]) -> float:
    """The share of the gold paragraphs among the first two."""
    return recall_at_k(ranked, grades, k=2)


def sets(folder: Path, corpus: Corpus) -> Iterator[tuple[str, list[Listing], Metric]]:
    """Dev, then the test sets, each with its metric."""
    yield "dev among 20, MRR", list(listings_of(corpus, "dev")), reciprocal_rank
    found = nq.cases(folder / "nq_open_oracle.jsonl.gz", passages=20)
    yield "NQ among 20, MRR", of_cases(found), reciprocal_rank
    hops = hotpot.cases(folder / "hotpotqa_distractor_hipporag.json", passages=10)
    yield "HotpotQA, recall@2", of_cases(hops), gold_recall
    yield "TREC DL19, nDCG@10", trec(folder), ndcg


def main() -> None:
    """Run the command."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=Path, default=DATA)
    arguments.add_argument("--out", type=Path, required=True)
    chosen = arguments.parse_args()
    corpus, states = Corpus(chosen.data, 0), States()
    states.load(chosen.out / "states")
    report = {}
    for name, listings, metric in sets(chosen.data, corpus):
        states.need(listing.question for listing in listings)
        states.need(text for listing in listings for text in listing.texts)
        report[name] = measure(listings, states, metric)
        print(name, len(listings), json.dumps(report[name]), flush=True)
    (chosen.out / "ranking.json").write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
