"""How two questions differ: what is added, swapped, negated, or asked of someone else."""

from ragthrift.cache.serving.wording import Wording, opposed, synonyms, wording

NAMES = (
    "covered", "swapped", "added", "slot", "inserted", "numbers", "number_added", "identifiers",
    "calendar", "negation", "opposites", "names", "name_added", "audience", "order", "kind",
    "length", "same",
)  # fmt: skip


def differences(asked: str, stored: str) -> tuple[float, ...]:
    """The features named in `NAMES`, each in [0, 1]; 0 means no difference but for `covered`."""
    a, b = wording(asked), wording(stored)
    rest_a, rest_b = unmatched(a, b)
    total = max(len(a.topic) + len(b.topic), 1)
    swapped, added = min(len(rest_a), len(rest_b)), abs(len(rest_a) - len(rest_b))
    names_a, names_b = a.names & set(rest_a), b.names & set(rest_b)
    return (
        1 - (len(rest_a) + len(rest_b)) / total,
        min(swapped, 3) / 3,
        min(added, 3) / 3,
        *slot(a, b, bool(rest_a), bool(rest_b)),
        float(_clash(a.quantities, b.quantities)),
        float(_one_sided(a.quantities, b.quantities)),
        float(a.identifiers != b.identifiers),
        float(a.calendar != b.calendar),
        float(a.negations % 2 != b.negations % 2),
        float(opposites(a, b)),
        float(bool(names_a) and bool(names_b)),
        float(bool(names_a) != bool(names_b)),
        float(bool((a.audience & set(rest_a)) | (b.audience & set(rest_b)))),
        float(reordered(a, b)),
        float(a.kind != b.kind),
        1 - min(len(a.tokens), len(b.tokens)) / max(len(a.tokens), len(b.tokens), 1),
        float(not rest_a and not rest_b and not added),
    )


def _clash(a: frozenset[tuple[str, float]], b: frozenset[tuple[str, float]]) -> bool:
    return bool(a and b) and a != b


def _one_sided(a: frozenset[tuple[str, float]], b: frozenset[tuple[str, float]]) -> bool:
    return bool(a) != bool(b)


def unmatched(a: Wording, b: Wording) -> tuple[list[str], list[str]]:
    """Topic words of each question that have no counterpart in the other."""
    used: set[str] = set()
    rest_a = [word for word in a.topic if word not in b.topic]
    rest_b = [word for word in b.topic if word not in a.topic]
    left = []
    for word in rest_a:
        match = next((o for o in rest_b if o not in used and _equal(word, o, a, b)), None)
        if match is None:
            left.append(word)
        else:
            used.add(match)
    return left, [word for word in rest_b if word not in used]


def _equal(one: str, other: str, a: Wording, b: Wording) -> bool:
    if synonyms(one, other):
        return True
    if opposed(one, other) or (one in a.names and other in b.names):
        return False
    return misspelt(one, other)


def slot(a: Wording, b: Wording, left_a: bool, left_b: bool) -> tuple[float, float]:
    """Whether the questions are one sentence with one slot filled otherwise, or filled at all.

    People who reword a question rarely keep all its other words in place; people who ask about
    another thing do.
    """
    start, end = 0, 0
    short = min(len(a.tokens), len(b.tokens))
    while start < short and a.tokens[start] == b.tokens[start]:
        start += 1
    while end < short - start and a.tokens[-1 - end] == b.tokens[-1 - end]:
        end += 1
    span = max(len(a.tokens), len(b.tokens)) - start - end
    if not start or start + end < 2 or span > 4:
        return 0.0, 0.0
    return float(left_a and left_b), float(left_a != left_b)


def misspelt(one: str, other: str) -> bool:
    """Whether one edit, a swap of neighbours among them, turns one word into the other.

    >>> misspelt("invoice", "invioce"), misspelt("invoice", "voice")
    (True, False)
    """
    short, long = sorted((one, other), key=len)
    if len(short) < 4 or len(long) - len(short) > 1:
        return False
    start = 0
    while start < len(short) and short[start] == long[start]:
        start += 1
    if len(short) != len(long):
        return short[start:] == long[start + 1 :]
    if short[start + 1 :] == long[start + 1 :]:
        return len(short) > 4
    swap = short[start : start + 2] == long[start : start + 2][::-1]
    return swap and short[start + 2 :] == long[start + 2 :]


def opposites(a: Wording, b: Wording) -> bool:
    """Whether the questions stand on two sides of an opposition that the other does not name.

    >>> opposites(wording("best time to buy"), wording("worst time to buy"))
    True
    """
    only_a, only_b = a.sides - b.sides, b.sides - a.sides
    if any((number, 1 - side) in only_b for number, side in only_a):
        return True
    new_a = [word for word in a.topic if word not in b.topic]
    new_b = [word for word in b.topic if word not in a.topic]
    return any(opposed(x, y) for x in new_a for y in new_b)


def alike(a: Wording, b: Wording) -> bool:
    """Whether the questions share their topic words, but for those that stand opposed.

    >>> alike(wording("Is the gate open?"), wording("Is the gate closed?"))
    True
    """
    rest_a, rest_b = unmatched(a, b)
    left_a = sum(not any(opposed(word, other) for other in rest_b) for word in rest_a)
    left_b = sum(not any(opposed(word, other) for other in rest_a) for word in rest_b)
    return left_a + left_b <= 0.3 * (len(a.topic) + len(b.topic))


def reordered(a: Wording, b: Wording) -> bool:
    """Whether a way is asked the other way round: from savings to current, from current to savings.

    >>> reordered(wording("move it from Leeds to York"), wording("move it from York to Leeds"))
    True
    """
    theirs = dict(b.roles)
    return any(
        word in theirs and theirs[word] != place and (word, place) not in b.roles
        for word, place in a.roles
    )
