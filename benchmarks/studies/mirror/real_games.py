"""Generation 0: games of a player who knows the truth and errs now and then, written as moves.

It is what people would have left: a record of games, varied and mostly good, from which the first
network learns, and of which each later generation shows less or more.
"""

import functools
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.studies.mirror.truth import Truth
from selfplay.operators.episodes import Episodes, Labeller
from selfplay.operators.exact import Exact
from selfplay.replay import generations
from selfplay.replay.generations import Generation
from selfplay.replay.labels import judged

TEMPERATURE = 0.5
"""On 5 by 4, 8 % of its moves err: 16 % of those where one can."""
GAMES_AT_ONCE = 256


def write(
    path: Path,
    truth: Truth,
    *,
    num_games: int,
    temperature: float = TEMPERATURE,
    seed: int = 0,
) -> Generation:
    """Plays the games and writes them, or goes on with those that are there.

    Args:
        path: the generation's folder.
        truth: the solved game.
        num_games: how many, a multiple of `GAMES_AT_ONCE`.
        temperature: moves are drawn as exp(value / temperature).
        seed: another one gives other games.

    Returns:
        A generation of real rows; a row's policy is the move that was played.

    Raises:
        ValueError: `num_games` is no such multiple, or the folder holds games of other settings.
    """
    if num_games < 1 or num_games % GAMES_AT_ONCE:
        raise ValueError(f"num_games must be a multiple of {GAMES_AT_ONCE}, got {num_games}")
    about: dict[str, Any] = {
        "env": "connect_four",
        "env_args": truth.env_args,
        "environment_version": truth.env.version,
        "generation": 0,
        "temperature": temperature,
        "seed": seed,
    }
    generation = generations.create(path, about)
    play = jax.jit(functools.partial(_play, truth, temperature, jax.random.key(seed)))
    for shard in range(len(generation.shards), num_games // GAMES_AT_ONCE):
        index = shard * GAMES_AT_ONCE + jnp.arange(GAMES_AT_ONCE, dtype=jnp.int32)
        generation.add(judged(play(index)))
    return generation


def _play(truth: Truth, temperature: float, key: jax.Array, index: jax.Array) -> Episodes:
    """The games of these numbers (int32 [B])."""
    labeller = Labeller(truth.env, Exact(truth.env, temperature, truth.oracle))
    episodes = labeller.play((), key, index, jnp.int32(0))
    samples = episodes.samples
    moves = jax.nn.one_hot(samples.action, truth.env.num_actions, dtype=jnp.float32)
    targets = samples.targets.replace(action_weights=moves)
    return episodes.replace(samples=samples.replace(targets=targets))
