"""What the responses of one call tell besides their text."""

from dataclasses import dataclass, field

from llama_index_ragthrift.cache.endings import Ending, Said
from llama_index_ragthrift.route.usage import more_of, usage_of
from ragthrift import Usage
from ragthrift.types import FinishReason


@dataclass(slots=True)
class Telling:
    """Usage and ending, of one response or of all pieces of a stream: the last may be silent."""

    usage: Usage | None = None
    _ending: Ending = field(default_factory=Ending)

    def hear(self, said: Said) -> None:
        """Take in a response."""
        self._ending.hear(said)
        self.usage = more_of(self.usage, usage_of(said))

    @property
    def finish_reason(self) -> FinishReason:
        """How it ended."""
        return self._ending.to_fresh("").finish_reason
