"""Fewer documents: the best ones by a reranker."""

from collections.abc import Mapping
from math import ceil

from ragthrift.audit.bill import DOCUMENT, Bill, Level
from ragthrift.audit.documents import DocumentUse
from ragthrift.audit.levers.lever import Evidence, Lever, by_level

_FEWEST = 3
"""Of 20 passages, the best 3 held every answer of 150 (benchmarks/results/trim.json)."""
_LENGTH = 0.2
"""What is kept may be so much longer or shorter than what is dropped."""


def trimming(evidence: Evidence) -> Lever | None:
    """`None` where prompts hold no more documents than answers need."""
    keeps = {name: _keep(use) for name, use in evidence.documents.items() if _spare(use)}
    if not keeps:
        return None
    known = all(evidence.documents[name].used.count for name in keeps)

    def apply(bill: Bill, level: Level) -> Bill:
        import numpy as np

        wider = by_level(level, 1 + _LENGTH, 1.0, 1 - _LENGTH)
        shares = []
        for call in bill.calls:
            sent = sum(segment.kind == "document" for segment in call.segments)
            keep = keeps.get(call.request_type, sent)
            shares.append(min(1.0, wider * keep / sent) if sent > keep else 1.0)
        return bill.scaled(DOCUMENT, np.array(shares))

    how_many = ", ".join(f"{keep} for {name}" for name, keep in list(keeps.items())[:4])
    return Lever(
        name="rerank and trim",
        title="Send the best documents only",
        apply=apply,
        assumes=f"the best documents are kept: {how_many}; "
        + ("nine in ten answers used no more" if known else "which were used is not known")
        + f"; they are as long as the others, within {_LENGTH:.0%}",
        basis="measured" if known else "partly measured",
        risk="low" if known else "medium",
        caution="answers that need many documents lose some: hold it against `ragthrift bench`",
        code=f"HybridReranker(keep=Keep(top_k={_commonest(keeps, evidence.documents)}))",
    )


def _keep(use: DocumentUse) -> int:
    if use.used.count:
        return max(_FEWEST, round(use.used.quantile(0.9)))
    return max(_FEWEST, ceil(use.sent.mean / 2))


def _spare(use: DocumentUse) -> bool:
    return use.sent.mean > _keep(use)


def _commonest(keeps: Mapping[str, int], documents: Mapping[str, DocumentUse]) -> int:
    return keeps[max(keeps, key=lambda name: documents[name].sent.count)]
