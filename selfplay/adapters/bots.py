"""OpenSpiel's bots as players of the arena: `open_spiel:mcts:1000`.

A bot thinks on the host, one game after another, called back from the arena's compiled loop. It
is told the whole game, so the arena plays `Remembered`, whose states know their moves; everybody
else plays the game as ever.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np

from selfplay.adapters import open_spiel
from selfplay.adapters.remembered import Remembered, forgetful
from selfplay.environment.contract import Environment
from selfplay.evaluation import opponents
from selfplay.evaluation.players import Act, Player

PREFIX = "open_spiel:"

UCT_CONSTANT = 2.0
"""Exploration of `open_spiel:mcts`: the default of OpenSpiel's own examples."""

_MEMORY_MB = 1000

_NAME = re.compile(r"(?:(mcts|alpha_beta):(\d+)|random)")

Choose = Callable[[Any, int], int]
"""`(pyspiel.State, seed) -> action`, in OpenSpiel's numbers."""


def is_named(name: str) -> bool:
    """Whether a name is that of a fixed opponent, ours or OpenSpiel's, rather than of a run."""
    return name.startswith(PREFIX) or opponents.is_named(name)


def player(env: Environment[Any], name: str) -> Player:
    """The fixed opponent of a name: one of `opponents`, or a bot of OpenSpiel.

    `open_spiel:random`, `open_spiel:mcts:SIMULATIONS` (UCT, one random rollout a simulation, proven
    results backed up), `open_spiel:alpha_beta:DEPTH` (what lies beyond that depth counts as drawn;
    in Python, for small boards).

    Raises ValueError if there is none, or the environment names no game of OpenSpiel.
    """
    if not name.startswith(PREFIX):
        return Player(name, opponents.by_name(env, name))
    found = _NAME.fullmatch(name.removeprefix(PREFIX))
    if found is None or (found[2] is not None and int(found[2]) < 1):
        raise ValueError(
            "a bot of OpenSpiel is open_spiel:random, open_spiel:mcts:100 or "
            f"open_spiel:alpha_beta:4, for instance; got {name!r}"
        )
    game = open_spiel.load(env)
    if found[1] is None:
        choose = _random(game)
    else:
        choose = {"mcts": _mcts, "alpha_beta": _alpha_beta}[found[1]](game, int(found[2]))
    return Player(name, BotAct(env, game, choose))


def seat(env: Environment[Any], players: Sequence[Player]) -> tuple[Environment[Any], list[Player]]:
    """The environment and the players of a match: as they are, or where a bot takes part, with
    states that know their moves.
    """
    if not any(isinstance(player.act, BotAct) for player in players):
        return env, list(players)
    acts: dict[Act, Act] = {}  # players that share an act go on sharing a program
    for player in players:
        known = isinstance(player.act, BotAct)
        acts.setdefault(player.act, player.act if known else forgetful(player.act))
    return Remembered(env), [player._replace(act=acts[player.act]) for player in players]


class BotAct:
    """What a bot plays in a batch of `RememberedState`; it claims that every position is even.

    Its random numbers derive from each position's key, so a match can be repeated.
    """

    def __init__(self, env: Environment[Any], game: Any, choose: Choose):
        self._env, self._game, self._choose = env, game, choose

    def __call__(self, params: Any, keys: jax.Array, problem: Any, state: Any):
        """As `players.Act`."""
        del params, problem
        seeds = jax.vmap(lambda key: jax.random.bits(key, dtype=jnp.uint32))(keys)
        shape = jax.ShapeDtypeStruct(seeds.shape, jnp.int32)
        action = jax.pure_callback(
            self._choose_each, shape, seeds, state.moves, state.step_count, state.ended
        )
        return action, jnp.zeros(seeds.shape, jnp.float32)

    def _choose_each(self, *batch: Any) -> np.ndarray:
        """int32 [B] from seeds [B], moves [B, max_steps], step_count [B] and ended [B]."""
        rows = zip(*(np.asarray(leaf).tolist() for leaf in batch), strict=True)
        return np.array([self._choose_one(*row) for row in rows], np.int32)

    def _choose_one(self, seed: int, moves: list[int], count: int, ended: bool) -> int:
        if ended:
            return 0
        theirs = open_spiel.replay(self._env, self._game, moves[:count])
        chosen = self._choose(theirs, seed % 2**31)
        mover = theirs.current_player()
        return self._env.from_open_spiel(chosen, theirs.action_to_string(mover, chosen))


def _random(game: Any) -> Choose:
    """Any legal action, each as likely, by OpenSpiel's bot."""
    pyspiel = open_spiel.library()
    del game

    def choose(theirs: Any, seed: int) -> int:
        return pyspiel.make_uniform_random_bot(theirs.current_player(), seed).step(theirs)

    return choose


def _mcts(game: Any, num_simulations: int) -> Choose:
    """OpenSpiel's Monte Carlo tree search, afresh for each move."""
    pyspiel = open_spiel.library()

    def choose(theirs: Any, seed: int) -> int:
        evaluator = pyspiel.RandomRolloutEvaluator(1, seed)
        solve, verbose = True, False
        bot = pyspiel.MCTSBot(
            game, evaluator, UCT_CONSTANT, num_simulations, _MEMORY_MB, solve, seed, verbose
        )
        return bot.step(theirs)

    return choose


def _alpha_beta(game: Any, depth: int) -> Choose:
    """OpenSpiel's alpha-beta search in Python; it takes the first of equally good actions."""
    from open_spiel.python.algorithms import minimax

    def choose(theirs: Any, seed: int) -> int:
        del seed
        _, action = minimax.alpha_beta_search(
            game, theirs, value_function=lambda _: 0.0, maximum_depth=depth
        )
        return cast(int, action)  # None only after the end

    return choose
