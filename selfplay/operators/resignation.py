"""Ending decided games early, and measuring how often that was wrong.

Silver et al. 2017 ("Mastering the game of Go without human knowledge", methods, self-play) end a
game when the loser's value falls below a threshold, and play a tenth of the games to the end to
count those that would have been lost wrongly. Here both sides' searches must agree for some
plies in a row, and the game is worth what the last search says rather than a whole win: the
outcome is bootstrapped, so that a value which is not certain does not become so by itself.

KataGo's milder way, to play on with fast searches and low weights, would save little: a step
searches all games together, and lasts as long however many of them are decided. A game that ends
leaves its place to a new one.
"""

import dataclasses

import jax
import jax.numpy as jnp
from flax import struct

from selfplay.environment.contract import State


class Standing(struct.PyTreeNode):
    """What the searches of B games have said so far."""

    whole: jax.Array
    """bool [B]: to be played to the end, whatever they say."""
    leader: jax.Array
    """int8 [B]: 1 if the first player is winning, -1 if losing, 0 if that is open."""
    plies: jax.Array
    """int32 [B]: how many searches in a row have said so."""
    verdict: jax.Array
    """int8 [B]: in a whole game, the leader when it would have ended; 0 if it would not yet."""


@dataclasses.dataclass(frozen=True)
class Resignation:
    """When a game of two players is decided; a bundle of pure functions."""

    value: float
    """Of a search, in (0, 1], from which on it says that someone is winning."""
    plies: int
    """Searches in a row that must say the same."""
    whole_fraction: float
    """Share of games that are played to the end."""

    def begin(self, keys: jax.Array) -> Standing:
        """The standing of new games, by their keys [B], of which `whole_fraction` are whole."""
        whole = jax.vmap(lambda key: jax.random.bernoulli(key, self.whole_fraction))(keys)
        open_ = jnp.zeros(whole.shape, jnp.int8)
        plies = jnp.zeros(whole.shape, jnp.int32)
        return Standing(whole=whole, leader=open_, plies=plies, verdict=open_)

    def judge(
        self, standing: Standing, value: jax.Array, returns: jax.Array, after: State
    ) -> tuple[Standing, State, dict[str, jax.Array]]:
        """The standing after a search and its move; a decided game ends with that move.

        Args:
            standing: Standing [B] before.
            value: float32 [B], the search's, for the first player.
            returns: float32 [B, 2], the same as each player's return.
            after: State [B] after the move.

        Returns:
            The standing, and `after` with the decided games terminated, their rewards `returns`
            in place of the step's own. And bool [B] each: games `resigned`; whole games that
            have ended after a verdict (`judged`); those that the leader then did not win
            (`misjudged`).
        """
        decisive = jnp.abs(value) >= self.value
        leader = jnp.where(decisive, jnp.sign(value), 0.0).astype(jnp.int8)
        before = jnp.where(leader == standing.leader, standing.plies, 0)
        plies = jnp.where(decisive, before + 1, 0)
        decided = (plies >= self.plies) & ~after.ended
        verdict = jnp.where(decided & (standing.verdict == 0), leader, standing.verdict)
        resigned = decided & ~standing.whole
        judged = after.terminated & standing.whole & (verdict != 0)
        winner = jnp.sign(after.rewards[:, 0]).astype(jnp.int8)
        counts = {
            "resigned": resigned,
            "judged": judged,
            "misjudged": judged & (winner != verdict),
        }
        after = after.replace(
            rewards=jnp.where(resigned[:, None], returns, after.rewards),
            terminated=after.terminated | resigned,
        )
        standing = standing.replace(leader=leader, plies=plies, verdict=verdict)
        return standing, after, counts
