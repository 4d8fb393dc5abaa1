"""The twelve Andrews–Curtis moves on pairs of padded words, what is legal, and what looks the same.

Moves 0 to 5 are of the first relator r, with s the other one; 6 to 11 of the second:

    0 r → r s    1 r → r s⁻¹    2 r → x r x⁻¹    3 r → x⁻¹ r x    4 r → y r y⁻¹    5 r → y⁻¹ r y

They are AC' of A. Shehper et al. (arXiv 2408.15332, section 2), in an order of our own. Words are
as in `free_group`, a pair int8 [2, length].
"""

import jax
import jax.numpy as jnp
import numpy as np

from selfplay_envs.proofs import free_group

KINDS = 6
"""Moves of one relator."""

NUM_MOVES = 2 * KINDS

NAMES = tuple(
    before + mine + after
    for mine, other in ("rs", "sr")
    for before, after in (
        *(("", other), ("", other.upper())),
        *(("x", "X"), ("X", "x"), ("y", "Y"), ("Y", "y")),
    )
)
"""What each move makes of its relator; capitals are inverses."""

_CONJUGATORS = (1, -1, 2, -2)
"""The letters of the kinds 2 to 5."""

_RENAMED = tuple((x, y) for x in _CONJUGATORS for y in _CONJUGATORS if abs(x) != abs(y))
"""What x and y can be called without a difference."""

NUM_SYMMETRIES = 2 * len(_RENAMED)
"""Renamed, and renamed with the relators exchanged.

The inverse of a relator is no symmetry: words are multiplied from the right alone.
"""


def is_trivial(words: jax.Array) -> jax.Array:
    """bool []: both relators are single letters.

    Different ones, for no move changes the determinant of the relators' exponent sums, 1 or -1.
    """
    return (words[:, 0] != 0).all() & (words[:, 1] == 0).all()


def total_length(words: jax.Array) -> jax.Array:
    """int32 []: letters of both relators."""
    return (words != 0).sum(dtype=jnp.int32)


def legal_moves(words: jax.Array) -> jax.Array:
    """bool [12]: moves whose result fits in the array and differs from what was there."""
    first, second = words
    inverses = jax.vmap(free_group.inverse)(words)
    sizes = jax.vmap(free_group.size)(words)
    both = free_group.common_prefix(inverses[0], inverses[1])
    met = jnp.stack(
        [
            *(free_group.common_prefix(inverses[0], second), both),
            *(free_group.common_prefix(inverses[1], first), both),
        ]
    ).reshape(2, 2)
    product_sizes = sizes.sum(dtype=jnp.int32) - 2 * met
    multiplied = (product_sizes <= words.shape[1]) & (sizes[::-1, None] > 0)
    letters = jnp.array(_CONJUGATORS, jnp.int8)

    def each_letter(function):
        """[2, 4]: of both relators, by the four letters."""
        return jax.vmap(jax.vmap(function, (None, 0)), (0, None))(words, letters)

    conjugated = each_letter(free_group.conjugate_size) <= words.shape[1]
    conjugated &= ~jnp.repeat(each_letter_pair(words), 2, axis=1)
    return jnp.concatenate([multiplied, conjugated], axis=1).reshape(-1)


def each_letter_pair(words: jax.Array) -> jax.Array:
    """bool [2, 2]: whether either relator is a power of x, of y."""
    generators = jnp.array([1, 2], jnp.int8)
    powers = jax.vmap(jax.vmap(free_group.is_power, (None, 0)), (0, None))
    return powers(words, generators)


def moved(words: jax.Array, move: jax.Array) -> jax.Array:
    """int8 [2, length]: the relators after a legal move (int32 [])."""
    which, kind = move // KINDS, move % KINDS
    second = which == 1
    mine = jnp.where(second, words[1], words[0])
    other = jnp.where(second, words[0], words[1])
    factor = jnp.where(kind == 1, free_group.inverse(other), other)
    cancelled = free_group.common_prefix(free_group.inverse(mine), factor)
    product = free_group.product(mine, factor, cancelled)
    letter = jnp.array((1, 1, *_CONJUGATORS), jnp.int8)[kind]
    new = jnp.where(kind < 2, product, free_group.conjugate(mine, letter))
    return jnp.where(second, jnp.stack([words[0], new]), jnp.stack([new, words[1]]))


def symmetric(words: jax.Array, index: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Symmetry `index` (int32 [], 0 is the identity): the words, and each move's name there.

    Returns int8 [2, length] and int32 [12].
    """
    renamed = jnp.array(_RENAMINGS)[index % len(_RENAMED)][words.astype(jnp.int32) + 2]
    exchanged = jnp.where(index >= len(_RENAMED), renamed[::-1], renamed)
    return exchanged, jnp.array(_PERMUTATIONS)[index]


def _renamings() -> np.ndarray:
    """int8 [8, 5]: what the letters -2 … 2 become."""
    return np.array([(-y, -x, 0, x, y) for x, y in _RENAMED], np.int8)


def _permutations() -> np.ndarray:
    """int32 [16, 12]: what the moves become."""
    kinds = [
        (0, 1, *(2 + _CONJUGATORS.index(row[letter + 2]) for letter in _CONJUGATORS))
        for row in _renamings().tolist()
    ]
    same = [[*row, *(KINDS + kind for kind in row)] for row in kinds]
    exchanged = [[*(KINDS + kind for kind in row), *row] for row in kinds]
    return np.array(same + exchanged, np.int32)


_RENAMINGS, _PERMUTATIONS = _renamings(), _permutations()
