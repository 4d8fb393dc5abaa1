"""A search from two ends, on numbers that are doubled and counted up until they are equal."""

import itertools

import jax
import jax.numpy as jnp
import pytest

from selfplay.environment.contract import Environment, State
from selfplay.environment.ends import Ends
from selfplay.environment.observation import ArraySpec
from selfplay.search.best_first import best_first
from selfplay.search.model import constant_evaluator

MODULUS = 1_009


class PairState(State):
    numbers: jax.Array
    """int32 [2]."""


class OneEnd(Environment[PairState]):
    """Two numbers: moves 0 and 1 add one to the first or double it, 2 and 3 the second. They are
    residues of MODULUS; whoever makes them equal has won.
    """

    num_actions = 4
    num_players = 1
    observation_spec = ArraySpec((2,))

    def __init__(self, max_steps: int = 40):
        self.max_steps = max_steps

    def sample_problem(self, key, split="train"):
        return jnp.array([1, 500], jnp.int32)

    def _start(self, problem):
        return PairState.start(1, numbers=problem)

    def _legal(self, problem, state):
        return jnp.ones(4, jnp.bool_)

    def _play(self, problem, state, action):
        numbers = state.numbers.at[action // 2].set(moved(state.numbers)[action])
        met = numbers[0] == numbers[1]
        return state.replace(
            numbers=numbers, terminated=met, rewards=jnp.where(met, 1.0, 0.0)[None]
        )

    def observe(self, problem, state):
        return state.numbers.astype(jnp.float32)


class TwoEnds(OneEnd):
    """It says so, but of the moves in `unknown`."""

    unknown: tuple[int, ...] = ()

    def ends(self, problem, state):
        known = jnp.array([action not in self.unknown for action in range(4)])
        return Ends(
            keys=keyed(state.numbers),
            end=jnp.array([0, 0, 1, 1], jnp.int8),
            after=keyed(moved(state.numbers)),
            is_known=known,
        )


class NoDoubles(TwoEnds):
    """Where doubling leads, nobody knows before."""

    unknown = (1, 3)


class Liar(TwoEnds):
    """Its keys are equal whatever the numbers are."""

    def ends(self, problem, state):
        ends = super().ends(problem, state)
        return ends.replace(keys=ends.keys % 2 + 1, after=ends.after * 0 + 3)


def moved(numbers):
    """int32 [4]: what each move makes of its number."""
    first, second = numbers
    return jnp.stack([first + 1, 2 * first, second + 1, 2 * second]) % MODULUS


def keyed(numbers):
    """uint32 [N, 2]: keys of numbers [N]; not 0."""
    return jnp.stack([numbers + 1, 7 * numbers], axis=-1).astype(jnp.uint32)


def distance(problem: tuple[int, int]) -> int:
    """Moves of the shortest way on which both meet, by hand: what is reached in so many moves."""
    reached = [{problem[0]: 0}, {problem[1]: 0}]
    for steps in itertools.count(1):
        for known in reached:
            for number in [n for n, at in known.items() if at == steps - 1]:
                for after in ((number + 1) % MODULUS, 2 * number % MODULUS):
                    known.setdefault(after, steps)
        both = reached[0].keys() & reached[1].keys()
        if both:
            best = min(reached[0][n] + reached[1][n] for n in both)
            if best <= steps:
                return best
    raise AssertionError


def solves(env, problem, actions) -> bool:
    """Whether they do, played by the rules."""
    state = env.init(problem)
    for action in actions:
        assert not bool(state.ended)
        state = env.step(problem, state, jnp.int32(action))
    return bool(env.solved(problem, state))


PAIRS = [(1, 500), (3, 1_000), (700, 20), (9, 11)]


@pytest.mark.parametrize("make", [TwoEnds, NoDoubles])
def test_both_ends_meet(make):
    """By ways that the rules confirm, after fewer states than a search of pairs judges."""
    env, problems = make(), jnp.array(PAIRS, jnp.int32)
    options = {"budget": 2_000, "at_once": 4}
    found = best_first(env, constant_evaluator(env), (), problems, **options)
    alone = best_first(OneEnd(), constant_evaluator(env), (), problems, **options)
    for problem, pair, one, other in zip(problems, PAIRS, found, alone, strict=True):
        assert one.actions is not None
        assert solves(env, problem, one.actions)
        assert list(one.actions) == sorted(one.actions, key=lambda action: action // 2)
        assert distance(pair) <= len(one.actions)
        assert one.evaluations <= other.evaluations
    assert sum(one.evaluations for one in found) < sum(one.evaluations for one in alone) / 4


def test_a_state_moves_one_end_alone():
    """So there are no more states than twice the residues, not the square of them."""
    env = Never()
    found = best_first(
        env, constant_evaluator(env), (), jnp.array([PAIRS[0]], jnp.int32), budget=10_000
    )
    assert found[0].exhausted
    assert found[0].evaluations == 2 * MODULUS - 1


class Never(TwoEnds):
    """No end is like another, and nothing is solved."""

    def __init__(self):
        super().__init__(max_steps=2_000)

    def _play(self, problem, state, action):
        after = super()._play(problem, state, action)
        return after.replace(
            terminated=jnp.bool_(False), rewards=jnp.zeros(1), numbers=after.numbers
        )

    def ends(self, problem, state):
        ends = super().ends(problem, state)
        mark = jnp.array([[0, 0], [1, 0]], jnp.uint32) << 20
        return ends.replace(keys=ends.keys + mark, after=ends.after + mark[ends.end])


def test_ways_are_no_longer_than_is_allowed():
    """Neither by the problem's limit nor by the environment's."""
    problems, shortest = jnp.array([PAIRS[0]], jnp.int32), distance(PAIRS[0])
    for limit in (shortest, shortest - 1):
        for env, longest in ((TwoEnds(), [limit]), (TwoEnds(max_steps=limit), None)):
            found = best_first(
                env, constant_evaluator(env), (), problems, budget=2_100, longest=longest
            )
            assert (found[0].actions is not None) == (limit == shortest)


def test_what_the_rules_do_not_confirm_is_no_solution():
    env = Liar()
    found = best_first(
        env, constant_evaluator(env), (), jnp.array([PAIRS[0]], jnp.int32), budget=50
    )
    assert found[0].actions is None
