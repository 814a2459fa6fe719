import tomllib
from pathlib import Path

import llama_index_ragthrift

PROJECT = Path(__file__).parents[2] / "integrations" / "llama-index" / "pyproject.toml"


def test_all_is_sorted_and_there() -> None:
    names = llama_index_ragthrift.__all__
    assert names == sorted(names)
    assert all(hasattr(llama_index_ragthrift, name) for name in names)


def test_llamahub_names_what_is_public() -> None:
    hub = tomllib.loads(PROJECT.read_text())["tool"]["llamahub"]
    assert hub["import_path"] == "llama_index_ragthrift"
    classes = [name for name in llama_index_ragthrift.__all__ if name[0].isupper()]
    assert sorted(hub["class_authors"]) == classes
