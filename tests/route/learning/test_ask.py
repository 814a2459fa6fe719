from ragthrift import Message, Passage
from ragthrift.route import Ask, ask_of
from ragthrift.route.features import NAMES, structure


def said(ask: Ask) -> dict[str, float]:
    return dict(zip(NAMES, structure(ask), strict=True))


def test_harness_notes_and_tool_results_stay_out() -> None:
    turns = [
        Message("system", "You are terse."),
        Message("user", "Where is the canteen?"),
        Message("tool", "A file of 900 lines", tool_call_id="1"),
        Message("user", "<system-reminder>Todo: empty.</system-reminder>And the library?"),
    ]
    assert ask_of(turns) == Ask("And the library?", "Where is the canteen?")


def test_a_turn_of_notes_alone_is_no_question() -> None:
    turns = [
        Message("user", "Where is the canteen?"),
        Message("user", "<environment_details>cwd: /home</environment_details>"),
    ]
    assert ask_of(turns).question == "Where is the canteen?"


def test_passages_pasted_into_the_turn_stay_out() -> None:
    passage = Passage("The canteen opens at nine.")
    turn = Message("user", f"Context:\n{passage.text}\nQuestion: When does it open?")
    assert passage.text not in ask_of([turn], [passage]).question
    assert "When does it open?" in ask_of([turn], [passage]).question


def test_a_conversation_without_a_user_is_an_empty_ask() -> None:
    assert ask_of([Message("system", "Hello.")]) == Ask("")


def test_the_digest_of_a_long_conversation_is_short() -> None:
    turns = [Message("user", f"{number} " * 500) for number in range(40)]
    assert len(ask_of(turns).history) < 1_100


def test_retrieval_is_part_of_the_shape() -> None:
    question = "When does the canteen open?"
    found = (Passage("The canteen opens at nine.", score=0.9), Passage("Dogs.", score=0.4))
    shape = said(Ask(question, passages=found))
    assert shape["top_score"] == 0.9
    assert shape["score_gap"] == 0.5
    assert shape["coverage"] > said(Ask(question, passages=found[1:]))["coverage"]


def test_an_endless_question_is_read_at_both_ends() -> None:
    long = Ask("a " * 500_000 + "Why?")
    assert said(long)["asks_why"] == 1.0
    assert said(long)["characters"] < 10
