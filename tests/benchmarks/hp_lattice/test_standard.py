"""The standard chains from the shared data, where that is at hand."""

import os

import pytest

from benchmarks.hp_lattice.standard import read_ground_states, read_standard, turns_of_steps
from selfplay_envs.science.hp_lattice_scorer import count_contacts


@pytest.fixture
def standard():
    if "SELFPLAY_DATA" not in os.environ:
        pytest.skip("SELFPLAY_DATA is not set")
    return {row.name: row for row in read_standard(40)}


def test_chains_that_fit(standard):
    assert [len(row.chain) for row in standard.values()] == [18, 18, 18, 20, 20, 24, 25, 36]


@pytest.mark.parametrize(("name", "count"), [("2D-24", 19), ("2D-25", 16)])
def test_ground_states_are_different_folds_of_that_energy(standard, name, count):
    _, chain, contacts = standard[name]
    folds = read_ground_states(name)
    assert len(folds) == count
    for fold in folds:
        assert count_contacts(chain, ["LSR".index(turn) for turn in fold]) == contacts


def test_steps_as_turns():
    assert turns_of_steps("RRULLD") == "SLLSL"
    assert turns_of_steps("RDRU") == "RLL"


def test_missing_data_says_where_it_should_be(monkeypatch, tmp_path):
    monkeypatch.setenv("SELFPLAY_DATA", str(tmp_path))
    with pytest.raises(ValueError, match="set SELFPLAY_DATA to the folder that has hp_lattice/"):
        read_standard(40)
