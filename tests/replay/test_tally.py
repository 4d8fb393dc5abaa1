"""Numbers counted on disk, against a Counter."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from selfplay.replay.tally import NOWHERE, tally

NUMBERS = st.lists(st.sampled_from([0, 7, 2**57, 2**58, 2**63, 2**64 - 1]), max_size=12)


@given(st.lists(NUMBERS, max_size=4), st.integers(0, 4))
def test_it_counts_as_a_counter_does(shards, count):
    flat = [number for shard in shards for number in shard]
    counted = Counter(flat)
    with tally() as found:
        for start, shard in zip(np.cumsum([0, *map(len, shards)]), shards, strict=False):
            places = start + np.arange(len(shard))
            hidden = np.array(shard, np.uint64) == 7
            found.add(np.array(shard, np.uint64), np.where(hidden, NOWHERE, places))
        different, commonest = found.summary(count)
    assert different == len(counted)
    expected = sorted(
        (-often, number) for number, often in counted.items() if often > 1 and number != 7
    )
    assert commonest == [(-often, flat.index(number)) for often, number in expected[:count]]
