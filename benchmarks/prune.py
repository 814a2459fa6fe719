"""What pruning keeps and what it saves: `python -m benchmarks.prune`.

Prompts of the gold passage and distractors that BM25 finds in the same file, none of which holds
an answer; with `--chunk-words` each passage is joined with neighbours to a longer chunk. Or
HotpotQA's own ten paragraphs. Everything is cut to one token in `--rate`. The last line holds
`answers_kept` of the `baseline_answers` that the whole prompts hold, for HotpotQA `supports_kept`
too, with their 95 % intervals, and `tokens_removed` (0..1, of passage tokens by o200k_base).
`--peers` adds the same for others' ways and how far ours is `ahead` of each, paired by question;
`--curve` does it all for 2, 3, 4, 6 and 8 in place of one rate.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from benchmarks.compressors import COMPRESSORS, PEERS, Compress, load
from benchmarks.shared import SHARED, existing, finish, parser, say
from ragthrift import InputError
from ragthrift.tokens import OpenAITokens
from ragthrift_bench.cases import Case
from ragthrift_bench.evidence import answer_kept, supports_kept
from ragthrift_bench.intervals import mean_interval
from ragthrift_bench.sets import hotpot
from ragthrift_bench.sets.long_chunks import long_chunks
from ragthrift_bench.sets.nq import cases as nq_cases

CURVE = (2.0, 3.0, 4.0, 6.0, 8.0)


@dataclass(frozen=True, slots=True)
class Measured:
    """What one way to shorten did at one rate."""

    numbers: dict[str, Any]
    kept: tuple[float, ...] = ()
    """Share of the evidence by question: supporting sentences where they are known, or answers."""


def measure(compress: Compress, cases: Sequence[Case], seed: int) -> Measured:
    """How much evidence the compressed passages hold, of what the whole ones held."""
    count = OpenAITokens().count
    answers, supports, before, after = [], [], 0, 0
    started = time.perf_counter()
    shortened = [compress(case) for case in cases]
    seconds = time.perf_counter() - started
    for case, kept in zip(cases, shortened, strict=True):
        before += sum(count(passage.text) for passage in case.passages)
        after += sum(count(passage.text) for passage in kept)
        if answer_kept(case, case.passages):
            answers.append(answer_kept(case, kept) or 0.0)
        if (share := supports_kept(case, kept)) is not None:
            supports.append(share)
    found = {
        **_share("answers_kept", answers, seed),
        "baseline_answers": round(len(answers) / len(cases), 4),
        "tokens_removed": round(1 - after / before, 4),
        "ms_a_prompt": round(1000 * seconds / len(cases), 1),
    }
    return Measured(found | _share("supports_kept", supports, seed), tuple(supports or answers))


def _share(name: str, values: Sequence[float], seed: int) -> dict[str, Any]:
    return {name: round(fmean(values), 4), f"{name}_ci95": _ends(values, seed)} if values else {}


def _ends(values: Sequence[float], seed: int) -> list[float]:
    found = mean_interval(values, seed=seed)
    return [round(found.low, 4), round(found.high, 4)]


def read(chosen: Any) -> tuple[str, list[Case]]:
    """The cases that the arguments name, and the name of their set."""
    if chosen.hotpot is not None:
        cases = hotpot.cases(chosen.hotpot, seed=chosen.seed, limit=chosen.limit)
        return "hotpot", cases
    file = chosen.nq or existing(str(SHARED / "rag/nq_open_oracle.jsonl.gz"))
    if chosen.chunk_words is None:
        cases = nq_cases(file, passages=chosen.passages, seed=chosen.seed, limit=chosen.limit)
        return "nq", cases
    joined = long_chunks(
        file,
        passages=chosen.passages,
        chunk_words=chosen.chunk_words,
        seed=chosen.seed,
        limit=chosen.limit,
    )
    return f"nq, {chosen.chunk_words} words", joined


def main() -> None:
    """Run the command."""
    arguments = parser(__doc__ or "")
    arguments.add_argument("--nq", type=existing)
    arguments.add_argument("--hotpot", type=existing)
    arguments.add_argument("--rate", type=float, default=4.0, help="keep one token in so many")
    arguments.add_argument("--curve", action="store_true", help=f"all of {CURVE}")
    arguments.add_argument("--passages", type=int, default=5)
    arguments.add_argument("--chunk-words", type=int, help="join passages to chunks of so many")
    arguments.add_argument("--compressor", choices=COMPRESSORS, default=next(iter(COMPRESSORS)))
    arguments.add_argument("--peers", action="store_true", help="run others' ways beside it")
    chosen = arguments.parse_args()
    name, cases = read(chosen)
    say(chosen.json, f"{name}: {len(cases)} questions, {chosen.passages} passages")
    found: dict[str, Any] = {"set": name, "questions": len(cases), "compressor": chosen.compressor}
    rates = CURVE if chosen.curve else (chosen.rate,)
    rows = {rate: _row(chosen.compressor, rate, cases, chosen) for rate in rates}
    peers = {peer: _peer(peer, rows, cases, chosen) for peer in (PEERS if chosen.peers else ())}
    curve = {rate: row.numbers for rate, row in rows.items()}
    found |= curve[rates[-1]] | ({"curve": curve} if chosen.curve else {})
    finish(found | ({"peers": peers} if peers else {}))


def _peer(
    name: str, ours: Mapping[float, Measured], cases: Sequence[Case], chosen: Any
) -> dict[float, Any]:
    """What a peer does at each rate, and how far ours is ahead of it there."""
    found = {}
    for rate, row in ours.items():
        theirs = _row(name, rate, cases, chosen)
        ahead = [our - their for our, their in zip(row.kept, theirs.kept, strict=False)]
        found[rate] = theirs.numbers | _share("ahead", ahead, chosen.seed)
    return found


def _row(name: str, rate: float, cases: Sequence[Case], chosen: Any) -> Measured:
    try:
        row = measure(load(name, rate), cases, chosen.seed)
    except (ImportError, InputError) as error:
        row = Measured({"skipped": str(error)})
    say(chosen.json, f"{name:24} {rate:g}x {row.numbers}")
    return row


if __name__ == "__main__":
    main()
