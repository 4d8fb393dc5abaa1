"""Designed chains: those with exactly one fold of most contacts, mirror images aside.

All of them up to 18 residues, from `hp_lattice_designed.csv`; how it was made is told in
`hp_lattice_designed.md`.
"""

import csv
import functools
import importlib.resources
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from selfplay_envs.science.hp_chain import Chain, is_held_out, parse_chain

FILE = "hp_lattice_designed.csv"


class Native(NamedTuple):
    """The best fold of a designed chain."""

    fold: str
    """The turns, L, S or R; the first that is not S is L."""
    contacts: int


@functools.cache
def natives() -> dict[str, Native]:
    """Every designed chain's native fold, by its letters; a chain's reversal is there too."""
    source = importlib.resources.files("selfplay_envs.science") / FILE
    table = {}
    for row in csv.DictReader(source.read_text(encoding="utf-8").splitlines()):
        chain, fold, contacts = row["chain"], row["fold"], int(row["contacts"])
        table[chain] = Native(fold, contacts)
        table[chain[::-1]] = Native(reversed_fold(fold), contacts)
    return table


def reversed_fold(fold: str) -> str:
    """The same fold from the chain's other end, or its mirror image: first turn to the left."""
    return left_first(fold[::-1])


def left_first(fold: str) -> str:
    """The fold, or its mirror image if it first turns right."""
    return fold if fold.lstrip("S")[:1] != "R" else fold.translate(str.maketrans("LR", "RL"))


def native_contacts(chain: str) -> int | None:
    """Contacts of the native fold; None for a chain that is not known to be designed."""
    native = natives().get(chain)
    return None if native is None else native.contacts


def splits(length: int, min_length: int) -> dict[str, Chain]:
    """Designed chains of `min_length` to `length` residues as Chain [N], train and held out.

    Raises ValueError if there are none on one of the sides.
    """
    known = [chain for chain in natives() if min_length <= len(chain) <= length]
    if not known:
        sizes = sorted({len(chain) for chain in natives()})
        raise ValueError(
            f"designed chains are known of {sizes[0]} to {sizes[-1]} residues, but none of "
            f"{min_length} to {length}"
        )
    chains = [jax.device_get(parse_chain(chain, length)) for chain in known]
    table: Chain = jax.tree.map(lambda *leaves: np.stack(leaves), *chains)
    held_out = np.asarray(jax.jit(jax.vmap(is_held_out))(table))
    if held_out.all() or not held_out.any():
        raise ValueError(
            f"all {len(known)} designed chains of {min_length} to {length} residues are on one "
            "side of the split; a lower min_length or a higher length would do"
        )
    sides = {"train": np.flatnonzero(~held_out), "held_out": np.flatnonzero(held_out)}
    return {
        split: jax.tree.map(lambda leaf, side=side: jnp.asarray(leaf[side]), table)
        for split, side in sides.items()
    }
