"""What a page is told of an agent's thoughts: a search, or the network alone, as a dictionary."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from selfplay.agent import Agent, Decision
from selfplay.analysis import Step
from selfplay.display.web.moves import Positions
from selfplay.environment.contract import Problem, State
from selfplay.search.model import mask_logits

MAX_SIMULATIONS = 4096
"""A page may ask for."""

_LINE = 12
"""Moves of the principal line to show."""


class Thinker:
    """One agent, asked about positions."""

    def __init__(self, agent: Agent, positions: Positions):
        self._agent, self._positions = agent, positions
        self._guess = jax.jit(self._guess_one)

    def think(self, problem: Problem, moves: Sequence[int], simulations: int) -> dict[str, Any]:
        """The agent's decision after `moves`; with 0 simulations, the network's alone.

        Returns `mover`, `action`, `value` and `raw_value` for the mover; `actions`, the legal
        ones from the most to the least likely, each with the network's `prior`, the search's
        `weight`, its `visits` and, if it has any, its `value`; and `line`, the moves that both
        sides would make, each with its player and where its stone would be.

        Raises ValueError after the end, or if a move or the number of simulations cannot be.
        """
        if not 0 <= simulations <= MAX_SIMULATIONS:
            raise ValueError(f"simulations must be 0 to {MAX_SIMULATIONS}, got {simulations}")
        state = self._positions.replay(problem, moves)[-1]
        if bool(state.ended):
            raise ValueError("there is nothing to decide: the game has ended; take a move back")
        if simulations == 0:
            decision, line = self.alone(problem, state), []
        else:
            analysis = self._agent.analyse(state, problem, simulations)
            decision, line = analysis.decision, analysis.tree.principal_line()[:_LINE]
        legal = self._positions.legal(problem, state)
        ranked = sorted(legal, key=lambda a: (a != decision.action, -decision.action_weights[a], a))
        return {
            "mover": int(state.current_player),
            "simulations": simulations,
            "action": decision.action,
            "value": decision.value,
            "raw_value": decision.raw_value,
            "actions": [_action(decision, action) for action in ranked],
            "line": self._line(problem, state, line),
        }

    def alone(self, problem: Problem, state: State) -> Decision:
        """The network's decision, without a search."""
        prior, value = jax.device_get(self._guess(self._agent.params, problem, state))
        return Decision(
            action=int(prior.argmax()),
            value=float(value),
            raw_value=float(value),
            action_weights=prior,
            prior=prior,
            visit_counts=np.zeros(len(prior), np.int32),
            qvalues=np.zeros(len(prior), np.float32),
        )

    def _guess_one(self, params: Any, problem: Problem, state: State):
        """The policy, float32 [num_actions], and the value of the network in one state."""
        one = jax.tree.map(lambda x: jnp.asarray(x)[None], (problem, state))
        logits, value = self._agent.evaluator(params, jax.random.split(jax.random.key(0), 1), *one)
        legal = self._agent.env.legal_action_mask(problem, state)
        return jax.nn.softmax(mask_logits(logits[0], legal)), value[0]

    def _line(self, problem: Problem, state: State, steps: list[Step]) -> list[dict[str, Any]]:
        line = []
        for step in steps:
            line.append(
                {
                    "action": step.action,
                    "player": int(state.current_player),
                    "target": self._positions.target(problem, state, step.action),
                    "visits": step.visits,
                    "value": step.qvalue,
                }
            )
            state = self._positions.after(problem, state, step.action)
        return line


def _rank(decision: Decision, action: int) -> tuple[bool, float, int]:
    """The chosen action first; then by policy, in steps a person can see, and visits."""
    weight = round(float(decision.action_weights[action]), 3)
    return action != decision.action, -weight, -int(decision.visit_counts[action])


def _action(decision: Decision, action: int) -> dict[str, Any]:
    visits = int(decision.visit_counts[action])
    return {
        "action": action,
        "prior": float(decision.prior[action]),
        "weight": float(decision.action_weights[action]),
        "visits": visits,
        "value": float(decision.qvalues[action]) if visits else None,
    }
