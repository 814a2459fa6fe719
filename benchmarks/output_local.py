"""A small model of this machine that is asked for JSON: how often its answers can be read.

By words it writes what it likes; `strict` is the share that `json.loads` and the schema read,
`mended` ours without a call, `after_a_call` with one of the same model. `native` is the share where
the schema is the model's own grammar.
"""

from collections import Counter
from typing import Any

from pydantic import BaseModel, ConfigDict

from benchmarks.output_peers import Case, strict_json
from benchmarks.shared import share
from ragthrift import Message
from ragthrift.local.llama_cpp import LlamaCppRuntime
from ragthrift.local.model import LocalModel
from ragthrift.local.models import smollm2_135m
from ragthrift.prompt.output import Repair, StructuredAnswer, StructuredLLM

_ANSWER = 48
_DISHES = (
    "Pea soup",
    "Fish with rice",
    "Lentil salad",
    "Bean stew",
    "Apple cake",
    "Rye bread",
)


class Offer(BaseModel):
    """What is to be read out of a sentence."""

    model_config = ConfigDict(extra="forbid")
    name: str
    price: float


def talk(place: int) -> list[Message]:
    """A sentence, and what to make of it, without an example."""
    said = f"Today's dish is {_DISHES[place]}, which costs {place + 3}.50 euros."
    return [Message("user", f"{said} Fill in the dish's name and price as JSON.")]


def asked_for_json(limit: int | None = None) -> dict[str, Any]:
    """The same questions by words and by grammar."""
    number = min(limit or len(_DISHES), len(_DISHES))
    with LocalModel(LlamaCppRuntime(smollm2_135m(), n_ctx=2048, slots=1)) as model:
        by_words = _answers(StructuredLLM(model, Repair(Offer, on_error="pass")), number)
        native = _answers(StructuredLLM(model, Repair(Offer, on_error="pass"), native=True), number)
        mending = Repair(Offer, model, on_error="pass")
        called = [mending.read(one.text) if one.how == "failed" else one for one in by_words]
    strict = [strict_json(Case("", Offer, one.text, "", None, "")) for one in by_words]
    return {
        "answers": number,
        "strict": share(sum(one.value is not None for one in strict), number),
        "mended": _read(by_words),
        "after_a_call": _read(called),
        "native": _read(native),
        "right_native": _right(native),
        "right": _right(called),
        "how": dict(Counter(one.how for one in called)),
    }


def _answers(asked: StructuredLLM, number: int) -> list[StructuredAnswer]:
    return [asked.ask(talk(place), max_tokens=_ANSWER) for place in range(number)]


def _read(answers: list[StructuredAnswer]) -> float:
    return share(sum(one.how != "failed" for one in answers), len(answers))


def _right(answers: list[StructuredAnswer]) -> float:
    """Of all answers, those with the dish and the price: what can be read may still be wrong."""
    right = [
        isinstance(one.value, Offer)
        and (one.value.name.casefold(), one.value.price) == (_DISHES[at].casefold(), at + 3.5)
        for at, one in enumerate(answers)
    ]
    return share(sum(right), len(answers))
