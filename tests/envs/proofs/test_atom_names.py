"""Names in two words, there and back, in this process and in one that has not read them."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfplay_envs.proofs import atom_names
from selfplay_envs.proofs.atom_names import pack, unpack


@given(st.lists(st.from_regex(r"[^\W\d][\w']*", fullmatch=True), unique=True, max_size=8))
def test_names_are_read_as_they_were_written(names):
    packed = [pack(name) for name in names]
    assert len(set(packed)) == len(names)
    assert all(0 <= word < 1 << 32 for words in packed for word in words)
    assert unpack(packed) == names


def test_another_process_knows_what_is_short_and_latin():
    names = ["q", "abcdefghij", "abcdefghijk", "α", "p"]
    code = (
        f"from selfplay_envs.proofs.atom_names import unpack; print(*unpack({[*map(pack, names)]}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["q", "abcdefghij", "r", "s", "p"]


def test_names_that_look_alike_to_it_are_refused(monkeypatch):
    monkeypatch.setattr(atom_names, "_read", {pack("α"): "β"})
    with pytest.raises(ValueError, match="α and β have the same fingerprint"):
        pack("α")
