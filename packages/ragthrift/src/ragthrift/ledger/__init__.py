"""One record for each model call: what it used, where its tokens came from, what it cost."""

from ragthrift.ledger.call import (
    UNTAGGED,
    Call,
    Kind,
    Processing,
    Segment,
    digest,
    prefix_digests,
)

__all__ = [
    "UNTAGGED",
    "Call",
    "Kind",
    "Processing",
    "Segment",
    "digest",
    "prefix_digests",
]
