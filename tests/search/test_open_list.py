"""One problem's queue, without a device."""

import numpy as np

from selfplay.search.open_list import Guess, OpenList


def guess(*costs: float) -> Guess:
    count = len(costs)
    return Guess(np.arange(count), np.array(costs, np.float32), np.zeros(count, np.float32), 0.0)


def test_a_dive_ends_where_its_end_leads_nowhere():
    """Of a state with two ends, one may have no legal action while the other has."""
    search = OpenList(9, 1.0, 0.0, np.random.default_rng(0), None, limit=9)
    search.arrives(None, b"begin", solved=False, ended=False)
    search.add(None, b"begin", guess(0.1, 2.4))
    (dive,) = search.best(1)
    assert search.falling is dive
    assert search.arrives(dive, b"stuck", solved=False, ended=False)
    search.add(dive, b"stuck", guess(np.inf, np.inf))
    (other,) = search.best(1)
    assert (other.node.state, other.rank) == (b"begin", 1)
    assert search.falling is other  # which begins a new dive
    assert search.arrives(other, b"open", solved=False, ended=False)
    search.add(other, b"open", guess(0.0, np.inf))
    (onward,) = search.best(1)
    assert (onward.node.state, onward.rank) == (b"open", 0)
