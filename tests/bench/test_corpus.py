"""A folder of documents becomes passages that are found."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragthrift import InputError, Passage
from ragthrift_bench import handbook
from ragthrift_bench.corpus import _chunks, bm25_retriever, index_folder, retriever

SENTENCES = [f"Sentence number {n} has six words." for n in range(10)]


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_documents_are_found_wherever_they_lie(tmp_path: Path) -> None:
    write(tmp_path, "b.md", "# Boats\n\nBoats float.")
    write(tmp_path, "deep/er/a.TXT", "Cats purr.")
    write(tmp_path, "notes.rst", "Not read.")
    write(tmp_path, ".git/config.txt", "Not read.")
    write(tmp_path, "empty.md", " \n")
    passages = index_folder(tmp_path)
    assert [p.id for p in passages] == ["b.md#0", "deep/er/a.TXT#0"]
    assert [p.text for p in passages] == ["# Boats\n\nBoats float.", "Cats purr."]


def test_a_pattern_chooses_files(tmp_path: Path) -> None:
    write(tmp_path, "a.md", "A.")
    write(tmp_path, "b.txt", "B.")
    assert [p.text for p in index_folder(tmp_path, glob="*.txt")] == ["B."]


def test_long_documents_are_cut_between_sentences(tmp_path: Path) -> None:
    text = "  " + " ".join(SENTENCES[:5]) + "\n\n" + "\n".join(SENTENCES[5:]) + "\n"
    write(tmp_path, "a.md", text)
    passages = index_folder(tmp_path, chunk_words=20)
    assert [p.id for p in passages] == ["a.md#0", "a.md#1", "a.md#2", "a.md#3"]
    assert [len(p.text.split()) for p in passages] == [18, 18, 18, 6]
    for passage in passages:
        assert passage.text.startswith("Sentence")
        assert passage.text.endswith("words.")
        start, end = passage.metadata["start"], passage.metadata["end"]
        assert isinstance(start, int)
        assert isinstance(end, int)
        assert text[start:end] == passage.text
        assert passage.metadata["source"] == "a.md"


def test_a_sentence_that_is_too_long_is_cut_between_words(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", " ".join(f"w{n}" for n in range(25)))
    assert [len(p.text.split()) for p in index_folder(tmp_path, chunk_words=10)] == [10, 10, 5]


@given(st.text(alphabet="ab .!?\n\t\u2028", max_size=200), st.integers(1, 12))
def test_no_word_is_lost_and_none_stands_twice(text: str, most: int) -> None:
    chunks = [text[start:end] for start, end in _chunks(text, most)]
    assert " ".join(chunks).split() == text.split()
    assert all(0 < len(chunk.split()) <= most for chunk in chunks)
    assert all(chunk == chunk.strip() for chunk in chunks)


def test_a_line_of_jsonl_is_a_passage_as_it_stands(tmp_path: Path) -> None:
    rows = [{"id": "x1", "text": "word " * 500, "page": 3}, {"text": "Cats purr."}]
    write(tmp_path, "all.jsonl", "\n".join(map(json.dumps, rows)))
    first, second = index_folder(tmp_path)
    assert (first.id, len(first.text.split()), first.metadata["page"]) == ("x1", 500, 3)
    assert (second.id, second.metadata["source"]) == ("all.jsonl#1", "all.jsonl")


def test_html_is_read_as_a_reader_sees_it(tmp_path: Path) -> None:
    page = (
        "<html><head><title>Boats</title><style>p { color: red }</style></head><body>"
        "<p>Boats <b>flo</b>at &amp; sink.</p><script>var x = '<p>no</p>';</script>"
        "<ul><li>Rinse</li><li>Dry</li></ul></body></html>"
    )
    write(tmp_path, "a.html", page)
    (passage,) = index_folder(tmp_path)
    assert " ".join(passage.text.split()) == "Boats Boats float & sink. Rinse Dry"


def test_the_order_is_that_of_the_names(tmp_path: Path) -> None:
    for name in ("c.md", "a/z.md", "b.md"):
        write(tmp_path, name, "Text.")
    assert [p.id for p in index_folder(tmp_path)] == ["a/z.md#0", "b.md#0", "c.md#0"]


def test_an_id_that_stands_twice_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, "a.jsonl", json.dumps({"id": "x", "text": "A."}))
    write(tmp_path, "b.jsonl", json.dumps({"id": "x", "text": "B."}))
    with pytest.raises(InputError, match=r"'x' stands twice, in a\.jsonl and b\.jsonl"):
        index_folder(tmp_path)


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder"):
        index_folder(tmp_path / "gone")
    with pytest.raises(InputError, match=r"nothing to read .*\.md, \.txt"):
        index_folder(tmp_path)
    with pytest.raises(InputError, match="chunk_words=0"):
        index_folder(tmp_path, chunk_words=0)
    (tmp_path / "latin.txt").write_bytes("café".encode("latin-1"))
    with pytest.raises(InputError, match=r"latin\.txt is not UTF-8"):
        index_folder(tmp_path)
    (tmp_path / "latin.txt").unlink()
    write(tmp_path, "a.jsonl", '{"title": "x"}')
    with pytest.raises(InputError, match=r'a\.jsonl, line 1 lacks "text"; it holds "title"'):
        index_folder(tmp_path)


CORPUS = [Passage("Cats purr.", id="cat"), Passage("Dogs bark.", id="dog"), Passage("It rains.")]


def test_bm25_finds_by_words_best_first() -> None:
    found = bm25_retriever(CORPUS, 2)("Which dogs bark?")
    assert found[0].id == "dog"
    assert found[0].score is not None
    assert found[1].score is not None
    assert found[0].score > found[1].score
    assert CORPUS[1].score is None, "the corpus stays as it was"


def test_a_small_corpus_gives_what_it_has() -> None:
    assert len(bm25_retriever(CORPUS, 10)("dogs")) == 3
    assert len(retriever(CORPUS, 10)("dogs")) == 3


def test_vectors_find_what_no_word_leads_to() -> None:
    pytest.importorskip("faiss", reason="faiss-cpu is not installed")
    pytest.importorskip("ragthrift_models", reason="ragthrift-models is not installed")
    question = "What noise does a kitten make?"
    assert retriever(CORPUS, 1)(question)[0].id == "cat"
    assert {p.score for p in bm25_retriever(CORPUS, 3)(question)} == {0.0}


@pytest.mark.parametrize("find", [retriever, bm25_retriever])
def test_most_gold_passages_of_the_handbook_are_found(find) -> None:  # type: ignore[no-untyped-def]
    questions = handbook.questions()
    search = find(handbook.passages(), 10)
    found = [case.keeps_gold(search(case.question)) for case in questions]
    assert sum(found) / len(found) > 0.9


def test_without_faiss_it_is_bm25_and_the_log_says_so() -> None:
    code = (
        "import sys\n"
        "sys.modules['faiss'] = None  # to Python, a module that is not installed\n"
        "from ragthrift import Passage\n"
        "from ragthrift_bench.corpus import retriever\n"
        "print(retriever([Passage('Cats purr.', id='cat'), Passage('Dogs.')], 1)('cats')[0].id)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.stdout.strip() == "cat", done.stderr
    assert "retrieving by BM25; pip install" in done.stderr


def test_no_passages_is_an_error() -> None:
    with pytest.raises(InputError, match="0 passages"):
        retriever(CORPUS, 0)
