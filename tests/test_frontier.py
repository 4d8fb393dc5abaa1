"""Checkpoints by numbers of simulations: the grid, kept and gone on with."""

import json
import shutil

import numpy as np
import pytest

from selfplay.environment import registry
from selfplay.evaluate import evaluate
from selfplay.evaluation.searcher import Searcher
from selfplay.frontier import frontier
from selfplay.train import train
from tests.test_ladder import make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Trained for so short a time that it still learns fast."""
    config = registry.preset(
        "tic_tac_toe",
        iterations=64,
        num_devices=1,
        network={"width": 32, "depth": 1},
        rollout={"num_games": 32},
        search={"num_simulations": 4},
        replay={"min_rows": 256},
        learner={"batch_size": 64, "updates_per_iteration": 4},
        logging={"tensorboard": False},
    )
    return train(config, run=tmp_path_factory.mktemp("runs") / "one")


def test_the_grid_holds_each_checkpoint_with_each_search(run):
    found = frontier(run, simulations=(0, 2, 16))
    assert found.measure == "kept"
    assert found.iterations == (0, 16, 32, 48, 64) and found.simulations == (0, 2, 16)
    assert np.shape([[e.value for e in row] for row in found.quality]) == (5, 3)
    judged = evaluate(run, simulations=(0, 16), games=0, iteration=32).exact
    assert found.quality[2][0].value == pytest.approx(judged[0].kept)
    assert found.quality[2][2].value == pytest.approx(judged[16].kept)
    assert found.training[0].evaluations == 0.0
    assert found.training[4].evaluations == 4 * found.training[1].evaluations
    assert [spent.evaluations for spent in found.search] == [1.0, 3.0, 17.0]
    assert found.plane.search.value > 0.0
    assert found.seconds[0] is not None and found.seconds[4] > found.seconds[0]
    point = found.study.point(Searcher(iteration=48, policy="gumbel", simulations=2))
    assert point is not None and point.exact is not None
    assert len(json.loads((run / "frontier.json").read_text())["points"]) == 15


def test_elo_is_over_the_untrained_network(run, tmp_path):
    found = frontier(
        run, simulations=(0, 4), measure="elo", precision=400.0, games=3000, output=tmp_path / "x"
    )
    assert found.quality[0][0].value == 0.0
    assert found.quality[4][1].value > 0.0
    assert found.study.games is not None
    assert not {"random", "mcts:100"} & set(found.study.games.names)
    quality = found.fitted(np.array([5.0]), np.array([1.0]))
    np.testing.assert_allclose(quality, found.plane.quality(np.array([5.0]), np.array([1.0])))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"simulations": (4,)}, "at least 2 checkpoints that were trained and 2 numbers"),
        ({"measure": "solved"}, "has kept and elo to measure, not solved"),
    ],
)
def test_what_does_not_fit_is_refused(run, settings, message):
    with pytest.raises(ValueError, match=message):
        frontier(run, **settings)


def test_one_trained_checkpoint_is_too_few(tmp_path):
    make_run(tmp_path / "one", (0, 2))
    with pytest.raises(ValueError, match="has checkpoints of iterations 0, 2"):
        frontier(tmp_path / "one")


def test_elo_is_fitted_without_an_untrained_network(tmp_path):
    """The first player's own rating is certain only over itself, and forces no plane."""
    run = tmp_path / "run"
    make_run(run, (0, 2, 4))
    shutil.rmtree(run / "milestones" / "00000000")
    found = frontier(run, simulations=(0, 4), measure="elo", games=384, precision=1000.0)
    assert np.isfinite(found.plane.coefficients).all()
    assert (np.diagonal(found.plane.covariance) > 0.0).all()
    assert 0.0 <= found.plane.explained <= 1.0
