"""Equal games are counted as plain Python counts them."""

import collections
import itertools

import hypothesis
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.environment import make
from selfplay.environment.checks.games import play
from selfplay.operators.lines import (
    OPENING_PLIES,
    begins,
    equal_pairs,
    fingerprint,
    line_hashes,
)

count_pairs, hash_lines = jax.jit(equal_pairs), jax.jit(line_hashes)


@hypothesis.given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=16, max_size=16))
def test_pairs_are_those_of_a_counter(rows):
    extremes = [0, 7, 2**31, 2**32 - 1]
    hashes = np.array([extremes[kind] for kind, _ in rows], np.uint32)
    counted = np.array([counts for _, counts in rows])
    equal, pairs = count_pairs(hashes, counted)
    chosen = hashes[counted].tolist()
    together = list(itertools.combinations(chosen, 2))
    assert pairs == len(together)
    assert equal == sum(a == b for a, b in together)


@hypothesis.given(st.lists(st.tuples(st.integers(0, 1), st.booleans()), min_size=24, max_size=24))
def test_lines_are_equal_where_all_positions_since_the_start_are(rows):
    positions = np.array([p for p, _ in rows], np.uint32).reshape(8, 3)
    ended = np.array([e for _, e in rows]).reshape(8, 3)
    hashes, lengths = map(np.asarray, hash_lines(positions + np.uint32(5), ended))
    opens = np.asarray(begins(lengths, ended))
    seen = collections.defaultdict(set)
    for game in range(3):
        line = []
        for step in range(8):
            line.append(int(positions[step, game]))
            seen[tuple(line)].add(int(hashes[step, game]))
            assert lengths[step, game] == len(line)
            short = len(line) < OPENING_PLIES and ended[step, game]
            assert opens[step, game] == (short or len(line) == OPENING_PLIES)
            if ended[step, game]:
                line = []
    assert all(len(values) == 1 for values in seen.values())
    assert len(set().union(*seen.values())) == len(seen)


@pytest.mark.parametrize("name", ["tic_tac_toe", "connect_four"])
def test_fingerprints_are_equal_where_states_are(name):
    games = play(make(name), 64)
    hashes = np.asarray(jax.jit(lambda tree: fingerprint(tree, 2))((games.problem, games.states)))
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(games.states)]
    shape = hashes.shape
    states = {}
    for place in np.ndindex(*shape):
        content = b"".join(leaf[place].tobytes() for leaf in leaves)
        assert states.setdefault(content, hashes[place]) == hashes[place]
    assert len(set(states.values())) == len(states) > 200


def test_each_number_of_a_row_counts_in_its_place():
    rows = np.zeros((7, 2, 3), np.int8)
    rows.reshape(7, 6)[np.arange(6), np.arange(6)] = 1
    signs = jnp.array([0.0, -0.0, 1.0, -1.0, 1.0, 0.5, 2.0], jnp.float32)
    assert len(set(np.asarray(fingerprint(rows, 1)).tolist())) == 7
    assert len(set(np.asarray(fingerprint(signs, 1)).tolist())) == 6
    wide = np.array([1, 2**16 + 1, 2**31 + 1], np.uint32)
    assert len(set(np.asarray(fingerprint((rows[:3] * 0, wide), 1)).tolist())) == 3


def test_nothing_cannot_be_hashed():
    with pytest.raises(ValueError, match="nothing to hash"):
        fingerprint((), 1)
