"""Measures of players who look at nothing, against plain loops and published counts."""

import csv
import importlib.resources

import jax
import jax.numpy as jnp
import numpy as np
import pytest

pytest.importorskip("numba", reason="numba comes with selfplay[benchmarks]")

from benchmarks.connect_four import opening
from benchmarks.studies.evaluator.truth import MEASURES, Truth
from selfplay_envs.games.connect_four import ConnectFour

needs_data = pytest.mark.skipif(
    opening.find_file() is None, reason="SELFPLAY_DATA has no such file"
)


def leftmost(params, keys, problem, state):
    """Plays the first column with room, and claims `params` of every position."""
    del keys, problem
    legal = jax.vmap(lambda state: ConnectFour().legal_action_mask((), state))(state)
    action = jnp.argmax(legal, axis=-1).astype(jnp.int32)
    return action, jnp.full(len(action), params, jnp.float32)


@needs_data
def test_who_looks_at_nothing_is_measured_as_by_hand():
    source = importlib.resources.files("selfplay_envs.games") / "connect_four_solved.csv"
    erred: dict[str, list[bool]] = {}
    critical: dict[str, list[bool]] = {}
    errors = []
    for row in csv.DictReader(source.read_text(encoding="utf-8").splitlines()):
        signs = [np.sign(int(row[f"score_{c}"])) for c in range(1, 8) if row[f"score_{c}"]]
        erred.setdefault(row["bucket"], []).append(signs[0] < max(signs))
        if min(signs) < max(signs):
            critical.setdefault(row["bucket"], []).append(signs[0] < max(signs))
        errors.append(abs(1 - max(signs)))
    found = Truth(ConnectFour(), eight_ply=67_557).measure(jax.jit(leftmost), jnp.float32(1))
    assert tuple(found) == MEASURES
    assert found["mistakes"] == pytest.approx(np.mean([np.mean(x) for x in erred.values()]))
    assert found["critical_mistakes"] == pytest.approx(
        np.mean([np.mean(x) for x in critical.values()])
    )
    assert found["solved_error"] == pytest.approx(np.mean(errors))
    # The data set's own page counts 44,473 wins, 16,635 losses and 6,449 draws of the first player.
    assert found["sign"] == pytest.approx(44_473 / (44_473 + 16_635))
    assert found["error"] == pytest.approx((2 * 16_635 + 6_449) / 67_557)
    assert found["squared_error"] == pytest.approx(((4 * 16_635 + 6_449) / 67_557) ** 0.5)


def test_without_the_data_it_says_what_is_missing(monkeypatch, tmp_path):
    monkeypatch.setenv("SELFPLAY_DATA", str(tmp_path))
    with pytest.raises(ValueError, match="set SELFPLAY_DATA to the folder that holds it"):
        _ = Truth(ConnectFour(), eight_ply=4).openings
