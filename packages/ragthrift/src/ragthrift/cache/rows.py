"""Entries as rows: sealed, checked on the way back."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from ragthrift.cache.cipher import Cipher, UnreadableError
from ragthrift.cache.entry import Entry, NewEntry, Place

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]

COLUMNS = (
    "id, scope, place, question, answer, vector, checksum, grouping, right_count, wrong_count, "
    "recheck, soft_end, ends, created, cost, extra"
)
ROW_BYTES = 260
"""Keys, counts and index pages of a row, beside its values."""


def seal_text(cipher: Cipher, text: str) -> bytes:
    """A text as written; half a surrogate pair survives."""
    return cipher.seal(text.encode("utf-8", "surrogatepass"))


def answer_digest(cipher: Cipher, answer: str) -> bytes:
    """16 bytes by which equal answers are known without being read."""
    return cipher.digest(b"answer", answer.encode("utf-8", "surrogatepass"))


def seal_vector(cipher: Cipher, vector: "Vector") -> bytes:
    """A unit vector in half precision: cosines move by less than 0.001."""
    import numpy as np

    return cipher.seal(np.asarray(vector, dtype="<f2").tobytes())


def unseal_vector(cipher: Cipher, sealed: bytes) -> "Vector":
    """Shape (d,), of unit length; raises `UnreadableError`."""
    import numpy as np

    plain = cipher.unseal(sealed)
    if not plain or len(plain) % 2:
        raise UnreadableError(f"a vector of {len(plain)} bytes")
    vector = np.frombuffer(plain, dtype="<f2").astype(np.float32)
    length = float(np.linalg.norm(vector))
    if not 0.5 < length < 2:
        raise UnreadableError(f"a vector of length {length}")
    return np.asarray(vector / length, dtype=np.float32)


def checksum(
    place: Place, question: bytes, answer: bytes, vector: bytes | None, extra: bytes | None
) -> bytes:
    """8 bytes over what must not change unseen; files of version 1 know of no extra."""
    state = blake2b(digest_size=8)
    parts = [place.scope, place.question, question, answer, vector or b""]
    for part in parts if extra is None else [*parts, extra]:
        state.update(len(part).to_bytes(8, "big") + part)
    return state.digest()


def to_row(cipher: Cipher, entry: NewEntry) -> dict[str, object]:
    """The columns that come from the entry itself."""
    question, answer = seal_text(cipher, entry.question), seal_text(cipher, entry.answer)
    vector = None if entry.vector is None else seal_vector(cipher, entry.vector)
    extra = cipher.seal(entry.extra) if entry.extra else None
    values = len(question) + len(answer) + len(vector or b"") + len(extra or b"")
    evidence = sum(24 + len(e.document_id) + len(e.version) for e in entry.evidence)
    return {
        "scope": entry.place.scope,
        "place": entry.place.question,
        "question": question,
        "answer": answer,
        "vector": vector,
        "checksum": checksum(entry.place, question, answer, vector, extra),
        "grouping": entry.group,
        "created": entry.created,
        "soft_end": entry.soft_end,
        "ends": entry.end,
        "cost": entry.cost,
        "extra": extra,
        "size": values + evidence + ROW_BYTES,
    }


def from_row(cipher: Cipher, row: Sequence[Any]) -> Entry:
    """The entry in a row of `COLUMNS`; raises `UnreadableError`."""
    number, scope, place, question, answer, vector, check, group, right, wrong = row[:10]
    try:
        if checksum(Place(scope, place), question, answer, vector, row[15]) != check:
            raise UnreadableError(f"entry {number} does not match its checksum")
        asked = cipher.unseal(question).decode("utf-8", "surrogatepass")
        said = cipher.unseal(answer).decode("utf-8", "surrogatepass")
        extra = cipher.unseal(row[15]) if row[15] else b""
    except (TypeError, AttributeError, UnicodeDecodeError) as error:
        raise UnreadableError(f"entry {number} holds something else than text") from error
    soft, end, created, cost = row[11:15]
    counts = (right, wrong, bool(row[10]))
    return Entry(number, asked, said, group, *counts, soft, end, created, cost, extra)
