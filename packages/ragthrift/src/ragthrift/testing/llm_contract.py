"""What every language model promises."""

from collections.abc import Sequence
from contextlib import suppress
from copy import deepcopy
from typing import get_args

from ragthrift.errors import ContextOverflowError
from ragthrift.protocols import LLM
from ragthrift.testing.checks import from_threads, no_error
from ragthrift.testing.samples import ODD_TEXTS
from ragthrift.types import Completion, FinishReason, Message

MESSAGES = (
    Message("system", "You answer in two or three short sentences."),
    Message("user", "What can be eaten in a canteen, and when does it usually open?"),
)


class LLMContract:
    """Subclass it under a name that pytest collects, and say in `make` how to make yours.

    `make` is called by every test, so keep a model that loads slowly in a cache of your own.

    >>> class TestMine(LLMContract):
    ...     def make(self) -> LLM:
    ...         return MyLLM()
    """

    deterministic = True
    """Set it to False for a model that samples unless it is told not to."""
    max_tokens = 32
    """Limit of every answer here; an answer must be longer than four tokens of it."""
    messages: Sequence[Message] = MESSAGES
    """What is asked. The answer must have at least two words."""

    def make(self) -> LLM:
        """Make the model to test."""
        raise NotImplementedError("return the language model to test from make()")

    def _answer(self, *, max_tokens: int | None = None, stop: Sequence[str] = ()) -> Completion:
        limit = max_tokens or self.max_tokens
        return self.make().complete(list(self.messages), max_tokens=limit, stop=stop)

    def test_an_answer_has_a_text_and_names_its_model(self) -> None:
        """The name is what prices are looked up by."""
        answer = self._answer()
        assert isinstance(answer, Completion), f"{type(answer).__name__} is not a Completion"
        assert isinstance(answer.text, str), f"the text is a {type(answer.text).__name__}"
        assert answer.text.strip(), "the answer is empty; override `messages` if that is right"
        assert answer.model, "the answer does not name its model"

    def test_usage_is_positive(self) -> None:
        """Every call has a price."""
        usage = self._answer().usage
        assert usage.input_tokens > 0, f"nothing was read: {usage}"
        assert usage.output_tokens > 0, f"nothing was written: {usage}"

    def test_usage_grows_with_the_messages(self) -> None:
        """`input_tokens` is the total, cached tokens included."""
        llm = self.make()
        more = [*self.messages, Message("assistant", "At nine."), *self.messages[-1:]]
        short = llm.complete(list(self.messages), max_tokens=self.max_tokens).usage
        long = llm.complete(more, max_tokens=self.max_tokens).usage
        assert long.input_tokens > short.input_tokens, (
            f"{len(more)} messages have {long.input_tokens} tokens, "
            f"{len(self.messages)} have {short.input_tokens}"
        )

    def test_max_tokens_is_respected(self) -> None:
        """It caps what an answer can cost."""
        for limit in (1, 4):
            written = self._answer(max_tokens=limit).usage.output_tokens
            assert written <= limit, f"{written} tokens were written, {limit} were allowed"

    def test_an_answer_cut_by_max_tokens_says_so(self) -> None:
        """Half an answer must not pass for a whole one."""
        if self.deterministic:
            written = self._answer().usage.output_tokens
            assert written > 4, "override `messages`: an answer of four tokens cannot be cut"
            reason = self._answer(max_tokens=2).finish_reason
            assert reason == "length", f"a cut answer has the finish_reason {reason!r}"

    def test_stop_strings_are_not_in_the_answer(self) -> None:
        """Neither at its end nor before it."""
        stop = _middle_word(self._answer().text)
        answer = self._answer(stop=[stop])
        assert stop not in answer.text, f"the stop string {stop!r} is in {answer.text!r}"

    def test_an_answer_is_whole_up_to_its_stop_string(self) -> None:
        """No more is cut away than must be."""
        if self.deterministic:
            text = self._answer().text
            stop = _middle_word(text)
            wanted = text[: text.index(stop)].strip()
            answer = self._answer(stop=["never written \N{SNOWMAN}", stop]).text.strip()
            assert answer == wanted, f"{answer!r} should be {wanted!r}: it stops at {stop!r}"

    def test_finish_reason_is_a_known_one(self) -> None:
        """Callers branch on it."""
        known = get_args(FinishReason)
        for limit in (1, self.max_tokens):
            reason = self._answer(max_tokens=limit).finish_reason
            assert reason in known, f"finish_reason {reason!r} is none of {known}"

    def test_same_messages_same_answer(self) -> None:
        """Set `deterministic = False` for a model that samples unless it is told not to."""
        if self.deterministic:
            llm = self.make()
            first, second = (
                llm.complete(list(self.messages), max_tokens=self.max_tokens).text for _ in range(2)
            )
            assert first == second, f"{first!r} became {second!r}"

    def test_inputs_are_not_mutated(self) -> None:
        """The caller keeps the conversation."""
        given = [deepcopy(message) for message in self.messages]
        before, stop = deepcopy(given), ["\N{SNOWMAN}"]
        self.make().complete(given, max_tokens=self.max_tokens, stop=stop)
        assert given == before, "the caller's list or its messages were changed"
        assert stop == ["\N{SNOWMAN}"], "the caller's stop strings were changed"

    def test_a_tuple_of_messages_is_answered(self) -> None:
        """Any sequence will do."""
        with no_error("answering a tuple of messages"):
            self.make().complete(tuple(self.messages), max_tokens=self.max_tokens, stop=("\n\n",))

    def test_odd_texts_are_answered(self) -> None:
        """Nothing in a text raises; only a long one may overflow the context window."""
        llm = self.make()
        for name, text in ODD_TEXTS.items():
            allowed = [ContextOverflowError] if "20 kB" in name else []
            with no_error(f"answering {name}"), suppress(*allowed):
                answer = llm.complete([Message("user", text)], max_tokens=2)
                assert isinstance(answer, Completion), f"{name} gave {answer!r:.80}"

    def test_threads_get_answers(self) -> None:
        """One model serves many requests at once."""
        llm = self.make()
        asked = [[*self.messages[:-1], Message("user", word)] for word in ("Hi", "Soup?", "When?")]
        alone = [llm.complete(messages, max_tokens=4).usage.input_tokens for messages in asked]
        answers = from_threads(lambda messages: llm.complete(messages, max_tokens=4), asked)
        read = [answer.usage.input_tokens for answer in answers]
        assert read == alone * 3, f"alone {alone} tokens were read, from several threads {read}"


def _middle_word(text: str) -> str:
    words = text.split()
    assert len(words) > 1, f"override `messages`: {text!r} is too short to be stopped half way"
    return words[len(words) // 2]
