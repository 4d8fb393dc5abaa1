"""Equational reasoning against a slow reference on terms.

All play is at one size, in one batch, compiled once.
"""

import functools
import random
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.environment import Environment, Verdict
from selfplay_envs.proofs import laws
from selfplay_envs.proofs.equational import Equational
from selfplay_envs.proofs.equational_moves import NOT_ALLOWED
from selfplay_envs.proofs.magma import Law, Term
from selfplay_envs.proofs.narrowing import filled, holes, unify
from selfplay_envs.proofs.rewriting import num_nodes
from selfplay_envs.proofs.term_arrays import decode, encode, padded, preorder, term_of
from tests.envs.proofs.open_goals import any_term
from tests.reference.equational import MAX_HOLES, allowed

SIZE, GAMES, STEPS = 31, 96, 24

COST = 1 / 64
"""Of a step."""


class Attempt:
    """A goal that is rewritten by the slow rules."""

    def __init__(self, hypothesis: Law, conclusion: Law):
        self.hypothesis = hypothesis
        self.sides = list(conclusion.sides)

    def ways(self) -> dict[int, tuple[int, Term]]:
        """By action: which side it rewrites, and what it makes of it."""
        return {
            (2 * direction + side) * SIZE + place: (side, outcome)
            for side in (0, 1)
            for (direction, place), outcome in allowed_at(self.hypothesis, self.sides[side]).items()
        }

    def act(self, action: int) -> None:
        side, self.sides[side] = self.ways()[action]

    def solves(self, action: int) -> bool:
        side, outcome = self.ways()[action]
        return can_meet(outcome, self.sides[1 - side])

    @property
    def is_solved(self) -> bool:
        return can_meet(*self.sides)


@functools.cache
def allowed_at(hypothesis: Law, side: Term) -> dict[tuple[int, int], Term]:
    return allowed(hypothesis, side, SIZE)


def can_meet(left: Term, right: Term) -> bool:
    apart = {hole: hole - MAX_HOLES for hole in holes(right)}
    return unify(left, filled(right, apart)) is not None


class Episode(NamedTuple):
    """A random one, beside the reference all the way."""

    problem: object
    actions: list[int]
    reference: Attempt
    reward: float


def any_law(rng: random.Random, operations: int, num_variables: int) -> Law:
    while True:
        on_left = rng.randint(0, operations)
        sides = [any_term(rng, n, range(num_variables)) for n in (on_left, operations - on_left)]
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
        start = any_term(rng, rng.randint(0, 4), range(3))
        ways = [outcome for outcome in allowed_at(hypothesis, start).values() if outcome != start]
        if ways:
            end = rng.choice(ways)
            end = filled(end, dict.fromkeys(holes(end), rng.randrange(3)))
            if end != start:
                return hypothesis, Law(start, end).renamed()
        hypothesis = rng.choice(laws.laws())


@functools.cache
def compiled():
    env = Equational(size=SIZE, max_steps=STEPS, step_cost=COST)
    return env, jax.jit(jax.vmap(env.init)), jax.jit(jax.vmap(env.step))


def stacked(items):
    return jax.tree.map(lambda *leaves: np.stack(leaves), *items)


@functools.cache
def episodes() -> list[Episode]:
    env, init, step = compiled()
    references = [Attempt(*pair) for pair in problems()]
    problem = stacked([jax.device_get(encode(*pair, SIZE, True)) for pair in problems()])
    actions: list[list[int]] = [[] for _ in references]
    rewards = np.zeros(GAMES)
    rng = random.Random(1)
    state = init(problem)
    while True:
        now = jax.device_get(state)
        rewards += now.rewards[:, 0]
        running = np.flatnonzero(~now.terminated)
        if not running.size:
            break
        chosen = np.zeros(GAMES, np.int32)
        for i in running:
            reference = references[i]
            assert [term_of(side) for side in now.codes[i]] == reference.sides
            ways = reference.ways()
            grown = {
                action: num_nodes(outcome) - num_nodes(reference.sides[side])
                for action, (side, outcome) in ways.items()
            }
            told = {a: int(g) for a, g in enumerate(now.growth[i]) if g != NOT_ALLOWED}
            assert told == grown
            ends = [action for action in ways if reference.solves(action)]
            chosen[i] = rng.choice(ends or list(ways))
            reference.act(int(chosen[i]))
            actions[i].append(int(chosen[i]))
        state = step(problem, state, jnp.asarray(chosen))
    rows = [jax.tree.map(lambda leaf, i=i: leaf[i], problem) for i in range(GAMES)]
    assert not now.truncated.any()
    return [Episode(*row) for row in zip(rows, actions, references, rewards, strict=True)]


def test_moves_and_steps_are_the_references():
    """Asserted all the way; here: that there were steps of each kind, and how they ended."""
    played = [action for episode in episodes() for action in episode.actions]
    assert (np.bincount(np.array(played) // SIZE, minlength=4) > 50).all()
    assert any(holes(side) for episode in episodes() for side in episode.reference.sides)
    for episode in episodes():
        ended = len(episode.actions) == STEPS or not episode.reference.ways()
        solved = episode.reference.is_solved
        paid = 1 - COST * (len(episode.actions) - 1) if solved else -1
        assert episode.reward == (paid if episode.actions else 0)
        assert solved or ended


def test_the_replay_accepts_what_was_solved():
    verifier = compiled()[0].verifier()
    solved = [episode for episode in episodes() if episode.reference.is_solved]
    assert len(solved) >= 3
    for episode in episodes():
        said = verifier.verify(episode.problem, episode.actions)
        known = Verdict.ACCEPTED if episode.reference.is_solved else Verdict.REJECTED
        assert said is known


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
        ("x = y ◇ x", "a hypothesis, ⊢ .or"),
        ("E1 ⊢ E4695", "from E1 to E4694"),
        ("x = y ⊢ x ◇ y", "= and another term"),
        ("x = y ⊢ x ◇ y = x ◇ y", "any law implies"),
        ("x = y ◇ (z ◇ (w ◇ (u ◇ (v ◇ r)))) ⊢ x = y", "up to 6 different .*no argument"),
        (
            "x = x ◇ ((x ◇ x) ◇ ((x ◇ x) ◇ ((x ◇ x) ◇ ((x ◇ x) ◇ x)))) ⊢ x = y",
            "8 operations.*no argument",
        ),
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
        problem, known = hindsight(episode.problem, env_state(episode, touched))
        if not known:
            continue
        counted += 1
        assert touched.sum() == 1
        again = Attempt(*decode(problem))
        for action in episode.actions:
            if again.is_solved:
                break
            again.act(action)
        assert again.is_solved
    assert counted >= 5


def sides_touched(episode: Episode) -> np.ndarray:
    """bool [2], as the state has it, from the actions."""
    sides = {action % (2 * SIZE) // SIZE for action in episode.actions}
    return np.array([0 in sides, 1 in sides])


@functools.cache
def blank_state():
    shape = jax.eval_shape(compiled()[0].init, episodes()[0].problem)
    return jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shape)


def env_state(episode: Episode, touched: np.ndarray):
    """How an episode ended, as far as hindsight asks."""
    codes = np.stack([padded(preorder(side), SIZE) for side in episode.reference.sides])
    return blank_state().replace(codes=codes, touched=touched)


def test_ends_are_what_moves_make_of_their_sides():
    """And they meet where the state is solved."""
    env, init, step = compiled()
    problem = stacked([jax.device_get(encode(*pair, SIZE, True)) for pair in problems()])
    state = init(problem)
    told = jax.device_get(jax.jit(jax.vmap(env.ends))(problem, state))
    allowed = np.asarray(state.growth) != NOT_ALLOWED
    rng, encounter, met = np.random.default_rng(0), env.encounter(), 0
    assert encounter is not None
    for _ in range(4):
        action = np.array([rng.choice(np.flatnonzero(row)) if row.any() else 0 for row in allowed])
        after = jax.device_get(step(problem, state, jnp.asarray(action, jnp.int32)))
        for i in np.flatnonzero(allowed.any(1)):
            side = told.end[i, action[i]]
            assert (after.codes[i, side] == told.after[i, action[i]]).all()
            assert (after.codes[i, 1 - side] == told.now[i, 1 - side]).all()
            sides = [end.tobytes() for end in after.codes[i]]
            solved = after.rewards[i, 0] > 0
            assert encounter.meets(*sides) == solved
            met += solved
    assert met > 3


def test_what_is_done_to_one_side_does_not_depend_on_the_other():
    """Episodes that end in a proof, moves of the right side first: they prove it, too, perhaps
    before all of them are made."""
    env, *_ = compiled()
    solved = [episode for episode in episodes() if episode.reference.is_solved]
    mixed = 0
    for episode in solved:
        sides = [action % (2 * SIZE) // SIZE for action in episode.actions]
        order = sorted(range(len(sides)), key=lambda i: -sides[i])
        mixed += order != sorted(order)
        actions = [episode.actions[i] for i in order]
        said = [
            env.verifier().verify(episode.problem, actions[: i + 1]) for i in range(len(actions))
        ]
        assert Verdict.ACCEPTED in said
    assert mixed


def test_the_heuristic_of_moves_is_that_of_where_they_lead():
    env, init, _ = compiled()
    problem = stacked([jax.device_get(encode(*pair, SIZE, True)) for pair in problems()])
    state = init(problem)
    told = jax.jit(jax.vmap(env.heuristic_after))(problem, state)
    by_steps = jax.jit(jax.vmap(lambda *each: Environment.heuristic_after(env, *each)))
    there = (np.asarray(state.growth) != NOT_ALLOWED) & (np.asarray(by_steps(problem, state)) < 1)
    assert there.sum() > 20
    np.testing.assert_allclose(
        np.asarray(told)[there], np.asarray(by_steps(problem, state))[there], rtol=1e-5
    )
