"""What every conversation memory promises."""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import replace

from ragthrift.protocols import Memory
from ragthrift.testing.checks import no_error
from ragthrift.testing.samples import ODD_TEXTS
from ragthrift.types import Message, ToolCall

CONVERSATION = (
    Message("system", "You help the guests of a canteen. Never give a price without its date."),
    Message("user", "Good morning! When do you open, and may I bring two guests?"),
    Message("assistant", "We open at nine. Guests are welcome if they sign the visitors' book."),
    Message("user", "What is there to eat today, and what does it cost?"),
    Message(
        "assistant",
        "",
        tool_calls=(
            ToolCall("call-1", "menu", '{"day": "today"}'),
            ToolCall("call-2", "prices", '{"day": "today"}'),
        ),
    ),
    Message("tool", "Lentil soup, bread, apple cake. " * 20, tool_call_id="call-1"),
    Message("tool", "Soup 4 euros, bread 1 euro, cake 2 euros. " * 20, tool_call_id="call-2"),
    Message("assistant", "Lentil soup for 4 euros, bread for 1 and apple cake for 2, as of today."),
    Message("user", "Is there anything without gluten? My sister cannot eat any."),
    Message("assistant", "I look.", tool_calls=(ToolCall("call-3", "allergens", "{}"),)),
    Message("tool", "Soup: celery. Bread: gluten. Cake: gluten, egg. " * 20, tool_call_id="call-3"),
    Message("assistant", "", tool_calls=(ToolCall("call-4", "kitchen", '{"ask": "rice"}'),)),
    Message("tool", "Rice can be had instead of bread.", tool_call_id="call-4"),
    Message("assistant", "The soup is free of gluten, and she can have rice with it."),
    Message("user", "Thank you. Please reserve a table for three at noon."),
)
"""Turns with and without tools: two calls at once, and two calls one after the other."""


class MemoryContract:
    """Subclass it under a name that pytest collects, and say in `make` how to make yours.

    Every rule is checked on all beginnings of one conversation, since a cut that is safe at one
    place tears a tool call from its result at another. Give it a budget small enough to cut there.

    >>> class TestMine(MemoryContract):
    ...     def make(self) -> Memory:
    ...         return MyMemory()
    """

    deterministic = True
    """Set it to False for a memory whose summaries are sampled."""
    conversation: Sequence[Message] = CONVERSATION

    def make(self) -> Memory:
        """Make the memory to test; called by every test."""
        raise NotImplementedError("return the memory to test from make()")

    def _condensed(self) -> Iterator[tuple[list[Message], list[Message]]]:
        for end in range(1, len(self.conversation) + 1):
            given = list(self.conversation[:end])
            yield given, self.make().condense(list(given))

    def test_nothing_to_condense_gives_an_empty_list(self) -> None:
        """A conversation begins empty."""
        with no_error("condensing no messages"):
            kept = self.make().condense([])
        assert isinstance(kept, list), f"condense must return a list, not {type(kept).__name__}"
        assert not kept, f"there was nothing to condense, yet {kept} came back"

    def test_the_last_message_stays_whole(self) -> None:
        """It is what the model is to answer, however long it is."""
        for given, kept in self._condensed():
            assert kept[-1:] == given[-1:], f"the last of {len(given)} messages was changed or lost"

    def test_a_long_last_message_stays_whole(self) -> None:
        """A budget that it exceeds must be broken, not the message."""
        last = Message("user", ODD_TEXTS["20 kB of words"])
        kept = self.make().condense([*self.conversation, last])
        assert kept[-1:] == [last], "a long last message was changed or lost"

    def test_the_system_message_stays_first(self) -> None:
        """It holds the rules of the application, and it is what prompt caches hold longest."""
        for given, kept in self._condensed():
            if given[0].role == "system":
                assert kept[:1] == given[:1], f"of {len(given)} messages the system one was lost"

    def test_tool_results_keep_their_calls(self) -> None:
        """Providers refuse a result that does not follow its call."""
        for given, kept in self._condensed():
            orphans = _results_without_call(kept)
            assert not orphans, f"of {len(given)} messages, results {orphans} lost their calls"

    def test_tool_calls_keep_their_results(self) -> None:
        """Providers refuse a call without its result; parallel calls need all of theirs."""
        for given, kept in self._condensed():
            lost = _calls(kept) & _results(given) - _results(kept)
            assert not lost, f"of {len(given)} messages, calls {sorted(lost)} lost their results"

    def test_kept_messages_stay_in_order(self) -> None:
        """Summaries may stand among them."""
        for given, kept in self._condensed():
            places = [given.index(message) for message in kept if message in given]
            assert places == sorted(places), f"of {len(given)} messages, the order became {places}"

    def test_the_result_is_not_longer(self) -> None:
        """Neither in messages nor in characters: a summary of little costs more than it saves."""
        for given, kept in self._condensed():
            assert len(kept) <= len(given), f"{len(given)} messages became {len(kept)}"
            before, after = _length(given), _length(kept)
            assert after <= before, f"{before} characters became {after}"

    def test_inputs_are_not_mutated(self) -> None:
        """The caller keeps the whole conversation."""
        given = [deepcopy(message) for message in self.conversation]
        before = deepcopy(given)
        self.make().condense(given)
        assert given == before, "the caller's list or its messages were changed"

    def test_a_tuple_is_condensed_like_a_list(self) -> None:
        """Any sequence will do."""
        with no_error("condensing a tuple of messages"):
            kept = self.make().condense(tuple(self.conversation))
        if self.deterministic:
            assert kept == self.make().condense(list(self.conversation)), "a tuple gave another"

    def test_same_messages_same_result(self) -> None:
        """A beginning that changes from call to call never hits a prompt cache."""
        if self.deterministic:
            first, second = (self.make().condense(list(self.conversation)) for _ in range(2))
            assert first == second, "the second result differs from the first"

    def test_odd_texts_are_condensed(self) -> None:
        """Nothing in a text raises, whoever wrote it."""
        for name, text in ODD_TEXTS.items():
            given = [replace(m, content=text) for m in self.conversation[:-1]]
            with no_error(f"condensing messages of {name}"):
                self.make().condense([*given, self.conversation[-1]])


def _results_without_call(messages: Sequence[Message]) -> list[str]:
    """Results that do not directly follow, among other results, the message that asks for them."""
    asked: set[str] = set()
    orphans = []
    for message in messages:
        if message.role != "tool":
            asked = {call.id for call in message.tool_calls}
        elif message.tool_call_id not in asked:
            orphans.append(message.tool_call_id or "")
    return orphans


def _calls(messages: Sequence[Message]) -> set[str]:
    return {call.id for message in messages for call in message.tool_calls}


def _results(messages: Sequence[Message]) -> set[str]:
    return {message.tool_call_id for message in messages if message.tool_call_id is not None}


def _length(messages: Sequence[Message]) -> int:
    return sum(len(message.content) for message in messages)
