"""Many players against each other, the pairs that tell most first, until enough is known.

Matches are small, and the ratings are fitted again after each, to choose the next. Two players
meet at most once from any opening, so that no game between players without noise is counted
twice; each meets the others from openings in another order. All that is random follows from the
seed and the players' names, so that a tournament may be gone on with, more players among them.
First of all everybody is joined to everybody else by some chain of matches: without one, a
difference between two players would be the prior's alone.
"""

import dataclasses
import functools
import zlib
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from scipy.sparse.csgraph import connected_components

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
from selfplay.evaluation.schedule import information_gain, next_pair, variance_cut

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

    @property
    def pairs_met(self) -> np.ndarray:
        """int64 [N, N], symmetric: pairs of games between two players."""
        met = self.pairs.sum(axis=(2, 3))
        return met + met.T

    @property
    def dispersion(self) -> float:
        """Variance of the points in a pair of games, as a multiple of two independent games'."""
        return float(np.average(self.ratings.dispersion, weights=self.pairs_met))

    def among(self, names: Sequence[str]) -> np.ndarray:
        """The results `pairs` of other players in another order: 0 where they were not known."""
        here = [i for i, name in enumerate(names) if name in self.names]
        there = [self.names.index(names[i]) for i in here]
        pairs = unplayed(len(names))
        pairs[np.ix_(here, here)] = self.pairs[np.ix_(there, there)]
        return pairs

    def between(self, one: int, other: int) -> Tally:
        """The games of two players, as the first of them sees it."""
        games = single_games(self.pairs)
        return Tally(*(int(x) for x in games[one, other] + games[other, one, ::-1]))

    def of(self, player: int) -> Tally:
        """All games of a player."""
        games = single_games(self.pairs)
        counts = games[player].sum(axis=0) + games[:, player].sum(axis=0)[::-1]
        return Tally(*(int(x) for x in counts))


def unplayed(count: int) -> np.ndarray:
    """The results `pairs` of so many players who have not met."""
    return np.zeros((count, count, 3, 3), np.int64)


def play(
    env: Environment,
    players: Sequence[Player],
    *,
    num_games: int,
    precision: float | None = None,
    anchor: int | None = None,
    wanted: Sequence[int] | None = None,
    max_opening_plies: int = 0,
    seed: int = 0,
    prior: Prior | None = None,
    least_games: int = 0,
    costs: Sequence[float] | None = None,
    pairs_together: int = PAIRS_TOGETHER,
    num_openings: int | None = None,
    known: Tournament | None = None,
    watch: Callable[[Tournament], None] | None = None,
) -> Tournament:
    """Plays a tournament.

    Args:
        env: a game of two players.
        players: at least 2, with different names. Those with the same `act` share a program.
        num_games: at most so many, those of `known` among them; fewer if the openings are used
            up, or by `precision`.
        precision: Elo; stop once all 95 % intervals are at most this to either side.
        anchor: the player whose rating is 0, by default none but the mean of all.
        wanted: whose intervals `precision` is about, by default everybody's.
        max_opening_plies: openings are 0 to so many random moves.
        seed: of openings and players.
        prior: of the ratings.
        least_games: everybody plays at least so many, before `precision` counts.
        costs: of a move of each player; with them the pairs that tell most for their cost play.
        pairs_together: pairs of games in a match.
        num_openings: to sample, of which equal ones are dropped; by default as many as `num_games`
            could use.
        known: what there is to go on from: games of the same environment, seed, openings and
            `pairs_together`. Players go by their names; those who are not among
            `players` are left out, with their games.
        watch: is told what is known after each match.

    Raises:
        ValueError: a number does not fit, the games are too few to compare everybody with
            everybody, or the environment has one player.
    """
    refuse_lone_player(env)
    _check(players, num_games, precision, max_opening_plies)
    opening_key, game_key = jax.random.split(jax.random.key(seed))
    asked = num_games // 2 if num_openings is None else num_openings
    openings = distinct_openings(env, opening_key, max_opening_plies, asked)
    count = int(jax.tree.leaves(openings)[0].shape[0])
    together = min(pairs_together, count)
    parts, names = count // together, tuple(player.name for player in players)
    pairs = unplayed(len(names)) if known is None else known.among(names)
    each = np.ones(len(names)) if costs is None else np.asarray(costs, np.float64)
    prices = each[:, None] + each
    refuse_too_few(pairs, together, num_games)
    known = Tournament(names, pairs, fit_pairs(pairs, prior), count)
    while known.num_games + 2 * together <= num_games:
        met = known.pairs_met // together
        group = _groups(known.pairs)
        may_play = met < parts if group.max() == 0 else group[:, None] != group
        waits = (2 * known.pairs_met.sum(axis=1) < least_games) & may_play.any(axis=1)
        worth = information_gain(known.ratings, together)
        if waits.any():
            may_play = may_play & (waits[:, None] | waits)
        elif precision is not None:
            if _is_precise(known.ratings, anchor, wanted, precision):
                break
            worth = variance_cut(known.ratings, together, precision, anchor, wanted)
        chosen = next_pair(worth / prices, may_play)
        if chosen is None:
            break
        one, other = chosen
        match = sorted(zlib.crc32(names[player].encode()) for player in chosen)
        order = np.random.default_rng([seed % 2**32, *match]).permutation(parts)
        begin = together * order[met[one, other]]
        part = jax.tree.map(lambda x, b=begin: x[b : b + together], openings)
        key = functools.reduce(jax.random.fold_in, [*match, int(begin)], game_key)
        returns = play_openings(env, players[one], players[other], part, key)
        pairs = known.pairs.copy()
        np.add.at(pairs[one, other], tuple(1 - np.sign(returns).astype(np.int64).T), 1)
        known = Tournament(names, pairs, fit_pairs(pairs, prior), count)
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


def _groups(pairs: np.ndarray) -> np.ndarray:
    """int [N]: the same number for players that some chain of matches joins, from 0 on."""
    return connected_components(pairs.sum(axis=(2, 3)) > 0, directed=False)[1]


def refuse_too_few(pairs: np.ndarray, together: int, num_games: int) -> None:
    """Raises ValueError if so many games cannot compare everybody with everybody.

    Args:
        pairs: [N, N, 3, 3], of games played already, counted among `num_games`.
        together: pairs of games in a match.
        num_games: at most so many.
    """
    done = 2 * int(pairs.sum())
    needed = done + 2 * together * int(_groups(pairs).max())
    if needed > num_games:
        played = f", {done:,} of which are played" if done else ""
        raise ValueError(
            f"{len(pairs)} players need at least {needed:,} games{played}, for some chain of "
            f"matches to join them all; at most {num_games:,} were asked for"
        )


def _is_precise(
    ratings: Ratings, anchor: int | None, wanted: Sequence[int] | None, precision: float
) -> bool:
    half = ratings.relative_to(anchor)[1]
    return float((half if wanted is None else half[list(wanted)]).max()) <= precision


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
