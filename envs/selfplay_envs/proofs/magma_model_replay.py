"""Judges episodes of `magma_model` by a search of its own; shares no code with the environment.

The actions are choices: values of the conclusion's variables and products. The environment fills in
what follows from them; here a plain finder looks for a table that agrees with them, which is then
checked by plain definitions. What is accepted is a table and no more.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from selfplay.environment import Verdict, Verifier
from selfplay_envs.proofs import magma_finder, magma_models
from selfplay_envs.proofs.magma import Law, Term

MAX_NODES = 2_000
"""Tables that the finder may look at, for all values of variables that were not chosen."""

_VARIABLES = 6
"""Numbers of a law's table below this are variables."""


class Choices(NamedTuple):
    """What actions say."""

    hypothesis: Law
    conclusion: Law
    elements: int
    cells: dict[tuple[int, int], int]
    witness: dict[int, int]
    """Values of the conclusion's variables at which it fails."""


def completed(problem: Any, actions: Sequence[int], most: int) -> np.ndarray | None:
    """A table, int64 [n, n], that agrees with the actions and refutes; None if there is none.

    Args:
        problem: of `magma_model`.
        actions: in it.
        most: its `elements`.

    Raises:
        ValueError: the actions are none, or contradict each other.
        OverflowError: the search for the rest of the table came to no end.
    """
    choices = read(problem, actions, most)
    hypothesis, conclusion, elements, cells, witness = choices
    if not actions:
        raise ValueError("no choice was made")
    search = magma_finder.backtracking(
        hypothesis, conclusion, elements, max_nodes=MAX_NODES, cells=cells, witness=witness
    )
    if search.table is None and not search.exhausted:
        raise OverflowError(f"no table was found among {search.nodes}")
    if search.table is not None and not magma_models.refutes(search.table, hypothesis, conclusion):
        raise RuntimeError("the finder has found a table that refutes nothing: a fault in it")
    return search.table


def read(problem: Any, actions: Sequence[int], most: int) -> Choices:
    """What actions say of a problem. Raises ValueError where they contradict each other."""
    hypothesis, conclusion = law(problem.hypothesis), law(problem.conclusion)
    elements, num_variables = int(problem.elements), int(problem.conclusion.num_variables)
    cells: dict[tuple[int, int], int] = {}
    witness: dict[int, int] = {}
    for action in actions:
        unknown, value = divmod(int(action), most)
        row, column = divmod(unknown - _VARIABLES, most)
        if unknown < _VARIABLES:
            is_one, before = 0 <= unknown < num_variables, witness.setdefault(unknown, value)
        else:
            is_one = max(row, column) < elements
            before = cells.setdefault((row, column), value)
        if not is_one or value >= elements or before != value:
            raise ValueError(f"action {action} contradicts what was chosen, or is none here")
    return Choices(hypothesis, conclusion, elements, cells, witness)


def actions_of(table: np.ndarray, witness: dict[int, int], most: int) -> tuple[int, ...]:
    """A whole table, and where the conclusion fails, as actions; see `read`."""
    told = [v * most + value for v, value in witness.items()]
    return tuple(
        [*told]
        + [
            (_VARIABLES + row * most + column) * most + int(value)
            for (row, column), value in np.ndenumerate(table)
        ]
    )


def law(table: Any) -> Law:
    """The law of a `LawTable`."""
    products = [[int(part) for part in row] for row in np.asarray(table.products)]

    def term(number: int) -> Term:
        if number < _VARIABLES:
            return number
        left, right = products[number - _VARIABLES]
        return term(left), term(right)

    left, right = (term(int(side)) for side in table.sides)
    return Law(left, right)


class ModelVerifier(Verifier):
    """Says whether a table that refutes agrees with the choices of an episode.

    UNDECIDED where what the choices leave open takes the finder too long.
    """

    def __init__(self, most: int):
        """Of an environment with tables of up to so many elements."""
        self._most = most

    def verify(self, problem: Any, actions: Sequence[int]) -> Verdict:
        """Whether choices lead to a table in which one law holds and the other fails."""
        try:
            table = completed(problem, actions, self._most)
        except ValueError:
            return Verdict.REJECTED
        except OverflowError:
            return Verdict.UNDECIDED
        return Verdict.REJECTED if table is None else Verdict.ACCEPTED
