"""`ragthrift demo`: one RAG application in two frameworks, before and after a lever."""

__all__: list[str] = []
