"""What of a pgx state is kept in a search tree, and how small.

A pgx state carries its observation, its mask and 32-bit integers throughout: 46 KB for chess. What
can be computed again or is said elsewhere is left out, the mask is packed to bits, and small
numbers become int8 or int16 where a game's own rules bound them.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

_SAID_ELSEWHERE = frozenset(
    {
        "current_player",
        "rewards",
        "terminated",
        "truncated",
        "_step_count",
        "step_count",
        "observation",
        "legal_action_mask",
        "_player_order",
    }
)
"""Common fields of our own state, what is recomputed, and what is fixed once player 0 begins."""

_SQUARES = {"board": "int8", "board_history": "int8"}
_SMALL: dict[str, dict[str, str]] = {
    "animal_shogi": _SQUARES
    | {"turn": "int8", "hand": "int8", "hand_history": "int8", "rep_history": "int16"},
    "chess": _SQUARES
    | {"color": "int8", "en_passant": "int8", "halfmove_count": "int16", "fullmove_count": "int16"},
    "connect_four": {"color": "int8", "board": "int8", "winner": "int8"},
    "gardner_chess": _SQUARES
    | {
        "turn": "int8",
        "halfmove_count": "int16",
        "fullmove_count": "int16",
        "possible_piece_positions": "int8",
    },
    "go_9x9": _SQUARES | {"num_captured": "int16", "consecutive_pass_count": "int8", "ko": "int8"},
    "go_19x19": {
        "board": "int16",
        "board_history": "int8",
        "num_captured": "int16",
        "consecutive_pass_count": "int8",
        "ko": "int16",
    },
    "hex": {"board": "int8"},
    "othello": {"turn": "int8", "board": "int8"},
    "shogi": {
        "color": "int8",
        "board": "int8",
        "hand": "int8",
        "cache_m2b": "int8",
        "cache_king": "int8",
    },
    "tic_tac_toe": {"color": "int8", "board": "int8", "winner": "int8"},
}
"""Dtypes that hold all values that a field can have, by game and by the field's last name."""


@dataclasses.dataclass(frozen=True)
class _Leaf:
    name: str
    """Such as `_x.board`."""
    like: np.ndarray
    """Its value in the start state, with its shape and dtype."""
    kept_as: np.dtype | None
    """None if it is left out."""

    @property
    def last(self) -> str:
        return self.name.rpartition(".")[2]


class Fields:
    """The way from a pgx state to what is kept of it, and back."""

    def __init__(self, game: str, start: Any):
        """For states of `game` that look like `start`, in which player 0 is to move."""
        paths, self._structure = jax.tree_util.tree_flatten_with_path(start)
        small = _SMALL.get(game, {})
        self._leaves = [_leaf(path, np.asarray(value), small) for path, value in paths]
        self._num_actions = start.legal_action_mask.shape[0]

    def keep(self, state: Any) -> dict[str, jax.Array]:
        """What is kept of a pgx state, by the names of its fields; `mask` is its packed mask."""
        kept = {
            leaf.name: jnp.asarray(value).astype(leaf.kept_as)
            for leaf, value in zip(self._leaves, jax.tree.leaves(state), strict=True)
            if leaf.kept_as is not None
        }
        return kept | {"mask": jnp.packbits(state.legal_action_mask)}

    def mask(self, kept: dict[str, jax.Array]) -> jax.Array:
        """bool [num_actions]: the mask of what was kept."""
        return jnp.unpackbits(kept["mask"], count=self._num_actions).astype(jnp.bool_)

    def restore(
        self, kept: dict[str, jax.Array], current_player: jax.Array, step_count: jax.Array
    ) -> Any:
        """The pgx state of a running game, but for its observation."""
        mask = self.mask(kept)
        known = {
            "current_player": current_player,
            "_step_count": step_count,
            "step_count": step_count,
            "legal_action_mask": mask,
        }

        def value(leaf: _Leaf) -> jax.Array:
            source = kept[leaf.name] if leaf.kept_as is not None else known.get(leaf.last)
            return jnp.asarray(leaf.like if source is None else source.astype(leaf.like.dtype))

        return jax.tree.unflatten(self._structure, [value(leaf) for leaf in self._leaves])


def _leaf(path: tuple[Any, ...], value: np.ndarray, small: dict[str, str]) -> _Leaf:
    name = jax.tree_util.keystr(path).lstrip(".")
    last = name.rpartition(".")[2]
    if last in _SAID_ELSEWHERE:
        return _Leaf(name, value, None)
    return _Leaf(name, value, np.dtype(small.get(last.lstrip("_"), value.dtype)))
