"""What is learnt from: targets, each with where it came from, and returns for the mover."""

from typing import Any

import chex
import jax
import jax.numpy as jnp
from flax import struct

from selfplay.environment.contract import Environment, Problem, State
from selfplay.environment.verifier import Verdict

VERDICTS = ("none", *(verdict.value for verdict in Verdict))
"""Names behind `Provenance.verdict`; none where nobody was asked."""

_LEAST_SHARE = 1e-6
"""An action that was played has a share; the floor keeps the logarithm finite should it not."""


class Provenance(struct.PyTreeNode):
    """Where a row came from, and what was thought of it."""

    operator: jax.Array
    """uint8 [...]: index into `operators.contract.OPERATORS`."""
    teacher: jax.Array
    """uint8 [...]: whose parameters made it: 0 is the run's own network, or its first teacher."""
    generation: jax.Array
    """int32 [...]: the iteration, or the generation, in which it was made."""
    simulations: jax.Array
    """int32 [...]: simulations spent on it."""
    confidence: jax.Array
    """float32 [...]: in [0, 1], how sure its maker was; 1 where nobody asked."""
    verdict: jax.Array
    """uint8 [...]: index into `VERDICTS`, what a verifier said of its episode."""
    real: jax.Array
    """bool [...]: True if it came from outside, False if the model made it."""

    @classmethod
    def of(
        cls,
        shape: tuple[int, ...],
        operator: int,
        *,
        generation: jax.Array | int = 0,
        simulations: jax.Array | int = 0,
        teacher: jax.Array | int = 0,
        real: bool = False,
    ) -> "Provenance":
        """The same for all rows of `shape`, of which nobody has judged anything yet."""
        return cls(
            operator=jnp.full(shape, operator, jnp.uint8),
            teacher=jnp.full(shape, teacher, jnp.uint8),
            generation=jnp.full(shape, generation, jnp.int32),
            simulations=jnp.full(shape, simulations, jnp.int32),
            confidence=jnp.ones(shape, jnp.float32),
            verdict=jnp.zeros(shape, jnp.uint8),
            real=jnp.full(shape, real, jnp.bool_),
        )


class Targets(struct.PyTreeNode):
    """Rows to learn from; `...` is any leading shape.

    The state is packed and observed only when sampled, so symmetries and re-analysis stay
    possible. A rejected row has weight 0 and never enters the buffer: shapes never shrink.
    """

    problem: Problem
    """Problem [...]."""
    state: State
    """State [...]."""
    action_weights: jax.Array
    """float32 [..., num_actions]: the improved policy."""
    value: jax.Array
    """float32 [...]: in [-1, 1], for the mover."""
    weight: jax.Array
    """float32 [...]: of the row in the loss, at least 0."""
    provenance: Provenance
    reply: jax.Array | None = None
    """float32 [..., num_actions]: the improved policy of the opponent's next move, all zero where
    there is none to learn from; None where nobody learns it."""


def episode_returns(
    rewards: jax.Array,
    terminated: jax.Array,
    truncated: jax.Array,
    bootstrap: jax.Array,
) -> tuple[jax.Array, jax.Array]:
    """Undiscounted returns of each player, and where they are known already.

    Backwards over t = T-1 … 0 (Sutton & Barto 2018, section 3.3, with gamma 1)::

        returns[t] = bootstrap[t]                 where truncated[t]
                     rewards[t]                   where terminated[t]
                     rewards[t] + returns[t + 1]  otherwise

    A return is unknown while the episode has not ended by step T-1.

    Args:
        rewards: float32 [T, B, P], paid by the step taken at t.
        terminated: bool [T, B], whether that step ended the episode.
        truncated: bool [T, B], whether it hit the step limit.
        bootstrap: float32 [T, B, P], what is expected from t on, such as the search's value.

    Returns:
        returns float32 [T, B, P] and known bool [T, B].
    """

    chex.assert_rank(rewards, 3)
    chex.assert_equal_shape([rewards, bootstrap])
    chex.assert_shape([terminated, truncated], rewards.shape[:2])

    def backwards(later, now):
        later_return, later_known = later
        reward, terminated, truncated, bootstrap = now
        total = reward + jnp.where(terminated[:, None], 0.0, later_return)
        total = jnp.where(truncated[:, None], bootstrap, total)
        known = terminated | truncated | later_known
        return (total, known), (total, known)

    start = (jnp.zeros_like(rewards[0]), jnp.zeros_like(terminated[0]))
    _, (returns, known) = jax.lax.scan(
        backwards, start, (rewards, terminated, truncated, bootstrap), reverse=True
    )
    return returns, known


def searched_returns(env: Environment[Any], targets: Targets) -> jax.Array:
    """What each player may expect by the targets' own values: float32 [..., P].

    In the environment's units; two players' sum to zero.
    """
    value, mover = env.from_value(targets.value), targets.state.current_player
    each = [jnp.where(mover == p, value, -value) for p in range(env.num_players)]
    return jnp.stack(each, axis=-1)


def outcome_values(
    env: Environment[Any],
    targets: Targets,
    rewards: jax.Array,
    terminated: jax.Array,
    truncated: jax.Array,
) -> tuple[jax.Array, jax.Array]:
    """The mover's value by how the episode ended, and where that is known.

    Args:
        env: what is played.
        targets: Targets [T, B]; their own values stand in where an episode was truncated.
        rewards: float32 [T, B, P], paid by the step taken at t.
        terminated: bool [T, B], whether that step ended the episode.
        truncated: bool [T, B], whether it hit the step limit.

    Returns:
        float32 [T, B] in about [-1, 1], and bool [T, B].
    """
    bootstrap = searched_returns(env, targets)
    returns, known = episode_returns(rewards, terminated, truncated, bootstrap)
    mover = targets.state.current_player[..., None].astype(jnp.int32)
    return env.to_value(jnp.take_along_axis(returns, mover, -1)[..., 0]), known


def surprisal(action_weights: jax.Array, action: jax.Array) -> jax.Array:
    """float32 [B]: -log of the actions' share in a policy, at least 0, in nats.

    Its mean is the policy's entropy. Added to rewards with a weight `a`, it makes that policy best
    which takes each way to the end with probability in proportion to exp(return / a) (Haarnoja et
    al. 2017, "Reinforcement learning with deep energy-based policies", section 2).

    Args:
        action_weights: float32 [B, num_actions].
        action: int32 [B].
    """
    share = jnp.take_along_axis(action_weights, action[:, None], axis=-1)[:, 0]
    return -jnp.log(jnp.maximum(share, _LEAST_SHARE))


def surprise_weights(
    weight: jax.Array, surprise: jax.Array, ended: jax.Array, fraction: float
) -> jax.Array:
    """Weights by policy surprise, each game's total unchanged: float32 [T, B].

    KataGo's methods, "Policy surprise weighting": with a mean over the rows of one game, by
    their weights::

        weight[t] * ((1 - fraction) + fraction * surprise[t] / mean(surprise))

    where KataGo writes rows more than once, here they weigh more. A game without any surprise
    keeps its weights.

    Args:
        weight: float32 [T, B], 0 on what is not learnt from.
        surprise: float32 [T, B], KL(action_weights || the network's policy), at least 0.
        ended: bool [T, B], whether the step ended the game.
        fraction: share of the weight that goes by surprise, in [0, 1].
    """
    chex.assert_equal_shape([weight, surprise, ended])
    game = jnp.cumsum(ended, axis=0, dtype=jnp.int32) - ended.astype(jnp.int32)

    def of_the_game(x: jax.Array, game: jax.Array) -> jax.Array:
        return jax.ops.segment_sum(x, game, num_segments=x.shape[0])[game]

    total = jax.vmap(of_the_game, in_axes=1, out_axes=1)
    surprised = total(weight * surprise, game)
    share = total(weight, game) * surprise / jnp.where(surprised > 0, surprised, 1.0)
    share = jnp.where(surprised > 0, share, 1.0)
    return weight * ((1.0 - fraction) + fraction * share)


def opponent_replies(targets: Targets, ended: jax.Array) -> jax.Array:
    """The policy that the opponent's next move was to follow: float32 [T, B, num_actions].

    Wu 2019, section 3.4. It is zero where there is nothing to learn from: the game ended, the
    player to move stayed the same, or the next move has no weight itself, as it had no full
    search.

    Args:
        targets: Targets [T, B], successive steps.
        ended: bool [T, B], whether the step ended the game.
    """
    mover, weight = targets.state.current_player, targets.weight
    answered = ~ended[:-1] & (mover[1:] != mover[:-1]) & (weight[1:] > 0)
    replies = jnp.where(answered[..., None], targets.action_weights[1:], 0.0)
    return jnp.concatenate([replies, jnp.zeros_like(targets.action_weights[:1])])
