"""Whose network a run may start from: one whose parameters fit, of whatever sizes it is."""

import jax
import numpy as np
import pytest

from selfplay import config as config_lib
from selfplay.run import checkpoint, directory, session
from selfplay.run.program import make_program

GRAPH = {"kind": "graph", "width": 8, "depth": 1}
MLP = {"kind": "mlp", "width": 8, "depth": 1}


def settings(env, network, **env_args):
    return config_lib.from_dict(
        {
            "env": env,
            "env_args": env_args,
            "num_devices": 1,
            "network": network,
            "rollout": {"num_games": 4, "steps_per_iteration": 4},
        }
    )


def run_of(path, config):
    """A run that has not begun, and its parameters."""
    program = make_program(config)
    shapes = jax.eval_shape(program.network.init, jax.random.key(0))
    params = jax.tree.map(lambda x: np.arange(x.size, dtype=x.dtype).reshape(x.shape), shapes)

    def fill(folder):
        info = {"environment_version": program.env.version}
        checkpoint.save(folder.checkpoints, 0, {"params": params}, info)

    with directory.create(path, config, fill):
        return path, params


def started(run, config):
    """As `train` would start from a run."""
    session.refuse_to_start_from(run, config)
    return session.read_params_to_start_from(run, make_program(config), config)


@pytest.mark.parametrize(
    ("env", "network", "there", "here"),
    [
        ("propositional", GRAPH, {"subformulas": 16}, {"subformulas": 32, "goals": 2}),
        ("andrews_curtis", MLP, {"max_steps": 16}, {"max_steps": 8, "scrambles": 3}),
    ],
)
def test_sizes_that_change_no_parameter_may_be_others(env, network, there, here, tmp_path):
    run, params = run_of(tmp_path / "run", settings(env, network, **there))
    same = started(run, settings(env, network, **here))
    assert jax.tree.all(jax.tree.map(np.array_equal, params, same))


def test_sizes_that_do_are_named(tmp_path):
    run, _ = run_of(tmp_path / "run", settings("andrews_curtis", MLP, length=24, max_steps=16))
    longer = settings("andrews_curtis", MLP, length=32, max_steps=16)
    with pytest.raises(ValueError, match=r"of env_args, length is 24 there and 32 here, .*float32"):
        started(run, longer)
    with pytest.raises(ValueError, match=r"its network\.width is 8, not 16"):
        started(run, settings("andrews_curtis", MLP | {"width": 16}, length=24))
