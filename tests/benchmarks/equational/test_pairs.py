"""The pairs that provers are measured on: fixed, and of the test split."""

import pytest

from benchmarks.equational import pairs
from tests.envs.proofs.conftest import data

__all__ = ["data"]  # fixture


def test_a_hundred_of_each_stratum_or_all():
    counts = {stratum: len(there) for stratum, there in pairs.read().items()}
    assert counts == dict.fromkeys(pairs.STRATA, 100) | {"EquationSearch": 42}
    for there in pairs.read().values():
        assert len(set(there)) == len(there)


def test_they_are_what_is_drawn_from_the_test_split(data):
    assert pairs.read() == pairs.draw()
    train = {pair for there in pairs.split("train").values() for pair in there}
    assert train.isdisjoint(pair for there in pairs.read().values() for pair in there)


def test_a_pair_that_is_not_of_the_test_split(data, tmp_path, monkeypatch):
    stranger = pairs.split("train")["MagmaEgg"][0]
    path = tmp_path / "pairs.csv"
    path.write_text(f"stratum,hypothesis,conclusion\nMagmaEgg,{stranger[0]},{stranger[1]}\n")
    monkeypatch.setattr(pairs, "FILE", path)
    with pytest.raises(ValueError, match=r"must hold pairs of the test split .* MagmaEgg has"):
        pairs.read()


@pytest.mark.parametrize("folder", [None, "nowhere"])
@pytest.mark.parametrize("module", ["pairs", "agent", "model_generation"])
def test_without_its_file_it_is_said_at_once_what_is_needed(module, folder, tmp_path, monkeypatch):
    main = pytest.importorskip(f"benchmarks.equational.{module}").main
    words = ["prog", "--split", "train"] if module == "agent" else ["prog"]
    monkeypatch.setattr("sys.argv", words)
    monkeypatch.delenv("SELFPLAY_DATA", raising=False)
    if folder is not None:
        monkeypatch.setenv("SELFPLAY_DATA", str(tmp_path / folder))
    pairs.split.cache_clear()
    now = r"\(now not set\)" if folder is None else "nowhere"
    with pytest.raises(SystemExit, match=f"that holds equational_theories/implications.csv.*{now}"):
        main()


def test_intervals():
    """Wilson's, as in R's `binom::binom.wilson(45, 100)`: 0.3561 to 0.5476."""
    assert pairs.interval(45, 100) == "45 % (36 to 55)"
    assert pairs.interval(0, 100) == "0 % (0 to 4)"
    assert pairs.interval(0, 0) == "–"
