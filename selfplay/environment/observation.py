"""What the mover sees, and what a network is told of it before it is built."""

import dataclasses
from typing import Any

import jax
from flax import struct

Observation = Any
"""What the mover sees: an array, or `Tokens`."""


@dataclasses.dataclass(frozen=True)
class ArraySpec:
    """An observation that is one float32 array, such as a board `[rows, columns, planes]`."""

    shape: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class TokenSpec:
    """An observation that is a `Tokens` pytree, for the transformer.

    The parameters of a transformer depend on `vocabulary_size`, `num_positions`, `num_links` and
    the number of kinds, but neither on `num_tokens` nor, with `action_kinds`, on the number of
    actions: trained at one padded size, it plays at another.
    """

    num_tokens: int
    vocabulary_size: int
    num_positions: int
    action_kinds: tuple[int, ...] | None = None
    """For each action, what it does with its token, as an index from 0: actions of one kind differ
    by their tokens alone. None: each action is a kind of its own."""
    num_links: int = 0
    """Of each token to others, so that a network sees what is made of what."""
    num_goals: int = 1
    """Seen one by one, all of which must be reached, one after the other: a state is worth what the
    product of their chances says. With more than one, each field of `Tokens` has a leading axis of
    goals, the one that is worked on first; where all tokens of one are masked, it is reached."""


class Tokens(struct.PyTreeNode):
    """A padded sequence of tokens, with the token from which each action's logit is read."""

    tokens: jax.Array
    """int32 [num_tokens], in [0, vocabulary_size)."""
    positions: jax.Array
    """int32 [num_tokens], in [0, num_positions)."""
    mask: jax.Array
    """bool [num_tokens]: False on padding."""
    action_tokens: jax.Array
    """int32 [num_actions]: index into `tokens`; several actions may read the same one."""
    links: jax.Array | None = None
    """int32 [num_tokens, num_links]: index of the tokens that this one is made of, such as the two
    sides of a formula; its own index where there is none. None with `num_links` 0."""
