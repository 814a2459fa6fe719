"""The fusion's two small layers, fitted to which sentences held evidence."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ragthrift.compress.evidence.fusion import Fusion
from training.features import NAMES, Row, matrix

HIDDEN = 8
DECAY = 3e-3
Labelled = tuple[list[Row], list[bool]]
"""The sentences of one prompt, and whether each is evidence."""


def fit(sets: Sequence[tuple[Sequence[Labelled], float]], seed: int) -> Fusion:
    """Sets of prompts (rows with labels), each set with a weight; every prompt of a set alike."""
    torch.manual_seed(seed)
    prompts = [(found, labels, w / len(one)) for one, w in sets for found, labels in one]
    known = np.concatenate([matrix(found) for found, _, _ in prompts])
    mean, scale = known.mean(axis=0), known.std(axis=0) + 1e-6
    inputs = torch.from_numpy((known - mean) / scale)
    labels = torch.tensor([float(y) for _, those, _ in prompts for y in those])
    weights = torch.tensor([w for found, _, w in prompts for _ in found])
    first, second = nn.Linear(len(NAMES), HIDDEN), nn.Linear(HIDDEN, 1)
    _minimise(nn.Sequential(first, nn.Tanh(), second), inputs, labels, weights)
    return Fusion(
        mean,
        scale,
        first.weight.detach().numpy().T.copy(),
        first.bias.detach().numpy().copy(),
        second.weight.detach().numpy()[0].copy(),
        float(second.bias.detach()),
    )


def _minimise(
    layers: nn.Module, inputs: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor
) -> None:
    optimiser = torch.optim.LBFGS(
        layers.parameters(), lr=0.5, max_iter=250, line_search_fn="strong_wolfe"
    )

    def step() -> torch.Tensor:
        optimiser.zero_grad()
        logits = layers(inputs).squeeze(-1)
        errors = functional.binary_cross_entropy_with_logits(logits, labels, reduction="none")
        matrices = [weight for weight in layers.parameters() if weight.dim() > 1]
        decay = sum(((weight**2).sum() for weight in matrices), torch.zeros(()))
        loss: torch.Tensor = (errors * weights).sum() + DECAY * decay
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(step)  # type: ignore[no-untyped-call]
