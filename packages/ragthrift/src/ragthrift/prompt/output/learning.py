"""Allowances from the lengths of answers that were given before."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from math import ceil

from ragthrift.ledger import Call
from ragthrift.prompt.output.allowance import WORDS_PER_TOKEN, Allowance

LEAST_CALLS = 50
"""Fewer say too little about a 95th percentile."""

_ENDED = ("stop", "length", "")


class Lengths:
    """Lengths in tokens; of what was cut off only a lower limit is known.

    >>> lengths = Lengths()
    >>> for tokens in (10, 20, 30):
    ...     lengths.add(tokens)
    >>> lengths.add(25, cut=True)  # whole, it would have been longer
    >>> lengths.quantile(0.5), lengths.quantile(0.75), lengths.quantile(0.9)
    (20, 30, 30)
    """

    def __init__(self) -> None:
        self._whole: Counter[int] = Counter()
        self._cut: Counter[int] = Counter()

    def add(self, tokens: int, *, cut: bool = False) -> None:
        """Count one."""
        (self._cut if cut else self._whole)[tokens] += 1

    @property
    def cut(self) -> int:
        """How many were cut off."""
        return self._cut.total()

    @property
    def total(self) -> int:
        """How many there are."""
        return self._whole.total() + self.cut

    def quantile(self, share: float) -> int | None:
        """Kaplan and Meier's estimate; `None` where too many were cut off to tell."""
        at_risk, surviving = self.total, 1.0
        for tokens in sorted(self._whole.keys() | self._cut.keys()):
            if ended := self._whole[tokens]:
                surviving *= 1 - ended / at_risk
                if 1 - surviving >= share - 1e-9:
                    return tokens
            at_risk -= ended + self._cut[tokens]
        return None


class TypeLengths:
    """Answers and thinking of one type of request, apart."""

    def __init__(self) -> None:
        self.answers = Lengths()
        self.thoughts = Lengths()

    def add(self, call: Call) -> None:
        """Take in a call."""
        thought = min(call.classes.get("output_reasoning_tokens", 0), call.usage.output_tokens)
        answer = call.usage.output_tokens - thought
        self.answers.add(answer, cut=call.truncated)
        if thought:
            self.thoughts.add(thought, cut=call.truncated and not answer)

    def allowance(self, *, percentile: float, target: float, margin: float) -> Allowance:
        """Words from what is usual, the limit from what is rare."""
        answers = self.answers
        if answers.total < LEAST_CALLS:
            return Allowance(reason=f"{answers.total} calls, {LEAST_CALLS} are needed")
        usual, rare = answers.quantile(target), answers.quantile(percentile)
        words = None if usual is None else rounded(usual * WORDS_PER_TOKEN)
        thinks = self.thoughts.total > 0
        thought = self.thoughts.quantile(percentile) if thinks else None
        if rare is None or (thinks and thought is None):
            told = f"{answers.cut} of {answers.total} answers were cut off: no limit can be told"
            return Allowance(words=words, reason=told)
        return Allowance(
            words=words,
            answer_tokens=max(1, ceil(rare * (1 + margin))),
            reasoning_tokens=None if thought is None else ceil(thought * (1 + margin)),
        )


def lengths_of(calls: Iterable[Call]) -> dict[str, TypeLengths]:
    """By type of request; repairs, failures, tool calls and a cache's answers are left out."""
    found: defaultdict[str, TypeLengths] = defaultdict(TypeLengths)
    for call in calls:
        if call.purpose != "answer" or call.answered_by_cache or call.error:
            continue
        if call.finish_reason in _ENDED and call.usage.output_tokens:
            found[call.request_type].add(call)
    return dict(found)


def rounded(words: float) -> int:
    """A number that a person would say: equal for ledgers that differ little.

    >>> rounded(7.4), rounded(37.0), rounded(212.0)
    (7, 40, 225)
    """
    step = 1 if words < 10 else 5 if words < 30 else 10 if words < 100 else 25
    return max(1, ceil(words / step) * step if step > 1 else round(words))
