"""Presentations like one presentation: what to practise on for its sake.

It is changed a little, and so are the results, again and again: by a move, or by letters that are
left out. Whoever solves what moves have made of it has solved it too, since moves can be undone.
Shorter relatives keep a trivial abelianisation, so MS(n, w) has relatives with a smaller n and with
a shorter w, and such that nobody can solve, for their group is not trivial.
"""

import random

import jax.numpy as jnp

from selfplay_envs.proofs import andrews_curtis_problems as problems
from selfplay_envs.proofs.andrews_curtis_replay import Word, is_trivial, moved, reduced
from selfplay_envs.proofs.presentation_text import determinant

Relators = tuple[Word, Word]

_ATTEMPTS = 20
"""For each presentation that is wanted."""

_MOST_LEFT_OUT = 2
"""Letters at once: with x and x⁻¹, or y and y⁻¹, the exponent sums stay what they were."""


def neighbours(relators: Relators, count: int, length: int, seed: int) -> list[Relators]:
    """At most `count` presentations like one, itself among them, the shorter ones first.

    No two are symmetric images, no relator has more than `length` letters, and none but the
    presentation itself has a hash that keeps scrambles from training.
    """
    rng = random.Random(seed)
    found = {_hash(relators, length): relators}
    for _ in range(_ATTEMPTS * count):
        if len(found) >= count:
            break
        base = rng.choice(list(found.values()))
        made = moved(base, rng.randrange(12)) if rng.random() < 0.5 else _shortened(rng, base)
        if is_trivial(made) or abs(determinant(*made)) != 1 or max(map(len, made)) > length:
            continue
        if not problems.is_held_out(jnp.asarray(problems.padded(made, length))):
            found.setdefault(_hash(made, length), made)
    return sorted(found.values(), key=lambda one: len(one[0]) + len(one[1]))


def _hash(relators: Relators, length: int) -> int:
    return int(problems.symmetric_hash(jnp.asarray(problems.padded(relators, length))))


def _shortened(rng: random.Random, relators: Relators) -> Relators:
    """Without some letters of either relator."""
    which = rng.randrange(2)
    word = list(relators[which])
    for _ in range(min(len(word), rng.randint(1, _MOST_LEFT_OUT))):
        word.pop(rng.randrange(len(word)))
    made = reduced(word)
    return (made, relators[1]) if which == 0 else (relators[0], made)
