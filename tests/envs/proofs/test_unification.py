"""Whether terms can be made equal, against unification in plain Python."""

import random

import jax
import numpy as np

from selfplay_envs.proofs.magma import Term
from selfplay_envs.proofs.narrowing import filled, holes, renumbered, unify
from selfplay_envs.proofs.term_arrays import MAX_HOLES, padded, preorder, subterm_sizes
from selfplay_envs.proofs.unification import unifiable
from tests.envs.proofs.open_goals import any_term

SIZE, PAIRS = 31, 3_000


def any_pair(rng: random.Random) -> tuple[Term, Term]:
    """Of terms that have nothing to do with each other, or of one and what may be made of it."""
    leaves = [0, 1] + [-1, -2, -3, -4, -5, -6] * rng.randint(0, 3)
    left, right = (renumbered(any_term(rng, rng.randint(0, 6), leaves)) for _ in range(2))
    if rng.random() < 0.5:
        values = {h: any_term(rng, rng.randint(0, 2), [0, 1, -7, -8]) for h in holes(left)}
        right = renumbered(filled(left, values))
    return (left, right) if len(preorder(right)) <= SIZE else any_pair(rng)


def can_be_made_equal(left: Term, right: Term) -> bool:
    apart = {hole: hole - MAX_HOLES for hole in holes(right)}
    return unify(left, filled(right, apart)) is not None


def test_it_is_what_unification_says():
    rng = random.Random(0)
    pairs = [any_pair(rng) for _ in range(PAIRS)]
    codes = np.stack([[padded(preorder(side), SIZE) for side in pair] for pair in pairs])
    sizes = jax.vmap(jax.vmap(subterm_sizes))(codes)
    known = np.array([can_be_made_equal(*pair) for pair in pairs])
    assert PAIRS / 4 < known.sum() < 3 * PAIRS / 4
    np.testing.assert_array_equal(jax.jit(jax.vmap(unifiable))(codes, sizes), known)
