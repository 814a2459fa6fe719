"""A short string that stands for a question: equal and nearly equal ones are found without it."""

import re
import unicodedata
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import cache
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DIGEST_BYTES, VALUES = 7, 32
"""Together a multiple of 3, so that base64 needs no padding."""
LENGTH = 4 * (DIGEST_BYTES + VALUES) // 3
"""Characters of a signature."""
SHINGLE = 4
"""Characters in a shingle: on FoW's pairs and GPTCache's, 4 tell rewordings from other questions
better than 3, 5, words or pairs of words."""
LONGEST = 600
"""Characters of a question that are looked at for nearness: its beginning."""
_CHANCE = 1 / 256
"""That two different values of 8 bits are equal."""
_END = re.compile(r"[\s?!.\u2026\u3002\u061f]+$")
_NO_WORD = re.compile(r"[^\w]+")


def signature(question: str) -> str:
    """52 characters: a digest of the question, and a MinHash (Broder, 1997) of its beginning.

    White space, the case of letters and marks at the end do not count. From two signatures, `near`
    tells how many runs of 4 characters their questions share: it finds typing errors, plurals, a
    word more or less, the same words in another order. It does not find paraphrases in other
    words; and it holds "open on Monday?" and "open on Sunday?" for near, so that nothing may be
    answered by it. The question cannot be read from a signature, but who guesses a question can
    prove it by one.

    >>> len(signature("When does the canteen open?"))
    52
    >>> signature(" when does the canteen open") == signature("When does the canteen open?")
    True
    >>> signature("")
    ''
    """
    text = _END.sub("", unicodedata.normalize("NFKC", question)).casefold()
    text = " ".join((text or question).split())
    if not text:
        return ""
    known = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).digest()
    return urlsafe_b64encode(known + _min_hash(text)).decode()


def near(first: str, second: str) -> float:
    """Estimated share of runs of 4 characters that two questions have in common, 0 to 1.

    The standard error is 0.09 at most. 1.0 only says that nothing differed; that two questions
    are equal is told by equal signatures.

    >>> canteen = signature("When does the canteen open today?")
    >>> near(canteen, signature("When does the canteen open, today?")) > 0.9
    True
    >>> near(canteen, signature("Who was the first woman on the moon?")) < 0.3
    True
    >>> near(canteen, "")
    0.0
    """
    if not first or not second:
        return 0.0
    if first == second:
        return 1.0
    pairs = zip(_values(first), _values(second), strict=True)
    equal = sum(a == b for a, b in pairs) / VALUES
    return max(0.0, (equal - _CHANCE) / (1 - _CHANCE))


def _values(signature: str) -> bytes:
    return urlsafe_b64decode(signature)[DIGEST_BYTES:]


def _min_hash(text: str) -> bytes:
    """Of each of 32 orders of all shingles, 8 bits of the smallest (Li and König, 2010)."""
    import numpy as np

    multipliers, offsets, places = _constants()
    plain = f" {_NO_WORD.sub(' ', text[:LONGEST]).strip() or text[:LONGEST]} "
    codes = np.frombuffer(plain.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    codes = np.pad(codes, (0, max(0, SHINGLE - len(codes)))).astype(np.uint64)
    runs = np.lib.stride_tricks.sliding_window_view(codes, SHINGLE) @ places
    mixed = (runs ^ (runs >> np.uint64(29))) * multipliers[:, None] + offsets[:, None]
    smallest = (mixed >> np.uint64(32)).min(axis=1)
    return bytes(smallest.astype(np.uint8))


@cache
def _constants() -> "tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint64]]":
    """Odd multipliers and offsets of the orders, and a multiplier for each place in a shingle."""
    import numpy as np

    drawn = b"".join(blake2b(bytes([n]), digest_size=64).digest() for n in range(9))
    numbers = np.frombuffer(drawn, dtype="<u8").astype(np.uint64)
    odd = numbers | np.uint64(1)
    return odd[:VALUES], numbers[VALUES : 2 * VALUES], odd[2 * VALUES : 2 * VALUES + SHINGLE]
