"""Broken environments: each is a correct one with one fault, and names the law it breaks.

They live in `zoo_form`, `zoo_play`, `zoo_views` and `zoo_truth`. `Columns` is the correct game;
`worlds.Spell`, `worlds.Nim` and tic-tac-toe lend what it has not.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from selfplay.environment import (
    ArraySpec,
    BoardPicture,
    Environment,
    Game,
    State,
    Target,
    zero_sum,
)

ZOO: list[tuple[str, Callable[[], Environment]]] = []
"""The law that is broken, and what makes the environment."""


def breaks(law):
    """Registers a class as breaking a law."""

    def register(cls):
        ZOO.append((law, cls))
        return cls

    return register


class ColumnsState(State):
    owners: jax.Array
    """int8 [rows, columns]: whose stone, or -1."""


class Columns(Game[ColumnsState]):
    """Who first owns a whole column wins; a full board is drawn."""

    num_players = 2
    num_symmetries = 2

    def __init__(self, *, rows: int = 2, columns: int = 3):
        self.rows, self.columns = rows, columns
        self.num_actions = self.max_steps = rows * columns
        self.observation_spec = ArraySpec((rows, columns, 2))

    def start(self):
        owners = jnp.full((self.rows, self.columns), -1, jnp.int8)
        return ColumnsState.start(2, owners=owners)

    def play(self, state, action):
        owners = state.owners.at[action // self.columns, action % self.columns].set(
            state.current_player
        )
        won = (owners == state.current_player).all(0).any()
        return state.replace(
            owners=owners,
            current_player=jnp.int8(1) - state.current_player,
            rewards=jnp.where(won, zero_sum(state.current_player, 1.0), 0.0),
            terminated=won | (owners >= 0).all(),
        )

    def legal(self, state):
        return (state.owners < 0).reshape(-1)

    def view(self, state):
        planes = [state.owners == state.current_player, state.owners == 1 - state.current_player]
        return jnp.stack(planes, axis=-1).astype(jnp.float32)

    def mirror(self, state, index):
        squares = jnp.arange(self.num_actions, dtype=jnp.int32).reshape(self.rows, self.columns)
        swap = index == 1
        owners = jnp.where(swap, state.owners[:, ::-1], state.owners)
        return state.replace(owners=owners), jnp.where(swap, squares[:, ::-1], squares).reshape(-1)

    def draw(self, state):
        return "\n".join(" ".join(".XO"[owner + 1] for owner in row) for row in state.owners)

    def board(self, state):
        targets = tuple(Target(square) for square in range(self.num_actions))
        return BoardPicture(owners=np.asarray(state.owners), targets=targets)

    def format_action(self, action):
        row, column = divmod(action, self.columns)
        return f"{'abcdef'[column]}{row + 1}"

    def estimate(self, state):
        mine, theirs = (
            (state.owners == player).sum(0).max().astype(jnp.float32)
            for player in (state.current_player, 1 - state.current_player)
        )
        return (mine + 0.5 - theirs) / (self.rows + 1)
