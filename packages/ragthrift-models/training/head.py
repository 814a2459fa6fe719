"""The keep head: which tokens of a passage matter for a question, on frozen token states."""

import torch
from torch import Tensor, nn
from torch.nn import functional

STATES = 384
WIDTH = 96
HEADS = 4
HIDDEN = 192
NEIGHBOURS = 5
RARE = -2.5
"""Where the logit starts: about one token in twelve is kept."""


class KeepHead(nn.Module):
    """Each passage token looks at the question's tokens, at its neighbours and at both means.

    0.38 million weights. The encoder reads passages without the question, so their states can be
    kept; this head is all that a new question costs.
    """

    def __init__(self, dropout: float = 0.15) -> None:
        super().__init__()
        self.token = nn.Linear(STATES, WIDTH)
        self.key = nn.Linear(STATES, WIDTH)
        self.value = nn.Linear(STATES, WIDTH)
        self.question = nn.Linear(STATES, WIDTH)
        self.passage = nn.Linear(STATES, WIDTH)
        self.near = nn.Conv1d(WIDTH, WIDTH, NEIGHBOURS, padding=NEIGHBOURS // 2)
        self.mix = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(6 * WIDTH + 2, HIDDEN),
            nn.GELU(),
            nn.LayerNorm(HIDDEN),
            nn.Dropout(dropout),
            nn.Linear(HIDDEN, HIDDEN),
            nn.GELU(),
        )
        self.keep = nn.Linear(HIDDEN, 1)
        nn.init.zeros_(self.keep.weight)
        nn.init.constant_(self.keep.bias, RARE)

    def forward(
        self, question: Tensor, question_mask: Tensor, passage: Tensor, passage_mask: Tensor
    ) -> Tensor:
        """Logits (b, t) from states (b, n, 384) and (b, t, 384) with masks of 0.0 and 1.0."""
        token = self.token(passage)
        seen = self._look(token, question, question_mask)
        whole = self.question(_mean(question, question_mask)).unsqueeze(1) * token
        topic = self.passage(_mean(passage, passage_mask)).unsqueeze(1) * self.question(
            _mean(question, question_mask)
        ).unsqueeze(1)
        meeting = token * seen
        near = self.near((meeting * passage_mask.unsqueeze(-1)).transpose(1, 2)).transpose(1, 2)
        likeness = _likeness(question, question_mask, passage)
        parts = [token, seen, meeting, whole, topic.expand_as(token), near, likeness]
        logits: Tensor = self.keep(self.mix(torch.cat(parts, dim=-1))).squeeze(-1)
        return logits

    def _look(self, token: Tensor, question: Tensor, mask: Tensor) -> Tensor:
        """Attention of every passage token over the question's tokens."""
        batch, length, _ = token.shape
        size = WIDTH // HEADS
        asks = token.view(batch, length, HEADS, size).transpose(1, 2)
        keys = self.key(question).view(batch, -1, HEADS, size).permute(0, 2, 3, 1)
        values = self.value(question).view(batch, -1, HEADS, size).transpose(1, 2)
        scores = asks @ keys / size**0.5 - 1e4 * (1 - mask)[:, None, None]
        seen: Tensor = (scores.softmax(-1) @ values).transpose(1, 2)
        return seen.reshape(batch, length, WIDTH)


def _mean(states: Tensor, mask: Tensor) -> Tensor:
    return (states * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True)


def _likeness(question: Tensor, mask: Tensor, passage: Tensor) -> Tensor:
    """Cosine of each token with the question's nearest token and with its mean, (b, t, 2)."""
    tokens = functional.normalize(passage, dim=-1)
    asked = functional.normalize(question, dim=-1)
    nearest = (tokens @ asked.transpose(1, 2) - 2 * (1 - mask).unsqueeze(1)).amax(-1)
    mean = functional.normalize(_mean(question, mask), dim=-1)
    return torch.stack([nearest, (tokens @ mean.unsqueeze(-1)).squeeze(-1)], dim=-1)
