"""A summary that no model writes: facts as the user put them, and what the talk was about."""

from collections import Counter
from collections.abc import Sequence

from ragthrift.errors import InputError
from ragthrift.lexical import words
from ragthrift.memory.content_words import content_text
from ragthrift.memory.segment import Fact, live
from ragthrift.memory.summariser import Summary
from ragthrift.memory.telling import Telling, tellings
from ragthrift.memory.turn import Turn
from ragthrift.protocols import TokenCounter
from ragthrift.tokens import EstimatedTokens
from ragthrift.types import Message

ABOUT = "About: "
_TOPICS = 15
_OFTEN = 0.2
"""Share of the turns: what is said in more of them is a name or a habit of speech."""
_SPEAKERS = ("user", "assistant")
_SHORTEST = 4
"""Letters of a topic; shorter words name little."""


class ExtractiveSummariser:
    """Costs nothing, invents nothing. Its facts are pinned; recall gives the rest word for word.

    A fact is a clause of the user that holds an identifier, a number of theirs, a name, what they
    must not eat, a limit, a wish or a rule. A newer one takes the place of the one it contradicts.

    >>> from ragthrift.memory.turn import turns_of
    >>> said = [Message("user", "Customer id 4711, allergic to peanuts."), Message("user", "Soup?")]
    >>> turns = turns_of(said, EstimatedTokens(), at=0.0)
    >>> summary = ExtractiveSummariser().summarise(turns, before="", max_tokens=20)
    >>> [fact.text for fact in summary.facts], summary.text
    (['Customer id 4711', 'allergic to peanuts'], 'About: customer, allergic, peanuts, soup')
    """

    def __init__(self, *, counter: TokenCounter | None = None, max_facts: int = 12) -> None:
        if max_facts < 0:
            raise InputError(f"max_facts={max_facts} must not be below 0")
        self._counter = counter or EstimatedTokens()
        self._max_facts = max_facts

    def summarise(
        self,
        turns: Sequence[Turn],
        *,
        before: str,
        max_tokens: int,
        facts: Sequence[Fact] = (),
        prompt: Sequence[Message] = (),  # noqa: ARG002  (no model reads it)
    ) -> Summary:
        """Facts that are new, those worst to forget where there are too many, and topics."""
        if max_tokens < 1:
            raise InputError(f"max_tokens={max_tokens} must be at least 1")
        found = self._found(turns, live(facts))
        return Summary(self._topics(turns, before, max_tokens), found)

    def _found(self, turns: Sequence[Turn], known: Sequence[Fact]) -> tuple[Fact, ...]:
        held = {fact.id: (fact, Telling(fact.text)) for fact in known}
        new: dict[str, Fact] = {}
        for turn in turns:
            for telling in tellings(turn.message.content) if turn.message.role == "user" else ():
                if any(telling.text == fact.text for fact, _ in held.values()):
                    continue
                old = [key for key, (_, other) in held.items() if telling.replaces(other)]
                older = [key for fact in map(new.get, old) if fact for key in fact.supersedes]
                fact = Fact(telling.text, (turn.id,), (*older, *(k for k in old if k not in new)))
                for key in old:
                    del held[key]
                    new.pop(key, None)
                held[fact.id] = (fact, telling)
                new[fact.id] = fact
        return self._worst_to_forget(list(new.values()))

    def _worst_to_forget(self, facts: Sequence[Fact]) -> tuple[Fact, ...]:
        """At most `max_facts`, in the order they were said; corrections before anything else."""
        ranked = sorted(facts, key=lambda fact: (not fact.supersedes, -Telling(fact.text).rank))
        kept = {fact.id for fact in ranked[: self._max_facts]}
        return tuple(fact for fact in facts if fact.id in kept)

    def _topics(self, turns: Sequence[Turn], before: str, max_tokens: int) -> str:
        """The words of most turns, but for those of every turn and of earlier summaries."""
        named = set(words(before))
        counts: Counter[str] = Counter()
        forms: dict[str, str] = {}
        for turn in turns:
            spoken = _nameable(turn.message) if turn.message.role in _SPEAKERS else {}
            counts.update(stem for stem in spoken if stem not in named)
            forms = {**spoken, **forms}
        often = max(_OFTEN * len(turns), 2)
        topics = [forms[stem] for stem, count in counts.most_common() if count <= often]
        for size in range(min(_TOPICS, len(topics)), 0, -1):
            text = ABOUT + ", ".join(topics[:size])
            if self._counter.count(text) <= max_tokens:
                return text
        return f"{len(turns)} messages"


def _nameable(message: Message) -> dict[str, str]:
    """Words that can name a topic, by their stems."""
    found = (w for w in content_text(message.content).split() if len(w) >= _SHORTEST)
    return {words(w)[0]: w.lower() if w.istitle() else w for w in found if w.isalpha()}
