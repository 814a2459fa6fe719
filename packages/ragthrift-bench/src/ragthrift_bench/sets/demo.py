"""The demo set: questions on the handbook of a company that does not exist."""

from dataclasses import replace

from ragthrift_bench import handbook
from ragthrift_bench.cases import Case
from ragthrift_bench.corpus import retriever
from ragthrift_bench.sets.sampling import checked


def cases(*, passages: int = 10, seed: int = 0, limit: int | None = None) -> list[Case]:  # noqa: ARG001
    """The handbook's questions with what is retrieved for them; the first twelve are varied.

    `limit` takes the first, so that the seed changes nothing.
    """
    chosen = handbook.questions()[: checked(limit)]
    find = retriever(handbook.passages(), passages)
    return [replace(case, passages=tuple(find(case.question))) for case in chosen]
