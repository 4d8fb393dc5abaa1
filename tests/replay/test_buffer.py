"""The ring against a deque, row for row."""

import collections

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfplay.operators.targets import Provenance, Targets
from selfplay.replay import buffer as replay

CAPACITY, K = 7, 5


def make_rows(ids, weights):
    """Targets [K] that bear their number in every leaf."""
    ids = np.asarray(ids)
    return Targets(
        problem={"word": np.stack([ids, 3 * ids], 1).astype(np.int16)},
        state=ids.astype(np.int32),
        action_weights=np.stack([ids, -ids], 1).astype(np.float32),
        value=ids.astype(np.float32),
        weight=np.asarray(weights, np.float32),
        provenance=Provenance(
            operator=ids.astype(np.uint8),
            teacher=2 * ids.astype(np.uint8),
            generation=3 * ids.astype(np.int32),
            simulations=4 * ids.astype(np.int32),
            confidence=5 * ids.astype(np.float32),
            verdict=6 * ids.astype(np.uint8),
            real=ids % 2 == 1,
        ),
    )


ROW = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape[1:], x.dtype), make_rows([0], [0]))
add, put = jax.jit(replay.add), jax.jit(replay.put)


def numbers(rows):
    """The rows' numbers, after checking that all leaves bear the same."""
    ids = np.asarray(rows.value).astype(int)
    for got, expected in zip(
        jax.tree.leaves(rows), jax.tree.leaves(make_rows(ids, rows.weight)), strict=True
    ):
        np.testing.assert_array_equal(got, expected)
    return ids.tolist()


@settings(max_examples=60)
@given(
    st.lists(st.lists(st.sampled_from([0.0, 0.0, 1.0, 0.25]), min_size=K, max_size=K), max_size=9)
)
def test_ring_equals_a_deque(history):
    ring, model = replay.init(ROW, CAPACITY), collections.deque(maxlen=CAPACITY)
    for turn, weights in enumerate(history):
        ids = 1 + turn * K + np.arange(K)
        ring, count = add(ring, make_rows(ids, weights))
        kept = [int(i) for i, w in zip(ids, weights, strict=True) if w > 0]
        model.extend(kept)
        assert int(count) == len(kept)
        size, cursor = int(ring.size[0]), int(ring.cursor[0])
        assert size == len(model)
        held = numbers(ring.rows)
        oldest_first = held[cursor:] + held[:cursor] if size == CAPACITY else held[:size]
        assert oldest_first == list(model)
        assert held[size:] == [0] * (CAPACITY - size)


def test_weights_are_kept():
    ring, _ = add(replay.init(ROW, CAPACITY), make_rows(range(1, 6), [0.5, 0, 2, 0, 1]))
    assert np.asarray(ring.rows.weight[:3]).tolist() == [0.5, 2, 1]


def test_more_rows_than_fit_is_an_error_that_names_the_setting():
    with pytest.raises(ValueError, match=r"at least the 8 rows .*got a capacity of 7"):
        replay.add(replay.init(ROW, 7), make_rows(range(8), np.zeros(8)))
    full, count = replay.add(replay.init(ROW, 7), make_rows(range(1, 8), np.ones(7)))
    assert (int(count), numbers(full.rows)) == (7, list(range(1, 8)))


def test_samples_come_from_filled_rows_uniformly():
    ring, _ = add(replay.init(ROW, 30), make_rows([1, 2, 3, 4, 5], [1, 0, 1, 1, 1]))
    n = 20_000
    drawn = jax.jit(replay.sample, static_argnums=2)(ring, jax.random.key(0), n)
    values, counts = np.unique(numbers(drawn), return_counts=True)
    assert values.tolist() == [1, 3, 4, 5]
    assert np.abs(counts - n / 4).max() < 5 * np.sqrt(n * 3 / 16)


def test_an_overwritten_row_is_never_sampled():
    ring = replay.init(ROW, CAPACITY)
    for turn in range(4):
        ring, _ = add(ring, make_rows(1 + turn * K + np.arange(K), np.ones(K)))
    drawn = replay.sample(ring, jax.random.key(1), 2_000)
    assert sorted(set(numbers(drawn))) == list(range(14, 21))
    assert jnp.asarray(drawn.weight).min() == 1


@given(st.lists(st.integers(0, 5), max_size=12))
def test_the_newest_come_first(history):
    """Of two devices' rings of numbers, each fed in its own order."""
    rings, fed = [replay.init(np.uint32(0), 8) for _ in range(2)], [[], []]
    for turn, count in enumerate(history):
        numbers = np.arange(6, dtype=np.uint32) + np.uint32(10 * turn)
        ring = turn % 2
        rings[ring], added = put(rings[ring], numbers, np.arange(6) < count)
        assert added == count
        fed[ring] += numbers[:count].tolist()
    both = jax.tree.map(lambda *x: np.concatenate(x), *rings)
    kept = [list(reversed(numbers))[:8] for numbers in fed]
    expected = [number for pair in zip(*kept, strict=False) for number in pair]
    assert replay.newest(both).tolist() == expected
