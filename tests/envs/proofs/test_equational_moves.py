"""Rewritings of terms with holes that no play has led to, against the slow rules."""

import random

import jax
import numpy as np
import pytest

from selfplay_envs.proofs.equational_moves import NOT_ALLOWED, rewritten, ways
from selfplay_envs.proofs.laws import laws
from selfplay_envs.proofs.magma import Law, Term, parse_law
from selfplay_envs.proofs.narrowing import holes, renumbered
from selfplay_envs.proofs.rewriting import num_nodes
from selfplay_envs.proofs.term_arrays import (
    LAW_NODES,
    law_table,
    padded,
    preorder,
    subterm_sizes,
    term_of,
)
from tests.envs.proofs.open_goals import any_term
from tests.reference.equational import MAX_HOLES, allowed

SIZE, SIDES = 31, 256


def table(law: Law):
    left, right = map(preorder, law.sides)
    return law_table(padded(left + right, LAW_NODES), np.int8(len(left)))


@pytest.fixture(scope="module")
def tried() -> tuple[list[tuple[Law, Term]], np.ndarray]:
    """Laws and sides, and what `ways` says of them."""
    rng = random.Random(0)
    cases = []
    while len(cases) < SIDES:
        leaves = [0, 1, 2] + [-1, -2, -3, -4, -5, -6] * rng.randint(0, 2)
        side = renumbered(any_term(rng, rng.choice([2, 4, 6, 14]), leaves))
        if len(holes(side)) <= MAX_HOLES:
            cases.append((rng.choice(laws()), side))
    tables = jax.tree.map(lambda *rows: np.stack(rows), *(table(law) for law, _ in cases))
    codes = np.stack([padded(preorder(side), SIZE) for _, side in cases])
    sizes = jax.vmap(subterm_sizes)(codes)
    return cases, np.asarray(jax.jit(jax.vmap(ways))(tables, codes, sizes))


def test_growth_is_that_of_the_slow_rules(tried):
    counted = 0
    for (law, side), grown in zip(*tried, strict=True):
        outcomes = allowed(law, side, SIZE)
        found = {(d, p): int(n) for (d, p), n in np.ndenumerate(grown) if n != NOT_ALLOWED}
        assert found == {
            key: num_nodes(outcome) - num_nodes(side) for key, outcome in outcomes.items()
        }
        counted += len(found)
    assert counted > 1_000


def test_what_is_rewritten_is_too(tried):
    rng, rows = random.Random(1), []
    for law, side in tried[0]:
        if outcomes := allowed(law, side, SIZE):
            rows += [(law, side, *rng.choice(sorted(outcomes.items())))]
    tables = jax.tree.map(lambda *each: np.stack(each), *(table(law) for law, *_ in rows))
    codes = np.stack([padded(preorder(side), SIZE) for _, side, *_ in rows])
    directions, places = np.array([key for *_, key, _ in rows], np.int32).T
    found = jax.jit(jax.vmap(rewritten))(
        tables, codes, jax.vmap(subterm_sizes)(codes), directions, places
    )
    for (*_, outcome), there in zip(rows, np.asarray(found), strict=True):
        assert term_of(there) == outcome


@pytest.mark.parametrize(
    ("law", "side", "place", "why"),
    [
        ("x * (x * y) = y", (-1, -1), 0, "a term that is a part of itself"),
        ("x = y * x", (-1, 0), 1, "a hole that occurs once"),
        ("(x * y) * z = x", (0, 1), 0, "a constant is no product"),
        ("x = (y * z) * (w * u)", (-1, (-2, (-3, (-1, (-2, -3))))), 1, "a seventh hole"),
    ],
)
def test_what_is_not_allowed(law, side, place, why):
    codes = padded(preorder(side), SIZE)
    grown = ways(table(parse_law(law)[0]), codes, subterm_sizes(codes))
    assert grown[0, place] == NOT_ALLOWED, why
