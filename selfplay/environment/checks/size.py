"""What a State costs: bytes in every node of a tree, and steps a second."""

import time
from typing import Any

import jax
import jax.numpy as jnp

from selfplay.environment.checks.games import num_bytes
from selfplay.environment.checks.law import Breach, Law, Subject
from selfplay.environment.contract import Environment

LARGE = 4_096
"""Bytes; 1,024 games with 64 nodes each are then a quarter of a gigabyte of states alone."""

_BATCH, _STEPS = 1_024, 64


def field_bytes(start: Any) -> dict[str, int]:
    """Bytes of each field of a State, given its shapes; the largest first."""
    fields = {
        jax.tree_util.keystr(path).lstrip("."): num_bytes(leaf)
        for path, leaf in jax.tree_util.tree_leaves_with_path(start)
    }
    return dict(sorted(fields.items(), key=lambda item: -item[1]))


def steps_per_second(env: Environment[Any]) -> float:
    """Of random play in a batch of 1,024, masks and observations included."""

    def begin(key: jax.Array) -> tuple[Any, Any]:
        problem = env.sample_problem(key)
        return problem, env.init(problem)

    def advance(problem: Any, state: Any, noise: jax.Array):
        legal = env.legal_action_mask(problem, state)
        action = jnp.where(legal, noise, -1.0).argmax().astype(jnp.int32)
        seen = jax.lax.optimization_barrier(env.observe(problem, state))
        after = env.step(problem, state, action)
        # Anew where it has ended, so that all steps are of running games.
        after = jax.tree.map(lambda a, b: jnp.where(after.ended, a, b), env.init(problem), after)
        return after, sum(leaf.sum(dtype=jnp.float32) for leaf in jax.tree.leaves(seen))

    @jax.jit
    def run(keys: jax.Array, dice: jax.Array):
        problem, start = jax.vmap(begin)(keys)

        def scanned(state: Any, key: jax.Array):
            noise = jax.random.uniform(key, (_BATCH, env.num_actions))
            return jax.vmap(advance)(problem, state, noise)

        return jax.lax.scan(scanned, start, dice)

    problem_key, dice_key = jax.random.split(jax.random.key(0))
    inputs = jax.random.split(problem_key, _BATCH), jax.random.split(dice_key, _STEPS)
    jax.block_until_ready(run(*inputs))
    before = time.perf_counter()
    jax.block_until_ready(run(*inputs))
    return _BATCH * _STEPS / (time.perf_counter() - before)


def _small(subject: Subject) -> Breach | None:
    fields = field_bytes(subject.start)
    total = sum(fields.values())
    if total <= LARGE:
        return None
    name, most = next(iter(fields.items()))
    return Breach(f"it takes {total:,} bytes, {most:,} of them in {name}")


LAWS = (
    Law(
        "small",
        f"a State takes at most {LARGE:,} bytes: a search keeps one in every node of its trees",
        "pack boards into bits, use the smallest dtype, and keep nothing that can be computed",
        _small,
        warns=True,
    ),
)
