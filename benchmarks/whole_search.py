"""Flags of the benchmarks that search problems whole, the same in all of them."""

import dataclasses
from typing import Annotated, Any

import tyro


@dataclasses.dataclass(frozen=True, kw_only=True)
class WholeSearch:
    """How each problem is searched, best-first; see `selfplay.search.best_first`."""

    budget: int
    """Evaluations of a problem."""
    at_once: int = 8
    """States of a problem evaluated together."""
    path_memory: float = 1.0
    """The share of a way's policy that each further step leaves."""
    value_weight: float = 0.0
    """Of the value, beside the policy."""
    heuristic_weight: float = 0.0
    """Of the environment's heuristic, likewise, where it has one, such as the total length."""
    dives: bool = False
    """Every other state is reached by following the policy to an end."""

    def options(self) -> dict[str, Any]:
        """For `best_first`."""
        return dataclasses.asdict(self)


Flags = Annotated[WholeSearch, tyro.conf.arg(name="")]
"""As a field of a benchmark's arguments: its flags are `--budget` and so on."""
