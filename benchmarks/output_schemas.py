"""The shapes that the broken answers of `benchmarks/breakages` were to have."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Dish(BaseModel):
    """A flat one."""

    model_config = ConfigDict(extra="forbid")
    name: str
    price: float
    vegan: bool = False
    tags: list[str] = []
    served: int | None = None


class Owner(BaseModel):
    """Part of a ticket."""

    model_config = ConfigDict(extra="forbid")
    name: str
    team: str | None = None


class Ticket(BaseModel):
    """A nested one with a choice."""

    model_config = ConfigDict(extra="forbid")
    title: str
    priority: Literal["low", "medium", "high"]
    owner: Owner
    steps: list[str]


class Cited(BaseModel):
    """What a RAG chain asks for."""

    model_config = ConfigDict(extra="forbid")
    answer: str
    sources: list[str]
    confidence: float | None = None


class Row(BaseModel):
    """Part of a table."""

    model_config = ConfigDict(extra="forbid")
    item: str
    amount: int


class Table(BaseModel):
    """A list of objects."""

    model_config = ConfigDict(extra="forbid")
    rows: list[Row]


SCHEMAS: dict[str, type[BaseModel]] = {
    "dish": Dish,
    "ticket": Ticket,
    "cited": Cited,
    "table": Table,
}
