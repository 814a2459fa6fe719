"""Nearly equal questions among very many, by their signatures."""

from base64 import urlsafe_b64decode
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ragthrift.errors import InputError
from ragthrift.ledger.signature import DIGEST_BYTES, LENGTH, VALUES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ROWS = 4
"""Values in a band: two questions meet if all of one band are equal. With 8 bands of 4, those that
share 0.8 of their shingles meet with a probability of 0.98, 0.7 with 0.89, 0.5 with 0.40."""


def near_duplicates(
    signatures: Sequence[str], *, min_similarity: float = 0.7
) -> "NDArray[np.int64]":
    """Shape (n,): for each question, the place of the first one in its group.

    A question belongs to a group if it is near enough to one of its members, so that a group can
    hold questions that are far apart. Without a signature it is alone. A million take seconds.

    >>> from ragthrift.ledger.signature import signature
    >>> asked = ["When do you open?", "Who won?", "when do you open", "When do you open today?"]
    >>> near_duplicates([signature(question) for question in asked], min_similarity=0.5).tolist()
    [0, 1, 0, 0]
    """
    import numpy as np

    if not 0 < min_similarity <= 1:
        raise InputError(f"min_similarity={min_similarity} must be above 0 and at most 1")
    groups = np.arange(len(signatures))
    known = np.array([n for n, one in enumerate(signatures) if one], dtype=np.int64)
    if not len(known):
        return groups
    rows = _rows([signatures[n] for n in known])
    whole = np.ascontiguousarray(rows).view(f"V{rows.shape[1]}").ravel()
    _, firsts, place = np.unique(whole, return_index=True, return_inverse=True)
    values = rows[firsts, DIGEST_BYTES:]
    labels = _joined(len(firsts), *_pairs(values, min_similarity))
    smallest = np.full(len(firsts), len(rows))
    np.minimum.at(smallest, labels, firsts)
    groups[known] = known[smallest[labels[place]]]
    return groups


def _rows(signatures: Sequence[str]) -> "NDArray[np.uint8]":
    """Shape (n, bytes of a signature)."""
    import numpy as np

    if any(len(one) != LENGTH for one in signatures):
        raise InputError(f"a signature has {LENGTH} characters; make it with signature(question)")
    joined = urlsafe_b64decode("".join(signatures))
    return np.frombuffer(joined, dtype=np.uint8).reshape(len(signatures), -1)


def _pairs(
    values: "NDArray[np.uint8]", min_similarity: float
) -> "tuple[NDArray[np.int64], NDArray[np.int64]]":
    """Places of questions that are near.

    Of those that meet in a band, each is held against the first and the one before it, so that
    very many that meet cost no more than as many small groups.
    """
    import numpy as np

    least = min_similarity * VALUES * 255 / 256 + VALUES / 256
    lefts, rights = [], []
    for start in range(0, VALUES, ROWS):
        keys = np.ascontiguousarray(values[:, start : start + ROWS]).view(np.uint32).ravel()
        order = np.argsort(keys, kind="stable")
        same = keys[order[1:]] == keys[order[:-1]]
        begins = np.maximum.accumulate(np.where(np.r_[True, ~same], np.arange(len(order)), 0))
        for others in (order[:-1][same], order[begins[1:]][same]):
            mine = order[1:][same]
            near = (values[mine] == values[others]).sum(axis=1) >= least - 1e-9
            lefts.append(mine[near])
            rights.append(others[near])
    return np.concatenate(lefts), np.concatenate(rights)


def _joined(
    size: int, lefts: "NDArray[np.int64]", rights: "NDArray[np.int64]"
) -> "NDArray[np.int64]":
    """Shape (size,): a number for each connected group, the least of its members."""
    import numpy as np

    labels = np.arange(size)
    while True:
        least = np.minimum(labels[lefts], labels[rights])
        before = labels.copy()
        np.minimum.at(labels, labels[lefts], least)
        np.minimum.at(labels, labels[rights], least)
        labels = labels[labels]
        if np.array_equal(before, labels):
            return labels
