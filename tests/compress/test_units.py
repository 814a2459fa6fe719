"""Where texts are cut, what each unit needs, and that no character is lost or shared."""

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragthrift.compress import Unit, units
from ragthrift.compress.sentences import LONGEST, sentences
from ragthrift.compress.units import gaps, with_needs


def cut(text: str, **options: bool) -> list[str]:
    return [text[unit.start : unit.end] for unit in units(text, **options)]


def kinds(text: str) -> list[str]:
    return [unit.kind for unit in units(text)]


def needed_by(text: str, part: str, **options: bool) -> set[str]:
    """The texts of all units that the one which begins with `part` needs."""
    found = units(text, **options)
    at = next(i for i, unit in enumerate(found) if text.startswith(part, unit.start))
    return {text[found[i].start : found[i].end] for i in with_needs(found, found[at].needs)}


@pytest.mark.parametrize(
    "whole",
    [
        "Dr. Ann met Mr. J. R. Doe of the U.S. Army.",
        "It cost $3.50 in v. 1.2.3 of the tool.",
        "He left... and came back.",
        "See Fig. 3 and pp. 4-5, i.e. the end.",
        "Open https://x.org/a.b?c=d. e.g. today.",
        "Prices rose by approx. 3 percent.",
        "1. Buy bread",
        "Yahoo! is a firm.",
        "The vote on Jan. 5 was close.",
        "A line that wraps\nand goes on.",
    ],
)
def test_one_sentence_stays_one(whole: str) -> None:
    assert [whole[a:b] for a, b in sentences(whole)] == [whole]


@pytest.mark.parametrize(
    "parts",
    [
        ["It rains.", "We stay."],
        ["He said “Stop.”", "She left!"],
        ["Is it?", "Yes!!", "No…", "Maybe."],
        ["It was found.[12]", "It was lost."],
        ["He lives in the U.S.", "The weather is good."],
        ["They sell pens, etc.", "The shop is small."],
        ["Version 3.2 is out.", "Version 4 is not."],
        ["Take vitamin C.", "It helps."],
        ["FIRST LINE", "SECOND LINE"],
    ],
)
def test_sentences_end(parts: list[str]) -> None:
    text = " ".join(parts) if "LINE" not in parts[0] else "\n".join(parts)
    assert [text[a:b] for a, b in sentences(text)] == parts


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("食堂在九点开门。三点关门！几点？", 3),  # noqa: RUF001
        ("متى تفتح؟ تفتح في التاسعة. شكرا", 2),
        ("यह ठीक है। वह नहीं॥", 2),
    ],
)
def test_other_scripts_end_sentences_too(text: str, count: int) -> None:
    assert len(sentences(text)) >= count


def test_lines_of_a_wrapped_paragraph_are_joined() -> None:
    line = "words that fill a line of a mail up to where the program broke"
    text = f"{line} Big\n{line} Apple\n{line} City."
    assert len(sentences(text)) == 1


def test_endless_text_is_cut_at_blanks_but_never_inside_a_word() -> None:
    text = "word " * 2000
    parts = cut(text)
    assert max(map(len, parts)) <= LONGEST
    assert " ".join(parts).split() == text.split()
    assert cut("c" * 20_000) == ["c" * 20_000]


def test_blocks_are_told_apart() -> None:
    text = (
        "Title\n=====\n\nText here. More.\n\n- one\n- two\n\n```\na = 1\n\nb\n```\n"
        "| a | b |\n|---|---|\n| 1 | 2 |\n\n    indented = code\n\n## End"
    )
    assert kinds(text) == [
        *("heading", "sentence", "sentence", "item", "item", "code", "table", "code", "heading")
    ]


def test_code_and_small_tables_are_one_unit() -> None:
    code = "```py\nx = 1. Then.\n\ny = 2\n```"
    assert cut(f"Look. Here:\n{code}\nDone.") == ["Look.", "Here:", code, "Done."]
    assert cut("```\nnever closed\n\nstill code") == ["```\nnever closed\n\nstill code"]


def test_rows_of_a_large_table_need_its_header() -> None:
    header = "| room | open |\n|------|------|"
    rows = [f"| {n} | yes |" for n in range(20)]
    text = "\n".join([header, *rows])
    assert cut(text) == [header, *rows]
    assert needed_by(text, "| 7 |") == {header}


def test_tabs_make_a_table() -> None:
    text = "room\topen\n" + "\n".join(f"{n}\tyes" for n in range(9))
    assert kinds(text) == ["header", *["row"] * 9]


def test_headings_stand_over_their_sections() -> None:
    text = "# A\n\nOne.\n\n## B\n\nTwo.\n\n# C\n\nThree."
    assert needed_by(text, "One") == {"# A"}
    assert needed_by(text, "Two") == {"# A", "## B"}
    assert needed_by(text, "Three") == {"# C"}


def test_a_plain_title_is_a_heading() -> None:
    text = "Annual leave\nStaff get 27 days. Ask Ann.\n\nSick leave\n\nCall your manager first."
    assert kinds(text) == ["heading", "sentence", "sentence", "heading", "sentence"]
    assert needed_by(text, "Ask") == {"Annual leave"}
    assert needed_by(text, "Call") == {"Sick leave"}
    for prose in ("One line that goes\non here.", "It rains.\nWe stay at home.", "FIRST\nSECOND"):
        assert "heading" not in kinds(prose)


def test_items_need_their_lead_and_the_item_they_are_nested_in() -> None:
    text = "Rules. We allow:\n\n- dogs\n  - small. Quiet too.\n- cats"
    assert needed_by(text, "- cats") == {"We allow:"}
    assert needed_by(text, "  - small") == {"We allow:", "- dogs"}
    assert needed_by(text, "Quiet") == {"We allow:", "- dogs", "  - small."}


def test_antecedents_are_needed_only_if_asked_for() -> None:
    text = "Ann won. She smiled. However, Bob left. Rain fell."
    assert needed_by(text, "She") == set()
    assert needed_by(text, "She", antecedents=True) == {"Ann won."}
    assert needed_by(text, "Rain", antecedents=True) == set()


def test_chains_of_pronouns_are_short() -> None:
    text = "Ann won. " + "She smiled. " * 50
    assert max(len(with_needs(units(text, antecedents=True), [at])) for at in range(51)) <= 4


def test_blanks_are_one_unit() -> None:
    assert units("") == (Unit(0, 0, "blank"),)
    assert units(" \n\t") == (Unit(0, 3, "blank"),)


def check_cover(text: str) -> None:
    found = units(text, antecedents=True)
    between = [*gaps(text, found), text[found[-1].end :]]
    assert all(not blank.strip() for blank in between)
    for at, unit in enumerate(found):
        assert all(needed < at for needed in unit.needs), "a unit needs what stands before it"
        assert text[unit.start : unit.end].strip() or unit.kind == "blank"
    parts = zip(between, (text[unit.start : unit.end] for unit in found), strict=False)
    assert "".join(gap + part for gap, part in parts) + between[-1] == text


MARKS = st.sampled_from(
    [*"aB1.!?…。؟। \n\t|-#*`:;,()[]\"'", "```", "~~~", "===", "\x00", "\ud83d", "🍲", "- ", "1. "]
)


@given(st.lists(MARKS, max_size=60).map("".join))
def test_units_cover_any_text(text: str) -> None:
    check_cover(text)


@given(st.text(st.characters(exclude_categories=[]), max_size=200))
def test_units_cover_any_characters(text: str) -> None:
    check_cover(text)


@pytest.mark.parametrize(
    "piece",
    [
        *("x", "It is. ", "a\n", "- a\n", "|a|b\n", "a\tb\n", "```\n", ". ", "# a\n", "a\n===\n"),
        *("    x\n\n", '."', "!([", "A. ", " ", "\n", "- a\n  b\n", "。", "9. ", "\t", "`", "[1]"),
    ],
)
def test_time_grows_with_the_text_and_not_with_its_square(piece: str) -> None:
    def seconds(size: int) -> float:
        text = (piece * size)[:size]
        started = time.perf_counter()
        check = units(text, antecedents=True)
        assert check
        return time.perf_counter() - started

    small, large = (min(seconds(size) for _ in range(2)) for size in (12_500, 100_000))
    assert large < 0.2 or large < 24 * small, "eight times the text took three times too long"


def test_random_documents_keep_every_character() -> None:
    source = random.Random(4)
    marks = [*"abAB12.!? \n|-#*`:", "```", "\n\n", "- ", "    ", "\r\n", "é", "ب"]
    for _ in range(2000):
        check_cover("".join(source.choice(marks) for _ in range(source.randrange(60))))
