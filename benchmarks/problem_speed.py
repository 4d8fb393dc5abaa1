"""How fast are the rules of an environment of problems? Mask and step, in random play.

    python -m benchmarks.problem_speed propositional --env-args subformulas 128
    python -m benchmarks.problem_speed andrews_curtis
    python -m benchmarks.problem_speed hp_lattice

The batch of problems, of all levels, is shared out between as many devices as there are cores, as
training does. Attempts that end begin again; no problem and no lot is drawn on the way.
"""

import dataclasses
import os
import statistics
import time
from typing import Any

import tyro


@dataclasses.dataclass(frozen=True)
class Arguments:
    """What is measured."""

    env: tyro.conf.Positional[str]
    env_args: dict[str, bool | int | float | str] = dataclasses.field(default_factory=dict)
    batch: int = 1024
    steps: int = 64
    runs: int = 15
    cores: int = os.cpu_count() or 1


def measure(arguments: Arguments) -> list[float]:
    """Steps a second, of each run."""
    import jax
    import jax.numpy as jnp
    from jax.sharding import PartitionSpec

    from selfplay.environment import make

    env = make(arguments.env, **arguments.env_args)
    mesh = jax.make_mesh((arguments.cores,), ("data",))
    spec = PartitionSpec("data")

    low_bits = 2 ** env.num_actions.bit_length() - 1

    def play(problems: Any, lots: jax.Array) -> jax.Array:
        begun = jax.vmap(env.init)(problems)

        def step(states: Any, lots: jax.Array) -> tuple[Any, jax.Array]:
            legal = jax.vmap(env.legal_action_mask)(problems, states)
            actions = jnp.where(legal, lots, 0).max(-1) & low_bits
            after = jax.vmap(env.step)(problems, states, actions)
            fresh = jax.vmap(lambda a, b: jax.tree.map(lambda x, y: jnp.where(b.ended, x, y), a, b))
            return fresh(begun, after), after.rewards.sum()

        return jax.lax.scan(step, begun, jnp.swapaxes(lots, 0, 1))[1]

    shared = jax.jit(jax.shard_map(play, mesh=mesh, in_specs=spec, out_specs=spec, check_vma=False))
    draw = jax.jit(jax.vmap(env.sample_problem))
    place = jax.sharding.NamedSharding(mesh, spec)
    problems = jax.device_put(draw(jax.random.split(jax.random.key(0), arguments.batch)), place)
    # A lot for each action, which is told by its low bits: the highest legal one is played.
    shape = (arguments.batch, arguments.steps, env.num_actions)
    lots = jax.random.randint(jax.random.key(1), shape, 0, 2**30, jnp.int32) & ~low_bits
    lots = jax.device_put(lots | jnp.arange(env.num_actions, dtype=jnp.int32)[None, None], place)
    jax.block_until_ready(shared(problems, lots))
    rates = []
    for _ in range(arguments.runs):
        start = time.perf_counter()
        jax.block_until_ready(shared(problems, lots))
        rates.append(arguments.batch * arguments.steps / (time.perf_counter() - start))
    return rates


def main() -> None:
    arguments = tyro.cli(Arguments)
    os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={arguments.cores}"
    rates = sorted(measure(arguments))
    print(
        f"{arguments.env}, batch {arguments.batch:,}, {arguments.cores} cores: "
        f"{statistics.median(rates):,.0f} steps a second ({rates[0]:,.0f} to {rates[-1]:,.0f}), "
        f"load {os.getloadavg()[0]:.1f}"
    )


if __name__ == "__main__":
    main()
