"""The engine beside mctx as users run both: with all of the compiler's work."""

import pytest

from tests.search.test_engine import BIG, BIG_PUCT, differing_by_near_ties

pytestmark = pytest.mark.usefixtures("optimized")


@pytest.mark.parametrize("shape", [BIG, BIG_PUCT], ids=["gumbel", "puct"])
def test_few_long_searches_come_to_a_near_tie(shape):
    """At most 15% of 32 trees of 512 simulations."""
    long = shape._replace(batch_size=32, num_simulations=512)
    assert differing_by_near_ties(long, num_batches=1) <= 4
