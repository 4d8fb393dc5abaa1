"""Games to look at: every position, what was played there, and what the agent thought of it."""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from selfplay.agent import Agent
from selfplay.environment.contract import Problem, State
from selfplay.evaluation.opponents import pure_mcts
from selfplay.search.simulation import jit_search

OPPONENT_SIMULATIONS = 100

Choose = Callable[[Problem, State], int]


@dataclasses.dataclass(frozen=True)
class Ply:
    """A position, and the move in it; the last has none."""

    state: State
    action: int | None
    value: float | None
    """For the first player, in [-1, 1]: the agent's, at a game's end the outcome's, else None."""


@dataclasses.dataclass(frozen=True)
class Record:
    """A game from its beginning to its end."""

    title: str
    problem: Problem
    plies: tuple[Ply, ...]
    returns: tuple[float, ...]
    """Sum of rewards of each player."""


def games_to_show(agent: Agent) -> list[Record]:
    """The agent against itself and against pure MCTS, or alone on held-out problems."""
    keys = jax.random.split(jax.random.key(0), 3)
    if agent.env.num_players == 1:
        return [
            _play(agent, f"Held-out problem {number}", key, (None,))
            for number, key in enumerate(keys, 1)
        ]
    rival = jit_search(pure_mcts(agent.env, OPPONENT_SIMULATIONS))

    def rival_move(problem: Problem, state: State) -> int:
        one = jax.tree.map(lambda x: jnp.asarray(x)[None], (problem, state))
        key = jax.random.fold_in(jax.random.key(1), int(state.step_count))
        return int(rival((), key[None], *one)[0][0])

    name = f"pure MCTS of {OPPONENT_SIMULATIONS} simulations"
    sides = {
        "The agent against itself": (None, None),
        f"The agent, first, against {name}": (None, rival_move),
        f"The agent, second, against {name}": (rival_move, None),
    }
    return [
        _play(agent, title, key, players)
        for (title, players), key in zip(sides.items(), keys, strict=True)
    ]


def _play(agent: Agent, title: str, key: jax.Array, players: tuple[Choose | None, ...]) -> Record:
    """One game; None plays as the agent does, without noise."""
    env = agent.env
    problem = env.sample_problem(key, "held_out")
    state, step = jax.jit(env.init)(problem), jax.jit(env.step)
    plies, total = [], np.zeros(env.num_players)
    while not bool(state.ended):
        mover = int(state.current_player)
        decision = agent.act(state, problem)
        choose = players[mover]
        action = decision.action if choose is None else choose(problem, state)
        plies.append(Ply(state, action, -decision.value if mover else decision.value))
        state = step(problem, state, jnp.int32(action))
        total += np.asarray(state.rewards)
    last = float(np.sign(total[0])) if env.num_players == 2 else None
    returns = tuple(float(x) for x in total)
    return Record(title, problem, (*plies, Ply(state, None, last)), returns)


def outcome(record: Record) -> str:
    """Who won, in words."""
    first = record.returns[0]
    if len(record.returns) == 1:
        return f"return {first:g}"
    if first == 0.0:
        return "a draw"
    return f"the {'first' if first > 0 else 'second'} player wins"
