"""A language model whose answers have a budget."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from ragthrift.errors import InputError
from ragthrift.ledger import UNTAGGED
from ragthrift.prompt.output.budget import OutputBudget
from ragthrift.protocols import LLM
from ragthrift.types import Completion, Message

Named = str | Callable[[Sequence[Message]], str]
"""A name, or a function of the messages that gives one."""


class BudgetedLLM:
    """Puts the instruction last and sets the limit; usage is that of all tries.

    `session` names the conversation that is held out as a whole; without one it is the question.

    >>> from ragthrift.prompt.output import Allowance
    >>> from ragthrift.testing import ScriptedLLM
    >>> llm = ScriptedLLM("On the 25th.")
    >>> budget = OutputBudget({"faq": Allowance.of(20)}, holdout=0)
    >>> BudgetedLLM(llm, budget, request_type="faq").complete([Message("user", "Payday?")]).text
    'On the 25th.'
    >>> print(llm.calls[0][-1].content)
    Payday?
    <BLANKLINE>
    Answer in one sentence of at most 15 words.
    """

    def __init__(
        self,
        llm: LLM,
        budget: OutputBudget,
        *,
        request_type: Named = UNTAGGED,
        session: Named | None = None,
        thinks: bool = False,
    ) -> None:
        if not isinstance(llm, LLM):
            raise InputError(f"{llm!r} has no complete(messages, *, max_tokens, stop)")
        self._llm, self._budget, self._thinks = llm, budget, thinks
        self._type, self._session = request_type, session or question_of

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
    ) -> Completion:
        """One answer; `max_tokens` is never passed."""
        asking = self._budget.asking(
            _named(self._type, messages),
            _named(self._session, messages),
            thinks=self._thinks,
            limit=max_tokens,
        )
        sent = with_instruction(messages, asking.instruction)
        answer = self._llm.complete(sent, max_tokens=asking.max_tokens, stop=stop)
        if not asking.again(answer.finish_reason, answer.usage):
            return answer
        longer = self._llm.complete(sent, max_tokens=asking.max_tokens, stop=stop)
        asking.again(longer.finish_reason, longer.usage)
        return replace(longer, usage=answer.usage + longer.usage)


def with_instruction(messages: Sequence[Message], asked: str) -> list[Message]:
    """Put it at the end of the last message if a user wrote that, else behind it.

    All before stays as it is, so that a provider's prompt cache knows it.
    """
    if not asked or not messages:
        return list(messages)
    last = messages[-1]
    if last.role != "user":
        return [*messages, Message("user", asked)]
    return [*messages[:-1], replace(last, content=f"{last.content}\n\n{asked}")]


def question_of(messages: Sequence[Message]) -> str:
    """What the user said last."""
    return next((turn.content for turn in reversed(messages) if turn.role == "user"), "")


def _named(named: Named, messages: Sequence[Message]) -> str:
    return named if isinstance(named, str) else named(messages)
