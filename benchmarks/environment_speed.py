"""How fast are our rules? Random play, steps per second, beside pgx's on the same machine.

Run `python benchmarks/environment_speed.py`; pgx comes with `selfplay[peers]`.

Both sides scan the same number of steps over the same batch of games, pick a legal move by the
same noise (drawn outside the clock), compute mask and observation at every step, as self-play
does, and start a new game where one ended. Everything compiles first; then the two sides take
turns, and the figures are medians, with the range of the ratio over the pairs. That both play
the same games is checked, for as long as their rules are the same.
"""

import argparse
import importlib.metadata
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pgx

from selfplay.environment import Environment, make

GAMES: dict[str, tuple[str, dict[str, Any], int | None]] = {
    "tic_tac_toe": ("tic_tac_toe", {}, None),
    "connect_four": ("connect_four", {}, None),
    "othello": ("othello", {}, 32),
    "hex": ("hex", {"swap": True}, None),
    "go_9x9": ("go", {"size": 9}, 32),
    "go_19x19": ("go", {"size": 19}, 32),
    "breakthrough": ("breakthrough", {}, None),
}
"""For each of pgx's names, our name, our arguments, and the steps for which both must play alike.

None is all of them. Where neither player of Othello can move, pgx has both pass, one step each,
before it ends the game; we end it, as OpenSpiel does. In Go we forbid every repetition; pgx
looks back eight positions, and it punishes what we mask. Early in a game neither happens.
"""

Timed = Callable[[jax.Array], jax.Array]


def pick(mask: jax.Array, noise: jax.Array) -> jax.Array:
    """A legal action, int32 [], uniform given noise float32 [num_actions] in [0, 1).

    The action is in the low bits of its score: `argmax` takes a CPU longer than most rules do.
    """
    width = mask.size.bit_length()
    scores = (noise * 2 ** (31 - width)).astype(jnp.int32) << width
    scores = scores | jnp.arange(mask.size, dtype=jnp.int32)
    return jnp.where(mask, scores, -1).max() & (2**width - 1)


def checksum(observation: jax.Array, rewards: jax.Array) -> jax.Array:
    """int32 []; the observation is written out first, as for a network.

    Its first two planes, the stones of both players, are what all games have in common.
    """
    written = jax.lax.optimization_barrier(observation)[..., :2]
    return written.astype(jnp.int32).sum() + rewards[0].astype(jnp.int32)


def fresh(ended: jax.Array, start: Any, state: Any) -> Any:
    """`start` where the game has ended."""
    return jax.tree.map(lambda a, b: jnp.where(ended, a, b), start, state)


def ours(env: Environment[Any], batch: int) -> Timed:
    """Jitted random play from noise [steps, batch, num_actions] to a checksum."""

    def advance(state, noise):
        action = pick(env.legal_action_mask((), state), noise)
        seen = env.observe((), state)
        state = env.step((), state, action)
        total = checksum(seen, state.rewards)
        return fresh(state.terminated | state.truncated, env.init(), state), total

    return jax.jit(lambda noise: play(advance, jax.vmap(lambda _: env.init()), batch, noise))


def theirs(env: pgx.Env, batch: int) -> Timed:
    """The same with pgx, whose step makes mask and observation itself."""
    start = env.init(jax.random.key(0))

    def advance(state, noise):
        action = pick(state.legal_action_mask, noise)
        seen = state.observation
        state = env.step(state, action)
        total = checksum(seen, state.rewards)
        return fresh(state.terminated | state.truncated, start, state), total

    return jax.jit(lambda noise: play(advance, jax.vmap(lambda _: start), batch, noise))


def play(advance: Callable, init: Callable, batch: int, noise: jax.Array) -> jax.Array:
    """Scans `advance` over noise [steps, batch, num_actions]; returns a checksum."""
    return jax.lax.scan(jax.vmap(advance), init(jnp.arange(batch)), noise)[1].sum()


def seconds(function: Timed, noise: jax.Array) -> float:
    start = time.perf_counter()
    function(noise).block_until_ready()
    return time.perf_counter() - start


def state_bytes(state: Any) -> int:
    return sum(leaf.nbytes for leaf in jax.tree.leaves(state) if not is_key(leaf))


def is_key(leaf: jax.Array) -> bool:
    return jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def compare(name: str, batch: int, steps: int, pairs: int) -> str:
    """One line of the table."""
    ours_name, arguments, alike = GAMES[name]
    env = make(ours_name, **arguments)
    noise = jax.random.uniform(jax.random.key(1), (steps, batch, env.num_actions))
    mine = ours(env, batch)
    if name not in pgx.available_envs():
        mine(noise).block_until_ready()
        rate = batch * steps / statistics.median(seconds(mine, noise) for _ in range(pairs)) / 1e6
        return f"| {name} | {batch:,} | {rate:.2f} | – | – | {state_bytes(env.init())} | – |"
    peer = pgx.make(name)
    other = theirs(peer, batch)
    same = noise[:alike]
    if mine(same) != other(same):
        raise RuntimeError(f"{name}: the two sides did not play the same games")
    jax.block_until_ready((mine(noise), other(noise)))
    times = [(seconds(mine, noise), seconds(other, noise)) for _ in range(pairs)]
    rates = [batch * steps / statistics.median(side) / 1e6 for side in zip(*times, strict=True)]
    ratios = sorted(theirs_s / ours_s for ours_s, theirs_s in times)
    return (
        f"| {name} | {batch:,} | {rates[0]:.2f} | {rates[1]:.2f} "
        f"| {statistics.median(ratios):.1f} ({ratios[0]:.1f}–{ratios[-1]:.1f}) "
        f"| {state_bytes(env.init())} | {state_bytes(jax.jit(peer.init)(jax.random.key(0)))} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--games", nargs="+", choices=GAMES, default=list(GAMES))
    parser.add_argument("--batches", type=int, nargs="+", default=[128, 1024, 4096])
    parser.add_argument("--steps", type=int, default=200, help="per game and run")
    parser.add_argument("--pairs", type=int, default=15, help="paired runs")
    options = parser.parse_args()
    versions = [f"{name} {importlib.metadata.version(name)}" for name in ("jax", "jaxlib", "pgx")]
    device = jax.devices()[0]
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True
    ).stdout.strip()
    print(f"{device.platform}: {device.device_kind}, {platform.machine()}, {os.cpu_count()} cores")
    print(f"Python {platform.python_version()}, {', '.join(versions)}, commit {commit}\n")
    print("| game | batch | ours, M steps/s | pgx, M steps/s | times as fast | bytes | pgx bytes |")
    print("|---|---|---|---|---|---|---|")
    for name in options.games:
        for batch in options.batches:
            print(compare(name, batch, options.steps, options.pairs), flush=True)


if __name__ == "__main__":
    main()
