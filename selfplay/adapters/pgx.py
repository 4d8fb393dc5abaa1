"""Games of pgx, by name: `pgx:animal_shogi` wherever the name of an environment is accepted.

Koyamada et al. 2023, "Pgx: Hardware-Accelerated Parallel Game Simulators for Reinforcement
Learning". The rules are pgx's own, version 2.6 or later; `pip install 'selfplay[pgx]'` installs
it. Perfect information without chance only: anything else is refused with the reason.
"""

import contextlib
import difflib
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from selfplay.adapters import pgx_text
from selfplay.adapters.pgx_fields import Fields
from selfplay.environment.contract import State
from selfplay.environment.game import Game
from selfplay.environment.observation import ArraySpec

MAX_STEPS = {
    "animal_shogi": 256,
    "chess": 512,
    "connect_four": 42,
    "gardner_chess": 256,
    "go_19x19": 722,
    "go_9x9": 162,
    "hex": 122,
    "othello": 122,
    "shogi": 512,
    "tic_tac_toe": 9,
}
"""Most moves of the games known to work: pgx's own limit, which ends a game by its rules (drawn, in
Go by the score), or what the board allows. In Othello 60 discs, with passes between them."""

OPEN_SPIEL = {
    "connect_four": "connect_four",
    "hex": "hex(board_size=11,swap=True)",
    "tic_tac_toe": "tic_tac_toe",
}
"""Games with the rules and the numbers of actions of OpenSpiel's. pgx's Othello is not among them:
where neither can move it asks for two passes, and OpenSpiel's is over."""

UNKNOWN_MAX_STEPS = 1024
"""Of other games, which may come with a later pgx: then the game is truncated."""


class PgxState(State):
    """A position of a pgx game."""

    kept: dict[str, jax.Array]
    """What `pgx_fields` keeps of pgx's state, by name."""


class PgxGame(Game[PgxState]):
    """The game that pgx calls `game`; player 0 begins.

    pgx draws who begins; here its player 0 always does. Rules, endings, rewards and observations
    are pgx's, an illegal move aside, which is judged by `Environment.step`; the observation is cast
    to float32.

    Raises ValueError if pgx is missing, or the game is unknown or needs what there is not here.
    """

    def __init__(self, game: str):
        self.game = game
        with _pgx_numerics():
            self._env = _make(game)
            start = _first(self._env)
        self._fields = Fields(game, start)
        self._beginning = start
        self.version = f"pgx {self._env.version}"
        self.num_actions = int(start.legal_action_mask.shape[0])
        self.num_players = int(self._env.num_players)
        self.max_steps = MAX_STEPS.get(game, UNKNOWN_MAX_STEPS)
        self.open_spiel = OPEN_SPIEL.get(game)
        self.observation_spec = ArraySpec(shape=tuple(start.observation.shape))
        self._names = pgx_text.action_names(game, self.observation_spec.shape, self.num_actions)
        self._actions = {name: action for action, name in enumerate(self._names)}

    def start(self) -> PgxState:
        """pgx's start, player 0 to move."""
        return PgxState.start(self.num_players, kept=self._fields.keep(self._beginning))

    def play(self, state: PgxState, action: jax.Array) -> PgxState:
        """pgx's step."""
        with _pgx_numerics():
            after = self._env.step(self._restore(state), action)
            return state.replace(
                kept=self._fields.keep(after),
                current_player=after.current_player.astype(jnp.int8),
                rewards=after.rewards.astype(jnp.float32).reshape(self.num_players),
                terminated=after.terminated,
            )

    def legal(self, state: PgxState) -> jax.Array:
        """pgx's mask."""
        return self._fields.mask(state.kept)

    def view(self, state: PgxState) -> jax.Array:
        """pgx's observation for the mover, as float32."""
        with _pgx_numerics():
            return self._env.observe(self._restore(state)).astype(jnp.float32)

    def draw(self, state: PgxState) -> str:
        """The board as the mover sees it, read from the observation where that is known how."""
        observation = np.asarray(self.view(state))
        return pgx_text.draw(self.game, observation, state.kept, state)

    def format_action(self, action: int) -> str:
        """A square, two squares, or pgx's number; see `pgx_text.action_names`."""
        return self._names[action]

    def parse_action(self, text: str) -> int:
        """The action of a name, or of pgx's number. Raises ValueError saying what would do."""
        word = text.strip().lower()
        if word in self._actions:
            return self._actions[word]
        if word.isdecimal() and int(word) < self.num_actions:
            return int(word)
        some = ", ".join(self._names[:: max(1, self.num_actions // 4)][:4])
        raise ValueError(
            f"no action is called {text!r}; there are {self.num_actions}, such as {some}, and "
            f"pgx's numbers from 0 to {self.num_actions - 1} will do as well"
        )

    def _restore(self, state: PgxState) -> Any:
        return self._fields.restore(state.kept, state.current_player, state.step_count)


def refusal(env: Any) -> str | None:
    """Why a pgx environment cannot be used here; None if it can.

    Read from the environment: the number of players, whether starts from several keys differ in
    more than who begins, and whether the traced step reads its key.
    """
    if env.num_players > 2:
        return f"it has {env.num_players} players, and only 1 or 2 are supported"
    keys = [jax.random.key(seed) for seed in range(8)]
    with _pgx_numerics():
        init = jax.jit(env.init)
        starts = [_without_order(init(key)) for key in keys]
        closed = jax.make_jaxpr(env.step)(init(keys[0]), jnp.int32(0), keys[0])
    if any(_differ(starts[0], other) for other in starts[1:]):
        return "its start is drawn at random (cards, dice or tiles), and chance is not supported"
    key = closed.jaxpr.invars[-1]
    if any(read is key for equation in closed.jaxpr.eqns for read in equation.invars):
        return "its moves draw random numbers, and chance is not supported"
    return None


@contextlib.contextmanager
def _pgx_numerics() -> Iterator[None]:
    """pgx promotes ranks and dtypes as NumPy does, whatever the caller allows."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


def _make(game: str) -> Any:
    """pgx's environment. Raises ValueError as `PgxGame` does."""
    try:
        import pgx
    except ModuleNotFoundError as error:
        raise ValueError("pgx is not installed; pip install 'selfplay[pgx]'") from error
    offered = [str(name) for name in pgx.available_envs()]
    if game not in offered:
        near = difflib.get_close_matches(game, offered, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise ValueError(f"pgx.make has no game {game!r}; {hint}these work: {', '.join(MAX_STEPS)}")
    env = pgx.make(game)  # pyright: ignore[reportArgumentType]
    reason = None if game in MAX_STEPS else refusal(env)
    if reason is not None:
        raise ValueError(f"{game} cannot be played: {reason}; these work: {', '.join(MAX_STEPS)}")
    return env


def _first(env: Any) -> Any:
    """A start in which player 0 is to move, as NumPy arrays."""
    init = jax.jit(env.init)
    for seed in range(64):
        start = init(jax.random.key(seed))
        if int(start.current_player) == 0:
            return jax.device_get(start)
    raise ValueError(f"player 0 never begins in pgx's {env.id}")


def _without_order(start: Any) -> Any:
    """A start without the fields that say who begins."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(start)
    order = ("current_player", "_player_order")
    return [np.asarray(leaf) for path, leaf in leaves if path[0].name not in order]


def _differ(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return not all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
