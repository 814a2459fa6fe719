import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ragthrift.cli import application
from ragthrift.local import read_gguf

pytestmark = pytest.mark.model
TEXT = "The canteen opens at nine and closes at three; on Fridays it stays shut all day long. " * 18


@pytest.fixture
def model(smollm2_path: Path, tmp_path: Path) -> Path:
    file = tmp_path / "smol.gguf"
    file.symlink_to(smollm2_path)
    return file


def run(*arguments: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(application(), ["local", *map(str, arguments)])
    return done.exit_code, done.stdout, done.stderr


def test_several_kinds_after_one_option_are_written_and_measured(
    model: Path, tmp_path: Path
) -> None:
    pytest.importorskip("gguf")
    (tmp_path / "text.txt").write_text(TEXT)
    code, out, err = run(
        "quantize", model, "--to", "q8_0", "q4_0", "--text", tmp_path / "text.txt",
        "--from-quantized", "--max-tokens", 270, "--json",
    )  # fmt: skip
    assert code == 0, err
    rows = json.loads(out)
    assert [row["kind"] for row in rows] == ["as given", "q8_0", "q4_0"]
    assert rows[0]["change"]["agreement"] == 1
    for row, file_type in zip(rows[1:], (7, 2), strict=True):
        assert Path(row["path"]).parent == tmp_path
        assert Path(row["path"]).stat().st_size == row["size"]
        assert read_gguf(row["path"]).metadata["general.file_type"] == file_type
        assert row["prefill"] > 0
    assert rows[1]["change"]["agreement"] > rows[2]["change"]["agreement"]


def test_a_lossy_source_is_said_to_be_one_in_one_line(model: Path, tmp_path: Path) -> None:
    pytest.importorskip("gguf")
    (tmp_path / "text.txt").write_text(TEXT)
    code, out, err = run(
        "quantize", model, "--to", "q4_0", "--text", tmp_path / "text.txt", "--max-tokens", 270
    )
    assert (code, out) == (2, "")
    assert "quantized already" in err
    assert "--from-quantized" in err


@pytest.mark.parametrize("bound", ["1%%", "much", "-1%", "inf", "nan"])
def test_a_bound_that_is_none_is_refused_at_once(bound: str, model: Path) -> None:
    code, _, err = run("recommend", model, f"--max-loss={bound}")
    assert code == 2
    assert "must be such as 1% or 0.01" in err


def test_files_that_are_not_there_are_named(model: Path, tmp_path: Path) -> None:
    code, _, err = run("quantize", tmp_path / "none.gguf", "--to", "q8_0")
    assert (code, "none.gguf" in err) == (2, True)
    code, _, err = run("quantize", model, "--to", "q8_0", "--text", tmp_path / "none.txt")
    assert (code, "none.txt" in err) == (2, True)
