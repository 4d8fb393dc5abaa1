"""Flags that benchmarks share are called as ever, and are what the search takes."""

import inspect

import pytest
import tyro

from benchmarks import problem_curves
from benchmarks.andrews_curtis import agent
from benchmarks.propositional import iltp, levels
from selfplay.search.best_first import BestFirst


@pytest.mark.parametrize(
    ("benchmark", "words", "budget", "at_once", "dives"),
    [
        (iltp, ["RUN"], 10_000, 1, True),
        (levels, ["RUN"], 100, 4, True),
        (agent, ["RUN"], 10_000, 8, False),
        (problem_curves, ["andrews_curtis", "RUN"], 1_000, 8, False),
    ],
)
def test_flags_of_searches(benchmark, words, budget, at_once, dives):
    defaults = tyro.cli(benchmark.Arguments, args=words).search
    assert (defaults.budget, defaults.at_once, defaults.dives) == (budget, at_once, dives)
    flags = "--budget 5 --at-once 2 --path-memory 0.5 --value-weight 1 --heuristic-weight 2"
    typed = [*words, *flags.split(), "--no-dives" if dives else "--dives"]
    given = tyro.cli(benchmark.Arguments, args=typed).search.options()
    assert list(given.values()) == [5, 2, 0.5, 1.0, 2.0, not dives]
    assert set(given) <= set(inspect.signature(BestFirst.__call__).parameters)
