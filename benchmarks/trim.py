"""What trimming keeps and what it saves: `python -m benchmarks.trim`.

NQ-open, the gold passage at a random place among distractors that BM25 finds in the same file. The
last line holds `gold_kept` (the share of prompts that still hold the gold passage) with its 95 %
interval, and `tokens_removed` (0..1, of passage tokens by o200k_base).
"""

from collections.abc import Callable, Sequence
from statistics import fmean

from benchmarks.rank import reranker
from benchmarks.shared import SHARED, existing, finish, parser, say
from ragthrift import Passage
from ragthrift.tokens import OpenAITokens
from ragthrift_bench.cases import Case
from ragthrift_bench.intervals import mean_interval
from ragthrift_bench.sets import nq

Trim = Callable[[Case], Sequence[Passage]]


def measure(trim: Trim, cases: Sequence[Case]) -> tuple[list[float], float]:
    """Whether each case keeps its gold passage, and the share of all tokens removed."""
    counter = OpenAITokens()
    kept, before, after = [], 0, 0
    for case in cases:
        passages = trim(case)
        kept.append(float(case.keeps_gold(passages)))
        before += sum(counter.count(passage.text) for passage in case.passages)
        after += sum(counter.count(passage.text) for passage in passages)
    return kept, 1 - after / before


def main() -> None:
    """Run the command."""
    arguments = parser(__doc__ or "")
    arguments.add_argument("--nq", type=existing, default=SHARED / "rag/nq_open_oracle.jsonl.gz")
    arguments.add_argument("--passages", type=int, default=20, help="passages in a prompt")
    arguments.add_argument("--top-k", type=int, default=3, help="passages kept")
    arguments.add_argument("--reranker", default="hybrid", help=reranker.__doc__)
    chosen = arguments.parse_args()
    file = existing(str(chosen.nq))
    cases = nq.cases(file, passages=chosen.passages, seed=chosen.seed, limit=chosen.limit)
    say(chosen.json, f"{chosen.reranker}: {chosen.passages} passages to {chosen.top_k}")
    rank = reranker(chosen.reranker)
    kept, removed = measure(lambda case: rank(case.question, case.passages)[: chosen.top_k], cases)
    by_chance, _ = measure(lambda case: case.passages[: chosen.top_k], cases)
    interval = mean_interval(kept, seed=chosen.seed)
    finish(
        {
            "reranker": chosen.reranker,
            "questions": len(cases),
            "gold_kept": round(fmean(kept), 4),
            "ci95": [round(interval.low, 4), round(interval.high, 4)],
            "tokens_removed": round(removed, 4),
            "gold_kept_without_ranking": round(fmean(by_chance), 4),
        }
    )


if __name__ == "__main__":
    main()
