import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import hypothesis
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import struct
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from selfplay.run import checkpoint
from selfplay.run.checkpoint import DamagedCheckpointError

SHAPES = {
    "bool": (3,),
    "int8": (2, 3),
    "int16": (),
    "int32": (5,),
    "uint8": (4,),
    "uint32": (2,),
    "float16": (3,),
    "bfloat16": (2, 2),
    "float32": (3, 1),
}


class Inner(struct.PyTreeNode):
    arrays: Any
    nothing: tuple[()] = ()


class Outer(struct.PyTreeNode):
    inner: Inner
    params: dict[str, Any]
    optimizer_state: Any
    absent: None = None
    label: str = struct.field(pytree_node=False, default="static")


def tree_of(fill: dict[str, bytes]) -> Outer:
    """A tree of all kinds of nodes, its arrays made of the bytes given for each dtype."""

    def array(dtype):
        shape, kind = SHAPES[dtype], jnp.dtype(dtype)
        data = fill[dtype]
        if dtype == "bool":
            data = bytes(byte & 1 for byte in data)
        return jnp.asarray(np.frombuffer(data, kind).reshape(shape))

    params: dict[str, Any] = {
        "a/b": {0: array("float32"), 1: array("int32")},
        "['x']": array("bfloat16"),
    }
    return Outer(
        inner=Inner(arrays=tuple(array(dtype) for dtype in SHAPES)),
        params=params,
        optimizer_state=optax.chain(optax.clip(1.0), optax.scale_by_adam()).init(params),
    )


def num_bytes(dtype):
    return int(np.prod(SHAPES[dtype])) * jnp.dtype(dtype).itemsize


def plain_tree(seed: int = 0) -> Outer:
    rng = np.random.default_rng(seed)
    return tree_of({dtype: rng.bytes(num_bytes(dtype)) for dtype in SHAPES})


def abstract(tree):
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), tree)


def assert_same(one, two):
    assert jax.tree.structure(one) == jax.tree.structure(two)
    for x, y in zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True):
        assert isinstance(x, jax.Array)
        assert (x.shape, x.dtype) == (y.shape, y.dtype)
        assert np.asarray(x).tobytes() == np.asarray(y).tobytes()


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A folder with checkpoints 3, 20 and 100; not to be changed."""
    folder = tmp_path_factory.mktemp("original") / "checkpoints"
    for iteration in (3, 20, 100):
        trees = {"params": plain_tree(iteration).params, "state": plain_tree(iteration)}
        checkpoint.save(folder, iteration, trees, {"iteration": iteration})
    return folder


@pytest.fixture
def folder(original, tmp_path):
    """A copy of `original`."""
    return shutil.copytree(original, tmp_path / "checkpoints")


# What was saved is restored ------------------------------------------------------------------


@hypothesis.settings(max_examples=12)
@hypothesis.given(
    st.fixed_dictionaries(
        {
            dtype: st.binary(min_size=n, max_size=n)
            for dtype, n in zip(SHAPES, map(num_bytes, SHAPES), strict=True)
        }
    )
)
def test_round_trip_is_bit_for_bit(tmp_path_factory, fill):
    folder = tmp_path_factory.mktemp("trip")
    tree = tree_of(fill)
    path = checkpoint.save(folder, 7, {"state": tree}, {})
    assert_same(checkpoint.restore(path, "state", abstract(tree)), tree)
    shutil.rmtree(folder)


@pytest.mark.parametrize("value", [0.0, -0.0, np.nan, -np.inf])
def test_round_trip_of_constants(tmp_path, value):
    """Storage may leave out chunks that hold the fill value; -0.0 is not 0.0."""
    tree = {"many": jnp.full((3, 4), value), "one": jnp.float32(value)}
    path = checkpoint.save(tmp_path, 0, {"tree": tree}, {})
    assert_same(checkpoint.restore(path, "tree", abstract(tree)), tree)


@pytest.mark.parametrize("tree", [(), {"a": ()}, None, [jnp.zeros((0, 3)), ()], jnp.arange(3)])
def test_round_trip_of_odd_trees(tmp_path, tree):
    path = checkpoint.save(tmp_path, 0, {"tree": tree}, {})
    checkpoint.verify(path)
    assert_same(checkpoint.restore(path, "tree", abstract(tree)), tree)


def test_one_tree_without_the_others(folder):
    path = folder / "00000020"
    shutil.rmtree(path / "state")
    params = plain_tree(20).params
    assert_same(checkpoint.restore(path, "params", abstract(params)), params)


def test_shardings(tmp_path):
    mesh = Mesh(np.array(jax.devices()), ("data",))
    split, second, whole = (
        NamedSharding(mesh, PartitionSpec(*axes)) for axes in (("data",), (None, "data"), ())
    )
    tree = {
        "split": jax.device_put(jnp.arange(16, dtype=jnp.int16), split),
        "second": jax.device_put(jnp.arange(24, dtype=jnp.int8).reshape(3, 8), second),
        "whole": jax.device_put(jnp.arange(16, dtype=jnp.bfloat16), whole),
        "empty": jax.device_put(jnp.zeros((0, 3)), whole),
        "scalar": jax.device_put(jnp.uint32(7), whole),
    }
    path = checkpoint.save(tmp_path, 1, {"tree": tree}, {})
    wanted = {"split": whole, "second": second, "whole": split, "empty": whole, "scalar": whole}
    shapes = jax.tree.map(
        lambda x, s: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=s), tree, wanted
    )
    restored = checkpoint.restore(path, "tree", shapes)
    assert_same(restored, tree)
    assert jax.tree.map(lambda x: x.sharding, restored) == wanted
    assert_same(checkpoint.restore(path, "tree", abstract(tree)), tree)


def test_restored_arrays_can_be_donated(folder):
    tree = plain_tree(20)
    restored = checkpoint.restore(folder / "00000020", "state", abstract(tree))
    double = jax.jit(lambda t: jax.tree.map(lambda x: x + x, t), donate_argnums=0)
    assert_same(double(restored), jax.jit(lambda t: jax.tree.map(lambda x: x + x, t))(tree))


def test_info_and_manifest(tmp_path):
    info = {"text": "ä\n", "number": 0.1, "none": None, "list": [1, {"deep": True}]}
    path = checkpoint.save(tmp_path / "new" / "folder", 12, {"tree": jnp.zeros(2)}, info)
    assert path.name == "00000012"
    assert checkpoint.read_info(path) == info
    manifest = json.loads((path / "manifest.json").read_text())
    assert manifest["format"] == 1
    assert manifest["iteration"] == 12
    assert manifest["versions"]["jax"] == jax.__version__
    assert manifest["trees"] == {"tree": {"": {"shape": [2], "dtype": "float32"}}}
    files = {str(f.relative_to(path)) for f in path.rglob("*") if f.is_file()}
    assert set(manifest["files"]) == files - {"manifest.json"}


def test_nothing_is_printed(tmp_path, capfd):
    tree = plain_tree()
    path = checkpoint.save(tmp_path, 1, {"state": tree}, {})
    checkpoint.restore(path, "state", abstract(tree))
    assert capfd.readouterr() == ("", "")


# What does not fit is refused ----------------------------------------------------------------


def test_trees_that_do_not_fit(folder):
    path, params = folder / "00000020", abstract(plain_tree(20).params)

    def message(tree, name="params"):
        with pytest.raises(ValueError, match="does not fit") as error:
            checkpoint.restore(path, name, tree)
        return str(error.value)

    leaf = "['a/b'][0]"
    more = params | {"new": jax.ShapeDtypeStruct((4,), jnp.int8)}
    assert "['new'] was absent when saved, but int8 [4] is asked for" in message(more)
    fewer = {"a/b": params["a/b"]}
    text = """["['x']"] was bfloat16 [2, 2] when saved, but absent is asked for"""
    assert text in message(fewer)
    for shape, dtype in [((3,), "float32"), ((3, 1), "int32"), ((1, 3), "float32")]:
        other = {0: jax.ShapeDtypeStruct(shape, dtype), 1: params["a/b"][1]}
        text = f"{leaf} was float32 [3, 1] when saved, but {dtype} {list(shape)} is asked for"
        assert text in message(params | {"a/b": other})
    assert f"; and {len(jax.tree.leaves(plain_tree())) - 5} more" in message((), "state")
    with pytest.raises(ValueError, match=r"has no tree 'parms'; it has params, state"):
        checkpoint.restore(path, "parms", params)


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"a": 1.0}, r"leaf \['a'\] of tree 'tree' must be an array, got float"),
        ({"a": jax.random.key(0)}, "is a PRNG key; save jax.random.key_data"),
        ({"a": np.zeros(2)}, "is float64, which JAX would restore as another"),
    ],
)
def test_trees_that_cannot_be_saved(folder, tree, message):
    with pytest.raises(ValueError, match=message):
        checkpoint.save(folder, 101, {"tree": tree}, {})
    assert [path.name for path in checkpoint.available(folder)] == [
        "00000100",
        "00000020",
        "00000003",
    ]


def test_names_and_info_that_cannot_be_saved(folder):
    for name in ("", "../up", "manifest.json", "a/b"):
        with pytest.raises(ValueError, match="a tree's name"):
            checkpoint.save(folder, 101, {name: jnp.zeros(1)}, {})
    for info in ({"a": float("nan")}, {"a": jnp.zeros(1)}):
        with pytest.raises(ValueError, match="info must be what JSON can hold"):
            checkpoint.save(folder, 101, {}, info)


# Damage is seen ------------------------------------------------------------------------------


def flip(file):
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0x10
    file.write_bytes(data)


def truncate(file):
    file.write_bytes(file.read_bytes()[:-1])


DAMAGES = {
    "flip": (flip, r"has other contents than were saved|is unreadable|is not what was saved"),
    "truncate": (truncate, r"bytes were saved|bytes, but \d+ were saved|is unreadable"),
    "empty": (lambda file: file.write_bytes(b""), r"has 0 bytes, but|is unreadable"),
    "delete": (Path.unlink, r"is missing"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_to_any_file_is_seen(folder, damage):
    path = folder / "00000100"
    for file in [f for f in sorted(path.rglob("*")) if f.is_file()]:
        checkpoint.verify(path)
        before, (harm, message) = file.read_bytes(), DAMAGES[damage]
        if not before and damage != "delete":
            continue
        harm(file)
        with pytest.raises(DamagedCheckpointError, match=message) as error:
            checkpoint.verify(path)
        assert str(file.relative_to(path)) in str(error.value)
        warnings: list[str] = []
        assert checkpoint.newest_sound(folder, warnings.append) == folder / "00000020"
        assert len(warnings) == 1
        assert "00000100" in warnings[0]
        file.write_bytes(before)


def test_every_byte_of_the_manifest_counts(folder):
    path = folder / "00000100"
    file = path / "manifest.json"
    before = file.read_bytes()
    info = checkpoint.read_info(path)
    for position in np.random.default_rng(0).integers(len(before), size=200):
        data = bytearray(before)
        data[position] ^= 1 << int(position) % 8
        file.write_bytes(data)
        try:
            assert checkpoint.read_info(path) == info  # such as one space for another
        except DamagedCheckpointError:
            continue


def test_extra_files_do_no_harm(folder):
    (folder / "00000100" / "notes.txt").write_text("mine")
    (folder / "notes.txt").write_text("mine")
    (folder / "best").mkdir()
    assert checkpoint.newest_sound(folder) == folder / "00000100"


def test_fallback_goes_on(folder):
    (folder / "00000100" / "manifest.json").write_bytes(b"")
    shutil.rmtree(folder / "00000020" / "params")
    warnings: list[str] = []
    assert checkpoint.newest_sound(folder, warnings.append) == folder / "00000003"
    assert [("00000100" in w, "00000020" in w) for w in warnings] == [(True, False), (False, True)]
    (folder / "00000003" / "manifest.json").unlink()
    with pytest.raises(ValueError, match="none of the 3 checkpoints"):
        checkpoint.newest_sound(folder, warnings.append)
    with pytest.raises(ValueError, match="there is no checkpoint in"):
        checkpoint.newest_sound(folder / "nowhere")


def test_find(folder):
    assert checkpoint.find(folder) == folder / "00000100"
    assert checkpoint.find(folder, 3) == folder / "00000003"
    with pytest.raises(ValueError, match=r"of iteration 4 in .*; there are: 100, 20, 3"):
        checkpoint.find(folder, 4)
    flip(folder / "00000003" / "params" / "manifest.ocdbt")
    with pytest.raises(DamagedCheckpointError, match=r"manifest.ocdbt"):
        checkpoint.find(folder, 3)


def test_find_in_several_folders(folder):
    other = folder.parent / "milestones"
    for iteration in (16, 20):
        checkpoint.save(other, iteration, {"params": plain_tree(0).params}, {})
    assert checkpoint.find(folder, None, other) == folder / "00000100"
    assert checkpoint.find(folder, 20, other) == folder / "00000020"
    assert checkpoint.find(folder, 16, other) == other / "00000016"
    with pytest.raises(ValueError, match="there are: 100, 20, 16, 3"):
        checkpoint.find(folder, 17, other)


def test_another_format_is_no_damage(folder, monkeypatch):
    monkeypatch.setattr(checkpoint, "FORMAT", 2)
    with pytest.raises(ValueError, match="has format 1, but this version of selfplay reads 2") as e:
        checkpoint.newest_sound(folder)
    assert not isinstance(e.value, DamagedCheckpointError)


# What is kept --------------------------------------------------------------------------------


def names(folder):
    return [path.name for path in checkpoint.available(folder)]


def test_available_is_by_number(original):
    assert names(original) == ["00000100", "00000020", "00000003"]
    assert checkpoint.available(original / "nowhere") == []


def test_prune(folder):
    checkpoint.prune(folder, 5)
    assert len(names(folder)) == 3
    checkpoint.prune(folder, 2)
    assert names(folder) == ["00000100", "00000020"]
    assert len(list(folder.iterdir())) == 2
    with pytest.raises(ValueError, match="keep must be at least 1"):
        checkpoint.prune(folder, 0)


def test_prune_never_removes_the_last_sound_ones(folder):
    (folder / "00000100" / "manifest.json").unlink()
    truncate(folder / "00000020" / "params" / "manifest.ocdbt")
    checkpoint.prune(folder, 1)
    assert names(folder) == ["00000100", "00000020", "00000003"]


def test_the_same_iteration_again(folder):
    tree = jnp.arange(3)
    path = checkpoint.save(folder, 20, {"tree": tree}, {"attempt": 2})
    assert path == folder / "00000020"
    assert checkpoint.read_info(path) == {"attempt": 2}
    assert_same(checkpoint.restore(path, "tree", abstract(tree)), tree)
    assert names(folder) == ["00000100", "00000020", "00000003"]
    assert len(list(folder.iterdir())) == 3


def test_a_save_that_fails_changes_nothing(folder, monkeypatch):
    def fail(path):
        raise OSError("disk full")

    before = sorted(folder.rglob("*"))
    for name in ("_flush", "_flush_folder"):
        with monkeypatch.context() as patch:
            patch.setattr(checkpoint, name, fail)
            with pytest.raises(OSError, match="disk full"):
                checkpoint.save(folder, 20, {"tree": jnp.zeros(2)}, {})
        assert sorted(folder.rglob("*")) == before


def test_leftovers_are_no_checkpoints(folder):
    """As a process killed while writing 101, while replacing 20 and while removing 3 leaves it."""
    shutil.copytree(folder / "00000100", folder / ".unfinished-00000101")
    (folder / ".replaced").mkdir()
    (folder / "00000020").rename(folder / ".replaced" / "00000020")
    (folder / "00000003").rename(folder / ".unfinished-00000003")
    assert names(folder) == ["00000100", "00000020"]
    checkpoint.verify(checkpoint.available(folder)[1])
    checkpoint.save(folder, 102, {"tree": jnp.zeros(2)}, {})
    assert sorted(path.name for path in folder.iterdir()) == ["00000020", "00000100", "00000102"]


# Killed --------------------------------------------------------------------------------------

KILLED = '''
"""Forks writers and kills them at random moments; each first checks what the last one left."""
import os, random, signal, sys, time
from pathlib import Path
import jax, numpy as np
from selfplay.run import checkpoint

folder, log = Path(sys.argv[1]), Path(sys.argv[2])

def tree(iteration):
    rng = np.random.default_rng(iteration)
    return {"a": rng.integers(0, 99, 50, np.int8), "b": {"c": rng.random((20, 30), np.float32)}}

def check():
    """Nothing is damaged, nothing that was saved is lost, and contents are right."""
    saved = [int(line) for line in log.read_text().split()]
    if not saved:
        return 0
    def refuse(warning):
        raise AssertionError(warning)
    path = checkpoint.newest_sound(folder, refuse)
    iteration = int(path.name)
    assert iteration in (saved[-1], saved[-1] + 1), (iteration, saved[-1])
    for path in checkpoint.available(folder):
        checkpoint.verify(path)
        expected = tree(int(path.name))
        abstract = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), expected)
        restored = checkpoint.restore(path, "tree", abstract)
        jax.tree.map(np.testing.assert_array_equal, restored, expected)
    return iteration

def write(pipe):
    iteration = check()
    os.write(pipe, b"!")
    while True:
        iteration += 1
        for attempt in range(2):
            checkpoint.save(folder, iteration, {"tree": tree(iteration)}, {"attempt": attempt})
            with log.open("a") as file:
                file.write(f"{iteration}\\n")
        checkpoint.prune(folder, 2)

log.touch()
for round in range(7):
    inward, outward = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            write(outward)
        finally:
            os._exit(1)
    os.close(outward)
    assert os.read(inward, 1) == b"!", "the check failed"
    os.close(inward)
    time.sleep(random.uniform(0.05, 0.5))
    os.kill(child, signal.SIGKILL)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1]), "the writer failed"
print(check())
'''


def test_killed_at_random_moments(tmp_path):
    program = tmp_path / "killed.py"
    program.write_text(KILLED)
    command = [sys.executable, program, tmp_path / "checkpoints", tmp_path / "log"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 3
