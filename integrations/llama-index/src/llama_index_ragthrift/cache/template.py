"""A prompt template and its variables, while they are still apart."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llama_index.core.llms import LLM
from llama_index.core.prompts import BasePromptTemplate

from ragthrift import Passage
from ragthrift.cache import fingerprint

QUESTION = "query_str"
CONTEXTS = ("context_str", "context_msg")
"""LlamaIndex's names: `context_msg` in templates that refine an answer."""
_PLACE = "\x00question\x00"


@dataclass(frozen=True, slots=True)
class Asked:
    """The question in a prompt, the context that it is asked of, and a digest of all around it."""

    question: str
    context: tuple[Passage, ...]
    around: str


def asked_in(prompt: BasePromptTemplate, variables: Mapping[str, Any], llm: LLM) -> Asked | None:
    """What a prompt asks; `None` if it has no question or no context.

    Around it is the whole prompt, filled in, without the question. The context is a part of that:
    nobody knows here which documents it is from, and one that changed would be one of many.
    """
    known = {**prompt.kwargs, **variables}
    context = tuple(Passage(str(known[name])) for name in CONTEXTS if known.get(name))
    if not isinstance(known.get(QUESTION), str) or not context:
        return None
    filled = {**variables, QUESTION: _PLACE}
    if llm.metadata.is_chat_model:
        messages = llm._get_messages(prompt, **filled)
        return Asked(known[QUESTION], context, fingerprint([m.model_dump_json() for m in messages]))
    return Asked(known[QUESTION], context, fingerprint(llm._get_prompt(prompt, **filled)))
