"""What a student learns from: rows of several generations, drawn by their shares."""

import dataclasses
import functools
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from selfplay.operators.episodes import Sample
from selfplay.operators.targets import Targets
from selfplay.replay import mixture
from selfplay.replay.mixture import Regime
from selfplay.replay.selection import Selection, restored


@dataclasses.dataclass(frozen=True)
class Pool:
    """The rows that passed, of every generation there is; they stay on disk until drawn."""

    selections: Mapping[int, Selection]
    """By generation; 0 is the real data."""
    capacity: int
    """Generations there may ever be, the real one counted: what is compiled goes by it."""
    like: Sample
    """One row, arrays or their shapes and dtypes."""
    regime: Regime

    @functools.cached_property
    def sizes(self) -> jax.Array:
        """int32 [capacity]: rows of each generation."""
        sizes = np.zeros(self.capacity, np.int32)
        for generation, selection in self.selections.items():
            sizes[generation] = selection.size
        return jnp.asarray(sizes)

    def shares(self, real_fraction: float | None) -> jax.Array:
        """float32 [capacity]: see `mixture.shares`. Raises ValueError for what cannot be mixed."""
        mixture.refuse_unfit(self.sizes.tolist(), real_fraction)
        return mixture.shares(self.sizes, self.regime, real_fraction)

    def draw(self, key: jax.Array, shares: jax.Array, count: int) -> Targets:
        """Targets [count] on the host, each row's generation by the shares, uniform within it."""
        drawn = jax.device_get(_sample(key, shares, self.sizes, count))
        fields: dict[str, np.ndarray] = {}
        for generation in np.unique(drawn.generation):
            here = drawn.generation == generation
            for name, rows in self.selections[int(generation)].rows(drawn.row[here]).items():
                if name not in fields:
                    fields[name] = np.empty((count, *rows.shape[1:]), rows.dtype)
                fields[name][here] = rows
        return restored(fields, self.like).targets


_sample = functools.partial(jax.jit, static_argnums=3)(mixture.sample)
