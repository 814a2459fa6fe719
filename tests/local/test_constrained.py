import json
from collections.abc import Generator

import pytest

from ragthrift.errors import InputError, ModelError
from ragthrift.local import LocalModel
from ragthrift.local.constraint import check_schema, checked_answer, fault_of
from ragthrift.types import Completion, FinishReason, Message
from ragthrift.usage import Usage

QUESTION = [Message("user", "Which colour is the sky on a clear day?")]
COLOUR = {
    "type": "object",
    "properties": {"colour": {"type": "string", "maxLength": 12}},
    "required": ["colour"],
    "additionalProperties": False,
}
MALFORMED: list[tuple[object, str]] = [
    ({"type": "nonsense"}, "not a JSON schema"),
    ({"enum": "red"}, "not a JSON schema"),
    ({"type": "string", "pattern": "[a"}, "not a JSON schema"),
    ({"$ref": "http://example.org/schema"}, "outside of itself"),
    ({"properties": {"a": {"$ref": "#/$defs/missing"}}}, "which it has not"),
    ({"const": object()}, "no part of a JSON schema"),
    (True, "a JSON schema is an object"),
    ([], "a JSON schema is an object"),
]


@pytest.mark.parametrize(("schema", "complaint"), MALFORMED)
def test_what_is_no_schema_is_refused(schema: object, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        check_schema(schema)  # type: ignore[arg-type]


def test_a_schema_may_refer_to_its_own_parts() -> None:
    check_schema({"$ref": "#/$defs/a", "$defs": {"a": {"type": "integer"}}})


def test_a_fault_is_named() -> None:
    assert fault_of(COLOUR, '{"colour": "blue"}') is None
    assert fault_of(COLOUR, '{"colour": 3}') == "3 is not of type 'string'"
    assert "not JSON" in str(fault_of(COLOUR, "blue"))


def test_a_reference_is_never_fetched() -> None:
    from referencing.exceptions import Unresolvable

    with pytest.raises(Unresolvable):
        fault_of({"$ref": "http://127.0.0.1:9/schema"}, "1")


@pytest.mark.parametrize(("reason", "fails"), [("stop", True), ("length", False)])
def test_only_a_finished_answer_must_fit(reason: FinishReason, fails: bool) -> None:
    def answer() -> Generator[str, None, Completion]:
        yield '{"colour"'
        return Completion('{"colour"', Usage(1, 1), "tiny", reason)

    if fails:
        with pytest.raises(ModelError, match="does not fit the schema"):
            list(checked_answer(answer(), COLOUR))
    else:
        assert list(checked_answer(answer(), COLOUR)) == ['{"colour"']


@pytest.mark.model
@pytest.mark.parametrize("name", ["smollm2", "continuing"])
def test_an_answer_fits_its_schema(name: str, request: pytest.FixtureRequest) -> None:
    llm: LocalModel = request.getfixturevalue(name)
    answer = llm.complete(QUESTION, max_tokens=60, schema=COLOUR)
    assert answer.finish_reason == "stop"
    assert set(json.loads(answer.text)) == {"colour"}


@pytest.mark.model
@pytest.mark.parametrize("name", ["smollm2", "continuing"])
def test_malformed_schemas_and_grammars_are_refused(
    name: str, request: pytest.FixtureRequest
) -> None:
    llm: LocalModel = request.getfixturevalue(name)
    for schema, complaint in MALFORMED:
        with pytest.raises(InputError, match=complaint):
            llm.complete(QUESTION, max_tokens=5, schema=schema)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="failed to parse grammar"):
        llm.complete(QUESTION, max_tokens=5, grammar="root ::= missing ::")
    assert "blue" in llm.complete(QUESTION, max_tokens=30, grammar='root ::= "blue"').text


@pytest.mark.model
def test_what_llama_cpp_leaves_out_of_a_schema_is_noticed(continuing: LocalModel) -> None:
    impossible = {"type": "array", "items": {"enum": [1]}, "minItems": 2, "uniqueItems": True}
    try:
        answer = continuing.complete(QUESTION, max_tokens=20, schema=impossible)
    except (ModelError, InputError):
        return
    assert answer.finish_reason == "length"


@pytest.mark.model
@pytest.mark.parametrize("name", ["smollm2", "continuing"])
def test_every_token_has_its_probability(name: str, request: pytest.FixtureRequest) -> None:
    llm: LocalModel = request.getfixturevalue(name)
    answer = llm.complete(QUESTION, max_tokens=5, logprobs=3)
    assert "".join(token.token for token in answer.logprobs) == answer.text
    for token in answer.logprobs:
        assert token.logprob <= 0
        assert len(token.alternatives) == 3
        assert token.alternatives[0] == (token.token, token.logprob)  # greedy takes the likeliest
    assert all(
        not t.alternatives for t in llm.complete(QUESTION, max_tokens=3, logprobs=0).logprobs
    )
    assert llm.complete(QUESTION, max_tokens=3).logprobs == ()


@pytest.mark.model
def test_sampling_is_set_by_the_call_and_repeats_by_its_seed(continuing: LocalModel) -> None:
    def told(**settings: float) -> str:
        prompt = [Message("user", "Once upon a time there was a")]
        return continuing.complete(prompt, max_tokens=12, **settings).text  # type: ignore[arg-type]

    assert told(temperature=1.0, seed=5) == told(temperature=1.0, seed=5)
    assert len({told(temperature=1.5, seed=seed) for seed in range(4)}) > 1
    assert told(temperature=1.5, top_k=1, seed=5) == told()
    with pytest.raises(InputError, match="seed=-1"):
        told(seed=-1)
