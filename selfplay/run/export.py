"""A run's network in a folder of its own, small enough to be shipped or sent.

It is a run of one checkpoint that holds the network alone, in half precision: whatever reads a
run's network (`Agent.load`, `play`, `evaluate`, `train --from`) reads it, and only training
cannot go on.
"""

from pathlib import Path

import jax
import jax.numpy as jnp

from selfplay import config as config_lib
from selfplay.environment import registry
from selfplay.networks.build import build
from selfplay.run import checkpoint, directory, session
from selfplay.run.directory import RunDirectory

DTYPE = "float16"
"""11 bits of each parameter: half the size, and the same moves but for near ties."""


def export(run: Path, output: Path, iteration: int | None = None, *, dtype: str = DTYPE) -> Path:
    """Writes the network of a run's newest sound checkpoint, or of an iteration, to `output`.

    With `dtype` float32 it is the same, bit for bit.

    Raises ValueError if there is no such run or checkpoint, `output` is taken, or a parameter is
    too large for half precision.
    """
    source = RunDirectory(run.absolute())
    config = source.read_config()
    env = registry.make(config.env, **config.env_args)
    path = checkpoint.find(source.checkpoints, iteration, source.milestones)
    params = session.read_params(path, env, build(config.network, env))
    small = jax.tree.map(lambda x: x.astype(dtype), params)
    if not all(bool(jnp.isfinite(x).all()) for x in jax.tree.leaves(small)):
        raise ValueError(
            f"{path} has parameters beyond the range of {dtype}; it cannot be exported"
        )
    info = {
        "environment_version": env.version,
        "params_dtype": dtype,
        "config": config_lib.to_dict(config),
    }

    def fill(folder: RunDirectory) -> None:
        checkpoint.save(folder.checkpoints, int(path.name), {"params": small}, info)

    with directory.create(output, config, fill) as exported:
        exported.lock_file.unlink()  # nobody will train it
    return output
