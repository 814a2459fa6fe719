"""Shorter documents: the sentences that bear on the question."""

from dataclasses import replace

from ragthrift.audit.bill import DOCUMENT, KINDS, Bill, Level
from ragthrift.audit.levers.lever import Evidence, Lever, by_level

_REMOVED = (0.4, 0.5, 0.52)
"""Of document tokens, at the default limit of a half: 0.50 to 0.51 on NQ and HotpotQA
(benchmarks/results/prune.json); less where documents are single sentences."""
_LEAST = 200
"""Tokens of documents in a prompt, below which nothing is worth a sentence model."""


def compression(evidence: Evidence) -> Lever | None:
    """`None` where no prompt is known to hold much of documents."""
    bill = evidence.bill
    if not (bill.tokens[:, DOCUMENT] > _LEAST).any():
        return None
    return Lever(
        name="compression",
        title="Send the sentences that bear on the question",
        apply=_compressed,
        assumes="half of the document tokens go (40 to 52 %); what a provider's cache held of "
        "documents and of what follows them is lost, since each question keeps other sentences",
        basis="partly measured",
        risk="low",
        caution="97 % of answers stayed on NQ at a quarter of the tokens, 93 % of HotpotQA's "
        "supporting sentences: hold it against `ragthrift bench`",
        code="SentencePruner().compress(question, passages)",
    )


def _compressed(bill: Bill, level: Level) -> Bill:
    import numpy as np

    worth = bill.tokens[:, DOCUMENT] > _LEAST
    share = np.where(worth, 1 - by_level(level, *_REMOVED), 1.0)
    shorter = bill.scaled(DOCUMENT, share)
    read, write = shorter.read.copy(), shorter.write.copy()
    for row in np.flatnonzero(worth):
        for kind in after_documents(bill, int(row)):
            read[row, kind] = write[row, kind] = 0.0
    return replace(shorter, read=read, write=write)


def after_documents(bill: Bill, row: int) -> list[int]:
    """Kinds of segments that stand at or after the first document of a prompt."""
    kinds = [segment.kind for segment in bill.calls[row].segments]
    if "document" not in kinds:
        return []
    return sorted({KINDS.index(kind) for kind in kinds[kinds.index("document") :]})
