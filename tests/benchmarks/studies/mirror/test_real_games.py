"""Games on disk against the rules and the Boltzmann distribution they are drawn from."""

import numpy as np
import pytest

pytest.importorskip("numba", reason="numba comes with selfplay[benchmarks]")

from benchmarks.studies.mirror import real_games
from benchmarks.studies.mirror.openings import openings
from selfplay.replay import diversity


@pytest.fixture(scope="module")
def generation(truth, tmp_path_factory):
    return real_games.write(tmp_path_factory.mktemp("0"), truth, num_games=512)


@pytest.fixture(scope="module")
def rows(generation):
    shards = list(generation.each())
    return {name: np.concatenate([shard[name] for shard in shards]) for name in shards[0]}


def test_rows_are_real_and_say_what_was_played(generation, rows):
    assert generation.about["temperature"] == real_games.TEMPERATURE
    assert rows["targets.provenance.real"].all()
    assert set(rows["episode"].tolist()) == set(range(512))
    np.testing.assert_array_equal(rows["targets.action_weights"].argmax(1), rows["action"])
    np.testing.assert_array_equal(rows["targets.action_weights"].sum(1), 1)


def test_moves_are_drawn_by_their_values(truth, rows):
    """How often a move errs, given the positions: the sum of independent chances."""
    keys = truth.keys(rows["targets.state.stones"])
    values = truth.action_values(keys)
    weights = np.where(np.isnan(values), 0, np.exp(np.nan_to_num(values) / real_games.TEMPERATURE))
    weights /= weights.sum(1, keepdims=True)
    errs = np.nan_to_num(values, nan=-9) < np.nanmax(values, 1, keepdims=True)
    chance = (weights * errs).sum(1)
    erred = truth.erred(keys, rows["action"])
    assert 0.02 < erred.mean() < 0.2
    assert abs(erred.sum() - chance.sum()) < 4 * np.sqrt((chance * (1 - chance)).sum())


def test_games_vary(truth, generation):
    found = openings(generation.each(), truth.env.num_actions)
    assert len(found) == 512
    assert diversity.distinct(found, 500) > 250
    assert diversity.heterozygosity(found) > 0.98


def test_whoever_was_stopped_goes_on(truth, generation, tmp_path):
    real_games.write(tmp_path / "0", truth, num_games=256)
    again = real_games.write(tmp_path / "0", truth, num_games=512)
    for ours, theirs in zip(again.each(), generation.each(), strict=True):
        for name in ours:
            np.testing.assert_array_equal(ours[name], theirs[name])


def test_other_seeds_give_other_games_and_other_settings_another_folder(
    truth, generation, tmp_path
):
    other = real_games.write(tmp_path / "0", truth, num_games=256, seed=1)
    assert (other.shard(0)["action"][:99] != generation.shard(0)["action"][:99]).any()
    with pytest.raises(ValueError, match="a generation of other settings"):
        real_games.write(tmp_path / "0", truth, num_games=512, seed=2)
    with pytest.raises(ValueError, match="must be a multiple of 256, got 100"):
        real_games.write(tmp_path / "1", truth, num_games=100)
