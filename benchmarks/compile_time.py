"""How long does a game's search take to compile, at its preset's settings and beyond?

Run `python benchmarks/compile_time.py`. Nothing comes from a cache; the first line, which also
loads the compiler, is not shown. Tracing is Python's part, compiling XLA's.
"""

import argparse
import importlib.metadata
import os
import time
from typing import Any

import jax
import jax.numpy as jnp

from selfplay.environment import registry
from selfplay.networks.build import build
from selfplay.search.model import network_evaluator
from selfplay.search.policy import search
from selfplay.search.simulation import jit_search

GAMES: dict[str, tuple[str, dict[str, Any]]] = {
    "tic_tac_toe": ("tic_tac_toe", {}),
    "connect_four": ("connect_four", {}),
    "breakthrough 8×8": ("breakthrough", {}),
    "othello 6×6": ("othello", {"size": 6}),
    "othello 8×8": ("othello", {"size": 8}),
    "hex 5×5": ("hex", {"size": 5}),
    "hex 11×11, swap": ("hex", {"size": 11, "swap": True}),
    "go 5×5": ("go", {"size": 5}),
    "go 9×9": ("go", {"size": 9}),
    "go 19×19": ("go", {"size": 19}),
}
"""Environment and arguments."""


def compile_seconds(name: str, arguments: dict[str, Any], batch: int) -> tuple[float, float]:
    """Seconds of tracing and of compiling a search of `batch` games."""
    config, env = registry.preset(name), registry.make(name, **arguments)
    network = build(config.network, env)
    evaluator = network_evaluator(env, network.apply)

    def choose(params: Any, keys: jax.Array, state: Any):
        return search(env, evaluator, params, keys, (), state, config.search)

    state = jax.vmap(lambda _: env.init())(jnp.arange(batch))
    inputs = network.init(jax.random.key(0)), jax.random.split(jax.random.key(1), batch), state
    start = time.perf_counter()
    traced = jit_search(choose).lower(*inputs)
    middle = time.perf_counter()
    traced.compile()
    return middle - start, time.perf_counter() - middle


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--games", nargs="+", choices=GAMES, default=list(GAMES))
    parser.add_argument("--batch", type=int, default=256)
    options = parser.parse_args()
    jax.config.update("jax_enable_compilation_cache", False)
    device, version = jax.devices()[0], importlib.metadata.version("jax")
    print(f"{device.platform}: {device.device_kind}, {os.cpu_count()} cores, jax {version}\n")
    print(f"| search of {options.batch} games | traced, s | compiled, s |")
    print("|---|---|---|")
    compile_seconds("tic_tac_toe", {}, options.batch)
    for game in options.games:
        traced, compiled = compile_seconds(*GAMES[game], options.batch)
        print(f"| {game} | {traced:.1f} | {compiled:.1f} |", flush=True)


if __name__ == "__main__":
    main()
