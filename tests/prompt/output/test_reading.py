"""Broken answers: read as they were meant, or not at all."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, field_validator

from benchmarks.output_schemas import SCHEMAS
from ragthrift import InputError
from ragthrift.prompt.output import Schema, read

ANYTHING = Schema.of({"type": "object"})
CORPUS = [
    json.loads(line)
    for line in (Path(__file__).parents[3] / "benchmarks/breakages/answers.jsonl")
    .read_text()
    .splitlines()
]

KEYS = st.sampled_from(["name", "a", "b", "it's", "k k"])
TEXTS = st.sampled_from(
    ["x", "it's", 'he said "hi"', "x, y", "a: b", "{b}", "[1]", "", "true", "12", "é😀", "a\nb"]
)
ODD_TEXTS = st.sampled_from(["C:\\dir", "# no", "// no", "http://x.y/z", "1,5", "..."])
NUMBERS = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
VALUES = st.recursive(
    st.one_of(TEXTS, ODD_TEXTS, NUMBERS, st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=8,
)
OBJECTS = st.dictionaries(KEYS, VALUES, min_size=1, max_size=4)


def outside_strings(text: str) -> list[int]:
    """Where the signs of notation stand, quotes included."""
    places, inside, at = [], False, 0
    while at < len(text):
        if inside and text[at] == "\\":
            at += 1
        elif text[at] == '"':
            inside = not inside
            places.append(at)
        elif not inside and text[at] in "{}[],:":
            places.append(at)
        at += 1
    return places


def same(one: Any, other: Any) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


@settings(max_examples=400, deadline=None)
@given(OBJECTS, st.randoms(use_true_random=False), st.booleans())
def test_one_slip_of_notation_is_mended_rightly_or_not_at_all(
    value: dict[str, Any], random: Any, doubled: bool
) -> None:
    text = json.dumps(value, ensure_ascii=False)
    at = random.choice(outside_strings(text))
    gap = " " if text[at] == "," else ""
    broken = text[:at] + (text[at] * 2 if doubled else gap) + text[at + 1 :]
    found = read(broken, ANYTHING, ended=True)
    try:
        meant = json.loads(broken)
    except ValueError:
        meant = value
    assert found.how == "failed" or same(found.value, meant), broken


@settings(max_examples=300, deadline=None)
@given(OBJECTS, st.floats(0, 1, exclude_max=True))
def test_a_cut_answer_is_never_closed(value: dict[str, Any], share: float) -> None:
    text = json.dumps(value)
    assert read(text[: int(share * len(text))], ANYTHING, ended=False).how == "failed"


@settings(max_examples=200, deadline=None)
@given(OBJECTS)
def test_what_is_json_is_read_as_it_is(value: dict[str, Any]) -> None:
    found = read(json.dumps(value, indent=1), ANYTHING, ended=False)
    assert found.how == "as it is"
    assert same(found.value, value)


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: f"{case['kind']}: {case['answer'][:40]}")
def test_no_broken_answer_is_read_wrongly(case: dict[str, Any]) -> None:
    schema = Schema.of(SCHEMAS[case["schema"]].model_json_schema())
    found = read(case["answer"], schema, ended=case["finish"] == "stop")
    assert found.how == "failed" or same(found.value, case["truth"])


def test_most_of_what_can_be_mended_is_mended_without_a_call() -> None:
    meant = [case for case in CORPUS if case["truth"] is not None]
    mended = [
        case
        for case in meant
        if read(
            case["answer"],
            Schema.of(SCHEMAS[case["schema"]].model_json_schema()),
            ended=case["finish"] == "stop",
        ).how
        != "failed"
    ]
    assert len(mended) / len(meant) > 0.6


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ('{"a": 1, "a": 2}', "2 was expected"),
        ('{"a": 1} or {"a": 2}', "2 values that fit"),
        ('{"a": 12 km}', "a key or '}' was expected"),
        ('{"a": [1, ...]}', "ellipsis"),
        ('{"a": NaN}', "a value was expected"),
        ('{"a": "x, "b": "y"}', "no closing quote"),
        ('{"a": "he said "hi", and left"}', "cannot be told where the string ends"),
        ('{"a": {"b": 1, "c": 2}', "which bracket is missing"),
        ('"o": {"a": 1}}', "more than one value"),
        ("```\n{'a': 1}\n``` or ```\n{'a': 2}\n```", "several blocks"),
        ("nothing", "holds no JSON"),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused_with_the_reason(answer: str, reason: str) -> None:
    found = read(answer, ANYTHING, ended=True)
    assert found.how == "failed"
    assert reason in " ".join(found.problems)


def test_types_are_changed_only_where_nothing_is_lost() -> None:
    class Soup(BaseModel):
        price: float
        day: int | None = None
        name: str = ""

    schema = Schema.of(Soup)
    given = '{"price": "4.50", "day": "25", "name": 7}'
    assert read(given, schema, ended=True).value == {"price": 4.5, "day": 25, "name": "7"}
    for odd in ('{"price": "4,50"}', '{"price": "4.5 EUR"}', '{"price": 1, "day": "025"}'):
        assert read(odd, schema, ended=True).how == "failed"


def test_the_classs_own_validators_count() -> None:
    class Soup(BaseModel):
        name: str

        @field_validator("name")
        @classmethod
        def _warm(cls, name: str) -> str:
            if "ice" in name:
                raise ValueError("soup is warm")
            return name

    found = read('{"name": "ice"}', Schema.of(Soup), ended=True)
    assert found.how == "failed"
    assert "soup is warm" in found.problems[0]


def test_a_schema_is_the_same_bytes_each_time_and_is_checked() -> None:
    one = Schema.of({"type": "object", "properties": {"a": {}, "b": {}}})
    other = Schema.of({"properties": {"b": {}, "a": {}}, "type": "object"})
    assert one.text == other.text
    ticket = Schema.of(SCHEMAS["ticket"]).text
    assert '"title":{"type":"string"}' in ticket  # the property stays
    assert '"title":"' not in ticket
    with pytest.raises(InputError, match="the schema is none"):
        read("{}", Schema.of({"type": "soup"}), ended=True)
    with pytest.raises(InputError, match="neither a JSON schema"):
        Schema.of(int)


@pytest.mark.parametrize(
    "answer",
    ['{"a": ' + "[" * 5000, '{"a": "' + "x" * 200_000, "{" + " " * 100_000 + "x", "}" * 9999],
)
def test_absurd_answers_are_refused_soon(answer: str) -> None:
    assert read(answer, ANYTHING, ended=True).how == "failed"
