"""An agent's worst moves: solved positions in which it gives away the most."""

import dataclasses
from typing import Any

import jax
import numpy as np

from selfplay.agent import Agent, Decision
from selfplay.environment.contract import Problem, SolvedPositions, State
from selfplay.evaluation.exact import decide
from selfplay.evaluation.players import agent_act
from selfplay.search.simulation import jit_search

OUTCOMES = {1: "a win", 0: "a draw", -1: "a loss"}


@dataclasses.dataclass(frozen=True)
class Blunder:
    """A move that gave the game's value away."""

    problem: Problem
    state: State
    bucket: str
    decision: Decision
    """What the search thought."""
    best: tuple[int, ...]
    """The moves that keep the value."""
    exact: np.ndarray
    """float [num_actions]: exact values; NaN where illegal."""

    @property
    def before(self) -> str:
        """What the position was worth."""
        return OUTCOMES[int(np.sign(np.nanmax(self.exact)))]

    @property
    def after(self) -> str:
        """What the move made of it."""
        return OUTCOMES[int(np.sign(self.exact[self.decision.action]))]


def worst_moves(agent: Agent, solved: SolvedPositions, most: int) -> tuple[int, list[Blunder]]:
    """How many positions the agent spoils, and the worst of them.

    Those that turn a win into a loss come first, then those whose exact value falls the most.
    """
    config = agent.config
    act = agent_act(agent.env, agent.evaluator, config.search, config.evaluation.num_simulations)
    chosen, _ = decide(jit_search(act), agent.params, solved, config.evaluation.batch_size)
    exact = np.asarray(solved.action_values)
    best = np.nanmax(exact, axis=1)
    got = np.take_along_axis(exact, chosen[:, None].astype(np.int64), axis=1)[:, 0]
    drop = np.sign(best) - np.sign(got)
    order = np.lexsort((-(best - got), -drop))
    spoilt = [int(i) for i in order if drop[i] > 0]
    return len(spoilt), [_blunder(agent, solved, index) for index in spoilt[:most]]


def _blunder(agent: Agent, solved: SolvedPositions, index: int) -> Blunder:
    def at(tree: Any) -> Any:
        return jax.tree.map(lambda x: x[index], tree)

    problem, state = at(solved.problem), at(solved.state)
    exact = np.asarray(solved.action_values[index])
    keeps = np.sign(exact) == np.sign(np.nanmax(exact))
    return Blunder(
        problem=problem,
        state=state,
        bucket=solved.bucket_names[int(solved.bucket[index])],
        decision=agent.act(state, problem),
        best=tuple(int(action) for action in np.flatnonzero(keeps)),
        exact=exact,
    )
