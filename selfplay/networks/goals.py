"""Several goals, all of which must be reached: each is judged alone, and the chances multiplied.

Lample et al. 2022, "HyperTree proof search for neural theorem proving", on back-propagation: a
state is worth the product of what its goals are worth, since each is proved, or not, by itself.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from selfplay.environment.observation import Tokens
from selfplay.networks.contract import Drop, Outputs, keep


def judge_goals(
    network: Callable[[Tokens, Drop], Outputs], observation: Tokens, drop: Drop = keep
) -> Outputs:
    """The first goal's logits, and 2 prod_g (1 + value_g) / 2 - 1 over those that are open.

    One network judges all goals, so its parameters are those that it has for one. There is no
    label for a goal: the product is drawn to what the state came to, and each goal's value with it.
    A product of few factors in [0, 1] needs no logarithms: it neither overflows nor divides, and
    its gradient by a factor is the product of the others, finite also where some of them are 0.

    Args:
        network: judges one goal, Tokens [B].
        observation: Tokens [B, G, ...]; a goal whose tokens are all masked is not open.
        drop: see `ApplyAll`; all goals of a state lack the same units.

    Returns:
        Outputs [B]; the value is 1 where no goal is open.
    """
    is_open = observation.mask.any(-1)
    by_goal = jax.tree.map(lambda x: jnp.moveaxis(x, 1, 0), observation)
    # One after the other: on a CPU twice as fast as all at once, whose arrays outgrow its cache.
    outputs = jax.lax.map(lambda goal: network(goal, drop), by_goal)
    chances = jnp.where(is_open, (1.0 + outputs.value.T) / 2.0, 1.0)
    first = jax.tree.map(lambda x: x[0], outputs)
    return first._replace(value=2.0 * chances.prod(1) - 1.0)
