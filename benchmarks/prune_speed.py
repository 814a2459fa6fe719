"""How long ranking and pruning take: `python -m benchmarks.prune_speed [--llmlingua FOLDER]`.

Prompts of 20 passages of about 150 of the encoder's tokens each, cut from the passages of NQ, each
passage seen once. In turn, in one run: `SentencePruner.rank_and_prune` at 4x with nothing kept from
before, the same again with the passages known, and `llmlingua`'s own `compress_prompt` with
LLMLingua-2 on the token classifier of `training.token_classifier`. The last line holds p50 and p95
in milliseconds a prompt, and how many times faster than llmlingua ours is.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.shared import SHARED, existing, finish, parser, say
from ragthrift import Passage
from ragthrift.compress import EvidenceReader, Limits, SentencePruner
from ragthrift.states import StateEncoder
from ragthrift.tokens import load_tokenizer
from ragthrift_bench.sets.nq import cases as nq_cases
from ragthrift_models import minilm_tokenizer, state_model

PASSAGES, TOKENS = 20, 150
RATE = 4.0

Run = Callable[[str, Sequence[Passage]], object]


def prompts(file: Path, count: int, seed: int) -> Iterator[tuple[str, list[Passage]]]:
    """Questions with passages of `TOKENS` tokens, made of the file's passages in its order."""
    cases = nq_cases(file, passages=1, seed=seed)
    pieces = _pieces(" ".join(case.passages[0].text for case in cases))
    for case in islice(cases, count):
        yield case.question, [Passage(text, str(at)) for at, text in islice(pieces, PASSAGES)]


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    offsets = load_tokenizer(minilm_tokenizer()).encode(text, add_special_tokens=False).offsets
    for at, start in enumerate(range(0, len(offsets) - TOKENS, TOKENS)):
        yield at, text[offsets[start][0] : offsets[start + TOKENS - 1][1]]


def cold(encoder: StateEncoder) -> Run:
    """Ours, the reader and all: the encoder keeps nothing."""
    return SentencePruner(EvidenceReader(encoder), Limits(rate=1 / RATE)).rank_and_prune


def llmlingua(folder: Path) -> Run:
    """The library as it is called: a list of contexts, each padded to 512 tokens."""
    from ragthrift.compress.llmlingua_model import load_llmlingua

    compressor = load_llmlingua(str(folder), device="cpu", classify=True)
    compressor.model_name = "bert-base-multilingual-cased"

    def run(_question: str, passages: Sequence[Passage]) -> object:
        return compressor.compress_prompt([p.text for p in passages], rate=1 / RATE)

    return run


def main() -> None:
    """Run the command."""
    arguments = parser(__doc__ or "")
    arguments.add_argument("--nq", type=existing)
    arguments.add_argument("--llmlingua", type=Path, help="folder of a token classifier")
    chosen = arguments.parse_args()
    file = chosen.nq or existing(str(SHARED / "rag/nq_open_oracle.jsonl.gz"))
    runs = {
        "cold": cold(StateEncoder(state_model(), minilm_tokenizer(), cache_mib=0)),
        "passages known": cold(StateEncoder(state_model(), minilm_tokenizer())),
    }
    if chosen.llmlingua:
        runs["llmlingua"] = llmlingua(chosen.llmlingua)
    milliseconds: dict[str, list[float]] = {name: [] for name in runs}
    for turn, (question, passages) in enumerate(prompts(file, chosen.limit or 40, chosen.seed)):
        runs["passages known"]("Who reads this first?", passages)
        for name, run in runs.items():
            started = time.perf_counter()
            run(question, passages)
            if turn:  # the first is to warm up
                milliseconds[name].append(1000 * (time.perf_counter() - started))
        say(chosen.json, f"{turn}: " + ", ".join(f"{n} {v[-1:]}" for n, v in milliseconds.items()))
    finish(
        {
            "ms": {name: _summary(values) for name, values in milliseconds.items()},
            "times_as_fast_as_llmlingua": _ratio(milliseconds),
        }
    )


def _summary(values: Sequence[float]) -> dict[str, float]:
    p50, p95 = np.percentile(values, [50, 95])
    return {"p50": round(float(p50), 1), "p95": round(float(p95), 1)}


def _ratio(found: dict[str, list[float]]) -> float | None:
    """The median over prompts: both saw the machine in the same state."""
    if "llmlingua" not in found:
        return None
    pairs = zip(found["llmlingua"], found["cold"], strict=True)
    return round(median(theirs / ours for theirs, ours in pairs), 2)


if __name__ == "__main__":
    main()
