"""Train the keep head and the fusion: `python -m training.train --out DIR`, after `prepare`."""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ragthrift.compress.evidence.fusion import Fusion
from ragthrift.machine import available_cpus
from training.examples import QUESTIONS_A_STEP, Batch, Examples, padded
from training.features import Score, rows
from training.fit_fusion import Labelled, fit
from training.head import KeepHead
from training.prepare import DATA, fit_prompts, two_hop_prompts
from training.prompts import Corpus, Prompt
from training.states import States

Floats = NDArray[np.float32]
EPOCHS = 4
LEARNING_RATE = 2e-3
DECAY = 0.03
WARM_STEPS = 60
TOKEN_SHARE = 0.5
"""Weight of the loss by token beside the loss by sentence."""
TWO_HOP_FIT = 900
"""Questions over two passages that are fitted on; the others are dev."""
TWO_HOP_WEIGHT = 0.7


def train_head(examples: Examples, seed: int, epochs: int = EPOCHS) -> KeepHead:
    """The head after all epochs, with the learning rate falling to nothing."""
    torch.manual_seed(seed)
    head = KeepHead().train()
    optimiser = torch.optim.AdamW(head.parameters(), lr=LEARNING_RATE, weight_decay=DECAY)
    steps = epochs * (len(examples.questions) // QUESTIONS_A_STEP)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda at: min((at + 1) / WARM_STEPS, max(0.02, 1 - at / steps))
    )
    for epoch in range(epochs):
        losses = []
        for batch in examples.batches(seed * 1000 + epoch):
            value = loss(head, batch)
            optimiser.zero_grad()
            value.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(head.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            losses.append(value.item())
        print(f"epoch {epoch + 1} of {epochs}: loss {np.mean(losses):.4f}", flush=True)
    return head.eval()


def loss(head: KeepHead, batch: Batch) -> Tensor:
    """Cross-entropy of every sentence's mean logit, and half that of every token's."""
    logits = head(batch.question, batch.question_mask, batch.passage, batch.passage_mask)
    inside = (batch.sentence >= 0).float()
    errors = functional.binary_cross_entropy_with_logits(logits, batch.label, reduction="none")
    tokens = (errors * inside).sum() / inside.sum()
    numbers = functional.one_hot(batch.sentence.clamp(min=0)).float() * inside.unsqueeze(-1)
    count = numbers.sum(1)
    means = torch.einsum("bt,bts->bs", logits, numbers) / count.clamp(min=1)
    labels = torch.einsum("bt,bts->bs", batch.label, numbers) / count.clamp(min=1)
    errors = functional.binary_cross_entropy_with_logits(means, labels, reduction="none")
    there = (count > 0).float()
    return TOKEN_SHARE * tokens + (errors * there).sum() / there.sum()


def scorer(head: KeepHead, states: States) -> Score:
    """Keep logits for features, by PyTorch."""

    @torch.no_grad()
    def score(question: str, pieces: Sequence[str]) -> list[Floats]:
        passage, mask = padded([states[piece].states for piece in pieces])
        asked, asked_mask = padded([states[question].states])
        many = len(pieces)
        logits = head(asked.expand(many, -1, -1), asked_mask.expand(many, -1), passage, mask)
        lengths = mask.sum(1).int().tolist()
        return [row[:length].numpy() for row, length in zip(logits, lengths, strict=True)]

    return score


def labelled(prompts: Sequence[Prompt], states: States, score: Score) -> list[Labelled]:
    """Every sentence of every prompt with what is known of it and whether it is evidence."""
    found = []
    for prompt in prompts:
        these = rows(prompt, states, score)
        labels = [prompt.labels(passage) for passage in range(len(prompt.sheets))]
        found.append((these, [labels[row.passage][row.unit] for row in these]))
    return found


def fit_fusion(corpus: Corpus, states: States, head: KeepHead) -> Fusion:
    """On the fit part and on questions over two passages."""
    score = scorer(head, states)
    single = labelled(fit_prompts(corpus), states, score)
    double = labelled(two_hop_prompts(corpus)[:TWO_HOP_FIT], states, score)
    return fit([(single, 1.0), (double, TWO_HOP_WEIGHT)], corpus.seed)


def main() -> None:
    """Run the command."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=Path, default=DATA)
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--seed", type=int, default=0)
    chosen = arguments.parse_args()
    torch.set_num_threads(available_cpus())
    started = time.perf_counter()
    corpus, states = Corpus(chosen.data, chosen.seed), States()
    states.load(chosen.out / "states")
    head = train_head(Examples(corpus, states, corpus.of("train")), chosen.seed)
    torch.save(head.state_dict(), chosen.out / "head.pt")
    fit_fusion(corpus, states, head).save(chosen.out / "fusion.json")
    minutes = (time.perf_counter() - started) / 60
    print(json.dumps({"out": str(chosen.out), "minutes": round(minutes, 1)}))


if __name__ == "__main__":
    main()
