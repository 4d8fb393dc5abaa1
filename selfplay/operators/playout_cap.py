"""Playout-cap randomisation: most moves are cheap, and only the dear ones are learnt from.

Wu 2019, "Accelerating Self-Play Learning in Go", section 3.1. Values want many games, policies
want deep searches; so a share of the moves, at random, has a full search and is trained on, and
the others a fast one that only brings the game to its outcome.
"""

import dataclasses

import jax
import jax.numpy as jnp

from selfplay.environment.contract import Problem, State
from selfplay.networks.contract import Params
from selfplay.operators.contract import Improved, ImprovementOperator


@dataclasses.dataclass(frozen=True)
class PlayoutCap(ImprovementOperator):
    """`full` for one game of every `full_every` in a row, drawn anew each time, else `fast`.

    Exactly so many are full, rather than each with a probability, so that both operators work
    on batches of fixed sizes; the cost of a step is that of its mean. The draw belongs to the
    block of games, by the key of its first: a batch split over devices between blocks gives what
    one device gives.
    """

    full: ImprovementOperator
    fast: ImprovementOperator
    """Its rows have weight 0: they are never learnt from."""
    full_every: int

    def improve(
        self,
        params: Params,
        keys: jax.Array,
        problem: Problem,
        state: State,
        generation: jax.Array,
    ) -> Improved:
        """See `ImprovementOperator.improve`. Raises ValueError if the last block is not whole."""
        batch_size = keys.shape[0]
        if batch_size % self.full_every:
            raise ValueError(
                f"search.full_every must divide the games of a device, got {self.full_every} "
                f"for {batch_size} games"
            )
        draw_keys, keys = jax.vmap(lambda key: jax.random.split(key, 2), out_axes=1)(keys)
        order = self._full_ones_first(draw_keys)
        count = batch_size // self.full_every

        def improve(operator: ImprovementOperator, games: jax.Array) -> Improved:
            own_problem, own_state = jax.tree.map(lambda x: x[games], (problem, state))
            return operator.improve(params, keys[games], own_problem, own_state, generation)

        full = improve(self.full, order[:count])
        fast = improve(self.fast, order[count:])
        unlearnt = fast.targets.replace(weight=jnp.zeros_like(fast.targets.weight))
        fast = fast._replace(targets=unlearnt)
        back = jnp.argsort(order)
        return jax.tree.map(lambda a, b: jnp.concatenate([a, b])[back], full, fast)

    def _full_ones_first(self, keys: jax.Array) -> jax.Array:
        """int32 [B]: the games in order, but those to be searched in full before all others."""
        of_block = jax.vmap(lambda key: jax.random.randint(key, (), 0, self.full_every))
        chosen = jnp.repeat(of_block(keys[:: self.full_every]), self.full_every)
        place = jnp.arange(keys.shape[0], dtype=jnp.int32) % self.full_every
        return jnp.argsort(place != chosen, stable=True)
