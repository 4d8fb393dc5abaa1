import jax
import numpy as np
import pytest

from selfplay.config import NetworkConfig
from selfplay.networks.build import build
from tests import worlds


def test_only_boards_are_read():
    config = NetworkConfig(kind="resnet")
    with pytest.raises(ValueError, match=r"array of shape \(8,\); network.kind = 'mlp' would do"):
        build(config, worlds.Nim())
    with pytest.raises(ValueError, match=r"is tokens; network.kind = 'transformer' would do"):
        build(config, worlds.Spell())


def test_parameter_count():
    width, depth, squares, planes, actions = 16, 2, 8, 1, 3
    network = build(NetworkConfig(kind="resnet", width=width, depth=depth), worlds.NimBoard())
    params = jax.eval_shape(network.init, jax.random.key(0))
    count = sum(leaf.size for leaf in jax.tree.leaves(params))
    stem = 9 * planes * width + width
    block = 2 * (9 * width * width + width) + 2 * 2 * width
    policy = (width * 8 + 8) + (squares * 8 * actions + actions)
    value = (width * 4 + 4) + (squares * 4 * width + width) + (width + 1)
    assert count == stem + depth * block + 2 * width + policy + value


def test_each_block_looks_two_squares_further():
    """The stem sees one square around, each block two more; the heads are cut off."""
    config = NetworkConfig(kind="resnet", width=8, depth=1)
    env = worlds.NimBoard(stones=40)
    network = build(config, env)
    rng = np.random.default_rng(0)
    params = jax.tree.map(
        lambda x: rng.normal(0.1, 0.4, x.shape).astype(x.dtype),
        jax.eval_shape(network.init, jax.random.key(0)),
    )
    # Heads that read the first square alone: all others get zero weight.
    kernel = np.zeros((40 * 8, 3), np.float32)
    kernel[:8] = 1.0
    params["heads"]["heads"]["policy"]["kernel"] = kernel
    board = rng.standard_normal((1, 10, 4, 1), np.float32)

    def first_square(board):
        return network.apply(params, board)[0].sum()

    seen = np.abs(jax.jit(jax.grad(first_square))(board))[0, :, :, 0].sum(axis=1) > 0
    np.testing.assert_array_equal(seen, np.arange(10) <= 3)
