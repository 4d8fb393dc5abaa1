"""How long attempts may be, and what their steps may cost."""

import pytest

from selfplay_envs.proofs.step_limits import refuse_unfit


def test_what_is_paid_back_by_a_solution_may_be_asked():
    refuse_unfit(1, 1.0)
    refuse_unfit(200, 0.005)
    refuse_unfit(10_000, 0.0)


@pytest.mark.parametrize(
    ("max_steps", "step_cost", "expected"),
    [
        (0, 0.0, "max_steps must be between 1 and 10,000, got 0"),
        (10_001, 0.0, "max_steps must be between 1 and 10,000, got 10001"),
        (200, 0.006, r"step_cost must be between 0 and 1 / max_steps = 0\.005, got 0\.006"),
        (4, -0.1, r"between 0 and 1 / max_steps = 0\.25, got -0\.1"),
        (4, float("nan"), "got nan"),
    ],
)
def test_what_is_refused_is_told_with_what_would_do(max_steps, step_cost, expected):
    with pytest.raises(ValueError, match=expected):
        refuse_unfit(max_steps, step_cost)
