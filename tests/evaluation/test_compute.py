"""What is computed: counted by hand."""

import pytest

from selfplay.config import Config, LearnerConfig, NetworkConfig, RolloutConfig, SearchConfig
from selfplay.environment import registry
from selfplay.evaluation import compute
from selfplay.networks.build import build

CONFIG = Config(
    env="connect_four",
    search=SearchConfig(num_simulations=31),
    rollout=RolloutConfig(num_games=8, steps_per_iteration=4),
    learner=LearnerConfig(batch_size=16, updates_per_iteration=5),
)


def test_evaluations_of_training():
    spent = compute.training(CONFIG, 10, flops=7.0)
    assert spent.evaluations == 10 * (8 * 4 * 32 + 3 * 16 * 5)
    assert spent.flops == 7.0 * spent.evaluations
    assert compute.training(CONFIG, 0, 7.0).evaluations == 0.0


def test_evaluations_of_a_move():
    assert compute.searching(0, 5.0).evaluations == 1.0
    assert compute.searching(64, 5.0).flops == 325.0


def test_a_dense_network_multiplies_and_adds_once_a_weight():
    env = registry.make("connect_four")
    network = build(NetworkConfig(kind="mlp", width=256, depth=2), env)
    flops = compute.flops_of_evaluation(env, network)
    weights = 2 * 6 * 7 * 256 + 2 * 256 * 256 + 256 * 8
    assert flops == pytest.approx(2 * weights, rel=0.02)
