"""Against JAX's own convolution and its gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfplay.networks.convolution import convolve

sizes = st.integers(1, 7)


def reference(boards, kernel):
    order = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(boards, kernel, (1, 1), "SAME", dimension_numbers=order)


def slopes(function, boards, kernel, weights):
    return jax.grad(lambda b, k: (function(b, k) * weights).sum(), (0, 1))(boards, kernel)


@settings(max_examples=6, deadline=None)
@given(sizes, sizes, sizes, sizes, sizes, st.integers(0, 2**16))
def test_values_and_slopes_are_those_of_jax(batch, rows, columns, inputs, outputs, seed):
    rng = np.random.default_rng(seed)
    boards = rng.standard_normal((batch, rows, columns, inputs), np.float32)
    kernel = rng.standard_normal((3, 3, inputs, outputs), np.float32)
    weights = rng.standard_normal((batch, rows, columns, outputs), np.float32)
    np.testing.assert_allclose(convolve(boards, kernel), reference(boards, kernel), rtol=1e-5)
    ours, theirs = (slopes(f, boards, kernel, weights) for f in (convolve, reference))
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_slopes_keep_the_dtype(dtype):
    boards, kernel = jnp.ones((2, 4, 3, 5), dtype), jnp.ones((3, 3, 5, 6), dtype)
    assert convolve(boards, kernel).dtype == dtype
    assert [s.dtype for s in slopes(convolve, boards, kernel, jnp.ones((), dtype))] == [dtype] * 2


def test_every_convolution_of_a_loop_has_its_axes_in_the_usual_order():
    """What XLA's fast routine for CPUs asks for; in a loop XLA does not reorder them itself."""

    def descend(kernel, boards):
        def body(kernel, _):
            return kernel - slopes(convolve, boards, kernel, 1.0)[1], None

        return jax.lax.scan(body, kernel, None, length=3)[0]

    shapes = jnp.ones((3, 3, 5, 6)), jnp.ones((8, 4, 4, 5))
    program = jax.jit(descend).lower(*shapes).as_text()
    lines = [line for line in program.splitlines() if "stablehlo.convolution" in line]
    assert lines
    assert all("[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]" in line for line in lines)
