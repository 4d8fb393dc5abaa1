"""The Miller–Schupp presentations of the trivial group, as Shehper et al. list them.

MS(n, w) is ⟨x, y | x⁻¹ yⁿ x = yⁿ⁺¹, x = w⟩, where w has as many x as x⁻¹: C. F. Miller and
P. E. Schupp, "Some presentations of the trivial group" (1999). A. Shehper et al., "What makes math
problems hard for reinforcement learning: a case study" (arXiv 2408.15332, section 2), take n and
the length of w up to 7 and of the words x⁻¹ w that are rotations of one another the first, which
leaves 170 words for each n: 1,190 presentations.
"""

import functools
import itertools

Word = tuple[int, ...]
"""Letters: 1 = x, -1 = x⁻¹, 2 = y, -2 = y⁻¹."""

MAX_N, MAX_W = 7, 7

LETTERS = (1, 2, -1, -2)
"""In the order in which words are listed."""


@functools.cache
def presentations() -> tuple[tuple[Word, Word], ...]:
    """The 1,190 pairs of relators, by n and then by word."""
    words = second_relators(MAX_W)
    return tuple((first_relator(n), word) for n in range(1, MAX_N + 1) for word in words)


def first_relator(n: int) -> Word:
    """x⁻¹ yⁿ x y⁻⁽ⁿ⁺¹⁾."""
    return (-1,) + (2,) * n + (1,) + (-2,) * (n + 1)


def second_relators(longest: int) -> list[Word]:
    """The words x⁻¹ w, 1 ≤ |w| ≤ `longest`, up to rotation, shorter ones first.

    They are reduced, also cyclically: w neither begins nor ends with x.
    """
    seen: set[Word] = set()
    found = []
    for length in range(1, longest + 1):
        for w in itertools.product(LETTERS, repeat=length):
            word = (-1, *w)
            if w.count(1) == w.count(-1) and _cyclically_reduced(word) and word not in seen:
                seen.update(word[i:] + word[:i] for i in range(len(word)))
                found.append(word)
    return found


def _cyclically_reduced(word: Word) -> bool:
    """Whether no letter stands before its inverse, the last one before the first included."""
    return all(a != -b for a, b in zip(word, word[1:] + word[:1], strict=True))
