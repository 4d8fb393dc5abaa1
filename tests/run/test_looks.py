"""Errors that an earlier network did not make, beside scipy and plain counting."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from scipy import stats

from selfplay.run import looks

answers = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40)


@hypothesis.given(answers)
def test_errors_are_those_that_plain_python_counts(pairs):
    earlier, now = np.array(pairs, np.bool_).T
    errors = looks.compare(earlier, now)
    assert errors.new == sum(a and not b for a, b in pairs)
    assert errors.mended == sum(b and not a for a, b in pairs)
    changed = errors.new + errors.mended
    if changed:
        test = stats.binomtest(errors.new, changed, 0.5, alternative="greater")
        assert errors.chance == pytest.approx(test.pvalue, abs=1e-12)
    else:
        assert errors.chance == 1.0


def test_other_questions_are_refused():
    with pytest.raises(ValueError, match="got 3 and 2"):
        looks.compare(np.ones(3, np.bool_), np.ones(2, np.bool_))


def test_a_look_is_held_against_the_best_before_it(tmp_path):
    folder = tmp_path / "looks"
    first, best, later = (np.array(x, np.bool_) for x in ([0, 0, 1], [1, 1, 0], [0, 1, 1]))
    assert looks.metrics(folder, 10, first) == {}
    told = looks.metrics(folder, 20, best)
    assert told == {"errors/new": 1, "errors/mended": 2, "errors/before": 2, "errors/since": 10}
    told = looks.metrics(folder, 30, later)
    assert told == {"errors/new": 1, "errors/mended": 1, "errors/before": 1, "errors/since": 20}
    # As good a look does not take the best one's place; one of an undone future does not count.
    assert looks.best(folder, 40, 3)[0] == 20
    assert looks.metrics(folder, 20, best)["errors/since"] == 10


def test_where_nothing_is_known_nothing_is_kept(tmp_path):
    assert looks.metrics(tmp_path / "looks", 1, np.zeros(0, np.bool_)) == {}
    assert not (tmp_path / "looks").exists()


@pytest.mark.parametrize("damage", [b"", b"nonsense"])
def test_a_damaged_look_is_named(tmp_path, damage):
    looks.keep(tmp_path, 10, np.array([True, False]))
    (tmp_path / "00000010.npy").write_bytes(damage)
    with pytest.raises(ValueError, match=r"00000010\.npy is damaged: .*; delete it to go on"):
        looks.best(tmp_path, 20, 2)
