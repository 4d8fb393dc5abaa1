"""Finds finite magmas in which one law holds and another fails, on the host, without a network.

`smallest` looks through all tables of two elements, then of three. `backtracking` fills a table
cell by cell, with what follows from instances of the hypothesis that have one value left: a plain
finite model finder (J. Zhang and H. Zhang 1995, "SEM: a system for enumerating models").
"""

import dataclasses
import itertools
from collections.abc import Iterator, Mapping

import numpy as np

from selfplay_envs.proofs.magma import Law, Term, variables

Cell = tuple[int, int]

ALL_TABLES = 3
"""Elements of the largest magmas of which all tables are looked at: there are 3⁹ = 19,683."""

_AT_ONCE = 1 << 16
"""Values that are reckoned with together."""


@dataclasses.dataclass(frozen=True)
class Search:
    """What became of one."""

    table: np.ndarray | None
    """int64 [n, n]: the magma; None if none was found."""
    nodes: int
    """Tables that were looked at, partly filled ones too."""
    exhausted: bool
    """Whether there is none of this size."""


def smallest(hypothesis: Law, conclusion: Law, most: int = ALL_TABLES) -> np.ndarray | None:
    """The first table of two, or else of three elements, int64 [n, n]; None if there is none.

    Looks at all of them, of at most `most` elements; this takes some ten milliseconds.
    """
    for n in range(2, min(most, ALL_TABLES) + 1):
        tables = models(hypothesis, n)
        refuting = ~holding(conclusion, tables)
        if refuting.any():
            return tables[refuting.argmax()]
    return None


def models(law: Law, elements: int) -> np.ndarray:
    """All tables of so many elements, at most ALL_TABLES, in which a law holds: int64 [N, n, n]."""
    tables = np.indices((elements,) * elements**2).reshape(elements**2, -1).T
    tables = tables.reshape(-1, elements, elements)
    return tables[holding(law, tables)]


def holding(law: Law, tables: np.ndarray) -> np.ndarray:
    """bool [N]: tables [N, n, n] in which a law holds."""
    names = sorted({*variables(law.left), *variables(law.right)})
    n, left, start = tables.shape[1], np.arange(len(tables)), 0
    while len(left) and start < n ** len(names):  # instances are asked of tables that are left
        places = np.arange(start, min(start + max(_AT_ONCE // len(left), 1), n ** len(names)))
        given = {v: places[None] // n**i % n for i, v in enumerate(names)}
        sides = [_values(side, tables[left], given) for side in law.sides]
        equal = np.broadcast_to((sides[0] == sides[1]).all(1), left.shape)
        left, start = left[equal], start + len(places)
    return np.isin(np.arange(len(tables)), left)


def _values(term: Term, tables: np.ndarray, given: Mapping[int, np.ndarray]) -> np.ndarray:
    """The term's values in each table, int64 [N, I] or [1, I], given its variables' [1, I]."""
    if isinstance(term, int):
        return given[term]
    left, right = (_values(part, tables, given) for part in term)
    return tables[np.arange(len(tables))[:, None], left, right]


def backtracking(
    hypothesis: Law,
    conclusion: Law,
    elements: int,
    *,
    max_nodes: int = 10_000,
    cells: Mapping[Cell, int] | None = None,
    witness: Mapping[int, int] | None = None,
) -> Search:
    """Looks for a magma of so many elements.

    Args:
        hypothesis: what holds in it.
        conclusion: what fails in it.
        elements: how many, n.
        max_nodes: tables that may be looked at; as many for each way in which the values of the
            conclusion's variables may be equal or not.
        cells: products that are given.
        witness: values of some of the conclusion's variables at which it fails.
    """
    search = _Backtracking(hypothesis, conclusion, elements)
    names = sorted({*variables(conclusion.left), *variables(conclusion.right)})
    free = not cells and not witness
    witnesses = _witnesses(names, elements) if free else _completed(witness or {}, names, elements)
    nodes, exhausted = 0, True
    for values in witnesses:
        used = max(values.values()) + 1 if free else elements
        one = search.run(values, cells or {}, used, max_nodes)
        nodes, exhausted = nodes + one.nodes, exhausted and one.exhausted
        if one.table is not None:
            return Search(one.table, nodes, exhausted=False)
    return Search(None, nodes, exhausted)


def _witnesses(names: list[int], elements: int) -> Iterator[dict[int, int]]:
    """Values of variables up to renaming of elements, those with most different ones first."""
    rows = [
        row
        for row in itertools.product(range(elements), repeat=len(names))
        if all(value <= max(row[:i], default=-1) + 1 for i, value in enumerate(row))
    ]
    for row in sorted(rows, key=lambda row: -max(row)):
        yield dict(zip(names, row, strict=True))


def _completed(
    given: Mapping[int, int], names: list[int], elements: int
) -> Iterator[dict[int, int]]:
    """All values of variables with those that are given."""
    for row in itertools.product(range(elements), repeat=len(names)):
        values = dict(zip(names, row, strict=True))
        if given.items() <= values.items():
            yield values


class _Backtracking:
    """Tables are int64 [n + 1, n + 1], n for what is not known; its row and column stay so."""

    def __init__(self, hypothesis: Law, conclusion: Law, elements: int):
        self.hypothesis, self.conclusion, self.n = hypothesis, conclusion, elements
        names = sorted({*variables(hypothesis.left), *variables(hypothesis.right)})
        grid = np.indices((elements,) * len(names)).reshape(len(names), -1)
        self.given = dict(zip(names, grid, strict=True))
        self.order = sorted(np.ndindex(elements, elements), key=lambda cell: (max(cell), cell))

    def run(
        self, witness: dict[int, int], cells: Mapping[Cell, int], used: int, max_nodes: int
    ) -> Search:
        """Of one way in which the conclusion fails."""
        table = np.full((self.n + 1, self.n + 1), self.n)
        for cell, value in cells.items():
            table[cell] = value
        where = {v: np.array([value]) for v, value in witness.items()}
        waiting, nodes = [(table, used)], 0
        while waiting and nodes < max_nodes:
            table, used = waiting.pop()
            nodes += 1
            if not self.propagate(table) or self.holds_at(where, table):
                continue
            cell = next((c for c in self.order if table[c] == self.n), None)
            if cell is None:
                return Search(table[: self.n, : self.n], nodes, exhausted=False)
            used = max(used, max(cell) + 1)
            # Elements that nothing speaks of yet are all alike: one of them is enough.
            for value in reversed(range(min(used + 1, self.n))):
                further = table.copy()
                further[cell] = value
                waiting.append((further, max(used, value + 1)))
        return Search(None, nodes, exhausted=not waiting)

    def propagate(self, table: np.ndarray) -> bool:
        """Fills what an instance of the hypothesis leaves no choice for; False if one fails."""
        n, flat = self.n, table.reshape(-1)
        while True:
            (left, left_cell), (right, right_cell) = (
                _evaluated(side, table, self.given) for side in self.hypothesis.sides
            )
            if ((left != right) & (left < n) & (right < n)).any():
                return False
            changed = False
            for value, other, cell in ((left, right, right_cell), (right, left, left_cell)):
                if cell is not None:
                    forced = (
                        (value < n) & (other == n) & (cell // (n + 1) < n) & (cell % (n + 1) < n)
                    )
                    if forced.any():
                        flat[cell[forced]] = value[forced]
                        changed = True
            if not changed:
                return True

    def holds_at(self, where: dict[int, np.ndarray], table: np.ndarray) -> bool:
        """Whether the conclusion holds where it should fail."""
        (left, _), (right, _) = (_evaluated(side, table, where) for side in self.conclusion.sides)
        return bool(left[0] == right[0] < self.n) or self.conclusion.left == self.conclusion.right


def _evaluated(
    term: Term, table: np.ndarray, given: dict[int, np.ndarray]
) -> tuple[np.ndarray, np.ndarray | None]:
    """Values [I], n where unknown, and of a product the flat index of its cell."""
    if isinstance(term, int):
        return given[term], None
    (left, _), (right, _) = (_evaluated(part, table, given) for part in term)
    return table[left, right], left * len(table) + right
