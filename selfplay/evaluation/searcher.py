"""Who decides, in a study of search: a guess, a way to search with it, and how long."""

import dataclasses
from typing import Literal

Evaluator = Literal["network", "untrained", "constant"]
Policy = Literal["gumbel", "puct"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Searcher:
    """Who decides: a guess, a way to search with it, and how long."""

    evaluator: Evaluator = "network"
    """The checkpoint's network, one as it is before training, or none: all moves alike."""
    iteration: int = 0
    """Of the checkpoint; 0 for the other evaluators."""
    value_noise: float = 0.0
    """Standard deviation of Gaussian noise on the evaluator's values."""
    policy: Policy | None = None
    """None where there is no search."""
    max_depth: int | None = None
    simulations: int = 0

    @property
    def raw(self) -> "Searcher":
        """Its guess, without a search."""
        return dataclasses.replace(self, policy=None, max_depth=None, simulations=0)

    @property
    def curve(self) -> "Searcher":
        """What it shares with those who only search longer or less long."""
        return dataclasses.replace(self, simulations=1)

    @property
    def program(self) -> "Searcher":
        """What it shares with those who differ in numbers alone: parameters and simulations."""
        evaluator = "constant" if self.evaluator == "constant" else "network"
        return dataclasses.replace(self.curve, evaluator=evaluator, iteration=0)

    @property
    def guess(self) -> str:
        """The evaluator, in words."""
        at = f"@{self.iteration}" if self.evaluator == "network" else ""
        noise = f", noise {self.value_noise:g}" if self.value_noise else ""
        return f"{self.evaluator}{at}{noise}"

    @property
    def search(self) -> str:
        """The way it searches, in words."""
        return f"{self.policy or 'alone'}{self._limit}"

    @property
    def name(self) -> str:
        """All of it, in words."""
        return f"{self.guess}, {self.searching(self.simulations)}"

    def searching(self, simulations: int) -> str:
        """The way it searches, with so many simulations, in words."""
        return "alone" if self.policy is None else f"{self.policy} {simulations}{self._limit}"

    @property
    def _limit(self) -> str:
        return "" if self.max_depth is None else f" to depth {self.max_depth}"
