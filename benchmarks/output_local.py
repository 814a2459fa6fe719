"""A small model of this machine that is asked for JSON: how often its answers can be read.

By words it writes what it likes; `strict` is the share that `json.loads` and the schema read,
`mended` ours without a call, `after_a_call` with one of the same model. `native` is the share where
the schema is the model's own grammar.
"""

from collections import Counter
from typing import Any

from benchmarks.local_tasks import handbook
from benchmarks.output_peers import Case, strict_json
from benchmarks.output_schemas import Cited
from benchmarks.shared import share
from ragthrift import Message
from ragthrift.local.llama_cpp import LlamaCppRuntime
from ragthrift.local.model import LocalModel
from ragthrift.local.models import smollm2_135m
from ragthrift.prompt.output import Repair, StructuredAnswer, StructuredLLM

_ANSWER = 120
_QUESTIONS = 12
_FORM = 'Write {"answer": "...", "sources": ["..."]}, one source: the first words of the text.'


def talk(place: int) -> list[Message]:
    """A passage and what to make of it."""
    passage = handbook()[place * 3]
    return [Message("user", f"{passage}\n\nWhat does this say, in one sentence? {_FORM}")]


def asked_for_json(limit: int | None = None) -> dict[str, Any]:
    """The same questions by words and by grammar."""
    number = limit or _QUESTIONS
    with LocalModel(LlamaCppRuntime(smollm2_135m(), n_ctx=2048, slots=1)) as model:
        by_words = _answers(StructuredLLM(model, Repair(Cited, on_error="pass")), number)
        native = _answers(StructuredLLM(model, Repair(Cited, on_error="pass"), native=True), number)
        mending = Repair(Cited, model, on_error="pass")
        called = [mending.read(one.text) if one.how == "failed" else one for one in by_words]
    strict = [strict_json(Case("", Cited, one.text, "", None, "")) for one in by_words]
    return {
        "answers": number,
        "strict": share(sum(one.value is not None for one in strict), number),
        "mended": _read(by_words),
        "after_a_call": _read(called),
        "native": _read(native),
        "how": dict(Counter(one.how for one in called)),
    }


def _answers(asked: StructuredLLM, number: int) -> list[StructuredAnswer]:
    return [asked.ask(talk(place), max_tokens=_ANSWER) for place in range(number)]


def _read(answers: list[StructuredAnswer]) -> float:
    return share(sum(one.how != "failed" for one in answers), len(answers))
