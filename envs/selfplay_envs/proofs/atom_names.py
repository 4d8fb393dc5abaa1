"""Names of atoms in two words each, as a table of fixed shape has room for.

A short Latin name is kept letter by letter. Any other leaves a fingerprint, by which the process
that has read it knows it again, as by an interned string; to all others it is p, q, r and so on.
"""

import hashlib
import itertools
import re
from collections.abc import Iterable

LETTERS_A_WORD = 5
WORDS = 2
MAX_NAME = LETTERS_A_WORD * WORDS
"""Letters of a name that is kept whole."""

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_'"
_BASE = len(_LETTERS) + 1
_FINGERPRINT = 1 << 31
"""In the first word; letters never reach it, as 65⁵ < 2³¹."""

_read: dict[tuple[int, ...], str] = {}
"""Names of which only a fingerprint is kept; what stands here depends on the fingerprint alone."""


def pack(name: str) -> tuple[int, ...]:
    """The words, uint32 [WORDS]."""
    if len(name) <= MAX_NAME and re.fullmatch(r"[A-Za-z0-9_']+", name):
        words = [0] * WORDS
        for i, letter in enumerate(name):
            digit = _LETTERS.index(letter) + 1
            words[i // LETTERS_A_WORD] += digit * _BASE ** (i % LETTERS_A_WORD)
        return tuple(words)
    digest = hashlib.blake2b(name.encode(), digest_size=4 * WORDS).digest()
    first, *others = (int.from_bytes(digest[i : i + 4]) for i in range(0, 4 * WORDS, 4))
    fingerprint = (first | _FINGERPRINT, *others)
    if _read.setdefault(fingerprint, name) != name:
        raise ValueError(
            f"the atoms {name} and {_read[fingerprint]} have the same fingerprint; rename one"
        )
    return fingerprint


def unpack(packed: Iterable[Iterable[int]]) -> list[str]:
    """The names of atoms by their words, all different."""
    kept = [_name(tuple(words)) for words in packed]
    letters = (f"{letter}{n or ''}" for n in itertools.count() for letter in "pqrstuvw")
    fresh = (letter for letter in letters if letter not in kept)
    return [name or next(fresh) for name in kept]


def _name(words: tuple[int, ...]) -> str:
    """The name that `pack` packed, or "" where none is known."""
    if words[0] & _FINGERPRINT:
        return _read.get(words, "")
    letters = ""
    for word in words:
        while word:
            word, digit = divmod(word, _BASE)
            letters += _LETTERS[digit - 1]
    return letters
