"""When games end early: the rules against a loop over one game, and games of Nim."""

import collections

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.config import RolloutConfig
from selfplay.operators.contract import Improved, ImprovementOperator
from selfplay.operators.resignation import Resignation
from selfplay.operators.rollout import Rollout
from selfplay.operators.targets import Provenance, Targets
from tests import worlds

NIM = worlds.Nim(stones=9)
SEARCHES, GAMES = 6, 300
EVENTS = ("resigned", "judged", "misjudged")


def plain_game(values, whole, plies, winner):
    """Goes through one game, which `winner` wins with its last move.

    Returns (searches until it ended, what it paid the first player, whether it resigned, was
    judged, was misjudged).
    """
    row, before, verdict = 0, 0, 0
    for t, value in enumerate(values[:-1]):
        side = 0 if abs(value) < 0.75 else (1 if value > 0 else -1)
        row = 0 if side == 0 else row + 1 if side == before else 1
        before = side
        if row >= plies and not whole:
            return t + 1, value, True, False, False
        if row >= plies:
            verdict = verdict or side
    judged = whole and verdict != 0
    return len(values), winner, False, judged, judged and verdict != winner


@pytest.mark.parametrize("plies", [1, 2, 3])
def test_games_end_as_a_loop_says(plies):
    rng = np.random.default_rng(plies)
    values = rng.choice([-1.0, -0.75, -0.5, 0.0, 0.75, 0.875], (SEARCHES, GAMES))
    whole, winner = rng.random(GAMES) < 0.5, rng.integers(-1, 2, GAMES)
    resignation = Resignation(value=0.75, plies=plies, whole_fraction=0.5)
    standing = resignation.begin(jax.random.split(jax.random.key(0), GAMES))
    standing = standing.replace(whole=jnp.asarray(whole))
    running = jax.vmap(lambda _: NIM.start())(jnp.arange(GAMES))
    judge, seen = jax.jit(resignation.judge), {}
    for t, value in enumerate(values.astype(np.float32)):
        last = np.full(GAMES, t == SEARCHES - 1)
        paid = (np.stack([winner, -winner], 1) * last[:, None]).astype(np.float32)
        after = running.replace(terminated=last, rewards=paid)
        standing, after, counts = judge(standing, value, np.stack([value, -value], 1), after)
        assert (after.rewards.sum(1) == 0).all()
        for game in np.nonzero(np.asarray(after.terminated))[0]:
            events = (bool(counts[name][game]) for name in EVENTS)
            seen.setdefault(game, (t + 1, float(after.rewards[game, 0]), *events))
    expected = {
        game: plain_game(values[:, game], whole[game], plies, winner[game]) for game in range(GAMES)
    }
    assert seen == expected
    assert len(set(expected.values())) > 8


def test_the_share_of_whole_games():
    resignation = Resignation(value=0.9, plies=1, whole_fraction=0.1)
    whole = resignation.begin(jax.random.split(jax.random.key(1), 10_000)).whole
    assert abs(int(whole.sum()) - 1000) < 5 * np.sqrt(10_000 * 0.09)


class Sage(ImprovementOperator):
    """Plays perfectly, and knows the value: `params` times the exact one."""

    def improve(self, params, keys, problem, state, generation):
        exact = jax.vmap(NIM.oracle)(problem, state)
        action = jnp.nanargmax(exact, -1).astype(jnp.int32)
        rows = action.shape
        provenance = Provenance.of(rows, 0)
        value = params * jnp.nanmax(exact, -1)
        weights = jax.nn.one_hot(action, 3, dtype=jnp.float32)
        targets = Targets(problem, state, weights, value, jnp.ones(rows), provenance)
        return Improved(action, targets)


def play(params, games=64, **changes):
    """Rows learnt from, {(heap, value): how many}, and sums, of 16 moves in each game.

    The first player wins by 9 -> 8 -> 7 -> 4 -> 3 -> 0.
    """
    config = RolloutConfig(steps_per_iteration=16, resign_value=0.9, resign_plies=2, **changes)
    rollout = Rollout(NIM, Sage(), config)
    state = jax.jit(rollout.init)(params, jax.random.key(0), jnp.arange(games, dtype=jnp.int32))
    step = jax.jit(rollout.play)
    _, targets, sums, *_ = jax.device_get(step(params, jax.random.key(5), state, jnp.int32(0)))
    kept = targets.weight > 0
    values = np.round(targets.value[kept].astype(float), 6).tolist()
    rows = collections.Counter(zip(targets.state.heap[kept].tolist(), values, strict=True))
    return rows, {name: int(value) for name, value in sums.items()}


def test_decided_games_end_early_with_the_value_that_was_searched():
    """The search is sure from the first move, so that two are enough; a win is 0.95."""
    rows, sums = play(jnp.float32(0.95), whole_fraction=0.0)
    assert rows == {(9, 0.95): 64 * 8, (8, -0.95): 64 * 8}
    assert sums["games"] == sums["resigned"] == sums["first_player_wins"] == 64 * 8
    assert sums["judged"] == sums["misjudged"] == 0


@pytest.mark.parametrize(("certainty", "misjudged"), [(0.95, 0), (-0.95, 1), (0.5, None)])
def test_whole_games_judge_the_verdicts(certainty, misjudged):
    """One that is wise is right, its opposite wrong, and one that is not sure gives none."""
    rows, sums = play(jnp.float32(certainty), whole_fraction=1.0)
    won = {9: 1.0, 8: -1.0, 7: 1.0, 4: -1.0, 3: 1.0}
    assert rows == dict.fromkeys(won.items(), 64 * 3)
    assert (sums["games"], sums["resigned"]) == (64 * 3, 0)
    assert sums["judged"] == (0 if misjudged is None else 64 * 3)
    assert sums["misjudged"] == sums["judged"] * (misjudged or 0)


def test_which_games_are_whole_does_not_depend_on_their_batch():
    rollout = Rollout(NIM, Sage(), RolloutConfig(resign_value=0.9, whole_fraction=0.5))
    init = jax.jit(rollout.init)
    index = jnp.arange(64, dtype=jnp.int32)
    parts = [index[:32], index[32:]]
    halves = [init(jnp.float32(1), jax.random.key(0), i).standing.whole for i in parts]
    whole = init(jnp.float32(1), jax.random.key(0), index).standing.whole
    np.testing.assert_array_equal(whole, np.concatenate(halves))
    assert 16 < whole.sum() < 48
