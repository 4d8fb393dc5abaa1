"""Andrews–Curtis against slow rules, published paths, and its own texts."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.operators.demonstrations import replayed
from selfplay.operators.targets import Provenance
from selfplay.run.directory import RunDirectory
from selfplay.run.solutions import Solutions, read_solutions
from selfplay_envs.proofs import andrews_curtis_moves as moves
from selfplay_envs.proofs import andrews_curtis_problems as problems
from selfplay_envs.proofs.andrews_curtis import HELD_OUT_MOVES, AndrewsCurtis, Presentation
from selfplay_envs.proofs.andrews_curtis_replay import AC_SOLVER_MOVES
from selfplay_envs.proofs.miller_schupp import presentations
from tests.reference import andrews_curtis as reference

LENGTH, STEPS = 24, 400
"""Room for every published path."""


@functools.cache
def environment(**arguments):
    return AndrewsCurtis(**arguments)


@functools.cache
def player():
    """The environment, and the states [B, T] after actions [B, T] from words [B, 2, length]."""
    env = environment(length=LENGTH, max_steps=STEPS)

    def play(words, actions):
        problem = env.parse_problem("xy, y").replace(words=words)

        def advance(state, action):
            state = env.step(problem, state, action)
            return state, state

        return jax.lax.scan(advance, env.init(problem), actions)[1]

    return env, jax.jit(jax.vmap(play))


def test_random_moves_are_those_of_the_slow_rules():
    pairs = reference.random_pairs(500, LENGTH, seed=0)
    words = np.stack([problems.padded(pair, LENGTH) for pair in pairs])
    legal = jax.jit(jax.vmap(moves.legal_moves))(words)
    assert np.asarray(legal).tolist() == [reference.legal(*pair, LENGTH) for pair in pairs]
    every = jax.vmap(jax.vmap(moves.moved, (None, 0)), (0, None))
    reached = np.asarray(jax.jit(every)(words, jnp.arange(12, dtype=jnp.int32)))
    for pair, mask, rows in zip(pairs, np.asarray(legal), reached, strict=True):
        for move in np.flatnonzero(mask):
            expected = problems.padded(reference.moves(*pair)[move], LENGTH)
            np.testing.assert_array_equal(rows[move], expected)


def test_published_paths_are_kept_and_can_be_learnt_from(published_paths, tmp_path):
    """Rows of a path of k moves are worth 1 - c (k - 1), and c more with each move."""
    env = environment(length=LENGTH, max_steps=32, step_cost=0.01)
    short = [(start, path) for start, path in published_paths if len(path) <= 32][:200]
    solutions = Solutions(RunDirectory(tmp_path), env, 0)
    actions = np.zeros((32, len(short)), np.int32)
    numbers = {pair: number for number, pair in enumerate(presentations())}
    stacked = []
    for column, (start, path) in enumerate(short):
        way = [AC_SOLVER_MOVES[move] for move, _ in path]
        actions[: len(way), column] = way
        problem = Presentation(words=problems.padded(start, LENGTH))
        assert solutions.keep(numbers[start], problem, way, by="search", iteration=1)
        stacked.append(problem.words)
    solutions.close()
    assert len(read_solutions(tmp_path / "solutions.jsonl")) == len(short) == 200
    provenance = Provenance.of((len(short),), 0)
    targets, _, returns = jax.jit(lambda *arguments: replayed(env, *arguments))(
        Presentation(words=np.stack(stacked)), actions, provenance
    )
    lengths = np.array([len(path) for _, path in short])
    left = lengths - np.arange(32)[:, None]
    np.testing.assert_array_equal(targets.weight > 0, left > 0)
    expected = 1.0 - 0.01 * (left - 1)
    np.testing.assert_allclose(np.asarray(targets.value)[left > 0], expected[left > 0], atol=1e-6)
    np.testing.assert_allclose(returns[:, 0], expected[0], atol=1e-6)


def test_published_paths_solve(published_paths):
    """By the jitted steps, with the total length published after each move."""
    words = np.stack([problems.padded(relators, LENGTH) for relators, _ in published_paths])
    actions = np.zeros((len(words), STEPS), np.int32)
    totals = np.zeros((len(words), STEPS), int)
    for row, (_, path) in enumerate(published_paths):
        actions[row, : len(path)] = [AC_SOLVER_MOVES[move] for move, _ in path]
        totals[row, : len(path)] = [total for _, total in path]
        totals[row, len(path) :] = 2
    states = jax.device_get(player()[1](words, actions))
    np.testing.assert_array_equal((states.words != 0).sum((2, 3)), totals)
    assert states.terminated[:, -1].all()
    assert (states.rewards.sum((1, 2)) == 1).all()


@functools.cache
def stepping(step_cost):
    env = environment(max_steps=4, step_cost=step_cost)
    return env, jax.jit(env.step)


def finish(step_cost, text, names):
    env, step = stepping(step_cost)
    problem = env.parse_problem(text)
    state, rewards = env.init(problem), []
    for name in names.split():
        state = step(problem, state, jnp.int32(env.parse_action(name)))
        rewards.append(round(float(state.rewards[0]), 6))
    return state, rewards


def test_solving_pays_less_the_longer_it_takes():
    state, rewards = finish(0.1, "xY, y", "yrY Yry rs")
    assert rewards == [-0.1, -0.1, 1]
    assert state.terminated
    assert finish(0.0, "xY, y", "yrY Yry rs")[1] == [0, 0, 1]


@pytest.mark.parametrize("step_cost", [0.0, 0.1])
def test_who_has_not_solved_it_by_the_last_move_has_lost(step_cost):
    state, rewards = finish(step_cost, "xY, y", "yrY Yry yrY Yry")
    assert state.terminated
    assert not state.truncated
    assert round(sum(rewards), 6) == -1


def test_every_instance_is_a_level():
    env = environment(max_steps=4)
    levels = jnp.arange(env.num_levels, dtype=jnp.int32)
    draw = jax.jit(jax.vmap(lambda level: env.sample_problem_at(jax.random.key(0), level, "train")))
    words = np.asarray(draw(levels).words)
    expected = np.stack([problems.padded(pair, LENGTH) for pair in presentations()])
    np.testing.assert_array_equal(words, expected)


def test_scrambles_come_from_their_split():
    env = environment(length=18, max_steps=4, scrambles=32)
    keys = jax.random.split(jax.random.key(0), 128)
    levels = jnp.arange(128, dtype=jnp.int32) % 32
    draw = jax.jit(jax.vmap(env.sample_problem_at, (0, 0, None)), static_argnums=2)
    trained = draw(keys, 1190 + levels, "train").words
    held_out = draw(keys, levels, "held_out").words
    hashes = jax.jit(jax.vmap(problems.symmetric_hash))
    sides = [set(np.asarray(hashes(words)).tolist()) for words in (trained, held_out)]
    instances = set(np.asarray(hashes(problems.instances(24))).tolist())
    assert not (sides[0] | instances) & sides[1]
    assert min(map(len, sides)) > 48
    assert HELD_OUT_MOVES >= 32
    images = jax.vmap(lambda words: moves.symmetric(words, jnp.int32(13))[0])(held_out)
    np.testing.assert_array_equal(hashes(images), hashes(held_out))
    assert not jax.vmap(moves.is_trivial)(jnp.concatenate([trained, held_out])).any()


def test_what_is_seen():
    env = environment(max_steps=4)
    problem = env.parse_problem("xyX, yyx")
    seen = np.asarray(env.observe(problem, env.init(problem)))
    shown = seen[:-3].reshape(4, LENGTH, 4)
    texts = ["".join("xyXY"[place.argmax()] for place in word if place.any()) for word in shown]
    assert texts == ["xyX", "yyx", "xYX", "XYY"]
    assert shown[:, 3:].sum() == 0
    np.testing.assert_allclose(seen[-3:], [3 / LENGTH, 3 / LENGTH, 1])


def test_what_is_seen_as_tokens():
    env = environment(max_steps=4, observation="tokens")
    problem = env.parse_problem("xyX, yyx")
    seen = env.observe(problem, env.init(problem))
    assert seen.tokens[seen.mask].tolist() == [2, 3, 4, 3, 3, 2, 1, 1, 6 + 15]
    assert seen.positions[seen.mask].tolist() == [0, 1, 2, 60, 61, 62, 120, 121, 122]
    assert seen.action_tokens.tolist() == [48] * 6 + [49] * 6
    longer = environment(length=30, observation="tokens").observation_spec
    assert longer.num_positions == env.observation_spec.num_positions  # so that parameters fit


def test_texts():
    env = environment(max_steps=4)
    assert env.format_problem(env.parse_problem("xyX = yxy, y")) == "xyXYXY, y"
    problem = env.parse_problem("xyx = yxy, x^4 = y^3")
    assert env.render(problem, env.init(problem)) == "⟨x, y | xyxYXY, xxxxYYY⟩  length 13, moves 0"
    with pytest.raises(
        ValueError, match=r"at most 24 letters here, got one of 31; --env-args length 31 has"
    ):
        env.parse_problem("x^30 y, x")
    with pytest.raises(ValueError, match="trivial presentation: there is nothing to do"):
        env.parse_problem("y, X")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"length": 17}, "length must be between 18 and 60, got 17"),
        ({"max_steps": 0}, "max_steps must be between 1 and 10,000, got 0"),
        ({"max_steps": 100, "step_cost": 0.02}, "step_cost must be between 0 and .* = 0.01"),
        ({"scrambles": -1}, "scrambles must be between 0 and 1,000, got -1"),
        ({"observation": "picture"}, "observation must be array or tokens, got 'picture'"),
    ],
)
def test_arguments_that_do_not_fit(arguments, says):
    with pytest.raises(ValueError, match=says):
        AndrewsCurtis(**arguments)
