"""The oracle against the contract's checks, the solver, and the rules themselves."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

pytest.importorskip("numba", reason="numba comes with selfplay[benchmarks]")

from selfplay.evaluation.exact import judge, random_score


@pytest.fixture(scope="module")
def positions(truth):
    return truth.positions(per_bucket=300)


def test_states_are_those_that_play_leads_to(truth, random_games):
    """Every running state of random games, made anew from its key."""
    games = random_games(truth.env, 64)
    running = np.asarray(~games.states.ended)
    states = jax.tree.map(lambda x: x[running], games.states)
    keys = np.asarray(jax.jit(jax.vmap(truth.key))(states.stones), np.int64)
    again = truth.states(keys)
    for name in ("stones", "current_player", "step_count", "terminated"):
        np.testing.assert_array_equal(getattr(again, name), getattr(states, name))
    assert set(keys) <= set(truth.running)


def test_values_are_those_of_the_position_after(truth, random_games):
    """A position is worth its best action; a last one, what was paid."""
    games = random_games(truth.env, 64)
    flat = jax.tree.map(lambda x: x[:-1].reshape(-1, *x.shape[2:]), games.states)
    after = jax.tree.map(lambda x: x[1:].reshape(-1, *x.shape[2:]), games.states)
    running = np.asarray(~flat.ended)
    values = truth.action_values(flat)
    legal = np.asarray(jax.jit(jax.vmap(truth.env.legal_action_mask, (None, 0)))((), flat))
    np.testing.assert_array_equal(np.isnan(values)[running], ~legal[running])
    best = np.nanmax(np.where(running[:, None], values, 0), axis=1)
    keys = np.asarray(jax.jit(jax.vmap(truth.key))(flat.stones))
    np.testing.assert_array_equal(truth.table[keys][running], best[running])

    chosen = values[np.arange(len(values)), np.asarray(games.actions).reshape(-1)]
    paid = np.asarray(after.rewards)[np.arange(len(values)), np.asarray(flat.current_player)]
    last = running & np.asarray(after.ended)
    assert last.sum() == 64
    np.testing.assert_array_equal(chosen[last], paid[last])


def test_mirror_images_have_mirrored_values(truth, positions):
    mirrored, _ = jax.vmap(truth.env.mirror, (0, None))(positions.state, jnp.int32(1))
    values = np.asarray(positions.action_values)
    np.testing.assert_array_equal(truth.action_values(mirrored), values[:, ::-1])


def test_positions_are_different_and_fill_their_buckets(truth, positions):
    ply = np.asarray(positions.state.step_count)
    np.testing.assert_array_equal(positions.bucket, ply // 4)
    assert positions.bucket_names == ("ply 0 to 3", "ply 4 to 7", "ply 8 to 11", "ply 12 to 15")
    early = int((truth.board.plies(truth.running) < 4).sum())
    assert np.bincount(positions.bucket).tolist() == [early, 300, 300, 300]
    keys = np.asarray(jax.jit(jax.vmap(truth.key))(positions.state.stones))
    assert len(set(keys.tolist())) == len(keys)


def test_the_oracle_is_judged_perfect_and_its_opposite_hopeless(truth, positions):
    def best(params, keys, problem, state):
        values = jax.vmap(truth.oracle, (None, 0))(problem, state)
        return jnp.nanargmax(values, 1).astype(jnp.int32), jnp.nanmax(values, 1)

    def worst(params, keys, problem, state):
        values = jax.vmap(truth.oracle, (None, 0))(problem, state)
        return jnp.nanargmin(values, 1).astype(jnp.int32), -jnp.nanmax(values, 1)

    found = judge(jax.jit(best), (), positions)
    assert found.kept == found.critical_kept == found.value_sign_right == 1
    assert judge(jax.jit(worst), (), positions).critical_kept == 0
    assert 0 < random_score(positions).critical_kept < random_score(positions).kept < 1
