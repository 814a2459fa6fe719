"""Entries as the hashes that the scripts write."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ragthrift.cache.cipher import Cipher, UnreadableError
from ragthrift.cache.entry import Entry, NewEntry, Terms
from ragthrift.cache.evidence import Evidence
from ragthrift.cache.rows import COLUMNS, from_row, unseal_vector
from ragthrift.cache.settings import Capacity

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

FIELDS = COLUMNS.split(", ")[1:]
"""All but the id, which the key holds."""
_VALUES = {"question", "answer", "vector", "checksum", "extra"}
_DIGESTS = {"scope", "place"}
_NUMBERS = {"right_count", "wrong_count", "recheck"}


def arguments(
    entry: NewEntry,
    row: Mapping[str, object],
    said: bytes,
    fence: int | None,
    capacity: Capacity,
    *,
    value: str,
    shown: bool,
) -> list[object]:
    """What `put.lua` is given; the vector as it is only where the server searches.

    `value` is the key of an answer that lies apart.
    """
    scope, place = entry.place.scope.hex(), entry.place.question.hex()
    vector = entry.vector
    limits = (capacity.max_entries, capacity.max_bytes)
    head: list[object] = [scope, place, _known(fence), entry.user or b"", _known(entry.agrees_with)]
    head += [said, raw(entry.corpus), pack(entry.evidence)]
    head += [vector.astype("<f4").tobytes() if shown and vector is not None else b""]
    head += [0 if vector is None else len(vector), *map(_known, limits)]
    head += [row["size"], repr(float(entry.cost)), repr(float(entry.end)), value]
    for name, field in {**row, "scope": scope, "place": place}.items():
        if field is not None:
            head += [name, repr(field) if isinstance(field, float) else field]
    return head


def terms_of(terms: Terms) -> tuple[object, ...]:
    """As the scripts compare them."""
    return repr(terms.now), terms.user or b"", terms.min_users


def read(
    cipher: Cipher, row: Sequence[bytes | None], vector: "Floats | None" = None
) -> tuple[Entry, float]:
    """The entry in a hash, and its cosine to a vector; raises `UnreadableError`."""
    try:
        values = [_typed(name, value) for name, value in zip(FIELDS, row[1:], strict=True)]
        entry = from_row(cipher, [int(row[0] or 0), *values])
    except (ValueError, TypeError) as error:
        raise UnreadableError("an entry holds something else than it should") from error
    sealed = row[1 + FIELDS.index("vector")]
    if vector is None or sealed is None:
        return entry, 1.0
    other = unseal_vector(cipher, sealed)
    if other.shape != vector.shape:
        raise UnreadableError(f"a vector of {len(other)} numbers among those of {len(vector)}")
    return entry, float(other @ vector)


def pack(evidence: Sequence[Evidence]) -> bytes:
    """Document, version and chunk of each, every one after its length."""
    parts = [raw(part) for e in evidence for part in (e.document_id, e.version, e.chunk)]
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def unpack(packed: bytes) -> tuple[Evidence, ...]:
    """What was packed.

    >>> found = (Evidence("menu", "2", "aa"), Evidence("", "", ""))
    >>> unpack(pack(found)) == found
    True
    """
    parts, at = [], 0
    while at < len(packed):
        end = at + 4 + int.from_bytes(packed[at : at + 4], "big")
        parts.append(packed[at + 4 : end].decode("utf-8", "surrogatepass"))
        at = end
    return tuple(Evidence(*parts[start : start + 3]) for start in range(0, len(parts), 3))


def _typed(name: str, value: bytes | None) -> object:
    if name in _VALUES or value is None:
        return value
    if name in _DIGESTS:
        return bytes.fromhex(value.decode())
    if name in _NUMBERS:
        return int(value)
    return value.decode() if name == "grouping" else float(value)


def raw(text: str) -> bytes:
    """As UTF-8, lone surrogates included."""
    return text.encode("utf-8", "surrogatepass")


def _known(number: int | None) -> int | str:
    return "" if number is None else number
