import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCKS = [
    pytest.param(block, id=f"{page}-{at}")
    for page in ("docs/llama-index.md", "integrations/llama-index/README.md")
    for at, block in enumerate(re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.S))
]


def test_there_are_blocks() -> None:
    assert len(BLOCKS) == 12


@pytest.mark.parametrize("block", BLOCKS)
def test_it_runs_as_it_stands(block: str) -> None:
    exec(compile(block, "guide", "exec"), {"__name__": "guide"})
