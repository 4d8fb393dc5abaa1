"""Confidences counted, against all of them sorted."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from selfplay.replay.confidence import Histogram

SOME = st.lists(st.floats(0, 1, width=32), min_size=1, max_size=20)


@given(SOME, SOME, st.floats(0, 1))
def test_ranks_and_quantiles_are_those_of_the_sorted_numbers(first, then, share):
    found = Histogram()
    for some in (first, then):
        found.add(np.array(some, np.float32))
    every = np.sort(np.array([*first, *then], np.float32))
    assert found.total == len(every)
    ranks = [found.nth(rank) for rank in range(len(every))]
    np.testing.assert_allclose(ranks, every, atol=1.1e-6)
    np.testing.assert_allclose(found.quantile(share), np.quantile(every, share), atol=2.5e-6)
