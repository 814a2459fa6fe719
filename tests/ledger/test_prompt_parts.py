"""The parts of a prompt: which words are documents, which are the question."""

from hypothesis import given
from hypothesis import strategies as st

from ragthrift import Message, Passage, ToolCall
from ragthrift.ledger import Prompt, digest, prefix_digests, prompt_parts
from ragthrift.ledger.grounding import used_in
from ragthrift.ledger.locating import located
from ragthrift.ledger.prompt_parts import question_in, scaled, split

SOUP = Passage("Soup is served at noon.\nThere is none in August.", "soup")
PARK = Passage("Bicycles stand in the yard.", "park")
ASKED = "When is soup served here?"


def kinds(*messages: Message, **more: object) -> list[tuple[str, str]]:
    prompt = Prompt(messages=messages, documents=[SOUP, PARK], **more)  # type: ignore[arg-type]
    return [(part.kind, part.text) for part in split(prompt)]


def test_a_template_around_documents_and_question() -> None:
    text = f"Pages:\n{SOUP.text}\n---\n{PARK.text}\n\nQuestion: {ASKED}\nAnswer:"
    assert kinds(Message("user", text), question=ASKED) == [
        ("other", "Pages:\n"),
        ("document", f"{SOUP.text}\n---\n"),
        ("document", f"{PARK.text}"),
        ("other", "\n\nQuestion: "),
        ("question", ASKED),
        ("other", "\nAnswer:"),
    ]


def test_what_follows_the_documents_is_the_question() -> None:
    assert kinds(Message("user", f"Pages: {SOUP.text}\n{ASKED}")) == [
        ("other", "Pages: "),
        ("document", SOUP.text),
        ("question", f"\n{ASKED}"),
    ]


def test_documents_that_come_last() -> None:
    assert [kind for kind, _ in kinds(Message("user", f"{ASKED}\n\n{SOUP.text}\n"))] == [
        "question",
        "document",
    ]


def test_documents_in_a_system_message() -> None:
    found = kinds(Message("system", f"Answer from {PARK.text} briefly."), Message("user", ASKED))
    assert [kind for kind, _ in found] == ["system", "document", "system", "question"]


def test_a_document_whose_lines_were_broken_anew() -> None:
    text = "  Soup is served\n  at noon. There is\n  none in August.\n\n" + ASKED
    assert [kind for kind, _ in kinds(Message("user", text))] == ["document", "question"]


def test_a_conversation_with_tools() -> None:
    found = kinds(
        Message("user", "Hello!"),
        Message("assistant", "", (ToolCall("1", "search", '{"query": "soup"}'),)),
        Message("tool", f"{SOUP.text}\n\n{PARK.text}", tool_call_id="1"),
        tools=['{"name": "search"}'],
        question="soup",
    )
    assert [kind for kind, _ in found] == ["tools", "question", "history", "document", "document"]
    assert found[2][1] == 'search({"query": "soup"})'


def test_examples_are_not_asked() -> None:
    found = kinds(
        Message("user", "2+2"), Message("assistant", "4"), Message("user", ASKED), examples={0, 1}
    )
    assert [kind for kind, _ in found] == ["example", "example", "question"]


def test_a_query_of_a_few_words_is_not_cut_out_of_what_was_asked() -> None:
    prompt = Prompt(messages=[Message("user", ASKED)], question="soup")
    assert question_in(prompt, split(prompt)) == ASKED


def test_equal_documents_have_equal_digests_wherever_they_stand() -> None:
    texts = (f"{SOUP.text}\n\n{PARK.text}\n\n{ASKED}", f"{PARK.text}\n\n{SOUP.text}\n\n{ASKED}")
    one, other = (
        prompt_parts(Prompt(messages=[Message("user", text)], documents=[SOUP, PARK]))
        for text in texts
    )
    assert {part.digest for part in one} == {part.digest for part in other}
    assert one[0].digest == digest(SOUP.text)
    assert prefix_digests(one)[0] != prefix_digests(other)[0]


def test_a_document_that_is_part_of_another() -> None:
    whole, part = "Soup is at noon. Fish is on Friday.", "Fish is on Friday."
    assert [found.document for found in located(f"{whole} Why?", [part, whole])] == [1]
    assert [found.document for found in located(f"{whole} {part}", [part, whole])] == [1, 0]


def test_what_an_answer_uses() -> None:
    assert used_in("Soup is served from 11:30.", "Lunch begins at 11:30.") is True
    assert used_in("Soup is served at noon.", PARK.text) is False
    assert used_in("Soup is served.", SOUP.text, "When is soup served?") is None
    assert used_in("", SOUP.text) is None


WORDS = st.text("ab \n.?", max_size=30)


@given(st.lists(WORDS, max_size=4), WORDS, WORDS)
def test_no_character_is_lost(documents: list[str], text: str, question: str) -> None:
    joined = "\n".join([*documents, text])
    prompt = Prompt(
        messages=[Message("system", joined), Message("user", joined)],
        documents=[Passage(one) for one in documents],
        question=question,
    )
    assert "".join(part.text for part in split(prompt)) == joined * 2


@given(st.lists(st.integers(0, 500), max_size=20), st.integers(0, 100_000))
def test_scaled_counts_add_up(weights: list[int], total: int) -> None:
    counts = scaled(weights, total)
    assert all(count >= 0 for count in counts)
    assert sum(counts) == (total if sum(weights) else 0)
