"""Milestones stay few and evenly spaced, whatever the run's length."""

import hypothesis
import hypothesis.strategies as st
import jax.numpy as jnp
import pytest

from selfplay.run import checkpoint, milestones
from selfplay.run.milestones import FIRST_SPACING, is_due, spacing


@hypothesis.given(iteration=st.integers(0, 10**6), most=st.integers(2, 40))
def test_at_most_so_many_and_at_least_half_are_kept(iteration, most):
    apart = spacing(iteration, most)
    count = iteration // apart + 1
    assert count <= most
    assert apart == FIRST_SPACING or 2 * count >= most


@hypothesis.given(iteration=st.integers(0, 10**6), most=st.integers(2, 40))
def test_what_is_kept_later_was_due_in_its_time(iteration, most):
    """So none is missing that the wider spacing wants."""
    apart = spacing(iteration, most)
    assert all(is_due(kept, most) for kept in range(0, iteration + 1, apart))


@pytest.fixture
def instant(monkeypatch):
    """Milestones every iteration at first, in empty folders."""
    monkeypatch.setattr(milestones, "FIRST_SPACING", 1)
    monkeypatch.setattr(
        checkpoint, "save", lambda folder, i, *_: (folder / f"{i:08d}").mkdir(exist_ok=True)
    )


def run_to(folder, begin, end, most):
    for iteration in range(begin, end + 1):
        if is_due(iteration, most):
            milestones.save(folder, iteration, {}, {}, most)
    return [int(path.name) for path in reversed(checkpoint.available(folder))]


@pytest.mark.parametrize(
    ("end", "kept"),
    [
        (0, [0]),
        (3, [0, 1, 2, 3]),
        (4, [0, 2, 4]),
        (7, [0, 2, 4, 6]),
        (8, [0, 4, 8]),
        (100, [0, 32, 64, 96]),
    ],
)
def test_a_run_of_some_length(tmp_path, instant, end, kept):
    assert run_to(tmp_path, 0, end, most=4) == kept


@hypothesis.settings(
    max_examples=30, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
@hypothesis.given(most=st.integers(2, 9), killed=st.integers(0, 60), back=st.integers(0, 60))
def test_a_killed_run_has_those_of_one_that_was_not(tmp_path_factory, instant, most, killed, back):
    whole, resumed = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("resumed")
    run_to(resumed, 0, killed, most)
    last_due = max(i for i in range(100) if is_due(i, most))
    assert run_to(resumed, max(0, killed - back), last_due, most) == run_to(
        whole, 0, last_due, most
    )


def test_a_milestone_is_a_sound_checkpoint_of_the_network_alone(tmp_path):
    params = {"w": jnp.arange(3.0)}
    milestones.save(tmp_path, 16, params, {"seconds": 1.5}, most=2)
    path = checkpoint.find(tmp_path / "checkpoints", 16, tmp_path)
    assert checkpoint.read_info(path) == {"seconds": 1.5}
    assert jnp.array_equal(checkpoint.restore(path, "params", params)["w"], params["w"])
