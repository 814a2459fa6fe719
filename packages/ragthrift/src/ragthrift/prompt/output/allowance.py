"""How long the answers to one type of request may be."""

from dataclasses import dataclass

from ragthrift.errors import InputError

WORDS_PER_TOKEN = 0.75
"""Of English text; OpenAI's rule of thumb. Other languages have fewer words in a token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What is asked for in words, and the limit in tokens that only a runaway meets.

    >>> Allowance.of(200)
    Allowance(words=150, answer_tokens=250, reasoning_tokens=None, reason='')
    >>> Allowance(words=60, answer_tokens=150, reasoning_tokens=900).max_tokens
    1050
    """

    words: int | None = None
    """Asked for in the instruction; `None` asks for nothing."""
    answer_tokens: int | None = None
    """Limit of the answer alone; `None` sets none."""
    reasoning_tokens: int | None = None
    """Room for thinking, which providers count against the same limit; `None` is not known."""
    reason: str = ""
    """Why something is `None`."""

    def __post_init__(self) -> None:
        for name in ("words", "answer_tokens"):
            if (value := getattr(self, name)) is not None and value < 1:
                raise InputError(f"{name}={value} must be at least 1, or None")
        if (self.reasoning_tokens or 0) < 0:
            raise InputError(f"reasoning_tokens={self.reasoning_tokens} cannot be negative")

    @classmethod
    def of(cls, tokens: int, *, reasoning_tokens: int | None = None) -> "Allowance":
        """An answer of about so many tokens, the limit a quarter above."""
        words = max(1, round(tokens * WORDS_PER_TOKEN))
        return cls(
            words=words, answer_tokens=-(-tokens * 5 // 4), reasoning_tokens=reasoning_tokens
        )

    @property
    def max_tokens(self) -> int | None:
        """Limit of the call: answer and thinking together."""
        if self.answer_tokens is None:
            return None
        return self.answer_tokens + (self.reasoning_tokens or 0)


def instruction(words: int) -> str:
    """Ask for a length in what a model can count: words, and for little of it sentences.

    >>> instruction(90)
    'Answer in at most 90 words. Leave out what was not asked for.'
    >>> instruction(18)
    'Answer in one sentence of at most 18 words.'
    """
    if words < 25:
        return f"Answer in one sentence of at most {words} words."
    return f"Answer in at most {words} words. Leave out what was not asked for."
