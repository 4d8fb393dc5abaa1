"""Hindsight on sums, against Python's integers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.environment import registry
from selfplay.environment.verifier import Verdict
from selfplay.operators.contract import OPERATORS
from selfplay.operators.episodes import Labeller
from selfplay.operators.hindsight import both, has_hindsight, in_hindsight
from selfplay.operators.raw import Raw
from selfplay_envs.science.addition import is_held_out
from tests import worlds

ADDITION = registry.make("addition", digits=2)


def guess(params, keys, problem, state):
    """Any digit."""
    return jnp.zeros((keys.shape[0], 10)), jnp.zeros(keys.shape[0])


@jax.jit
def play():
    index = jnp.arange(256, dtype=jnp.int32)
    episodes = Labeller(ADDITION, Raw(ADDITION, guess)).play(
        (), jax.random.key(0), index, jnp.int32(3)
    )
    return episodes, in_hindsight(ADDITION, episodes, jnp.int32(3))


def test_what_counts_is_solved_by_the_judge_and_was_not_before():
    episodes, others = play()
    verifier = ADDITION.verifier()
    targets = others.samples.targets
    counts = np.asarray(targets.weight > 0)
    assert 20 < counts.any(0).sum() < 256
    for b in np.flatnonzero(counts.any(0)):
        written = np.asarray(episodes.samples.action)[counts[:, b], b].tolist()
        assert verifier.verify(np.asarray(others.problem)[b], written) is Verdict.ACCEPTED
        assert verifier.verify(np.asarray(episodes.problem)[b], written) is Verdict.REJECTED
    assert (np.asarray(targets.value)[counts] == 1.0).all()
    assert (np.asarray(targets.action_weights).argmax(-1) == others.samples.action)[counts].all()
    assert (targets.provenance.operator == OPERATORS.index("hindsight")).all()
    assert (targets.provenance.generation == 3).all()


def test_only_problems_of_training_are_answered():
    _, others = play()
    counts = np.asarray(others.samples.targets.weight > 0).any(0)
    held_out = np.asarray(jax.vmap(is_held_out)(others.problem))
    assert not held_out[counts].any()


def test_the_states_are_those_of_the_new_problem_from_its_beginning():
    _, others = play()
    counts = np.asarray(others.samples.targets.weight > 0).any(0)
    one = int(np.flatnonzero(counts)[0])
    problem = others.problem[one]
    state = ADDITION.init(problem)
    for t in range(int(others.final.step_count[one])):
        here = jax.tree.map(lambda x, t=t: x[t, one], others.samples.targets.state)
        for a, b in zip(jax.tree.leaves(state), jax.tree.leaves(here), strict=True):
            np.testing.assert_array_equal(a, b)
        state = ADDITION.step(problem, state, others.samples.action[t, one])
    assert state.ended and state.rewards[0] == 1.0


def test_both_are_side_by_side_with_episodes_of_their_own():
    episodes, others = play()
    joined = both(episodes, others)
    number = np.asarray(joined.samples.episode)[0]
    assert number.tolist() == [*range(256), *range(-1, -257, -1)]
    assert joined.returns.shape == (512, 1)


def test_who_knows_of_none_says_so():
    spell = worlds.Spell(length=3)
    assert has_hindsight(ADDITION) and not has_hindsight(spell)
    labeller = Labeller(spell, Raw(spell, lambda *_: (jnp.zeros((4, 3)), jnp.zeros(4))))
    episodes = labeller.play((), jax.random.key(0), jnp.arange(4, dtype=jnp.int32), jnp.int32(0))
    with pytest.raises(ValueError, match="Spell does not say what an episode has solved"):
        in_hindsight(spell, episodes, jnp.int32(0))
