"""Sets by a short name, as the command line takes them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from ragthrift import InputError
from ragthrift_bench.cases import Case
from ragthrift_bench.sets import demo, hotpot, hugging_face, locomo, nq, own, qed

Loader = Callable[..., list[Case]]

CHOICES = "demo, nq:FILE, hotpot:FILE, qed:FILE, locomo:FILE, jsonl:FILE or hf:NAME_OR_PATH"


def load(
    spec: str,
    *,
    passages: int = 10,
    seed: int = 0,
    limit: int | None = None,
    corpus: Path | None = None,
) -> list[Case]:
    """The cases of a set: `passages` for each question, drawn by `seed`, at most `limit`.

    | spec | is |
    |---|---|
    | `demo` | the staff handbook that ships with the project |
    | `nq:FILE`, `hotpot:FILE`, `qed:FILE` | a published set, in the format it is published in |
    | `locomo:FILE` | a conversation, or several by a pattern such as `locomo_*.json.gz` |
    | `jsonl:FILE` | your own questions, on their own passages or on the folder `corpus` |
    | `hf:NAME` | a dataset of the Hugging Face hub, or a file or folder that holds one |

    Columns of a dataset are named behind it, by the fields of `Columns`, and so is its split:
    `hf:rajpurkar/squad?answers=answers.text&passages=context&split=validation`. Raises InputError
    for an unknown set and where two cases share an id.

    >>> load("trivia:questions.json")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ragthrift.errors.InputError: unknown set 'trivia:questions.json'; use demo, nq:FILE, ...
    """
    kind, _, place = spec.partition(":")
    options: dict[str, Any] = {"passages": passages, "seed": seed, "limit": limit}
    if kind in _WITH_CORPUS:
        options["corpus"] = corpus
    elif corpus is not None:
        raise InputError(f"{spec} brings its own passages; a corpus goes with jsonl: and hf:")
    if spec == "demo":
        cases = demo.cases(**options)
    elif place and kind in _LOADERS:
        cases = _LOADERS[kind](place, **options)
    else:
        raise InputError(f"unknown set {spec!r}; use {CHOICES}")
    _check_ids(cases)
    return cases


def _of_file(loader: Loader) -> Loader:
    return lambda place, **options: loader(Path(place), **options)


def _of_hub(place: str, **options: Any) -> list[Case]:
    name, _, query = place.partition("?")
    asked = dict(parse_qsl(query))
    split = asked.pop("split", "train")
    known = hugging_face.Columns.__slots__
    if unknown := sorted(set(asked) - set(known)):
        raise InputError(f"unknown column {unknown[0]!r} in {place!r}; use {', '.join(known)}")
    columns = hugging_face.Columns(**asked)
    return hugging_face.cases(name, columns=columns, split=split, **options)


_LOADERS: Mapping[str, Loader] = {
    "nq": _of_file(nq.cases),
    "hotpot": _of_file(hotpot.cases),
    "qed": _of_file(qed.cases),
    "locomo": _of_file(locomo.cases),
    "jsonl": _of_file(own.cases),
    "hf": _of_hub,
}
_WITH_CORPUS = ("jsonl", "hf")


def _check_ids(cases: Sequence[Case]) -> None:
    questions: dict[str, str] = {}
    for case in cases:
        if case.id in questions:
            raise InputError(
                f"two cases have the id {case.id!r}: {questions[case.id]!r} and "
                f'{case.question!r}; give each an "id" of its own'
            )
        questions[case.id] = case.question
