"""Questions that need two passages, made from passages that name each other."""

import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ragthrift.compress import units
from ragthrift.compress.evidence.features import bare

_ROLES = (
    (r"directed by[^.]{0,40}$", ("the director of {}", "the director of film {}")),
    (r"(?:composed|music|score)[^.]{0,40} by[^.]{0,20}$", ("the composer of {}",)),
    (r"(?:written|novel|book|play)[^.]{0,40} by[^.]{0,20}$", ("the author of {}",)),
    (r"(?:song|single|album|recorded)[^.]{0,60} by[^.]{0,40}$", ("the performer of song {}",)),
    (r"(?:starring|stars)[^.]{0,60}$", ("the star of {}", "an actor who appeared in {}")),
    (r"produced by[^.]{0,40}$", ("the producer of {}",)),
    (r"(?:son|daughter|child) of[^.]{0,60}$", ("the father of {}", "{}'s parent")),
    (r"(?:married|wife|husband)[^.]{0,60}$", ("the spouse of {}",)),
    (r"(?:father|mother|brother|sister)[^.]{0,40}$", ("a relative of {}",)),
)
"""What the words before a name make of it."""
_PLAIN_ROLES = ("the subject of {}", "someone mentioned with {}", "the one linked to {}")
_PLAIN_SHARE = 0.3
"""How many of the links without a known role become questions."""
_ASKED = (
    (r"\bborn (?:in|at) ", ("Where was {} born?", "What is the place of birth of {}?")),
    (r"\(\s*(?:born\s*)?\d* ?[A-Z][a-z]+ ?\d*,? \d{4}|was born", ("When was {} born?",)),
    (r"\bdied\b|\d{4}\s*[-\u2013]", ("When did {} die?", "Where did {} die?")),
    (r"\b(?:is|was) an? [A-Z]\w+", ("What nationality is {}?", "Which country is {} from?")),
    (r"\b(?:award|prize|nominat)", ("Which award did {} win?",)),
    (r"\b(?:studied|educated|graduated|university|school)\b", ("Where did {} study?",)),
    (r"\b(?:son|daughter) of", ("Who is the father of {}?",)),
    (r"\bmarried|wife|husband", ("Who did {} marry?",)),
    (r"\bknown (?:for|as)|famous", ("What is {} known for?",)),
)
"""What a sentence can answer about its subject."""
_FILM = re.compile(r"\bis an? .*film")
_PERSON = re.compile(
    r"\b(?:is|was) an? (?:\w+ ){0,2}(?:actor|actress|singer|writer|director|politician|footballer"
    r"|player|musician|painter|poet|nobleman|composer)"
)
_COMPARE_FILMS = (
    "Which film came out first, {} or {}?",
    "Which film was released earlier, {} or {}?",
    "Are {} and {} from the same country?",
)
_COMPARE_PEOPLE = (
    "Who was born first, {} or {}?",
    "Who is older, {} or {}?",
    "Are {} and {} of the same nationality?",
    "Do {} and {} have the same profession?",
)


@dataclass(frozen=True, slots=True)
class Article:
    """One passage of the pool."""

    title: str
    text: str

    @property
    def passage(self) -> str:
        """Title, line break, text."""
        return f"{self.title}\n{self.text}"

    @property
    def name(self) -> str:
        """The title without what stands in brackets."""
        return bare(self.title)


@dataclass(frozen=True, slots=True)
class TwoHop:
    """A question and the two sentences it follows from."""

    text: str
    golds: tuple[int, int]
    supports: tuple[str, str]


def two_hop_questions(articles: Sequence[Article], count: int, seed: int) -> list[TwoHop]:
    """Two thirds bridges from one passage to the next, the rest comparisons of two."""
    generator = random.Random(seed)
    cut = [_sentences(article.text) for article in articles]
    bridges = _bridges(articles, cut, generator)
    made = [one for one, _ in zip(bridges, range(count * 2 // 3), strict=False)]
    films = [at for at, lines in enumerate(cut) if lines and _FILM.search(lines[0])]
    people = [at for at, lines in enumerate(cut) if lines and _PERSON.search(lines[0])]
    for _ in range(count - len(made)):
        alike, forms = (
            (films, _COMPARE_FILMS) if generator.random() < 0.5 else (people, _COMPARE_PEOPLE)
        )
        one, two = generator.sample(alike, 2)
        text = generator.choice(forms).format(articles[one].name, articles[two].name)
        made.append(TwoHop(text, (one, two), (cut[one][0], cut[two][0])))
    generator.shuffle(made)
    return made


def _bridges(
    articles: Sequence[Article], cut: Sequence[Sequence[str]], generator: random.Random
) -> Iterator[TwoHop]:
    links = list(_links(articles, cut))
    generator.shuffle(links)
    for first, sentence, second, name in links:
        role = _role(sentence[: sentence.index(name)], generator)
        asked = [(t, a) for t in cut[second] for pattern, a in _ASKED if re.search(pattern, t)]
        if role is not None and asked:
            target, forms = generator.choice(asked)
            subject = role.format(articles[first].name)
            text = generator.choice(forms).format(subject)
            yield TwoHop(text, (first, second), (sentence, target))


def _links(
    articles: Sequence[Article], cut: Sequence[Sequence[str]]
) -> Iterator[tuple[int, str, int, str]]:
    """Passage, sentence, and the other passage whose title the sentence names."""
    by_word: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for name, at in {article.name: at for at, article in enumerate(articles)}.items():
        if " " in name:
            by_word[name.split()[0]].append((name, at))
    for at, lines in enumerate(cut):
        for line in lines:
            for word in sorted(set(re.findall(r"[\w'\u2019\-.]+", line))):
                for name, other in by_word.get(word, ()):
                    if other != at and re.search(rf"\b{re.escape(name)}\b", line):
                        yield at, line, other, name


def _role(before: str, generator: random.Random) -> str | None:
    for pattern, roles in _ROLES:
        if re.search(pattern, before):
            return generator.choice(roles)
    return generator.choice(_PLAIN_ROLES) if generator.random() < _PLAIN_SHARE else None


def _sentences(text: str) -> list[str]:
    return [text[unit.start : unit.end] for unit in units(text) if unit.kind == "sentence"]
