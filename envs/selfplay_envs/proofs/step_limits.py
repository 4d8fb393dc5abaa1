"""Attempts of at most so many steps, which may cost something each."""

MOST_STEPS = 10_000


def refuse_unfit(max_steps: int, step_cost: float) -> None:
    """Raises ValueError where an attempt has no such length, or all steps cost more than 1."""
    if not 1 <= max_steps <= MOST_STEPS:
        raise ValueError(f"max_steps must be between 1 and {MOST_STEPS:,}, got {max_steps}")
    if not 0 <= step_cost * max_steps <= 1:
        raise ValueError(
            f"step_cost must be between 0 and 1 / max_steps = {1 / max_steps:g}, got {step_cost}"
        )
