"""Many players against each other, the pairs that tell most first, until enough is known.

Matches are small, and the ratings are fitted again after each, to choose the next. Two players
meet at most once from any opening, so that no game between players without noise is counted
twice; each meets the others from openings in another order.
"""

import dataclasses
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from selfplay.environment.contract import Environment
from selfplay.evaluation.arena import (
    Openings,
    Tally,
    play_openings,
    refuse_lone_player,
    sample_openings,
)
from selfplay.evaluation.players import Player
from selfplay.evaluation.rating import Prior, Ratings, fit_pairs, single_games
from selfplay.evaluation.schedule import next_pair

PAIRS_TOGETHER = 16
"""Pairs of games in a match; more would keep a device busier, and choose less often."""


@dataclasses.dataclass(frozen=True)
class Tournament:
    """What is known after so many games."""

    names: tuple[str, ...]
    """Of the N players."""
    pairs: np.ndarray
    """int64 [N, N, 3, 3]: results as `rating.fit_pairs` takes them."""
    ratings: Ratings
    num_openings: int
    """Different ones that there were to play from."""

    @property
    def num_games(self) -> int:
        """All that were played."""
        return 2 * int(self.pairs.sum())

    def between(self, one: int, other: int) -> Tally:
        """The games of two players, as the first of them sees it."""
        games = single_games(self.pairs)
        return Tally(*(int(x) for x in games[one, other] + games[other, one, ::-1]))

    def of(self, player: int) -> Tally:
        """All games of a player."""
        games = single_games(self.pairs)
        counts = games[player].sum(axis=0) + games[:, player].sum(axis=0)[::-1]
        return Tally(*(int(x) for x in counts))


def play(
    env: Environment,
    players: Sequence[Player],
    *,
    num_games: int,
    precision: float | None = None,
    anchor: int | None = None,
    max_opening_plies: int = 0,
    seed: int = 0,
    prior: Prior | None = None,
    watch: Callable[[Tournament], None] | None = None,
) -> Tournament:
    """Plays a tournament.

    Args:
        env: a game of two players.
        players: at least 2, with different names. Those with the same `act` share a program.
        num_games: at most so many; fewer if the openings are used up, or by `precision`.
        precision: Elo; stop once all 95 % intervals are at most this to either side.
        anchor: the player whose rating is 0, by default none but the mean of all.
        max_opening_plies: openings are 0 to so many random moves.
        seed: of openings and players.
        prior: of the ratings.
        watch: is told what is known after each match.

    Raises:
        ValueError: a number does not fit, or the environment has one player.
    """
    refuse_lone_player(env)
    _check(players, num_games, precision, max_opening_plies)
    opening_key, game_key = jax.random.split(jax.random.key(seed))
    openings = distinct_openings(env, opening_key, max_opening_plies, num_games // 2)
    num_openings = jax.tree.leaves(openings)[0].shape[0]
    together = min(PAIRS_TOGETHER, num_openings)
    parts, count = num_openings // together, len(players)
    pairs = np.zeros((count, count, 3, 3), np.int64)
    met = np.zeros((count, count), np.int64)
    names = tuple(player.name for player in players)
    known = Tournament(names, pairs, fit_pairs(pairs, prior), num_openings)
    for index in range(num_games // (2 * together)):
        chosen = next_pair(known.ratings, together, met < parts)
        if chosen is None or _is_precise(known.ratings, anchor, precision):
            break
        one, other = chosen
        order = np.random.default_rng([seed % 2**32, one, other]).permutation(parts)
        begin = together * order[met[one, other]]
        part = jax.tree.map(lambda x, b=begin: x[b : b + together], openings)
        key = jax.random.fold_in(game_key, index)
        returns = play_openings(env, players[one], players[other], part, key)
        pairs, met[one, other] = pairs.copy(), met[one, other] + 1
        np.add.at(pairs[one, other], tuple(1 - np.sign(returns).astype(np.int64).T), 1)
        known = Tournament(names, pairs, fit_pairs(pairs, prior), num_openings)
        if watch is not None:
            watch(known)
    return known


def distinct_openings(env: Environment, key: jax.Array, max_plies: int, count: int) -> Openings:
    """Openings, no two of them equal, as NumPy arrays: what is left of `count` random ones."""
    openings = jax.device_get(sample_openings(env, key, jnp.int32(max_plies), count))
    leaves = [np.ascontiguousarray(x.reshape(count, -1)) for x in jax.tree.leaves(openings)]
    contents = np.concatenate([leaf.view(np.uint8) for leaf in leaves], axis=1)
    first = np.sort(np.unique(contents, axis=0, return_index=True)[1])
    return jax.tree.map(lambda x: x[first], openings)


def _is_precise(ratings: Ratings, anchor: int | None, precision: float | None) -> bool:
    return precision is not None and float(ratings.relative_to(anchor)[1].max()) <= precision


def _check(
    players: Sequence[Player], num_games: int, precision: float | None, max_opening_plies: int
) -> None:
    names = [player.name for player in players]
    if len(players) < 2:
        raise ValueError(f"a tournament needs at least 2 players, got {len(players)}: {names}")
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"players need different names, got more than once: {sorted(twice)}")
    if num_games < 2:
        raise ValueError(f"a tournament needs at least 2 games, got {num_games}")
    if precision is not None and precision <= 0:
        raise ValueError(f"precision must be more than 0 Elo, got {precision}")
    if max_opening_plies < 0:
        raise ValueError(f"max_opening_plies must be at least 0, got {max_opening_plies}")
