"""Magma models against all tables of few elements, the judge, and its own texts."""

import csv
import functools
import random

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.environment import Verdict
from selfplay_envs.proofs import magma_model_problems as problems
from selfplay_envs.proofs.law_table import VARIABLES, decode
from selfplay_envs.proofs.laws import duals, laws
from selfplay_envs.proofs.magma_model import MagmaModel
from tests.reference import magma_model as reference

BATCH = 256
MOST = 3

PAIRS = [
    "x ◇ y = y ◇ x ⊢ x = x ◇ x with 2 elements",
    "x = y ⊢ x = x ◇ x with 2 elements",
    "x = (y ◇ x) ◇ y ⊢ x ◇ y = y ◇ x with 3 elements",
    "x = x ◇ (x ◇ y) ⊢ x ◇ (y ◇ z) = (x ◇ y) ◇ z with 3 elements",
    "x = (y ◇ (x ◇ y)) ◇ y ⊢ x = x ◇ x with 3 elements",
    "(x ◇ y) ◇ (z ◇ w) = (x ◇ z) ◇ (y ◇ w) ⊢ x ◇ (x ◇ y) = y ◇ x with 2 elements",
    "x ◇ y = x ⊢ x = x ◇ x with 3 elements",
]
"""Refuted and not, of up to four variables."""


@functools.cache
def environment():
    return MagmaModel(elements=MOST, operations=6)


@functools.cache
def compiled():
    """`(start, advance)` of BATCH problems at once; both also give the legal actions."""
    env = environment()

    def with_mask(problem, state):
        return state, env.legal_action_mask(problem, state)

    def start(problem):
        return with_mask(problem, env.init(problem))

    def advance(problem, state, action):
        return with_mask(problem, env.step(problem, state, action))

    return jax.jit(jax.vmap(start)), jax.jit(jax.vmap(advance))


@functools.cache
def truth(text):
    """All that refutes a pair."""
    problem = environment().parse_problem(text)
    pair = decode(problem.hypothesis), decode(problem.conclusion)
    return reference.refutations(*pair, int(problem.elements))


def stacked(states):
    """BATCH of them, the last one again and again."""
    states = [*states, *(BATCH - len(states)) * [states[-1]]]
    return jax.tree.map(lambda *rows: np.stack(rows), *states)


def unknowns(problem):
    """Numbers of the environment's unknowns, in the reference's order."""
    elements = int(problem.elements)
    cells = [VARIABLES + MOST * a + b for a in range(elements) for b in range(elements)]
    return [*range(int(problem.conclusion.num_variables)), *cells]


def domains(problem, state):
    """The sets of values of each unknown, in the reference's order."""
    return [{v for v in range(MOST) if state.domains[i] >> v & 1} for i in unknowns(problem)]


def test_random_games_are_those_of_the_slow_rules():
    """No refutation that agrees with the choices is ever lost, and what is won is one."""
    start, advance = compiled()
    dice = random.Random(0)
    names = [PAIRS[game % len(PAIRS)] for game in range(56)]
    one_of_each = [jax.device_get(environment().parse_problem(name)) for name in names]
    batch = stacked(one_of_each)
    states, masks = jax.device_get(start(batch))
    left = [set(truth(name)) for name in names]
    used, running, results = [0] * 56, set(range(56)), []
    while running:
        actions = np.zeros(BATCH, np.int32)
        for game in sorted(running):
            problem, state = (jax.tree.map(lambda x: x[game], x) for x in (batch, states))  # noqa: B023
            known = domains(problem, state)
            assert all(row[i] in known[i] for row in left[game] for i in range(len(known)))
            if state.terminated:
                only = tuple(min(domain, default=-1) for domain in known)
                won = state.rewards[0] == 1
                assert left[game] == {only} if won else not left[game]
                results.append(int(state.rewards[0]))
                running.remove(game)
                continue
            elements, variables = int(problem.elements), int(problem.conclusion.num_variables)
            index, values, spoken_of = reference.next_unknown(
                known, variables, elements, used[game]
            )
            legal = [unknowns(problem)[index] * MOST + value for value in values]
            assert np.flatnonzero(masks[game]).tolist() == legal
            value = dice.choice(values)
            actions[game] = unknowns(problem)[index] * MOST + value
            left[game] = {row for row in left[game] if row[index] == value}
            used[game] = max(spoken_of, value + 1)
        states, masks = jax.device_get(advance(batch, states, actions))
    assert {-1, 0, 1} == set(results)  # 0: nothing could be done from the beginning


@pytest.mark.parametrize("name", PAIRS)
def test_some_line_of_play_refutes_exactly_where_something_does(name):
    """All lines are played, and the judge agrees."""
    start, advance = compiled()
    env = environment()
    problem = jax.device_get(env.parse_problem(name))
    batch = stacked([problem])
    state, mask = jax.device_get(start(batch))
    frontier = [(jax.tree.map(lambda x: x[0], state), mask[0], ())]
    won = []
    while frontier and not won:
        parents = [
            (s, way, a) for s, m, way in frontier for a in np.flatnonzero(m) if not s.terminated
        ]
        frontier = []
        for first in range(0, len(parents), BATCH):
            part = parents[first : first + BATCH]
            chosen = np.zeros(BATCH, np.int32)
            chosen[: len(part)] = [action for _, _, action in part]
            after, masks = jax.device_get(advance(batch, stacked([s for s, _, _ in part]), chosen))
            for row, (_, way, action) in enumerate(part):
                reached = jax.tree.map(lambda x: x[row], after)  # noqa: B023
                frontier.append((reached, masks[row], (*way, int(action))))
        won = [way for state, _, way in frontier if state.rewards[0] == 1]
        lost = [way for state, _, way in frontier if state.rewards[0] == -1]
        for way in lost[:3]:
            assert env.verifier().verify(problem, way) is Verdict.REJECTED
    assert bool(won) == bool(truth(name))
    for way in won[:3]:
        assert env.verifier().verify(problem, way) is Verdict.ACCEPTED


def test_texts_are_read_as_they_are_written():
    env = MagmaModel(elements=4)
    problem = env.parse_problem("E43 |- 3 with 2 elements")
    text = "x ◇ y = y ◇ x ⊢ x = x ◇ x with 2 elements"
    assert env.format_problem(problem) == text
    assert int(env.parse_problem("43 ⊢ E3").elements) == 4
    again = env.parse_problem(text)
    for ours, theirs in zip(jax.tree.leaves(problem), jax.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert env.format_action((VARIABLES + 4 * 1 + 2) * 4 + 3) == "1◇2=3"
    assert env.format_action(1 * 4 + 2) == "y=2"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = y", "two laws with ⊢"),
        ("E1 ⊢ E4695", "E1 to E4694"),
        ("E43 ⊢ E3 with 5 elements", "2 to 4 elements here, not 5; --env-args elements 5 has room"),
        ("E43 ⊢ E3 with 7 elements", "2 to 4 elements here, not 7$"),
        ("E43 ⊢ x = y ◇ (z ◇ (w ◇ (u ◇ (v ◇ r))))", "at most 6 variables.*no argument"),
        ("E43 ⊢ x = x ◇ (x ◇ (x ◇ (x ◇ (x ◇ x))))", "--env-args operations 5 has room"),
        ("E43 ⊢ x = " + "x ◇ (" * 32 + "x ◇ x" + ")" * 32, "different products .*… has 33$"),
        ("E43 ⊢ x ◇ y", "expected = and another term"),
    ],
)
def test_what_is_no_problem_or_too_large_is_refused(text, says):
    with pytest.raises(ValueError, match=says):
        MagmaModel(elements=4).parse_problem(text)


def test_sizes_are_refused_where_there_is_no_room():
    with pytest.raises(ValueError, match="between 2 and 5, got 6"):
        MagmaModel(elements=6)
    with pytest.raises(ValueError, match="between 4 and 32, got 3"):
        MagmaModel(operations=3)


def test_generated_problems_have_models_and_are_of_one_side():
    """Of some of each level: the split is by what the hypothesis and its dual hold in."""
    dice = random.Random(1)
    for level in range(problems.num_levels(5)):
        mine = [pair for pair in problems.pairs() if pair.level == level]
        sides = {pair.held_out for pair in mine}
        assert sides == {True, False}
        assert len({pair.elements for pair in mine}) == 1
        pair = dice.choice(mine)
        assert problems.is_held_out(laws()[pair.hypothesis - 1]) == pair.held_out
        assert problems.is_held_out(laws()[pair.hypothesis - 1].dual) == pair.held_out


def test_no_hypothesis_is_of_the_test_split(data):
    """Neither one nor the dual of one."""
    with (data / "equational_theories" / "implications.csv").open() as file:
        tested = {int(row["hypothesis"]) for row in csv.DictReader(file) if row["split"] == "test"}
    tested |= {duals()[number - 1] for number in tested}
    assert not tested & {pair.hypothesis for pair in problems.pairs()}


def test_drawn_problems_are_of_their_level():
    env = environment()
    drawn = jax.jit(jax.vmap(lambda k, level: env.sample_problem_at(k, level, "held_out")))
    keys = jax.random.split(jax.random.key(0), 3)
    sizes = drawn(keys, jnp.arange(3, dtype=jnp.int32)).elements
    assert sizes.tolist() == [2, 3, 3]
