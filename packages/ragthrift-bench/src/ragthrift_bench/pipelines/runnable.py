"""A LangChain Runnable, asked in the form that its input has."""

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.documents import Document
from langchain_core.messages import BaseMessage, convert_to_messages
from langchain_core.runnables import Runnable

from ragthrift import InputError
from ragthrift_bench.cases import Case
from ragthrift_bench.pipelines.named import Ask

QUESTION_KEYS = ("question", "query", "input", "user_input", "text")
PASSAGE_KEYS = ("context", "documents", "docs", "passages")
HISTORY_KEYS = ("history", "chat_history")
ANSWER_KEYS = ("answer", "result", "output", "response", "text", "content")


def ask_runnable(runnable: Runnable[Any, Any]) -> Ask:
    """Ask by `invoke`.

    A Runnable whose input is an object gets the question under `QUESTION_KEYS`, the case's passages
    under `PASSAGE_KEYS` (as one text where it wants a text, else as documents) and its earlier
    turns under `HISTORY_KEYS`, as far as it has them; one with `messages` gets the conversation;
    any other gets the question as a text. Of an object that it answers with, `ANSWER_KEYS` or the
    last of its `messages` is the answer.
    """
    keys = _input_keys(runnable)

    def ask(case: Case) -> object:
        return _said(runnable.invoke(_input(case, keys)))

    return ask


def _input_keys(runnable: Runnable[Any, Any]) -> Mapping[str, Any]:
    """The fields of an input that is an object, none for any other input."""
    whole: Mapping[str, Any] = runnable.get_input_jsonschema()
    schema = whole
    while "$ref" in schema:
        schema = whole["$defs"][schema["$ref"].rpartition("/")[2]]
    return dict(schema.get("properties", {}))


def _input(case: Case, keys: Mapping[str, Any]) -> object:
    if not keys:
        return case.question
    turns = _turns(case)
    given: dict[str, object] = {}
    if "messages" in keys:
        given["messages"] = [*turns, *convert_to_messages([("user", case.question)])]
    given |= {key: case.question for key in QUESTION_KEYS if key in keys}
    if not given:
        raise InputError(
            f"the chain takes {', '.join(sorted(keys))}, and none of these is the question; name "
            f"its input one of {', '.join(QUESTION_KEYS)}, or messages"
        )
    given |= {key: _documents(case, keys[key]) for key in PASSAGE_KEYS if key in keys}
    return given | {key: turns for key in HISTORY_KEYS if key in keys}


def _documents(case: Case, field: Mapping[str, Any]) -> object:
    if field.get("type") == "string":
        return "\n\n".join(passage.text for passage in case.passages)
    return [
        Document(passage.text, id=passage.id, metadata=dict(passage.metadata))
        for passage in case.passages
    ]


def _turns(case: Case) -> list[BaseMessage]:
    return convert_to_messages([(turn.role, turn.content) for turn in case.history])


def _said(answered: object) -> object:
    if isinstance(answered, BaseMessage):
        return answered.text
    if isinstance(answered, Mapping):
        for key in ANSWER_KEYS:
            if key in answered:
                return _said(answered[key])
        messages = answered.get("messages")
        if isinstance(messages, Sequence) and messages:
            return _said(messages[-1])
    return answered
