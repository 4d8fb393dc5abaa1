"""Generations on disk: what is written comes back, whatever happens on the way."""

import io
import json

import jax
import numpy as np
import pytest

from selfplay import files
from selfplay.operators.episodes import Sample
from selfplay.operators.targets import Provenance, Targets
from selfplay.replay import generations
from selfplay.replay.selection import restored

ABOUT = {"env": "none", "teacher": "nobody"}


def make_sample(first, count, confidence=1.0, verdict=0):
    """Rows that bear their number, every third of weight 0."""
    ids = np.arange(first, first + count)
    provenance = Provenance.of(ids.shape, 0, generation=ids)
    provenance = provenance.replace(
        confidence=np.full(count, confidence, np.float32) * np.ones(count, np.float32),
        verdict=np.full(count, verdict, np.uint8),
    )
    targets = Targets(
        problem={"word": np.stack([ids, ids], 1).astype(np.int8)},
        state=ids.astype(np.int16),
        action_weights=np.stack([ids, -ids], 1).astype(np.float32),
        value=ids.astype(np.float32),
        weight=(ids % 3 > 0).astype(np.float32),
        provenance=jax.tree.map(np.asarray, provenance),
    )
    return Sample(targets=targets, action=ids.astype(np.int32), episode=(ids // 5).astype(np.int32))


ROW = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape[1:], x.dtype), make_sample(0, 1))


def test_rows_come_back_as_they_were_without_those_that_do_not_count(tmp_path):
    generation = generations.create(tmp_path / "g", ABOUT)
    for first in (0, 10):
        generation.add(make_sample(first, 10))
    assert [(x["rows"], x["episodes"]) for x in generation.shards] == [(6, 2), (7, 2)]
    assert generation.num_rows == 13
    for first, fields in zip((0, 10), generation.each(), strict=True):
        sample = make_sample(first, 10)
        keep = sample.targets.weight > 0
        expected = jax.tree.map(lambda x, keep=keep: x[keep], sample)
        found = restored(fields, ROW)
        for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)


def test_any_numpy_reads_a_field(tmp_path):
    generation = generations.create(tmp_path / "g", ABOUT)
    generation.add(make_sample(0, 10))
    value = np.load(tmp_path / "g/00000000/targets.value.npy")
    assert value.tolist() == [1, 2, 4, 5, 7, 8]
    assert json.loads((tmp_path / "g/generation.json").read_text())["about"] == ABOUT


@pytest.mark.parametrize("failing", ["write_array", "write_text"])
def test_a_shard_that_could_not_be_written_leaves_the_others(tmp_path, monkeypatch, failing):
    generation = generations.create(tmp_path / "g", ABOUT)
    generation.add(make_sample(0, 10))

    def fail(*_):
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(files, failing, fail)
        with pytest.raises(OSError, match="disk full"):
            generation.add(make_sample(10, 10))
    assert [x["rows"] for x in generation.shards] == [6]
    again = generations.create(tmp_path / "g", ABOUT)
    again.add(make_sample(20, 10))
    assert [fields["action"][0] for fields in again.each()] == [1, 20]


def test_what_is_not_a_generation_is_said(tmp_path):
    with pytest.raises(ValueError, match="is no generation"):
        _ = generations.Generation(tmp_path).shards
    generation = generations.create(tmp_path / "g", ABOUT)
    with pytest.raises(ValueError, match="other settings"):
        generations.create(tmp_path / "g", ABOUT | {"teacher": "me"})
    generation.add(make_sample(0, 10))
    other = make_sample(0, 10)
    with pytest.raises(ValueError, match="rows with other fields"):
        generation.add(other.replace(action=other.action.astype(np.int64)))
    with pytest.raises(ValueError, match="another environment"):
        restored(generation.shard(0), ROW.replace(action=jax.ShapeDtypeStruct((2,), np.int32)))
    (tmp_path / "g/generation.json").write_text("[1]")
    with pytest.raises(ValueError, match="must be of format 1"):
        _ = generation.shards
    (tmp_path / "g/generation.json").write_text(
        '{"format": 1, "about": {}, "operators": [], "verdicts": [], "fields": {}}'
    )
    with pytest.raises(ValueError, match="is damaged: shards is None"):
        _ = generation.shards


PICKLED = b"cbuiltins\nprint\n(Vcode was run\ntR."
"""What would print, if anyone unpickled it."""


def archive():
    """An .npz file's bytes."""
    file = io.BytesIO()
    np.savez(file, action=np.arange(6))
    return file.getvalue()


def objects():
    """The bytes of an .npy file that holds Python objects."""
    file = io.BytesIO()
    header = {"descr": "|O", "fortran_order": False, "shape": (6,)}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + PICKLED


@pytest.mark.parametrize("damage", [b"", b"nonsense", None, archive(), objects(), PICKLED])
def test_a_damaged_shard_is_named(tmp_path, damage, capsys):
    generation = generations.create(tmp_path / "g", ABOUT)
    generation.add(make_sample(0, 10))
    file = tmp_path / "g/00000000/action.npy"
    if damage is None:
        file.unlink()
    else:
        file.write_bytes(damage)
    with pytest.raises(ValueError, match=r"00000000.* is damaged"):
        list(generation.each())
    assert capsys.readouterr().out == ""


def test_a_flipped_bit_is_found_where_sums_were_written(tmp_path):
    generation = generations.create(tmp_path / "g", ABOUT)
    for first in (0, 10):
        generation.add(make_sample(first, 10))
    file = tmp_path / "g/00000001/targets.value.npy"
    damaged = bytearray(file.read_bytes())
    damaged[-1] ^= 1
    file.write_bytes(damaged)
    shards = generation.each()
    next(shards)
    with pytest.raises(ValueError, match=r"g/00000001 is damaged: its bytes are not those"):
        next(shards)
    manifest = tmp_path / "g/generation.json"
    kept = json.loads(manifest.read_text())
    for shard in kept["shards"]:  # as the first versions wrote them
        del shard["crc32"]
    manifest.write_text(json.dumps(kept))
    assert len(list(generation.each())) == 2


def test_numbers_without_a_name_are_named(tmp_path):
    """As where another version, or somebody else, wrote fewer names than numbers."""
    generation = generations.create(tmp_path / "g", ABOUT)
    generation.add(make_sample(0, 10, verdict=2))
    manifest = tmp_path / "g/generation.json"
    kept = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(kept | {"verdicts": kept["verdicts"][:2]}))
    with pytest.raises(ValueError, match=r"verdict must be below 2, the number of verdicts"):
        list(generation.each())


def test_objects_are_never_written(tmp_path):
    with pytest.raises(ValueError, match="must hold numbers"):
        files.write_array(tmp_path / "a.npy", np.array([object()]))
