"""Chains of the HP model: hydrophobic (H) and polar (P) residues.

K. F. Lau and K. A. Dill, "A lattice statistical mechanics model of the conformational and
sequence spaces of proteins", Macromolecules 22 (1989).
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

LETTERS = "PH"

MIN_SHARE, MAX_SHARE = 0.25, 0.75
"""Of hydrophobic residues that a random chain is drawn with."""

HELD_OUT_EIGHTHS = 1
"""Of all chains, by their hash."""

_FACTOR, _MIXER = 0x9E3779B1, 0x85EBCA6B
"""Odd constants: the hash's base, and what spreads its low bits over the high ones."""


class Chain(struct.PyTreeNode):
    """A chain in an array that has room for `length` residues."""

    hydrophobic: jax.Array
    """bool [length]: H; False for P and on what is left of the array."""
    size: jax.Array
    """int8 []: residues."""
    most_contacts: jax.Array
    """int8 []: no fold has more, see `contact_bound`."""


def make_chain(hydrophobic: jax.Array, size: jax.Array) -> Chain:
    """A chain from bool [length], whatever it says beyond `size` (int8 [])."""
    hydrophobic = hydrophobic & (jnp.arange(hydrophobic.size, dtype=jnp.int8) < size)
    return Chain(hydrophobic, size, contact_bound(hydrophobic, size))


def contact_bound(hydrophobic: jax.Array, size: jax.Array) -> jax.Array:
    """int8 []: contacts that no fold exceeds.

    A residue has four neighbours, two of them (one, at an end) along the chain; and an even residue
    meets only odd ones (W. E. Hart and S. Istrail, "Fast protein folding in the
    hydrophobic-hydrophilic model within three-eighths of optimal", 1996).
    """
    index = jnp.arange(hydrophobic.size, dtype=jnp.int8)
    end = (index == 0) | (index == size - jnp.int8(1))
    free = jnp.where(hydrophobic, jnp.where(end, jnp.int8(3), jnp.int8(2)), jnp.int8(0))
    even = free[::2].sum(dtype=jnp.int32)
    odd = free[1::2].sum(dtype=jnp.int32)
    return jnp.minimum(even, odd).astype(jnp.int8)


@functools.partial(jax.jit, static_argnums=(1, 2, 3))  # a loop is compiled anew without it
def random_chain(key: jax.Array, length: int, min_length: int, held_out: bool) -> Chain:
    """A chain of `min_length` to `length` residues of one side of the split."""

    def draw(carried: tuple[jax.Array, Chain]) -> tuple[jax.Array, Chain]:
        key, chain_key = jax.random.split(carried[0])
        return key, any_chain(chain_key, length, min_length)

    def unfit(carried: tuple[jax.Array, Chain]) -> jax.Array:
        return is_held_out(carried[1]) != held_out

    first, carry = jax.random.split(key)
    begun = (carry, any_chain(first, length, min_length))
    return jax.lax.while_loop(unfit, draw, begun)[1]


def any_chain(key: jax.Array, length: int, min_length: int) -> Chain:
    """A chain of `min_length` to `length` residues, a random share of them hydrophobic."""
    size_key, share_key, residue_key = jax.random.split(key, 3)
    size = jax.random.randint(size_key, (), min_length, length + 1, jnp.int32).astype(jnp.int8)
    share = jax.random.uniform(share_key, (), minval=MIN_SHARE, maxval=MAX_SHARE)
    return make_chain(jax.random.bernoulli(residue_key, share, (length,)), size)


@jax.jit
def is_held_out(chain: Chain) -> jax.Array:
    """bool []: whether the chain's hash keeps it from training.

    The hash is the product of two polynomials, of the chain and of its reversal: a chain read from
    its other end is the same chain. It depends on the residues alone, not on the array's length.
    """
    length = chain.hydrophobic.size
    powers = jnp.asarray(_powers(length))
    index = jnp.arange(length, dtype=jnp.int32)
    size = chain.size.astype(jnp.int32)
    letter = jnp.where(chain.hydrophobic, jnp.uint32(2), jnp.uint32(1))
    letter = jnp.where(index < size, letter, jnp.uint32(0))
    forward = (letter * powers).sum(dtype=jnp.uint32)
    backward = (letter * powers[jnp.maximum(size - 1 - index, 0)]).sum(dtype=jnp.uint32)
    mixed = forward * backward * jnp.uint32(_MIXER)
    return mixed >> 29 < jnp.uint32(HELD_OUT_EIGHTHS)


def _powers(length: int) -> np.ndarray:
    """uint32 [length]: the powers of the hash's base, modulo 2**32."""
    return np.array([pow(_FACTOR, i, 2**32) for i in range(length)], np.uint32)


def parse_chain(text: str, length: int) -> Chain:
    """The chain that a text such as "HPPH" spells. Raises ValueError if it spells none."""
    if not 3 <= len(text) <= length or set(text) - set(LETTERS):
        raise ValueError(
            f"a chain is 3 to {length} letters, each H (hydrophobic) or P (polar), such as "
            f"HPHPPHHPHH; got {text!r}" + (f" of {len(text)} letters" if len(text) > length else "")
        )
    hydrophobic = np.zeros(length, bool)
    hydrophobic[: len(text)] = [letter == "H" for letter in text]
    return make_chain(jnp.asarray(hydrophobic), jnp.int8(len(text)))


def format_chain(chain: Chain) -> str:
    """The chain's letters."""
    return "".join(LETTERS[int(h)] for h in np.asarray(chain.hydrophobic)[: int(chain.size)])
