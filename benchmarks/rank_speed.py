"""How much faster int8 on ONNX Runtime is: `python -m benchmarks.rank_speed`.

The same cross-encoder, the same pairs, one run, in turn: sentence-transformers' own
`CrossEncoder.rank` on PyTorch fp32, and `CrossEncoderReranker` on ONNX fp32 and ONNX int8.
The last line holds pairs a second of each, their ratio to the first, and nDCG@10 of each.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean, median

from benchmarks.rank import Rank, evaluate, reranker
from benchmarks.shared import SHARED, existing, finish, parser, say
from benchmarks.trec import read_topics
from ragthrift import ModelNotFoundError, Passage
from ragthrift.folders import cache_folder
from ragthrift.rerank import export_onnx

PEER = "sentence-transformers"


def sentence_transformers_rank(folder: Path) -> Rank:
    """`CrossEncoder.rank` with its defaults: batches of 32, PyTorch fp32."""
    from sentence_transformers import CrossEncoder

    model = CrossEncoder(str(folder), device="cpu")

    def rank(query: str, passages: Sequence[Passage]) -> list[Passage]:
        ranking = model.rank(query, [passage.text for passage in passages])
        return [passages[int(row["corpus_id"])] for row in ranking]

    return rank


def main() -> None:
    """Run the command."""
    arguments = parser(__doc__ or "")
    arguments.add_argument(
        "--hits", type=existing, default=SHARED / "rag/trec_dl19_bm25_top100.json.gz"
    )
    arguments.add_argument("--qrels", type=existing, default=SHARED / "rag/qrels.dl19-passage.txt")
    arguments.add_argument(
        "--model", type=Path, required=True, help="the folder that training.cross_encoder wrote"
    )
    arguments.add_argument("--rounds", type=int, default=3, help="each is timed in turn this often")
    chosen = arguments.parse_args()
    if not chosen.model.is_dir():
        raise ModelNotFoundError(
            f"no cross-encoder at {chosen.model}: python -m training.cross_encoder writes one"
        )
    topics = read_topics(existing(str(chosen.hits)), existing(str(chosen.qrels)), chosen.limit)
    exported = export_onnx(str(chosen.model), cache_folder("benchmarks") / "cross-encoder-onnx")
    contestants: dict[str, Callable[[], Rank]] = {
        PEER: lambda: sentence_transformers_rank(chosen.model),
        "ragthrift, onnx fp32": lambda: reranker(f"fp32:{exported}"),
        "ragthrift, onnx int8": lambda: reranker(f"int8:{exported}"),
    }
    ranks = {name: make() for name, make in contestants.items()}
    speeds: dict[str, list[float]] = {name: [] for name in ranks}
    quality: dict[str, float] = {}
    for turn in range(chosen.rounds):
        for name, rank in ranks.items():
            values, speed = evaluate(rank, topics)
            speeds[name].append(speed)
            quality[name] = round(fmean(values), 4)
            say(chosen.json, f"round {turn + 1}: {name}: {speed:.1f} pairs/s, {quality[name]}")
    finish(
        {
            "pairs_per_s": {name: round(median(runs), 1) for name, runs in speeds.items()},
            "ratio": {name: _ratio(runs, speeds[PEER]) for name, runs in speeds.items()},
            "ndcg@10": quality,
            "rounds": chosen.rounds,
        }
    )


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios round by round: both saw the machine in the same state."""
    return round(median(our / their for our, their in zip(ours, theirs, strict=True)), 2)


if __name__ == "__main__":
    main()
