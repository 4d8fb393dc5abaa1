import os
from pathlib import Path

import pytest

from selfplay import files


def test_write_text_replaces_the_whole_file(tmp_path):
    path = tmp_path / "file.json"
    files.write_text(path, "a long first text, ünïcode")
    files.write_text(path, "short")
    assert path.read_text(encoding="utf-8") == "short"
    assert [p.name for p in tmp_path.iterdir()] == ["file.json"]


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch, failing):
    path = tmp_path / "file.json"
    files.write_text(path, "old")

    def fail(*_):
        raise OSError("disk full")

    if failing == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    else:
        monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        files.write_text(path, "new")
    assert path.read_text() == "old"


def test_text_is_on_disk_before_it_takes_the_name(tmp_path, monkeypatch):
    path = tmp_path / "file.json"
    files.write_text(path, "old")
    seen, fsync = [], os.fsync

    def watch(descriptor):
        fsync(descriptor)
        seen.append((os.fstat(descriptor).st_size, path.read_text()))

    monkeypatch.setattr(os, "fsync", watch)
    files.write_text(path, "newer")
    assert seen == [(5, "old")]
