"""Which rows and episodes are the same, against a dictionary of all their bytes."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from selfplay.replay.duplicates import episode_fingerprints, fingerprints


def columns(words, actions, episodes):
    words = np.array(words, np.int8).reshape(-1, 2)
    return {
        "targets.problem": words[:, :1],
        "targets.state.step_count": words[:, 1].astype(np.int16),
        "targets.value": np.random.default_rng(0).random(len(words), np.float32),
        "action": np.array(actions, np.int32),
        "episode": np.array(episodes, np.int32),
    }


ROWS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 1)), min_size=1)


@given(ROWS)
def test_positions_have_the_same_number_where_they_are_the_same(rows):
    words = [row[:2] for row in rows]
    found = fingerprints(columns(words, [row[2] for row in rows], range(len(rows))))
    assert found.dtype == np.uint64 and found.shape == (len(rows),)
    assert len(set(zip(words, found.tolist(), strict=True))) == len(set(words))
    assert len(set(found.tolist())) == len(set(words))


@given(st.lists(ROWS, min_size=1, max_size=12))
def test_episodes_have_the_same_number_where_all_was_done_alike(episodes):
    """As a state knows its step, an episode is the set of what was done in its positions."""
    episodes = [[(row[0], step, row[2]) for step, row in enumerate(rows)] for rows in episodes]
    flat = [(*row, number) for number, rows in enumerate(episodes) for row in rows]
    fields = columns([row[:2] for row in flat], [row[2] for row in flat], [r[3] for r in flat])
    found = episode_fingerprints(fields, fingerprints(fields))
    assert sorted(Counter(found.tolist()).values()) == sorted(
        Counter(tuple(rows) for rows in episodes).values()
    )


def test_a_million_rows_that_differ_in_one_bit_differ():
    numbers = np.arange(1_000_000, dtype=np.int32)
    fields = {"targets.state.board": numbers, "episode": numbers}
    assert len(np.unique(fingerprints(fields))) == 1_000_000
