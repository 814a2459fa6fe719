"""A prompt as the segments it was made of, in the order in which they are sent."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from ragthrift.ledger.call import Kind, Segment, digest
from ragthrift.ledger.grounding import used_in
from ragthrift.ledger.locating import Found, located
from ragthrift.protocols import TokenCounter
from ragthrift.tokens import EstimatedTokens
from ragthrift.types import Message, Passage

_SAYS_NOTHING = re.compile(r"[\W_]*\Z")
"""A separator: white space and punctuation."""
_SENTENCE = 4
"""Words that a question has at least to be looked for where no document is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What is known of a prompt when it was sent."""

    messages: Sequence[Message]
    tools: Sequence[str] = ()
    """The schemas of tools and of the answer, as JSON; providers put them before all else."""
    documents: Sequence[Passage] = ()
    """What was retrieved; those that are not in the messages are left out."""
    examples: Collection[int] = ()
    """Which messages are few-shot examples, by their index."""
    question: str = ""
    """What was asked, where that is known apart from the messages."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a prompt, with its text."""

    kind: Kind
    text: str
    document: int = -1
    """Which of the prompt's documents it is."""


def prompt_parts(
    prompt: Prompt,
    *,
    answer: str = "",
    tokens: int | None = None,
    counter: TokenCounter | None = None,
    keep_text: bool = False,
) -> tuple[Segment, ...]:
    """The segments of a prompt; with `tokens`, what was billed, their counts add up to that.

    >>> parts = prompt_parts(Prompt(
    ...     messages=[Message("system", "Be brief."), Message("user", "Soup is at noon. When?")],
    ...     documents=[Passage("Soup is at noon.", "menu")],
    ... ), answer="At noon.", tokens=20)
    >>> [(part.kind, part.id, part.used, part.tokens) for part in parts]
    [('system', '', None, 7), ('document', 'menu', True, 9), ('question', '', None, 4)]
    """
    return segments_of(
        prompt,
        split(prompt),
        answer=answer,
        tokens=tokens,
        counter=counter or EstimatedTokens(),
        keep_text=keep_text,
    )


def segments_of(
    prompt: Prompt,
    parts: Sequence[Part],
    *,
    answer: str,
    tokens: int | None,
    counter: TokenCounter,
    keep_text: bool,
) -> tuple[Segment, ...]:
    """The segments for parts that are known already."""
    weights = [counter.count(part.text) for part in parts]
    counts = weights if tokens is None else scaled(weights, tokens)
    asked = question_in(prompt, parts)
    found = []
    for part, number in zip(parts, counts, strict=True):
        segment = Segment(part.kind, digest(part.text), number)
        if part.document >= 0:
            passage = prompt.documents[part.document]
            used = used_in(answer, passage.text, asked) if answer else None
            segment = replace(segment, digest=digest(passage.text), id=passage.id, used=used)
        found.append(replace(segment, text=part.text) if keep_text else segment)
    return tuple(found)


def question_in(prompt: Prompt, parts: Sequence[Part]) -> str:
    """What was asked, as the parts of the prompt tell it, or else as it is known."""
    asked = "\n".join(part.text.strip() for part in parts if part.kind == "question")
    return asked or prompt.question


def split(prompt: Prompt) -> list[Part]:
    """The parts of a prompt.

    Tools come first. A document that was retrieved is a part of its own wherever it stands;
    separators between documents go with the one before. Of the words around documents, those in a
    system message are "system", those in an earlier turn "history". In the last user message what
    was asked is the question, and a template's words are "other": if `question` is known and
    found, all around it is; otherwise what follows the last document is the question, or, where
    nothing does, what is before the first. A message without documents is a question as a whole,
    unless the known one is a sentence of it: a few words may be there by chance.

    >>> template = "Answer from this: Soup is at noon. Question: When is soup? Answer:"
    >>> [part.kind for part in split(Prompt(
    ...     messages=[Message("user", template)],
    ...     documents=[Passage("Soup is at noon.")], question="When is soup?",
    ... ))]
    ['other', 'document', 'other', 'question', 'other']
    """
    return list(_parts(prompt))


def _parts(prompt: Prompt) -> Iterator[Part]:
    last = _last_user(prompt)
    for schema in prompt.tools:
        yield Part("tools", schema)
    for at, message in enumerate(prompt.messages):
        kind: Kind = "history"
        if at in prompt.examples:
            kind = "example"
        elif message.role == "system":
            kind = "system"
        elif at == last:
            kind = "question"
        yield from _pieces(prompt, _said(message), kind)


def _last_user(prompt: Prompt) -> int:
    turns = enumerate(prompt.messages)
    users = [at for at, turn in turns if turn.role == "user" and at not in prompt.examples]
    return users[-1] if users else -1


def _said(message: Message) -> str:
    calls = [f"{call.name}({call.arguments})" for call in message.tool_calls]
    return "\n".join([message.content, *calls] if message.content else calls)


def _pieces(prompt: Prompt, text: str, kind: Kind) -> Iterator[Part]:
    """A message's text in pieces: its documents, and what is around them."""
    places = located(text, [passage.text for passage in prompt.documents])
    if kind == "question":
        yield from _asked(prompt.question, text, places)
        return
    yield from _around(text, places, [kind] * (len(places) + 1))


def _asked(question: str, text: str, places: Sequence[Found]) -> Iterator[Part]:
    """The last user message: its documents, a template's words, and the question."""
    wanted = question.strip() if places or len(question.split()) >= _SENTENCE else ""
    begin = text.rfind(wanted) if wanted else -1
    end = begin + len(wanted)
    if begin >= 0 and all(place.end <= begin or end <= place.start for place in places):
        before = [place for place in places if place.end <= begin]
        after = [
            Found(place.start - end, place.end - end, place.document)
            for place in places
            if place.start >= end
        ]
        yield from _around(text[:begin], before, ["other"] * (len(before) + 1))
        yield Part("question", text[begin:end])
        yield from _around(text[end:], after, ["other"] * (len(after) + 1))
        return
    kinds: list[Kind] = ["other"] * (len(places) + 1)
    follows = not places or not _SAYS_NOTHING.match(text, places[-1].end)
    kinds[-1 if follows else 0] = "question"
    yield from _around(text, places, kinds)


def _around(text: str, places: Sequence[Found], kinds: Sequence[Kind]) -> Iterator[Part]:
    """Documents and the texts around them, each of its kind; separators go with what is before."""
    held: Part | None = None
    at = 0
    for place, kind in zip([*places, None], kinds, strict=True):
        between, lead = text[at : place.start if place else len(text)], ""
        silent = _SAYS_NOTHING.match(between) is not None
        if held and silent:
            held = replace(held, text=held.text + between)
        elif silent and place:
            lead = between
        elif between:
            if held:
                yield held
            held = Part(kind, between)
        if place:
            if held:
                yield held
            held = Part("document", lead + text[place.start : place.end], place.document)
            at = place.end
    if held:
        yield held


def scaled(weights: Sequence[int], total: int) -> list[int]:
    """Whole numbers in these proportions that add up to a total: the largest remainders gain.

    >>> scaled([1, 1, 1], 10), scaled([0], 3)
    ([4, 3, 3], [0])
    """
    whole = sum(weights)
    if not whole:
        return list(weights)
    shares = [weight * total / whole for weight in weights]
    floors = [int(share) for share in shares]
    gainers = sorted(range(len(shares)), key=lambda at: floors[at] - shares[at])
    for at in gainers[: total - sum(floors)]:
        floors[at] += 1
    return floors
