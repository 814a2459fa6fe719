"""What is found wrong with an answer."""

import json
import sys

import pytest

from ragthrift import Message, Passage, ToolCall
from ragthrift.route import CHECKS, Answered, Ask, Attempt, Call, Finding, Grounded, refusal
from ragthrift.route.checks import Agreement, agreement
from ragthrift.route.grounding import content_words, coverage, grounding
from ragthrift.route.schema import misfit
from ragthrift.testing.samples import ODD_TEXTS, PASSAGES

QUESTION = "When does the canteen open?"
MENU = {
    "type": "object",
    "properties": {"day": {"type": "string"}, "guests": {"type": "integer", "minimum": 1}},
    "required": ["day"],
}


def found(
    attempt: Attempt | str,
    *,
    question: str = QUESTION,
    passages: tuple[Passage, ...] | None = PASSAGES,
    **needs: object,
) -> dict[str, Finding]:
    attempt = Attempt(attempt) if isinstance(attempt, str) else attempt
    call = Call([Message("user", question)], passages, **needs)  # type: ignore[arg-type]
    answered = Answered(call, Ask(question, passages=passages or ()), attempt, lambda: attempt)
    findings = (check(answered) for check in CHECKS)
    return {one.check: one for one in findings if one is not None}


@pytest.mark.parametrize(
    "answer",
    [
        "The canteen opens at nine.",
        "At nine [1].",
        "At nine, and on Fridays it closes at two [canteen].",
        "No, soup is free for guests, bread is not.",
        "The lift holds eight people; `rows[9]` is code.",
        "1. Soup is free.\n2. Bread is not.",
    ],
)
def test_a_good_answer_passes(answer: str) -> None:
    assert found(answer) == {}


@pytest.mark.parametrize("answer", ["", " \n"])
def test_an_empty_answer_is_found_unless_it_calls_a_tool(answer: str) -> None:
    assert set(found(answer)) == {"empty"}
    assert found(Attempt(answer, tool_calls=(ToolCall("1", "menu"),))) == {}


@pytest.mark.parametrize(
    "answer",
    [
        "I'm sorry, but I can't help with that.",
        "I cannot assist with this request.",
        "As an AI language model, I have no opinion.",
        "Unfortunately, I am unable to do that.",
    ],
)
def test_a_model_that_declines_is_found(answer: str) -> None:
    assert refusal(answer) == "declined"
    assert found(answer)["declined"].remedy == "escalate"


@pytest.mark.parametrize(
    "answer",
    [
        "The context does not mention when the canteen opens.",
        "The provided passages don't contain this information.",
        "I don't know.",
        "I'm sorry, but the documents do not say.",
        "I could not find this in the provided context.",
        "There is no information about opening hours.",
        "There is not enough information to answer.",
        "Opening hours are not mentioned in the given text.",
        "Unfortunately, I do not have information on how to keep it.",
        "I don't have any details about that.",
        "unanswerable",
        "N/A",
        "I\u2019m sorry. The sources don\u2019t mention it.",
    ],
)
def test_an_answer_that_is_missing_is_told_from_one_that_is_declined(answer: str) -> None:
    assert refusal(answer) == "missing"
    assert set(found(answer)) == {"missing"}


@pytest.mark.parametrize(
    "answer",
    [
        "The soup is not available on Fridays.",
        "No, the lift stops at the third floor.",
        "You don't need a ticket.",
        "No, I don't have to pay, and nor do you.",
        "You cannot park there.",
        "Nobody knows who wrote it; the book was found in 1912.",
        "I am sorry for the wait. " + "The canteen opens at nine. " * 30,
    ],
)
def test_answers_that_deny_something_are_no_refusals(answer: str) -> None:
    assert refusal(answer) is None


def test_where_the_question_is_not_covered_more_is_to_be_retrieved() -> None:
    unknown = "I don't know."
    assert found(unknown)["missing"].remedy == "escalate"
    assert found(unknown)["missing"].fixable < 0.2
    assert found(unknown, question="Who repairs broken printers?")["missing"].remedy == "retrieve"
    assert found(unknown, passages=())["missing"].remedy == "retrieve"
    sought_nothing = found(unknown, passages=None)["missing"]
    assert (sought_nothing.remedy, sought_nothing.fixable > 0.2) == ("escalate", True)


def test_an_answer_that_was_cut_or_filtered_is_found() -> None:
    assert set(found(Attempt("The canteen opens", finish_reason="length"))) == {"truncated"}
    assert set(found(Attempt("", finish_reason="content_filter"))) == {"empty", "declined"}


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ('{"day": "Friday"}', None),
        ('```json\n{"day": "Friday", "guests": 2}\n```', None),
        ('{"guests": 2}', "'day' is a required property"),
        ('{"day": 5}', r"\$.day"),
        ('{"day": "Friday", "guests": 0}', "minimum"),
        ("Friday", "not JSON"),
        ('{"day": "Fri', "not JSON"),
        ("", "not JSON"),
    ],
)
def test_text_that_does_not_fit_its_schema_is_found(text: str, wrong: str | None) -> None:
    pytest.importorskip("jsonschema")
    finding = found(text, passages=(), schema=MENU).get("schema")
    if wrong is None:
        assert finding is None
    else:
        assert finding is not None
        assert finding.remedy == "repair"
        with pytest.raises(AssertionError, match=wrong):
            raise AssertionError(finding.detail)


def test_structured_output_by_a_tool_is_checked_by_its_arguments() -> None:
    good, bad = (Attempt("", tool_calls=(ToolCall("1", "Menu", a),)) for a in ('{"day":""}', "{}"))
    assert found(good, schema=MENU) == {}
    assert set(found(bad, schema=MENU)) == {"schema"}


@pytest.mark.parametrize(
    ("name", "arguments", "wrong"),
    [
        ("menu", '{"day": "Friday"}', None),
        ("menu", "{}", "required"),
        ("menu", '{"day": ', "not JSON"),
        ("lunch", "{}", "no tool is named lunch; there are menu, time"),
        ("time", "", None),
        ("time", '{"zone": "CET"}', None),
    ],
)
def test_tools_called_in_the_wrong_way_are_found(
    name: str, arguments: str, wrong: str | None
) -> None:
    attempt = Attempt("", tool_calls=(ToolCall("1", name, arguments),))
    finding = found(attempt, tools={"menu": MENU, "time": {}}).get("tool_arguments")
    assert (finding is None) == (wrong is None)
    if finding is not None and wrong is not None:
        assert wrong in finding.detail


def test_without_jsonschema_the_outline_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "jsonschema"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    monkeypatch.setitem(sys.modules, "jsonschema.validators", None)
    for good in ({"day": "Friday"}, {"day": "Friday", "guests": 0}):
        assert misfit(json.dumps(good), MENU) is None
    assert misfit('{"guests": 1}', MENU) == "$: 'day' is a required property"
    assert misfit('{"day": 1}', MENU) == "$.day: is no string"
    assert misfit('{"day": "", "guests": true}', MENU) == "$.guests: is no integer"
    assert misfit("[]", MENU) == "$: is no object"
    assert misfit("[1]", {"type": ["array", "null"]}) is None


@pytest.mark.parametrize(
    ("answer", "strange"),
    [
        ("At nine [7].", "[7]"),
        ("At nine [1, 9].", "[9]"),
        ("At nine [doc-3].", "[doc-3]"),
        ("At nine [6][sic] [note] [link](3).", None),
    ],
)
def test_citations_of_passages_that_were_not_given_are_found(
    answer: str, strange: str | None
) -> None:
    finding = found(f"The canteen opens. {answer}").get("citations")
    assert (finding is None) == (strange is None)
    if finding is not None and strange is not None:
        assert strange in finding.detail
    assert "citations" not in found(answer, passages=())


def test_brackets_of_the_passages_own_are_no_citations() -> None:
    passages = (Passage("Soup is free [17]."), Passage("Bread is not."))
    assert found("Soup is free [17].", question="Is soup free?", passages=passages) == {}


def test_an_answer_from_elsewhere_is_not_grounded() -> None:
    assert set(found("The canteen opens at 10 and closes at 18.")) == {"grounded"}
    assert set(found("Ask Mr Miller in the basement about his parrots.")) == {"grounded"}
    assert found("The canteen opens at 10.", passages=()) == {}
    lacking = found("Mr Miller repairs them.", question="Who repairs broken printers?")["grounded"]
    assert lacking.remedy == "retrieve"


def test_numbers_and_names_are_compared_as_they_are_written() -> None:
    passage = [Passage("In 2019 Ann Smith's firm paid 1,250.00 euros and 3.5 %.")]
    exact = grounding("The firm of Ann Smith paid 1250 euros (3.5 %) in 2019 [1].", passage)
    assert (exact.words, exact.numbers, exact.names) == (1.0, 1.0, 1.0)
    other = grounding("The firm of Bob Smith paid 1251 euros in 2019.", passage)
    assert (other.numbers, other.names) == (0.5, 0.5)
    assert other.score < exact.score == 1.0


def test_a_checker_of_ones_own_decides_on_groundedness() -> None:
    call = Call([Message("user", QUESTION)], PASSAGES)
    answered = Answered(
        call, Ask(QUESTION, passages=PASSAGES), Attempt("At nine."), lambda: Attempt("")
    )
    assert Grounded(score=lambda answer, passages: 0.6)(answered) is None
    assert Grounded(0.7, score=lambda answer, passages: 0.6)(answered) is not None


def test_two_answers_that_differ_are_found() -> None:
    assert agreement("It opens at nine.", "At nine it opens!") == 1.0
    assert agreement("It is 42.", "It is 42.0") == 1.0
    assert agreement("It is 42.", "It is 43.") == 0.0
    assert agreement("Paris", "London") == 0.0
    assert agreement("", "") == 1.0
    ask = Ask(QUESTION)

    def seen(*answers: str) -> Finding | None:
        first, second = map(Attempt, answers)
        return Agreement(0.5)(Answered(Call([]), ask, first, lambda: second))

    assert seen("It opens at nine.", "The canteen opens at nine.") is None
    differing = seen("The canteen opens.", "Soup is free for guests.")
    assert differing is not None
    assert differing.severity > 0.5


def test_coverage_is_that_of_words_that_carry_meaning() -> None:
    assert coverage(QUESTION, PASSAGES) == 1.0
    assert coverage("Who repairs the printers?", PASSAGES) == 0.0
    assert coverage("Why?", PASSAGES) == 1.0
    assert content_words("What is the price of 3 soups?") == content_words("price soup")


@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS.keys())
def test_odd_texts_are_checked(text: str) -> None:
    for findings in (
        found(text),
        found(text, question=text, schema=MENU),
        found(Attempt(text, tool_calls=(ToolCall("1", text, text),)), tools={"menu": MENU}),
    ):
        assert all(0 <= one.severity <= 1 and one.detail for one in findings.values())
