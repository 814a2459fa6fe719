"""The README's table, made from committed results: `python -m benchmarks.readme`."""

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks/results/demo.json"
_TABLE = re.compile(r"(<!-- table: [^>]*-->\n).*?(<!-- end of table -->)", re.DOTALL)
_FRAMEWORKS = ("LangChain", "LlamaIndex")


def table(found: dict[str, Any]) -> str:
    """Savings beside quality, in Markdown."""
    count = found["LangChain"][0]["questions"]
    lines = [
        f"| {count} questions, 10 passages retrieved, 3 kept | "
        + " | ".join(f"{name} before | after" for name in _FRAMEWORKS)
        + " |",
        "|---|" + "---:|" * 4,
        _row("prompt tokens a question", found, "prompt_tokens", "{:,.0f}"),
        _row(
            f"dollars for 1,000 questions at {found['model']}'s price",
            found,
            "dollars_per_1000",
            "${:.3f}",
        ),
        _row("gold passages still in the prompt", found, "kept_gold", "{:.0%}"),
        _row("answers that equal a gold answer", found, "exact_match", "{:.0%}"),
        _row("answers, token F1", found, "token_f1", "{:.2f}"),
    ]
    note = (
        f"\nMeasured on {found['date']} by `ragthrift demo{' --all' if count > 12 else ''}` on the "
        "embedded demo set. Gemma 3 270M answers, a tiny base model: its answers are often wrong, "
        "before and after. Dollars are the exact tokens at a published price."
    )
    return "\n".join([*lines, note]) + "\n"


def _row(label: str, found: dict[str, Any], field: str, form: str) -> str:
    cells = [form.format(side[field]) for name in _FRAMEWORKS for side in found[name]]
    return f"| {label} | " + " | ".join(cells) + " |"


def with_table(readme: str, found: dict[str, Any]) -> str:
    """The README with its table replaced."""
    return _TABLE.sub(lambda match: match[1] + table(found) + match[2], readme)


def main() -> None:
    """Write the README's table."""
    readme = ROOT / "README.md"
    readme.write_text(with_table(readme.read_text(), json.loads(RESULTS.read_text())))


if __name__ == "__main__":
    main()
