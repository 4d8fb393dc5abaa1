"""Problems like one, as an environment: its levels are they, all else is as it was."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.config import Config, PracticeConfig
from selfplay.environment import Environment, make
from selfplay.run.program import make_program
from selfplay_envs.science.addition import Addition

OWN = {"num_levels", "sample_problem", "sample_problem_at", "neighbours", "solved_positions"}


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


def test_all_that_an_environment_may_offer_is_handed_on(env):
    offered = {name for name in dir(env.env) if hasattr(Environment, name) and name[0] != "_"}
    facts = {"num_actions", "num_players", "max_steps", "observation_spec", "version"}
    assert facts | {"oracle", "hindsight", "certifier", "init"} <= offered | facts
    for name in (offered | facts) - OWN:
        assert getattr(env, name) == getattr(env.env, name), name
    assert env.solved_positions() is None


def test_who_has_no_heuristic_has_none_here(env):
    practice = PracticeConfig(search_every=1, num_problems=2, heuristic_weight=1.0)
    arguments = {"problem": "3+4", "digits": 1}
    with pytest.raises(ValueError, match="for environments with a heuristic"):
        make_program(Config(env=NAME, env_args=arguments, practice=practice, num_devices=1))
    assert env.heuristic.__func__ is Environment.heuristic


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
    with pytest.raises(ValueError, match=r"Addition makes none: .* a larger --budget"):
        make("practice:addition", problem="3+4")
