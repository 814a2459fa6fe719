"""Everything that training reads, encoded once: `python -m training.prepare`."""

import argparse
from pathlib import Path

from training.multihop import two_hop_questions
from training.prompts import Corpus, Prompt
from training.states import States

DATA = Path("../../../shared/data/rag")
FORMS = ("short", "long", "short", "bare")
"""The forms of prompts that the fusion is fitted on, in turn."""
TWO_HOPS = 1200
DEV_LONG = 300


def fit_prompts(corpus: Corpus) -> list[Prompt]:
    """Prompts of the fit part, in all forms."""
    questions = enumerate(corpus.of("fit"))
    return [corpus.prompt(question, FORMS[at % len(FORMS)]) for at, question in questions]


def two_hop_prompts(corpus: Corpus) -> list[Prompt]:
    """Questions over two passages: the first three quarters are to fit, the rest is dev."""
    questions = two_hop_questions(corpus.articles, TWO_HOPS, corpus.seed)
    return [corpus.two_hop(question) for question in questions]


def encode(states: States, prompts: list[Prompt]) -> None:
    """The questions and every window of every passage."""
    states.need(prompt.question for prompt in prompts)
    states.need(s.piece(w) for prompt in prompts for s in prompt.sheets for w in s.windows)


def main() -> None:
    """Run the command."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=Path, default=DATA)
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--seed", type=int, default=0)
    chosen = arguments.parse_args()
    corpus = Corpus(chosen.data, chosen.seed)
    states = States()
    states.load(chosen.out / "states")
    states.need(corpus.pool)
    states.need(question.text for question in corpus.questions)
    states.need(bare_texts(corpus))
    encode(states, fit_prompts(corpus) + two_hop_prompts(corpus))
    encode(states, list(corpus.prompts("dev", "short")))
    encode(states, list(corpus.prompts("dev", "long", DEV_LONG)))
    states.save(chosen.out / "states")


def bare_texts(corpus: Corpus) -> list[str]:
    """The gold passages of the head's part without their titles."""
    return [" ".join(question.sentences) for question in corpus.of("train")]


if __name__ == "__main__":
    main()
