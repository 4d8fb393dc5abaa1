"""Judgement against exact truth, on hand-made cases and on players whose score is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.environment.contract import SolvedPositions
from selfplay.evaluation import exact
from selfplay.evaluation.opponents import random_legal
from selfplay_envs.games.tic_tac_toe import TicTacToe

NAN = float("nan")


def solved(action_values: list[list[float]], bucket: list[int], names=("a", "b")):
    """Positions of which `score` needs no more than the values and the buckets."""
    return SolvedPositions(
        problem=(),
        state=(),
        action_values=jnp.array(action_values, jnp.float32),
        bucket=jnp.array(bucket, jnp.int32),
        bucket_names=names,
    )


def score_one(action_values: list[float], action: int, value: float) -> exact.BucketScore:
    positions = solved([action_values], [0], ("only",))
    (bucket,) = exact.score(np.array([action]), np.array([value]), positions).buckets
    return bucket


@pytest.mark.parametrize(
    ("action_values", "action", "kept", "critical"),
    [
        ([1.0, -1.0, NAN], 0, True, True),
        ([1.0, -1.0, NAN], 1, False, True),
        ([1.0, -1.0, NAN], 2, False, True),  # illegal: never kept
        ([-1.0, -3.0, NAN], 1, True, False),  # lost anyway, though sooner
        ([-1.0, -3.0, NAN], 2, False, False),
        ([18.0, 2.0, 1.0], 2, True, False),  # a later win is a win
        ([0.0, -2.0, -2.0], 1, False, True),
        ([0.0, 0.0, NAN], 1, True, False),
    ],
)
def test_a_move_keeps_the_value_if_its_sign_is_the_best(action_values, action, kept, critical):
    bucket = score_one(action_values, action, 0.0)
    assert (bucket.kept, bucket.critical) == (kept, critical)
    assert bucket.critical_kept == (kept and critical)


@pytest.mark.parametrize(
    ("best", "value", "right"),
    [
        (5.0, 0.5, True),
        (5.0, 0.3, False),
        (5.0, -0.9, False),
        (0.0, 0.3, True),
        (0.0, -0.3, True),
        (0.0, -0.4, False),
        (-1.0, -0.4, True),
        (-1.0, -0.2, False),
    ],
)
def test_a_value_is_a_draw_below_one_third(best, value, right):
    assert score_one([best, NAN], 0, value).value_sign_right == right


def test_shares_are_means_over_buckets():
    positions = solved([[1.0, -1.0], [1.0, -1.0], [-1.0, -1.0], [1.0, 0.0]], [0, 0, 0, 1])
    result = exact.score(np.array([0, 1, 1, 1]), np.array([1.0, 1.0, 1.0, 0.0]), positions)
    assert [bucket.name for bucket in result.buckets] == ["a", "b"]
    assert [bucket.positions for bucket in result.buckets] == [3, 1]
    assert result.kept == pytest.approx((2 / 3 + 0) / 2)
    assert result.critical_kept == pytest.approx((1 / 2 + 0) / 2)
    assert result.value_sign_right == pytest.approx((2 / 3 + 0) / 2)


def test_without_critical_positions_nothing_critical_is_lost():
    result = exact.score(np.array([0]), np.array([0.0]), solved([[0.0, 0.0]], [0], ("only",)))
    assert result.critical_kept == 1.0


@pytest.fixture(scope="module")
def tic_tac_toe():
    env = TicTacToe()
    return env, env.solved_positions()


def test_perfect_player_keeps_everything(tic_tac_toe):
    env, positions = tic_tac_toe

    @jax.jit
    def perfect(params, keys, problem, state):
        values = jax.vmap(env.oracle)(problem, state)
        return jnp.nanargmax(values, axis=-1).astype(jnp.int32), jnp.nanmax(values, axis=-1)

    result = exact.judge(perfect, (), positions, batch_size=1000)
    assert sum(bucket.positions for bucket in result.buckets) == positions.bucket.shape[0]
    assert (result.kept, result.critical_kept, result.value_sign_right) == (1.0, 1.0, 1.0)


def test_random_player_keeps_the_known_share(tic_tac_toe):
    """Each position is kept with the share of its legal moves that keep it."""
    env, positions = tic_tac_toe
    values = np.asarray(positions.action_values)
    keeping = (np.sign(values) == np.nanmax(np.sign(values), axis=1)[:, None]).sum(1)
    chance = keeping / (~np.isnan(values)).sum(1)
    result = exact.judge(jax.jit(random_legal(env)), (), positions, batch_size=1000)
    for index, bucket in enumerate(result.buckets):
        chances = chance[np.asarray(positions.bucket) == index]
        margin = 4.0 * np.sqrt((chances * (1 - chances)).sum())
        assert abs(bucket.kept - chances.sum()) <= margin, bucket.name


def test_batches_do_not_matter(tic_tac_toe):
    env, positions = tic_tac_toe
    few = jax.tree.map(lambda x: x[:50], positions)
    act = jax.jit(random_legal(env))
    assert exact.judge(act, (), few, batch_size=50) == exact.judge(act, (), few, batch_size=16)
