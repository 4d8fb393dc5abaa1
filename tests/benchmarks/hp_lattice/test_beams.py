import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.hp_lattice.beams import Beam, Beams, draw_children, with_largest
from selfplay.agent import Agent
from selfplay.config import Config, SearchConfig
from selfplay.search.model import constant_evaluator
from selfplay_envs.science.hp_lattice import HPLattice

WALKS_OF_7 = 2172
"""Self-avoiding walks of 7 steps on the square lattice (OEIS A001411)."""


def test_each_different_fold_is_drawn_once():
    env = HPLattice(length=10, min_length=8)
    agent = Agent(env, constant_evaluator(env), (), Config(env="hp_lattice"))
    beams = Beams(agent, SearchConfig(num_simulations=2))
    folds = beams.folds("HPHPPHPH", count=300, seed=0, batch=100)
    assert len(set(folds)) == len(folds)
    # Four headings of the first step; all folds but the straight one have a mirror image.
    assert len(folds) == (WALKS_OF_7 // 4 + 1) // 2
    assert all(fold.strip("S")[:1] in ("L", "") for fold in folds)


def test_draws_are_in_proportion_and_without_replacement():
    """First and second draw of six leaves, two levels deep, against their closed form."""
    first_level, second_level = (
        jnp.float32([0.7, 0.3]),
        jnp.float32([[0.2, 0.3, 0.5], [0.6, 0.4, 0]]),
    )
    leaves = np.asarray(first_level[:, None] * second_level).reshape(-1)

    def draw(key: jax.Array) -> jax.Array:
        keys = jax.random.split(key)
        there = jnp.float32([0, -jnp.inf])
        root = Beam((), jnp.zeros((2, 2), jnp.int32), there, there)
        beam, one = draw_children(keys[0], root, jnp.log(jnp.stack([first_level] * 2)))
        beam = beam.replace(actions=beam.actions.at[:, 0].set(one))
        beam, two = draw_children(keys[1], beam, jnp.log(second_level)[one])
        return 3 * beam.actions[:, 0] + two

    draws = 20_000
    found = np.asarray(jax.jit(jax.vmap(draw))(jax.random.split(jax.random.key(0), draws)))
    assert (found[:, 0] != found[:, 1]).all()
    second = np.array(
        [sum(leaves[j] * leaves[i] / (1 - leaves[j]) for j in range(6) if j != i) for i in range(6)]
    )
    for column, share in ((0, leaves), (1, second)):
        counts = np.bincount(found[:, column], minlength=6)
        expected = draws * share
        possible = expected > 0
        assert counts[~possible].sum() == 0
        distance = ((counts - expected)[possible] ** 2 / expected[possible]).sum()
        assert distance < 20.5  # one chance in a thousand, 5 degrees of freedom at most


def test_largest_is_as_said_and_what_is_not_there_stays_so():
    gumbel = jax.random.gumbel(jax.random.key(1), (50, 4)).at[:, 3].set(-jnp.inf)
    largest = jnp.linspace(-2, 10, 50, dtype=jnp.float32).at[7].set(-jnp.inf)
    moved = with_largest(gumbel, largest)
    np.testing.assert_array_equal(moved.max(axis=1), largest)
    assert (moved[:, 3] == -jnp.inf).all() and not jnp.isnan(moved).any()
    np.testing.assert_array_equal(jnp.argsort(moved[8:, :3]), jnp.argsort(gumbel[8:, :3]))
