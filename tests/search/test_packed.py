"""States as bytes and back."""

import jax
import jax.numpy as jnp
import numpy as np

from selfplay.environment import make
from selfplay.environment.checks import games
from selfplay.search.packed import Packing


def test_bytes_become_the_same_states():
    env = make("hp_lattice", length=12, min_length=12)
    played = games.play(env, 16, seed=0, num_steps=6)
    states = jax.device_get(jax.tree.map(lambda x: x[3], played.states))
    packing = Packing(jax.eval_shape(env.init, jax.tree.map(lambda x: x[0], played.problem)))
    packed = packing.pack(states)
    back = packing.unpack(packed)
    assert jax.tree.structure(back) == jax.tree.structure(states)
    for a, b in zip(jax.tree.leaves(back), jax.tree.leaves(states), strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.dtype == b.dtype


def test_equal_are_those_from_which_the_same_can_be_done():
    """What a step paid and when it was made do not count; what lies on the board does."""
    env = make("hp_lattice", length=12, min_length=12)
    problem = env.parse_problem("HPHPPHHPHPPH")
    state = env.init(problem)
    packing = Packing(state)
    later = state.replace(step_count=jnp.int16(7), rewards=jnp.full(1, 0.5))
    other = state.replace(contacts=jnp.int8(1))
    rows = jax.tree.map(lambda *x: np.stack(x), state, later, other)
    first, second, third = (packed[: packing.identity] for packed in packing.pack(rows))
    assert first == second
    assert first != third
