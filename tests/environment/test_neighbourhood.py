"""Problems like one, as an environment: its levels are they, all else is as it was."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.environment import Environment, make
from selfplay.environment.neighbourhood import Neighbourhood
from selfplay_envs.science.addition import Addition

LAWS = {"init", "step", "legal_action_mask", "to_value", "from_value"}
"""What the base class does by what environments hand on."""

NEVER_ASKED = {"neighbours", "solved_positions", "from_open_spiel"}
"""Of its own neighbours, of truth on positions of no problem, of games of two."""


class Sums(Addition):
    """With sums like one: its first summand, and others."""

    def neighbours(self, problem, count, seed):
        """Those with the same first summand."""
        first = self.format_problem(problem).split("+")[0]
        return [self.parse_problem(f"{first}+{second}") for second in range(min(count, 10))]


NAME = f"practice:{__name__}:Sums"


@pytest.fixture(scope="module")
def env():
    return make(NAME, problem="3+4", digits=1)


def test_all_that_an_environment_may_offer_is_handed_on():
    offered = {
        name
        for name in dir(Environment)
        if callable(getattr(Environment, name)) and not name.startswith("__")
    }
    private = {"_start", "_play", "_legal"}
    asked = {name for name in offered if not name.startswith("_")} | private
    assert asked - LAWS - NEVER_ASKED <= set(vars(Neighbourhood))


def test_each_problem_is_a_level_and_the_one_itself_has_more(env):
    assert (env.num_neighbours, env.num_levels) == (10, 11)
    key = jax.random.key(0)
    drawn = [env.sample_problem_at(key, jnp.int32(level), "train") for level in range(11)]
    assert [env.format_problem(one) for one in drawn] == [*(f"3+{n}" for n in range(10)), "3+4"]
    assert env.format_problem(env.sample_problem(key)) in {f"3+{n}" for n in range(10)}


def test_what_is_held_out_stays_so(env):
    key = jax.random.key(1)
    expected = Addition(digits=1).sample_problem(key, "held_out")
    for drawn in (
        env.sample_problem(key, "held_out"),
        env.sample_problem_at(key, jnp.int32(3), "held_out"),
    ):
        assert np.array_equal(drawn, expected)


def test_the_rules_are_the_same(env):
    inner = Addition(digits=1)
    problem = inner.parse_problem("3+4")
    state, expected = env.init(problem), inner.init(problem)
    for action in (7, 0):
        state = env.step(problem, state, jnp.int32(action))
        expected = inner.step(problem, expected, jnp.int32(action))
    assert jax.tree.all(jax.tree.map(jnp.array_equal, state, expected))
    assert bool(env.solved(problem, state))


def test_the_number_of_problems_can_be_chosen():
    assert make(NAME, problem="3+4", neighbours=4, digits=1).num_levels == 4


def test_without_neighbours_it_is_refused():
    with pytest.raises(ValueError, match=r"Addition would have to define neighbours\(problem"):
        make("practice:addition", problem="3+4")
