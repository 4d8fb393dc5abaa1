"""A formula as arrays of fixed shape: the table of its subformulas, and what their rules need."""

import re

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from selfplay_envs.proofs.formula import And, Atom, Falsum, Formula, Implies, Or, subformulas

ATOM, FALSUM, AND, OR, IMPLIES = range(5)

KINDS = (Atom, Falsum, And, Or, Implies)

SIZES = (16, 32, 64, 128)
"""Rows that tables are padded to."""

NUM_DEPTHS = 16
NUM_POSITIONS = 3 * NUM_DEPTHS
"""Depth in the formula, the deepest ones as one, by where it occurs: asserted, assumed, both."""

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_'"
_BASE = len(_LETTERS) + 1
_LETTERS_A_WORD = 5
_WORDS = 2
MAX_NAME = _LETTERS_A_WORD * _WORDS
"""Letters of a name that is kept."""


class FormulaTable(struct.PyTreeNode):
    """The S rows of a formula's subformulas, parts before wholes, the formula last, then padding.

    A set of subformulas is `num_words(S)` words, formula i in bit i % 32 of word i // 32.
    """

    kind: jax.Array
    """int8 [S]: ATOM, FALSUM, AND, OR or IMPLIES; ATOM on padding."""
    left: jax.Array
    """int8 [S]: row of the left part; its own row where there is none."""
    right: jax.Array
    """int8 [S]"""
    size: jax.Array
    """int16 []: rows that are no padding."""
    pays: jax.Array
    """uint32 [S, words]: what is gained where row i is used: of a conjunction its parts, of an
    implication its right part, with the parts of parts where these are conjunctions; of falsum
    everything."""
    needs: jax.Array
    """uint32 [S, words]: what must be assumed to prove the left part of implication i: if that is
    A → (B → C), then A and B, with the parts of conjunctions."""
    asks: jax.Array
    """int8 [S]: what is then to be proved: C."""
    position: jax.Array
    """int8 [S], in [0, NUM_POSITIONS)."""
    names: jax.Array
    """uint32 [S, 2]: of atoms, where they have at most MAX_NAME Latin letters, digits, _ and '."""


def num_words(size: int) -> int:
    """Words that a set of `size` formulas takes."""
    return -(-size // 32)


def encode(formula: Formula, size: int) -> FormulaTable:
    """The table of `formula`, in NumPy's arrays, padded to `size` rows.

    Raises:
        ValueError: it has more subformulas; says how many, and which of SIZES has room.
    """
    rows = subformulas(formula)
    if len(rows) > size:
        fitting = [s for s in SIZES if s >= len(rows)]
        advice = f"subformulas={fitting[0]} has room" if fitting else f"at most {SIZES[-1]} can be"
        raise ValueError(
            f"the formula has {len(rows)} subformulas, ¬ and ↔ expanded, and this environment has "
            f"room for {size}; {advice}"
        )
    number = {row: i for i, row in enumerate(rows)}
    kind = np.zeros(size, np.int8)
    left = np.arange(size, dtype=np.int8)
    right = left.copy()
    names = np.zeros((size, _WORDS), np.uint32)
    for i, row in enumerate(rows):
        kind[i] = KINDS.index(type(row))
        if isinstance(row, And | Or | Implies):
            left[i], right[i] = number[row.left], number[row.right]
        if isinstance(row, Atom):
            names[i] = _pack_name(row.name)
    return _with_rules(kind, left, right, len(rows), names)


def _with_rules(
    kind: np.ndarray, left: np.ndarray, right: np.ndarray, count: int, names: np.ndarray
) -> FormulaTable:
    """The table with what follows from kinds and parts."""
    size = len(kind)
    parts = np.eye(size, dtype=bool)  # itself, and of conjunctions the parts
    assumed = np.zeros((size, size), bool)
    concluded = np.arange(size, dtype=np.int8)
    pays = np.zeros((size, size), bool)
    needs = np.zeros((size, size), bool)
    asks = np.arange(size, dtype=np.int8)
    for i in range(count):
        a, b = left[i], right[i]
        if kind[i] == FALSUM:
            parts[i] = np.arange(size) < count
            pays[i] = parts[i]
        elif kind[i] == AND:
            parts[i] |= parts[a] | parts[b]
            pays[i] = parts[i]
        elif kind[i] == IMPLIES:
            assumed[i], concluded[i] = parts[a] | assumed[b], concluded[b]
            pays[i] = parts[b]
            needs[i], asks[i] = assumed[a], concluded[a]
    return FormulaTable(
        kind=kind,
        left=left,
        right=right,
        size=np.int16(count),
        pays=_pack(pays),
        needs=_pack(needs),
        asks=asks,
        position=_positions(kind, left, right, count),
        names=names,
    )


def decode(table: FormulaTable) -> Formula:
    """The formula of a table. Atoms whose names are not kept are called p, q, r and so on."""
    rows: list[Formula] = []
    names = atom_names(table)
    for i, (kind, left, right) in enumerate(_columns(table)):
        if kind == ATOM:
            rows.append(Atom(names[i]))
        elif kind == FALSUM:
            rows.append(Falsum())
        else:
            rows.append(KINDS[kind](rows[left], rows[right]))
    return rows[-1]


def atom_names(table: FormulaTable) -> dict[int, str]:
    """Of each row that is an atom, what it is called; all different."""
    kept = np.asarray(table.names)
    found = {i: _unpack_name(kept[i]) for i, row in enumerate(_columns(table)) if row[0] == ATOM}
    taken = set(found.values())
    count = len(found)
    fresh = (f"{c}{n or ''}" for n in range(count + 1) for c in "pqrstuvw")
    free = (name for name in fresh if name not in taken)
    return {i: name or next(free) for i, name in found.items()}


def _columns(table: FormulaTable) -> list[tuple[int, int, int]]:
    """Kind, left and right of the rows that are no padding."""
    columns = (np.asarray(x)[: int(table.size)].tolist() for x in (table.kind, table.left, table.right))
    return list(zip(*columns, strict=True))


def _positions(kind: np.ndarray, left: np.ndarray, right: np.ndarray, count: int) -> np.ndarray:
    """int8 [S]: see NUM_POSITIONS; a row that occurs often is as deep as where it is least so."""
    depth = np.full(len(kind), NUM_DEPTHS - 1)
    sides = np.zeros((len(kind), 2), bool)  # occurs asserted, occurs assumed
    depth[count - 1], sides[count - 1, 0] = 0, True
    for i in reversed(range(count)):
        if kind[i] >= AND:
            for part in (left[i], right[i]):
                flips = kind[i] == IMPLIES and part == left[i]
                sides[part] |= sides[i, ::-1] if flips else sides[i]
                depth[part] = min(depth[part], depth[i] + 1)
            if kind[i] == IMPLIES and left[i] == right[i]:
                sides[right[i]] |= sides[i]
    where = np.where(sides.all(1), 2, sides[:, 1])
    return (3 * depth + where).astype(np.int8)


def _pack(sets: np.ndarray) -> np.ndarray:
    """bool [S, S] to uint32 [S, words]."""
    size = sets.shape[-1]
    padded = np.zeros((len(sets), 32 * num_words(size)), bool)
    padded[:, :size] = sets
    return np.packbits(padded, axis=-1, bitorder="little").view("<u4").astype(np.uint32)


def _pack_name(name: str) -> list[int]:
    """Two words of five letters; zeros for a name that is not kept."""
    if len(name) > MAX_NAME or not re.fullmatch(r"[A-Za-z0-9_']+", name):
        return [0] * _WORDS
    words = [0] * _WORDS
    for i, letter in enumerate(name):
        words[i // _LETTERS_A_WORD] += (_LETTERS.index(letter) + 1) * _BASE ** (i % _LETTERS_A_WORD)
    return words


def _unpack_name(words: np.ndarray) -> str:
    """The name that `_pack_name` packed, or "" where none is kept."""
    letters = ""
    for word in words.tolist():
        while word:
            word, letter = divmod(word, _BASE)
            letters += _LETTERS[letter - 1]
    return letters


def stack(tables: list[FormulaTable]) -> FormulaTable:
    """Tables [N] of equal size as one, on the device."""
    return jax.tree.map(lambda *leaves: jnp.stack([jnp.asarray(leaf) for leaf in leaves]), *tables)
