"""What a run will need of each device's memory, before anything is compiled."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from selfplay.config import Config, SearchConfig
from selfplay.environment.contract import Environment, shapes
from selfplay.networks.contract import Network
from selfplay.search import tree

_COPIES = {"selfplay": 1, "mctx": 2}
"""Of a batch of trees at once: mctx's loops hold an old one beside the new."""

_LIST_BYTES = 12
"""A node of the search also has an entry in the list of nodes passed."""

_FIELDS = {
    "search trees of self-play": "search.num_simulations, rollout.num_games or search.lanes",
    "search trees of the evaluation": "evaluation.batch_size or evaluation.num_simulations",
    "replay buffer": "replay.capacity",
    "games in progress": "rollout.num_games",
    "network and optimizer": "network.width or network.depth",
}


@dataclasses.dataclass(frozen=True)
class Plan:
    """Bytes that each device will need, by what they are for; temporary arrays not counted."""

    parts: Mapping[str, int]

    @property
    def total(self) -> int:
        """Bytes at once; self-play and evaluation take turns."""
        turns = [size for part, size in self.parts.items() if part.startswith("search trees")]
        return sum(self.parts.values()) - sum(turns) + max(turns)

    def refuse_more_than(self, available: int | None) -> None:
        """Raises ValueError naming what to lower if so much memory is not there."""
        if available is None or self.total <= available:
            return
        part, need = max(self.parts.items(), key=lambda item: item[1])
        raise ValueError(
            f"this run needs about {_gib(self.total)} on each device, which has "
            f"{_gib(available)}; most of it, {_gib(need)}, for the {part}: lower {_FIELDS[part]}"
        )


def plan(config: Config, env: Environment[Any], network: Network, num_devices: int) -> Plan:
    """The memory that a run of `config` on so many devices needs."""
    problem, state = shapes(env)
    params = jax.eval_shape(network.init, jax.random.key(0))
    games = config.rollout.num_games // num_devices
    node = bytes_per_node(config, env, state)
    row = _size((problem, state)) + 4 * env.num_actions + 24  # and value, weight, provenance
    kept = row + (4 * env.num_actions if config.network.reply_head else 0)
    steps = 2 * env.max_steps + config.rollout.steps_per_iteration  # waiting, and just played
    return Plan(
        {
            "search trees of self-play": _nodes(config.search, games) * node,
            "search trees of the evaluation": config.evaluation.batch_size
            * (config.evaluation.num_simulations + 1)
            * node,
            "replay buffer": config.replay.capacity // num_devices * kept,
            "games in progress": games * steps * row,
            "network and optimizer": 4 * _size(params),  # Adam's two moments, and gradients
        }
    )


def _nodes(search: SearchConfig, games: int) -> int:
    """Nodes of the trees of so many games, whose fast searches may go on beside the full ones."""

    def nodes(games: int, num_simulations: int) -> int:
        together = (search.lanes or games) if search.engine == "selfplay" else games
        return min(together, games) * (num_simulations + 1)

    full = games // search.moves_per_full
    fast = nodes(games - full, search.fast_simulations) if search.fast_simulations else 0
    return nodes(full, search.num_simulations) + fast


def bytes_per_node(config: Config, env: Environment[Any], state: Any) -> int:
    """Bytes of one node of a search from `state` (its shapes), by the config's engine."""
    float32 = np.dtype(np.float32).itemsize
    if config.search.engine == "mctx":
        edges = 6 * float32 * env.num_actions
        return _COPIES["mctx"] * (edges + 5 * float32 + _size(state))
    batch = jax.tree.map(lambda x: jax.ShapeDtypeStruct((1, *x.shape), x.dtype), state)
    logits = jax.ShapeDtypeStruct((1, env.num_actions), np.float32)
    return tree.bytes_per_node(logits, batch) + _LIST_BYTES


def _size(shapes: Any) -> int:
    """Bytes of a tree's arrays."""
    return sum(x.size * x.dtype.itemsize for x in jax.tree.leaves(shapes))


def _gib(number: int) -> str:
    return f"{number / 2**30:.1f} GiB"
