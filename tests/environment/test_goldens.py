"""One playthrough per environment, as text in `tests/goldens/`, for people to read.

After an intended change: `SELFPLAY_UPDATE_GOLDENS=1 pytest tests/environment/test_goldens.py`,
then read the difference.
"""

import os
import random
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.environment import make, names

GOLDENS = Path(__file__).parent.parent / "goldens"
UPDATE = "SELFPLAY_UPDATE_GOLDENS"


def playthrough(name: str) -> str:
    """A random game of the environment at its default size."""
    env = make(name)
    step, heuristic, mask = map(jax.jit, (env.step, env.heuristic, env.legal_action_mask))
    problem = jax.jit(env.sample_problem)(jax.random.key(0))
    state = jax.jit(env.init)(problem)
    dice = random.Random(name)
    text = [f"{name}, version {env.version}", f"problem: {env.format_problem(problem) or 'none'}"]
    while not (state.terminated or state.truncated):
        legal = np.flatnonzero(mask(problem, state)).tolist()
        action = legal[int(dice.random() * len(legal))]
        text += ["", env.render(problem, state)]
        text += ["legal: " + " ".join(map(env.format_action, legal))]
        text += [f"heuristic: {float(heuristic(problem, state)):.2f}"]
        text += [f"move {int(state.step_count) + 1}: {env.format_action(action)}"]
        state = step(problem, state, jnp.int32(action))
        if state.rewards.any():
            text += [f"rewards: {' '.join(f'{reward:g}' for reward in state.rewards.tolist())}"]
    text += ["", env.render(problem, state)]
    text += ["terminated" if state.terminated else "truncated"]
    return "\n".join(line.rstrip() for line in "\n".join(text).split("\n")) + "\n"


@pytest.mark.parametrize("name", names())
def test_the_playthrough_is_as_it_was(name):
    path = GOLDENS / f"{name}.txt"
    now = playthrough(name)
    if os.environ.get(UPDATE) == "1":
        path.write_text(now, encoding="utf-8")
        pytest.skip(f"wrote {path}; read the difference")
    assert path.exists(), f"{name} has no playthrough; run with {UPDATE}=1 and read it"
    assert now == path.read_text(encoding="utf-8")


def test_every_golden_belongs_to_an_environment():
    assert {path.stem for path in GOLDENS.glob("*.txt")} <= set(names())
