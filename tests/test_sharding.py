import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import PartitionSpec

from selfplay import sharding


def test_mesh_has_the_devices_asked_for():
    assert sharding.make_mesh().size == 8
    mesh = sharding.make_mesh(3)
    assert mesh.axis_names == ("data",)
    assert list(mesh.devices) == jax.devices()[:3]


def test_too_many_devices_is_an_error_with_both_numbers():
    with pytest.raises(ValueError, match=r"num_devices is 9.*has 8 devices"):
        sharding.make_mesh(9)


def test_share_divides_or_names_the_field():
    mesh = sharding.make_mesh(4)
    assert sharding.share(12, mesh, "learner.batch_size") == 3
    with pytest.raises(ValueError, match=r"learner\.batch_size is 10.*4 devices"):
        sharding.share(10, mesh, "learner.batch_size")


def test_reductions_run_over_all_devices():
    mesh = sharding.make_mesh(8)
    values = jnp.arange(16, dtype=jnp.float32) ** 2

    def reduce(x):
        return sharding.mean(x), sharding.total({"x": x})["x"], sharding.least(x)

    reduced = jax.jit(sharding.over_devices(mesh, reduce, sharding.SPLIT, sharding.REPLICATED))(
        values
    )
    shares = np.arange(16.0).reshape(8, 2) ** 2
    for got, expected in zip(reduced, (shares.mean(0), shares.sum(0), shares.min(0)), strict=True):
        np.testing.assert_array_equal(got, expected)


def test_each_device_has_a_key_of_its_own():
    mesh = sharding.make_mesh(8)

    def draw(key):
        return jax.random.bits(sharding.device_key(key))[None]

    drawn = sharding.over_devices(mesh, draw, sharding.REPLICATED, sharding.SPLIT)(
        jax.random.key(3)
    )
    assert len(set(np.asarray(drawn).tolist())) == 8


def test_abstract_gives_shape_dtype_and_placement_by_a_prefix_of_specs():
    mesh = sharding.make_mesh(4)
    tree = {"a": {"x": jnp.zeros((3, 8), jnp.int8), "none": ()}, "b": jnp.ones((8, 4))}
    specs = {"a": sharding.SPLIT_SECOND, "b": sharding.SPLIT}
    shapes = sharding.abstract(mesh, jax.eval_shape(lambda: tree), specs)
    assert jax.tree.structure(shapes) == jax.tree.structure(tree)
    x = shapes["a"]["x"]
    assert (x.shape, x.dtype, x.sharding.spec) == ((3, 8), jnp.int8, PartitionSpec(None, "data"))
    assert shapes["b"].sharding.spec == PartitionSpec("data")
    placed = jax.device_put(tree["a"]["x"], x.sharding)
    assert [shard.data.shape for shard in placed.addressable_shards] == [(3, 2)] * 4
