"""Who decides whether a near neighbour's answer may be served."""

import logging
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Protocol

from ragthrift.cache.serving.neighbour import Label, Neighbour, Serving
from ragthrift.cache.serving.policy import ServingPolicy
from ragthrift.cache.store import Store
from ragthrift.errors import InputError

log = logging.getLogger(__name__)


class Policy(Protocol):
    """Decides on neighbours, and learns from what the model says on a miss."""

    def decide(self, question: str, neighbours: Sequence[Neighbour]) -> Serving:
        """Serve the best neighbour, or say why not; `neighbours` has the most similar first."""
        ...

    def learn(
        self, question: str, neighbours: Sequence[Neighbour], answer: str, *, serving: Serving
    ) -> Label:
        """Compare a fresh answer with the neighbours that `decide` was given."""
        ...

    def explain(self, question: str, neighbours: Sequence[Neighbour]) -> str:
        """The decision in words, without taking it."""
        ...

    def state(self) -> Mapping[str, object]:
        """What was learnt, as JSON can hold it."""
        ...


class NeverServe:
    """The policy of an exact cache: no neighbour is near enough.

    >>> NeverServe().decide("Soup?", []).serve
    False
    """

    def decide(self, question: str, neighbours: Sequence[Neighbour]) -> Serving:  # noqa: ARG002
        """Refuse."""
        return Serving(None, False, 0.0, "only the same question is served")

    def learn(
        self,
        question: str,  # noqa: ARG002
        neighbours: Sequence[Neighbour],  # noqa: ARG002
        answer: str,  # noqa: ARG002
        *,
        serving: Serving,  # noqa: ARG002
    ) -> Label:
        """Learn nothing."""
        return Label("unknown", None)

    def explain(self, question: str, neighbours: Sequence[Neighbour]) -> str:  # noqa: ARG002
        """The one reason there is."""
        return "not served: only the same question is"

    def state(self) -> Mapping[str, object]:
        """Nothing to keep."""
        return {}


def default_policy(*, shadow: bool) -> Policy:
    """A `ServingPolicy`; in shadow mode it audits all, since the model is called anyway."""
    return ServingPolicy(audit_share=1.0) if shadow else ServingPolicy()


def resumed(policy: Policy, store: Store) -> Policy:
    """The policy; a `ServingPolicy` that is new takes over what was learnt with this store."""
    if not isinstance(policy, ServingPolicy) or policy.taught:
        return policy
    try:
        state = store.saved_state()
        if state is not None:
            policy.adopt(state)
    except (InputError, LookupError, TypeError, ValueError, sqlite3.Error) as error:
        log.warning("what was learnt before cannot be read, learning anew: %s", error)
    return policy
