"""Whether the probabilities are true, on dev: `python -m training.evaluate --out DIR`.

What pruning keeps at which rate is measured by `python -m benchmarks.prune`, on the library itself.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from ragthrift.compress.evidence.fusion import Fusion
from training.calibrate import marks
from training.head import KeepHead
from training.prepare import DATA, DEV_LONG, encode, two_hop_prompts
from training.prompts import Corpus, Prompt
from training.states import States
from training.train import TWO_HOP_FIT, labelled, scorer


def sets(corpus: Corpus) -> Iterator[tuple[str, list[Prompt]]]:
    """The prompts that nothing was fitted on."""
    yield "5 passages", list(corpus.prompts("dev", "short"))
    yield "long chunks", list(corpus.prompts("dev", "long", DEV_LONG))
    yield "two hops", two_hop_prompts(corpus)[TWO_HOP_FIT:]


def main() -> None:
    """Run the command."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=Path, default=DATA)
    arguments.add_argument("--out", type=Path, required=True)
    chosen = arguments.parse_args()
    corpus, states = Corpus(chosen.data, 0), States()
    states.load(chosen.out / "states")
    head = KeepHead()
    head.load_state_dict(torch.load(chosen.out / "head.pt"))
    score = scorer(head.eval(), states)
    fusion = Fusion.load(chosen.out / "fusion.json")
    report = {}
    for name, prompts in sets(corpus):
        encode(states, prompts)
        found = labelled(prompts, states, score)
        said = np.concatenate([fusion.probabilities(rows) for rows, _ in found])
        true = np.concatenate([np.array(labels, dtype=float) for _, labels in found])
        report[name] = {"prompts": len(prompts), **marks(said, true)}
        print(name, json.dumps(report[name]), flush=True)
    (chosen.out / "evaluation.json").write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
