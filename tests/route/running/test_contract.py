"""The router keeps what every router promises."""

from ragthrift.protocols import Router as Routes
from ragthrift.route import Router
from ragthrift.testing import RouterContract
from tests.route.running.fakes import Expects

KNOWN = Expects({"cheap": 0.7, "middle": 0.75, "strong": 0.9})


class TestRouter(RouterContract):
    def make(self) -> Routes:
        return Router(self.tiers)


class TestRouterThatKnowsItsTiers(RouterContract):
    def make(self) -> Routes:
        return Router(self.tiers, model=KNOWN, on_error="raise")


class TestRouterOfOneTier(RouterContract):
    tiers = RouterContract.tiers[:1]

    def make(self) -> Routes:
        return Router(self.tiers)
