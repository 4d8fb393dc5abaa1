"""The smallest run worth its name, as settings and as typed: who trains it shares its programs."""

SETTINGS = {
    "env": "tic_tac_toe",
    "iterations": 6,
    "num_devices": 1,
    "network": {"width": 16, "depth": 1},
    "search": {"num_simulations": 4},
    "rollout": {"num_games": 8, "steps_per_iteration": 5, "max_opening_plies": 3},
    "replay": {"capacity": 512, "min_rows": 32},
    "learner": {"batch_size": 32, "updates_per_iteration": 2, "warmup_updates": 2},
    "evaluation": {"every_minutes": 60.0, "num_simulations": 4},
    "logging": {"tensorboard": False},
}

FLAGS = """
--iterations 3 --num-devices 1 --network.width 16 --network.depth 1
--search.num-simulations 4 --rollout.num-games 8 --rollout.steps-per-iteration 5
--rollout.max-opening-plies 3 --replay.capacity 512 --replay.min-rows 32 --learner.batch-size 32
--learner.updates-per-iteration 2 --learner.warmup-updates 2
--evaluation.every-minutes 60 --evaluation.num-simulations 4
""".split()
"""To be typed behind `selfplay train tic_tac_toe`; three iterations, with the log."""
