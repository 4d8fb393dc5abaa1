"""Moves in, and what a page is told of the position they lead to: plain dictionaries.

The page sends all moves since the beginning each time, so nothing here remembers a game.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from selfplay.environment.contract import Environment, Problem, State
from selfplay.environment.picture import BoardPicture, Target


class Positions:
    """The positions of one environment, compiled once.

    The states handed out are on the device; everything else is plain Python.
    """

    def __init__(self, env: Environment[Any]):
        self.env = env
        self.names = [env.format_action(action) for action in range(env.num_actions)]
        self._init = jax.jit(env.init)
        self._legal = jax.jit(env.legal_action_mask)
        self._step = jax.jit(env.step)

    def start(self, problem: Problem) -> State:
        """The state before the first move."""
        return self._init(problem)

    def after(self, problem: Problem, state: State, action: int) -> State:
        """The state after one action, which is not checked."""
        return self._step(problem, state, jnp.int32(action))

    def legal(self, problem: Problem, state: State) -> list[int]:
        """The legal actions; none after the end."""
        if bool(state.ended):
            return []
        return np.flatnonzero(self._legal(problem, state)).tolist()

    def replay(self, problem: Problem, moves: Sequence[int]) -> list[State]:
        """The states before the first move and after each.

        Raises ValueError at the first move that the rules do not allow, with those they do.
        """
        states = [self.start(problem)]
        for number, action in enumerate(moves, 1):
            legal = self.legal(problem, states[-1])
            if action not in legal:
                known = 0 <= action < self.env.num_actions
                named = self.names[action] if known else f"action {action}"
                raise ValueError(self.refusal(number, named, legal))
            states.append(self.after(problem, states[-1], action))
        return states

    def refusal(self, number: int, named: str, legal: list[int], most: int = 12) -> str:
        """What to say of move `number`, counted from 1, that is not among the legal actions."""
        if not legal:
            return f"move {number}, {named}, comes after the end of the game; leave it out"
        names = ", ".join(self.names[action] for action in legal[:most])
        more = f" and {len(legal) - most} more" if len(legal) > most else ""
        return f"move {number}, {named}, is not possible there; these are: {names}{more}"

    def describe(self, problem: Problem, moves: Sequence[int]) -> dict[str, Any]:
        """The position after `moves`: who moves, what is legal, how it ended, how it looks.

        `returns` is what each player has been paid so far; `outcome` what that is worth to the
        first, in [-1, 1], once the rules have ended it; `last` the squares of the last move.
        `picture` is None where the environment draws no board; then `text` shows the position.
        Raises ValueError as `replay` does.
        """
        states = self.replay(problem, moves)
        state = states[-1]
        legal = self.legal(problem, state)
        picture = self.env.picture(problem, state)
        returns = np.sum([s.rewards for s in states], axis=0)
        return {
            "mover": int(state.current_player),
            "legal": legal,
            "ended": bool(state.ended),
            "truncated": bool(state.truncated),
            "returns": returns.tolist(),
            "outcome": float(self.env.to_value(returns[0])) if state.terminated else None,
            "text": self.env.render(problem, state) if picture is None else None,
            "picture": None if picture is None else _board(picture, legal),
            "last": self.target(problem, states[-2], moves[-1]) if moves else None,
        }

    def target(self, problem: Problem, state: State, action: int) -> dict[str, Any] | None:
        """Where an action puts its stone; None where the environment draws no board."""
        picture = self.env.picture(problem, state)
        return None if picture is None else _target(picture.targets[action])


def _board(picture: BoardPicture, legal: list[int]) -> dict[str, Any]:
    rows, columns = picture.owners.shape
    return {
        "rows": rows,
        "columns": columns,
        "owners": picture.owners.reshape(-1).tolist(),
        "targets": {action: _target(picture.targets[action]) for action in legal},
        "winning": list(picture.winning),
        "look": picture.look,
        "stones": picture.stones,
    }


def _target(target: Target) -> dict[str, Any]:
    return {"square": target.square, "source": target.source}
