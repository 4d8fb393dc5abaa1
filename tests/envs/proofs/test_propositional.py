"""Sequents against a slow reference, a prover that knows the answer, and Lean.

All play is at one size, in one batch, compiled once.
"""

import functools
import itertools
import random
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.propositional import g4ip
from selfplay.environment import Verdict
from selfplay_envs.proofs import lean
from selfplay_envs.proofs.formula import Formula
from selfplay_envs.proofs.formula_table import encode, stack
from selfplay_envs.proofs.propositional import Propositional
from tests.envs.proofs.formulas import any_formulas
from tests.reference.propositional import Attempt, after, can_be_proved

SIZE, GAMES = 32, 256


class Episode(NamedTuple):
    formula: Formula
    problem: object
    actions: list[int]
    reward: float


@functools.cache
def formulas() -> list[Formula]:
    return any_formulas(0, GAMES, leaves=14, num_atoms=3, size=SIZE)


@functools.cache
def compiled(max_goals: int):
    env = Propositional(subformulas=SIZE, max_goals=max_goals)
    return env, jax.jit(jax.vmap(env.init)), jax.jit(jax.vmap(env.step))


def play(max_goals: int, wins: bool) -> list[Episode]:
    """Random episodes, beside the reference all the way; `wins`: by lines that prove, if any do."""
    env, init, step = compiled(max_goals)
    tables = [encode(formula, SIZE) for formula in formulas()]
    references = [Attempt(formula, max_goals) for formula in formulas()]
    known: list[dict] = [{} for _ in tables]
    actions: list[list[int]] = [[] for _ in tables]
    rewards = np.zeros(GAMES)
    rng = random.Random(int(wins))
    problem = stack(tables)
    state = init(problem)
    while True:
        now = jax.device_get(state)
        rewards += now.rewards[:, 0]
        running = np.flatnonzero(~(now.terminated | now.truncated))
        if not running.size:
            break
        chosen = np.full(GAMES, SIZE, np.int32)
        for i in running:
            legal = members(now.choices[i])
            if legal:
                assert_same(now, i, references[i])
                good = [
                    a for a in legal if wins and can_be_proved(after(references[i], a), known[i])
                ]
                chosen[i] = rng.choice(good or legal)
                references[i].act(chosen[i])
            actions[i].append(int(chosen[i]))
        state = step(problem, state, jnp.asarray(chosen))
    assert not now.truncated.any()
    for i, reference in enumerate(references):
        assert reference.proved == (rewards[i] == 1)
        assert reference.failed == (rewards[i] == -1)
    return [Episode(*row) for row in zip(formulas(), tables, actions, rewards, strict=True)]


def members(words) -> list[int]:
    return [32 * w + b for w, word in enumerate(words.tolist()) for b in range(32) if word >> b & 1]


def assert_same(states, i, reference: Attempt) -> None:
    """A state at a choice is the reference's."""

    def rows(words):
        return frozenset(reference.rows[member] for member in members(words))

    waiting = states.num_goals[i] - 1
    held = [states.held[i], *states.waiting_held[i][:waiting][::-1]]
    goals = [states.goal[i], *states.waiting_goal[i][:waiting][::-1]]
    wanted = [(rows(words), reference.rows[goal]) for words, goal in zip(held, goals, strict=True)]
    assert wanted == reference.goals
    assert rows(states.seen[i]) == reference.seen
    assert members(states.choices[i]) == reference.choices()


@functools.cache
def episodes() -> list[Episode]:
    return play(16, wins=True) + play(5, wins=False)


def test_theorems_and_they_alone_have_lines_that_prove_them():
    won = episodes()[:GAMES]
    theorem = [g4ip.prove(e.formula).outcome is g4ip.Outcome.THEOREM for e in won]
    assert [episode.reward == 1 for episode in won] == theorem
    assert 60 < sum(theorem) < GAMES - 60


def test_the_replay_accepts_what_was_proved():
    verifier = Propositional(subformulas=SIZE).verifier()
    for episode in episodes():
        said = verifier.verify(episode.problem, episode.actions)
        assert said is (Verdict.ACCEPTED if episode.reward == 1 else Verdict.REJECTED)


def test_lean_accepts_what_was_proved():
    certifier = Propositional(subformulas=SIZE).certifier()
    if not lean.Lean().available():
        pytest.skip("there is no Lean here")
    proved = [episode for episode in episodes() if episode.reward == 1]
    claims = [
        (certifier.statement(e.problem), certifier.proof(e.problem, e.actions)) for e in proved
    ]
    shifted = [(s, p) for (s, _), (t, p) in itertools.pairwise(claims[:20]) if s != t]
    judged = certifier.judge(claims + shifted)
    assert {j.verdict for j in judged[: len(claims)]} == {Verdict.ACCEPTED}
    assert {j.verdict for j in judged[len(claims) :]} == {Verdict.REJECTED}
