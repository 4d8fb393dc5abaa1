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


@pytest.fixture(scope="module")
def games(truth, random_games):
    """Steps of random games: states, what was played, and states after; the running ones."""
    games = random_games(truth.env, 64)
    running = np.asarray(~games.states.ended)[:-1]
    before = jax.tree.map(lambda x: x[:-1][running], games.states)
    after = jax.tree.map(lambda x: x[1:][running], games.states)
    return before, np.asarray(games.actions)[running], after


def test_states_are_those_that_play_leads_to(truth, games):
    """Every running state, made anew from its key."""
    states, _, _ = games
    keys = truth.keys(np.asarray(states.stones))
    np.testing.assert_array_equal(keys, jax.jit(jax.vmap(truth.key))(states.stones))
    again = truth.states(keys)
    for name in ("stones", "current_player", "step_count", "terminated"):
        np.testing.assert_array_equal(getattr(again, name), getattr(states, name))
    assert set(keys) <= set(truth.running)


def test_the_oracle_plays_by_the_rules_and_the_table_by_bits(truth, games):
    """Both give the same; illegal actions have no value, and last ones are worth what they paid."""
    states, actions, after = games
    keys = truth.keys(np.asarray(states.stones))
    values = truth.action_values(keys)
    np.testing.assert_array_equal(jax.jit(jax.vmap(truth.oracle, (None, 0)))((), states), values)
    legal = jax.jit(jax.vmap(truth.env.legal_action_mask, (None, 0)))((), states)
    np.testing.assert_array_equal(np.isnan(values), ~np.asarray(legal))
    np.testing.assert_array_equal(truth.table[keys], np.nanmax(values, axis=1))

    last = np.asarray(after.ended)
    assert last.sum() == 64
    row = np.arange(len(values))
    paid = np.asarray(after.rewards)[row, np.asarray(states.current_player)]
    np.testing.assert_array_equal(values[row, actions][last], paid[last])
    np.testing.assert_array_equal(
        truth.board.play(keys, actions)[~last], truth.keys(np.asarray(after.stones))[~last]
    )


def test_who_loses_value_errs(truth, games):
    """A move errs where the opponent stands better after it than before it stood badly."""
    states, actions, after = games
    before, then = (truth.table[truth.keys(np.asarray(s.stones))] for s in (states, after))
    erred = truth.erred(truth.keys(np.asarray(states.stones)), actions)
    np.testing.assert_array_equal(erred, -then < before)
    assert 0 < erred.mean() < 0.5


def test_openings_are_sound_where_no_move_of_theirs_errs(truth, games):
    states, actions, _ = games
    ply = np.asarray(states.step_count)
    erred = truth.erred(truth.keys(np.asarray(states.stones)), actions)
    plies = 5
    firsts = {ply_: (actions[ply == ply_], erred[ply == ply_]) for ply_ in range(plies)}
    numbers = sum(4 ** (plies - 1 - i) * moves for i, (moves, _) in firsts.items())
    wrong = np.any([bad for _, bad in firsts.values()], axis=0)
    np.testing.assert_array_equal(truth.is_sound(numbers, plies), ~wrong)
    assert 0 < wrong.sum() < 64


def test_mirror_images_have_mirrored_values(truth, positions):
    mirrored, _ = jax.vmap(truth.env.mirror, (0, None))(positions.state, jnp.int32(1))
    values = truth.action_values(truth.keys(np.asarray(mirrored.stones)))
    np.testing.assert_array_equal(values, np.asarray(positions.action_values)[:, ::-1])


def test_positions_are_different_and_fill_their_buckets(truth, positions):
    ply = np.asarray(positions.state.step_count)
    np.testing.assert_array_equal(positions.bucket, ply // 4)
    assert positions.bucket_names == ("ply 0 to 3", "ply 4 to 7", "ply 8 to 11", "ply 12 to 15")
    early = int((truth.board.plies(truth.running) < 4).sum())
    assert np.bincount(positions.bucket).tolist() == [early, 300, 300, 300]
    assert len(set(truth.keys(np.asarray(positions.state.stones)))) == len(ply)


def test_positions_may_be_drawn_from_those_of_games(truth, games):
    keys = truth.keys(np.asarray(games[0].stones))
    found = truth.positions(keys, per_bucket=20)
    assert set(truth.keys(np.asarray(found.state.stones))) <= set(keys)
    assert np.bincount(found.bucket).tolist() == [20, 20, 20, 20]


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
