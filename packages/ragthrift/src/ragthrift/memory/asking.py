"""One summary from a model: asked for, checked, and asked for once more."""

from collections.abc import Callable, Sequence

from ragthrift.errors import ContextOverflowError
from ragthrift.memory.acceptance import accepted
from ragthrift.memory.prompts import FACT_TOKENS, read_answer
from ragthrift.memory.summariser import Summary, SummaryError
from ragthrift.memory.turn import Turn
from ragthrift.protocols import LLM, TokenCounter
from ragthrift.types import Message
from ragthrift.usage import Usage

TRIES = 2
"""An answer that is too long, cut off or malformed is asked for once more, and shorter."""
_SHORTER = 0.7

PromptFor = Callable[[int], list[Message]]
"""The prompt for a summary of at most so many tokens."""


class Asking:
    """The calls that one summary takes; `used` adds them up, whatever comes of them."""

    def __init__(self, llm: LLM, counter: TokenCounter) -> None:
        self._llm = llm
        self._counter = counter
        self.used = Usage()

    def summary(self, prompt_for: PromptFor, turns: Sequence[Turn], max_tokens: int) -> Summary:
        """A summary that may be used; `SummaryError` if the model gives none."""
        asked = max_tokens
        for left in reversed(range(TRIES)):
            try:
                return self._once(prompt_for(asked), turns, max_tokens)
            except SummaryError:
                if not left:
                    raise
                asked = int(asked * _SHORTER)
        raise AssertionError

    def _once(self, prompt: Sequence[Message], turns: Sequence[Turn], max_tokens: int) -> Summary:
        try:
            answer = self._llm.complete(prompt, max_tokens=2 * max_tokens + FACT_TOKENS)
        except ContextOverflowError:
            raise
        except Exception as error:
            reason = f"the model failed: {type(error).__name__}: {error}"
            raise SummaryError(reason, self.used) from error
        self.used += answer.usage
        if answer.finish_reason != "stop":
            reason = f"the answer ended by {answer.finish_reason!r}, not by itself"
            raise SummaryError(reason, self.used)
        read = read_answer(answer.text, turns)
        if read is None:
            reason = f"the answer is not the JSON that was asked for: {answer.text[:80]!r}"
            raise SummaryError(reason, self.used)
        summary = Summary(*read, usage=self.used)
        return accepted(summary, max_tokens=max_tokens, counter=self._counter)
