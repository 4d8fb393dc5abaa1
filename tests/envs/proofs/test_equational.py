"""Equational reasoning against a slow reference on terms.

All play is at one size, in one batch, compiled once.
"""

import copy
import functools
import random
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.environment import Environment, Verdict
from selfplay_envs.proofs import bit_sets, equational_levels, laws
from selfplay_envs.proofs.equational import Equational
from selfplay_envs.proofs.magma import Law, Term
from selfplay_envs.proofs.term_arrays import decode, encode, padded, preorder, term_of
from tests.reference.equational import Attempt

SIZE, GAMES, STEPS = 31, 96, 24


class Episode(NamedTuple):
    """A random one, beside the reference all the way."""

    problem: object
    actions: list[int]
    reference: Attempt
    reward: float


def any_term(rng: random.Random, operations: int, num_variables: int) -> Term:
    if operations == 0:
        return rng.randrange(num_variables)
    on_left = rng.randrange(operations)
    return (
        any_term(rng, on_left, num_variables),
        any_term(rng, operations - 1 - on_left, num_variables),
    )


def any_law(rng: random.Random, operations: int, num_variables: int) -> Law:
    while True:
        on_left = rng.randint(0, operations)
        sides = [any_term(rng, n, num_variables) for n in (on_left, operations - on_left)]
        if sides[0] != sides[1]:
            return Law(*sides).renamed()


@functools.cache
def problems() -> list[tuple[Law, Law]]:
    """Laws of the project and random ones of up to eight operations; goals small and large."""
    rng = random.Random(0)
    found = []
    while len(found) < GAMES - GAMES // 4:
        hypothesis = rng.choice(laws.laws()) if rng.random() < 0.7 else any_law(rng, 8, 6)
        found.append((hypothesis, any_law(rng, rng.choice([3, 6, 15]), rng.randint(1, 6))))
    return found + [walked(rng, rng.choice(laws.laws())) for _ in range(GAMES // 4)]


def walked(rng: random.Random, hypothesis: Law) -> tuple[Law, Law]:
    """A law, and an equation that one rewriting by it proves."""
    while True:
        start = any_term(rng, rng.randint(0, 4), 3)
        walk = Attempt(hypothesis, Law(start, start), SIZE)
        walk.constants = range(3)
        while legal := [a for a in walk.legal() if a % (2 * SIZE) < SIZE or a >= 4 * SIZE]:
            walk.act(rng.choice(legal))
            if walk.pending is None:
                return hypothesis, Law(*walk.goal).renamed()
        hypothesis = rng.choice(laws.laws())


@functools.cache
def compiled():
    env = Equational(size=SIZE, max_steps=STEPS)
    return env, jax.jit(jax.vmap(env.init)), jax.jit(jax.vmap(env.step))


def stacked(items):
    return jax.tree.map(lambda *leaves: np.stack(leaves), *items)


@functools.cache
def episodes() -> list[Episode]:
    env, init, step = compiled()
    references = [Attempt(*pair, SIZE) for pair in problems()]
    problem = stacked([jax.device_get(encode(*pair, SIZE, True)) for pair in problems()])
    actions: list[list[int]] = [[] for _ in references]
    rewards = np.zeros(GAMES)
    rng = random.Random(1)
    state = init(problem)
    while True:
        now = jax.device_get(state)
        rewards += now.rewards[:, 0]
        masks = jax.device_get(env_masks(now))
        running = np.flatnonzero(~now.terminated)
        if not running.size:
            break
        chosen = np.zeros(GAMES, np.int32)
        for i in running:
            assert [term_of(side) for side in now.codes[i]] == references[i].goal
            legal = np.flatnonzero(masks[i]).tolist()
            assert legal == sorted(references[i].legal())
            ends = [action for action in legal if solves(references[i], action)]
            chosen[i] = rng.choice(ends or legal)
            references[i].act(int(chosen[i]))
            actions[i].append(int(chosen[i]))
        state = step(problem, state, jnp.asarray(chosen))
    rows = [jax.tree.map(lambda leaf, i=i: leaf[i], problem) for i in range(GAMES)]
    assert not now.truncated.any()
    return [Episode(*row) for row in zip(rows, actions, references, rewards, strict=True)]


def solves(reference: Attempt, action: int) -> bool:
    after = copy.copy(reference)
    after.goal, after.picks = [*reference.goal], [*reference.picks]
    after.act(action)
    return after.solved


def env_masks(states) -> np.ndarray:
    lanes = np.arange(32, dtype=np.uint32)
    return (states.choices[..., None] >> lanes & 1).astype(bool).reshape(GAMES, -1)


def test_masks_and_steps_are_the_references():
    """Asserted all the way; here: that there were steps of each kind, and how they ended."""
    played = [action for episode in episodes() for action in episode.actions]
    kinds = np.bincount(np.array(played) // (2 * SIZE), minlength=4)
    assert (kinds[:2] > 100).all() and kinds[2] > 20 and kinds[3] > 50
    for episode in episodes():
        ended = len(episode.actions) == STEPS or not episode.reference.legal()
        paid = 1 if episode.reference.solved else -1 if episode.actions else 0
        assert episode.reward == paid
        assert episode.reference.solved or ended


def test_the_replay_accepts_what_was_solved():
    verifier = compiled()[0].verifier()
    solved = [episode for episode in episodes() if episode.reward == 1]
    assert len(solved) >= 3
    for episode in episodes():
        said = verifier.verify(episode.problem, episode.actions)
        assert said is (Verdict.ACCEPTED if episode.reward == 1 else Verdict.REJECTED)


def test_problems_are_read_as_they_are_written():
    env, *_ = compiled()
    for pair in problems():
        problem = encode(*pair, SIZE, False)
        hypothesis, conclusion = decode(env.parse_problem(env.format_problem(problem)))
        assert (hypothesis, conclusion) == pair
    by_number = env.parse_problem("168 |- E387")
    assert env.format_problem(by_number) == "x = (y ◇ x) ◇ (x ◇ z) ⊢ x ◇ y = (y ◇ y) ◇ x"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = y ◇ x", "a hypothesis, ⊢ or"),
        ("E1 ⊢ E4695", "from 1 to 4694"),
        ("x = y ⊢ x ◇ y", "= and another term"),
        ("x = y ⊢ x ◇ y = x ◇ y", "any law implies"),
        ("x = y ◇ (z ◇ (w ◇ (u ◇ (v ◇ r)))) ⊢ x = y", "up to 6 different variables"),
        ("x = x ◇ ((x ◇ x) ◇ ((x ◇ x) ◇ ((x ◇ x) ◇ ((x ◇ x) ◇ x)))) ⊢ x = y", "up to 8 operations"),
        ("x = y ⊢ x = " + "x ◇ (" * 16 + "x" + ")" * 16, "up to 31 symbols"),
    ],
)
def test_what_is_no_problem_is_refused_in_words(text, says):
    with pytest.raises(ValueError, match=says):
        compiled()[0].parse_problem(text)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"size": 32}, "31, 63, 127"),
        ({"max_steps": 0}, "max_steps"),
        ({"step_cost": 1.0}, "1 / max"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, says):
    with pytest.raises(ValueError, match=says):
        Equational(**arguments)


def test_hindsight_is_what_the_same_actions_prove():
    """Of random lines of play on one side, by the reference alone."""
    env, *_ = compiled()
    hindsight = jax.jit(env.hindsight)
    counted = 0
    for episode in episodes():
        touched = sides_touched(episode)
        state = env_state(episode, touched)
        problem, known = hindsight(episode.problem, state)
        lacks = [a for a in episode.actions if a >= 6 * SIZE + int(problem.num_variables)]
        if not known or lacks:
            continue
        counted += 1
        assert touched.tolist() in ([True, False, False], [False, True, False])
        again = Attempt(*decode(problem), SIZE)
        for action in episode.actions:
            if again.solved:
                break
            assert action in again.legal()
            again.act(action)
        side = int(touched[1])
        assert again.goal[1 - side] == episode.reference.goal[side]
        assert again.solved
    assert counted >= 5


def sides_touched(episode: Episode) -> np.ndarray:
    """bool [3], as the state has it, from the actions."""
    touched, side = np.zeros(3, bool), 0
    for action in episode.actions:
        if action < 4 * SIZE:
            side = action % (2 * SIZE) // SIZE
            touched[side] = True
        elif action < 6 * SIZE and (action - 4 * SIZE) // SIZE != side:
            touched[2] = True
    return touched


@functools.cache
def blank_state():
    shape = jax.eval_shape(compiled()[0].init, episodes()[0].problem)
    return jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shape)


def env_state(episode: Episode, touched: np.ndarray):
    """How an episode ended, as far as hindsight asks."""
    codes = np.stack([padded(preorder(side), SIZE) for side in episode.reference.goal])
    return blank_state().replace(codes=codes, touched=touched)


def test_walks_are_provable_by_their_own_making():
    """Nothing is drawn that is no problem, or whose law the split does not have."""
    draw = jax.jit(jax.vmap(lambda key, level: equational_levels.draw(key, level, "train", SIZE)))
    levels = jnp.arange(equational_levels.NUM_LEVELS, dtype=jnp.int32)
    drawn = jax.device_get(draw(jax.random.split(jax.random.key(0), len(levels)), levels))
    for i in range(len(levels)):
        hypothesis, conclusion = decode(jax.tree.map(lambda leaf, i=i: leaf[i], drawn))
        assert laws.number(hypothesis) in equational_levels.numbers("train")
        assert conclusion.left != conclusion.right
        assert conclusion == conclusion.renamed()


def test_keys_tell_what_a_move_makes_of_its_side():
    """Of random play: those of different terms differ, and a move comes to the key it was said to
    have; sides alone count, whichever they are."""
    env, init, step = compiled()
    ends = jax.jit(jax.vmap(env.ends))
    problem = stacked([jax.device_get(encode(*pair, SIZE, True)) for pair in problems()])
    state, terms = init(problem), dict[tuple[int, ...], Term]()
    rng = np.random.default_rng(0)
    told = 0
    for _ in range(STEPS):
        before, running = jax.device_get((ends(problem, state), ~state.terminated))
        masks = masks_of(state)
        masks[:, 0] |= ~masks.any(1)  # of what has ended
        action = np.array([rng.choice(np.flatnonzero(mask)) for mask in masks])
        state = step(problem, state, jnp.asarray(action, jnp.int32))
        codes, after = jax.device_get((state.codes, ends(problem, state).keys))
        for i in np.flatnonzero(running):
            side = before.end[i, action[i]]
            assert (after[i, 1 - side] == before.keys[i, 1 - side]).all()
            if before.is_known[i, action[i]]:
                assert (after[i, side] == before.after[i, action[i]]).all()
                told += 1
            else:
                assert (after[i, side] == before.keys[i, side]).all()
            for row, key in zip(codes[i], after[i], strict=True):
                term = term_of(row)
                assert terms.setdefault(tuple(key.tolist()), term) == term
    assert told > 200
    assert len(terms) > 200


def masks_of(state) -> np.ndarray:
    env, *_ = compiled()
    return np.array(
        jax.vmap(lambda choices: bit_sets.unpack(choices, env.num_actions))(state.choices)
    )


def test_what_is_done_to_one_side_does_not_depend_on_the_other():
    """Episodes that end in a proof, those of the right side first: the replay accepts them, too."""
    env, *_ = compiled()
    solved = [episode for episode in episodes() if episode.reward == 1]
    mixed = 0
    for episode in solved:
        sides, side = [], 0
        for action in episode.actions:
            side = action % (2 * SIZE) // SIZE if action < 4 * SIZE else side
            sides.append(side)
        order = sorted(range(len(sides)), key=lambda i: -sides[i])
        mixed += order != sorted(order)
        actions = [episode.actions[i] for i in order]
        assert env.verifier().verify(episode.problem, actions) is Verdict.ACCEPTED
    assert mixed


def test_the_heuristic_of_moves_is_that_of_where_they_lead():
    """But for rewritings that wait, which are told as if what is smallest were picked."""
    env, init, _ = compiled()
    problem = stacked([jax.device_get(encode(*pair, SIZE, True)) for pair in problems()])
    state = init(problem)
    told = jax.jit(jax.vmap(env.heuristic_after))(problem, state)
    by_steps = jax.jit(jax.vmap(lambda *each: Environment.heuristic_after(env, *each)))
    known = jax.vmap(env.ends)(problem, state).is_known & masks_of(state)
    assert known.sum() > 20
    there = np.asarray(known & (np.asarray(by_steps(problem, state)) < 1))
    np.testing.assert_allclose(
        np.asarray(told)[there], np.asarray(by_steps(problem, state))[there], rtol=1e-5
    )
