"""The laws of `selfplay.environment.contract`, for every registered environment.

An environment joins by registering; one that takes arguments is named in `SIZES` too.
"""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.environment import (
    ArraySpec,
    Environment,
    State,
    Tokens,
    TokenSpec,
    make,
    names,
    zero_sum,
)
from tests import worlds

SIZES = {
    "breakthrough": [{}, {"rows": 5, "columns": 9}],
    "connect_four": [{}, {"rows": 5, "columns": 9, "in_a_row": 3}],
    "go": [{}, {"size": 4, "komi": 2}],
    "hex": [{}, {"size": 4, "swap": True}],
    "othello": [{}, {"size": 6}],
    "tic_tac_toe": [{}, {"size": 4}],
}


class StairsState(State):
    climbed: jax.Array
    """int8 []"""


class Stairs(Environment[StairsState]):
    """Wait, climb or go down; the top wins, below the ground is illegal, `trap` is a dead end."""

    def __init__(self, *, num_players: int = 1, max_steps: int = 12, trap: int = -1):
        self.num_actions = 3
        self.num_players = num_players
        self.max_steps = max_steps
        self.trap = trap
        self.observation_spec = ArraySpec(shape=(2,))
        self.return_range = (-3.0, 1.0) if num_players == 1 else (-1.0, 1.0)
        self.min_return = -3.0

    def sample_problem(self, key, split="train"):
        heights = [2, 4] if split == "train" else [3, 5]
        return jax.random.choice(key, jnp.array(heights, jnp.int8))

    def parse_problem(self, text):
        return jnp.int8(int(text))

    def format_problem(self, problem):
        return str(int(problem))

    def _start(self, problem):
        return StairsState.start(self.num_players, climbed=jnp.int8(0))

    def _play(self, problem, state, action):
        climbed = state.climbed + jnp.array([0, 1, -1], jnp.int8)[action]
        top = climbed == problem
        alone = self.num_players == 1
        prize = jnp.ones(1, jnp.float32) if alone else zero_sum(state.current_player, 1.0)
        mover = state.current_player if alone else jnp.int8(1) - state.current_player
        rewards = jnp.where(top, prize, state.rewards)
        return state.replace(climbed=climbed, rewards=rewards, terminated=top, current_player=mover)

    def _legal(self, problem, state):
        going_down = jnp.arange(3, dtype=jnp.int32) == 2
        return (state.climbed != self.trap) & (~going_down | (state.climbed > 0))

    def observe(self, problem, state):
        return jnp.stack([state.climbed, problem]).astype(jnp.float32)


WORLDS = {
    "spell": worlds.Spell,
    "nim": worlds.Nim,
    "nim board": worlds.NimBoard,
    "lone stairs": lambda: Stairs(),
    "stairs for two": lambda: Stairs(num_players=2),
    "stairs with a trap": lambda: Stairs(trap=1),
}

ADAPTED = ["pgx:connect_four", "pgx:othello", "pgx:tic_tac_toe"]

CASES = [
    pytest.param((name, arguments), id=f"{name}{arguments or ''}")
    for name in [*names(), *ADAPTED]
    for arguments in SIZES.get(name, [{}])
] + [pytest.param((name, {}), id=name) for name in WORLDS]


@pytest.fixture(scope="module", params=CASES)
def env(request):
    name, arguments = request.param
    return WORLDS[name]() if name in WORLDS else make(name, **arguments)


class Batched:
    """The environment's functions over a leading axis, compiled once for all tests."""

    def __init__(self, env):
        self.step = jax.jit(jax.vmap(env.step))
        self.mask = jax.jit(jax.vmap(env.legal_action_mask))
        self.symmetry = jax.jit(jax.vmap(env.symmetry))
        self.heuristic = jax.jit(jax.vmap(env.heuristic))
        self.oracle = jax.jit(jax.vmap(env.oracle))


@pytest.fixture(scope="module")
def batched(env):
    return Batched(env)


@pytest.fixture(scope="module")
def games(env, random_games):
    return random_games(env, 128)


def assert_same(left, right):
    assert jax.tree.structure(left) == jax.tree.structure(right)
    jax.tree.map(np.testing.assert_array_equal, left, right)


@pytest.mark.parametrize("name", names())
def test_what_has_sizes_is_tried_at_two(name):
    if inspect.signature(type(make(name))).parameters:
        assert len(SIZES.get(name, [])) >= 2, f"name two sizes of {name} in SIZES"


def test_static_facts(env):
    assert env.num_players in (1, 2)
    assert env.num_actions >= 1
    assert env.num_symmetries >= 1
    assert 1 <= env.max_steps <= 32_767
    assert isinstance(env.observation_spec, ArraySpec | TokenSpec)
    assert isinstance(env.version, str)
    low, high = env.return_range
    assert low < high
    assert low <= env.min_return if env.num_players == 1 else low == -high


def test_values_and_returns_convert_both_ways(env):
    low, high = env.return_range
    returns = jnp.linspace(low, high, 9)
    np.testing.assert_allclose(env.to_value(returns), jnp.linspace(-1, 1, 9), atol=1e-6)
    np.testing.assert_allclose(env.from_value(env.to_value(returns)), returns, atol=1e-5)


def test_shapes_and_dtypes_are_fixed(env):
    problem = env.sample_problem(jax.random.key(0))
    start = jax.eval_shape(env.init, problem)
    after = jax.eval_shape(env.step, problem, start, jax.ShapeDtypeStruct((), jnp.int32))
    assert jax.tree.structure(start) == jax.tree.structure(after)
    for before, now in zip(jax.tree.leaves(start), jax.tree.leaves(after), strict=True):
        assert (before.shape, before.dtype, before.weak_type) == (now.shape, now.dtype, False)


def test_common_fields_have_the_documented_dtypes(env):
    state = jax.eval_shape(env.init, env.sample_problem(jax.random.key(0)))
    assert isinstance(state, State)
    expected = {
        "current_player": ((), jnp.int8),
        "rewards": ((env.num_players,), jnp.float32),
        "terminated": ((), jnp.bool_),
        "truncated": ((), jnp.bool_),
        "step_count": ((), jnp.int16),
    }
    for name, (shape, dtype) in expected.items():
        leaf = getattr(state, name)
        assert (leaf.shape, leaf.dtype) == (shape, dtype), name


def test_a_state_holds_no_key(env):
    for leaf in jax.tree.leaves(jax.eval_shape(env.init, env.sample_problem(jax.random.key(0)))):
        assert not jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def test_step_compiles_once(env, games):
    traces = 0

    @jax.jit
    def step(problem, state, action):
        nonlocal traces
        traces += 1
        return env.step(problem, state, action)

    problem = jax.tree.map(lambda leaf: leaf[0], games.problem)
    state = env.init(problem)
    for action in games.actions[:, 0]:
        state = step(problem, state, jnp.int32(action))
    assert traces == 1
    assert_same(state, jax.tree.map(lambda leaf: leaf[-1, 0], games.states))


def test_a_game_begins_with_player_0_and_nothing_paid(env, games):
    start = jax.tree.map(lambda leaf: leaf[0], games.states)
    assert not start.current_player.any()
    assert not start.rewards.any()
    assert not start.step_count.any()
    assert not games.ended[0].any()


def test_games_end_within_max_steps(env, games):
    assert games.ended[env.max_steps].all()
    assert (games.states.step_count <= env.max_steps).all()
    assert not (games.states.terminated & games.states.truncated).any()


def test_steps_are_counted_until_the_end(games):
    grew = np.diff(games.states.step_count, axis=0)
    np.testing.assert_array_equal(grew, (~games.ended[:-1]).astype(np.int16))


def test_movers_are_players(env, games):
    assert games.states.current_player.min() >= 0
    assert games.states.current_player.max() < env.num_players


def test_endings_absorb(env, batched, games):
    problem, state = games.finished()
    actions = np.arange(len(state.step_count), dtype=np.int32) % env.num_actions
    after = batched.step(problem, state, actions)
    assert_same(after, state.replace(rewards=np.zeros_like(state.rewards)))


def test_an_illegal_move_loses(env, batched, games):
    problem, state = games.running()
    mask = np.asarray(batched.mask(problem, state))
    after = jax.device_get(batched.step(problem, state, mask.argmin(1).astype(np.int32)))
    some = ~mask.all(1)
    if not some.any():
        pytest.skip("every action is always legal here")
    worst = env.min_return if env.num_players == 1 else -env.return_range[1]
    paid = np.take_along_axis(after.rewards, state.current_player[:, None], 1)
    np.testing.assert_array_equal(paid[some], worst)
    if env.num_players == 2:
        np.testing.assert_array_equal(after.rewards.sum(1), 0)
    expected = state.replace(
        rewards=after.rewards,
        terminated=np.ones_like(state.terminated),
        step_count=state.step_count + np.int16(1),
    )
    assert_same(*(jax.tree.map(lambda leaf: leaf[some], tree) for tree in (after, expected)))


def test_a_step_leaves_its_arguments_alone(env, games):
    problem, state = jax.tree.map(lambda leaf: leaf[0].copy(), games.running(1))
    before = jax.tree.map(np.copy, (problem, state))
    env.step(problem, state, jnp.int32(env.legal_action_mask(problem, state).argmax()))
    assert_same((problem, state), before)


def test_masks_are_never_empty_and_all_true_after_the_end(env, games):
    assert games.masks.dtype == bool
    assert games.masks.shape[-1] == env.num_actions
    assert games.masks.any(-1).all()
    assert games.masks[games.ended].all()


def test_rewards_stay_in_range(env, games):
    paid = games.states.rewards[1:].astype(np.float64)
    to_come = paid[::-1].cumsum(0)
    low, high = env.return_range
    assert np.isfinite(paid).all()
    assert low - 1e-5 <= to_come.min()
    assert to_come.max() <= high + 1e-5
    if env.num_players == 2:
        np.testing.assert_array_equal(paid.sum(-1), 0)


def test_observations_match_the_spec(env, games):
    seen, spec = games.observations, env.observation_spec
    leading = games.ended.shape
    if isinstance(spec, ArraySpec):
        assert seen.shape == leading + spec.shape
        assert seen.dtype == np.float32
        assert np.isfinite(seen).all()
        return
    assert isinstance(seen, Tokens)
    for field in (seen.tokens, seen.positions, seen.mask):
        assert field.shape == (*leading, spec.num_tokens)
    assert seen.action_tokens.shape == (*leading, env.num_actions)
    assert (seen.tokens.dtype, seen.positions.dtype) == (np.int32, np.int32)
    assert (seen.mask.dtype, seen.action_tokens.dtype) == (bool, np.int32)
    for field, bound in (
        (seen.tokens, spec.vocabulary_size),
        (seen.positions, spec.num_positions),
        (seen.action_tokens, spec.num_tokens),
    ):
        assert field.min() >= 0
        assert field.max() < bound


def test_a_batch_plays_as_one_game_does(env, games):
    step = jax.jit(env.step)
    for t in range(0, len(games.actions), 5):
        problem = jax.tree.map(lambda leaf: leaf[1], games.problem)
        before, after = (
            jax.tree.map(lambda leaf: leaf[u, 1], games.states)  # noqa: B023
            for u in (t, t + 1)
        )
        assert_same(step(problem, before, games.actions[t, 1]), after)


def test_symmetry_0_is_the_identity(env, batched, games):
    problem, state = games.running()
    zeros = np.zeros(len(state.step_count), np.int32)
    same = batched.symmetry(problem, state, zeros)
    names = np.broadcast_to(np.arange(env.num_actions, dtype=np.int32), same[2].shape)
    assert_same(same, (problem, state, names))


def test_symmetries_commute_with_the_rules(env, batched, games):
    problem, state = games.running()
    count = len(state.step_count)
    legal = np.asarray(batched.mask(problem, state))
    noise = np.random.default_rng(1).random(legal.shape)
    actions = np.where(legal, noise, -1).argmax(1).astype(np.int32)
    after = batched.step(problem, state, actions)
    truth = batched.oracle(problem, state)
    observe = jax.jit(jax.vmap(env.observe))
    for index in range(env.num_symmetries):
        indices = np.full(count, index, np.int32)
        turned_problem, turned, permutation = batched.symmetry(problem, state, indices)
        names = np.broadcast_to(np.arange(env.num_actions, dtype=np.int32), legal.shape)
        assert_same(np.sort(permutation, 1), names)

        renamed = np.asarray(permutation)[np.arange(count), actions]
        turned_after = batched.step(turned_problem, turned, renamed)
        assert_same((turned_problem, turned_after), batched.symmetry(problem, after, indices)[:2])
        turned_legal = batched.mask(turned_problem, turned)
        assert_same(np.take_along_axis(np.asarray(turned_legal), permutation, 1), legal)
        if truth is not None:
            turned_truth = np.asarray(batched.oracle(turned_problem, turned))
            assert_same(np.take_along_axis(turned_truth, permutation, 1), np.asarray(truth))
        assert_one_to_one(observe(problem, state), observe(turned_problem, turned))


def assert_one_to_one(left, right):
    """What is seen through a symmetry depends on what is seen, and on nothing else."""
    pairs = {(a, b) for a, b in zip(as_bytes(left), as_bytes(right), strict=True)}
    assert len({a for a, _ in pairs}) == len(pairs) == len({b for _, b in pairs})


def as_bytes(batch):
    leaves = jax.tree.leaves(jax.device_get(batch))
    return [b"".join(leaf[row].tobytes() for leaf in leaves) for row in range(len(leaves[0]))]


def test_actions_have_names_of_their_own(env):
    names = [env.format_action(action) for action in range(env.num_actions)]
    assert len(set(names)) == env.num_actions
    assert [env.parse_action(f" {name} ") for name in names] == list(range(env.num_actions))
    with pytest.raises(ValueError, match="no action is called 'nonsense'"):
        env.parse_action("nonsense")


@pytest.mark.parametrize("split", ["train", "held_out"])
def test_problems_survive_being_written_down(env, split):
    for seed in range(4):
        problem = env.sample_problem(jax.random.key(seed), split)
        again = env.parse_problem(env.format_problem(problem))
        assert_same(again, problem)
        for leaf, copy in zip(jax.tree.leaves(problem), jax.tree.leaves(again), strict=True):
            assert leaf.dtype == copy.dtype


def test_splits_do_not_overlap(env):
    texts = {
        split: {
            env.format_problem(env.sample_problem(jax.random.key(seed), split))
            for seed in range(32)
        }
        for split in ("train", "held_out")
    }
    if texts["train"] == {""}:
        pytest.skip("a game has no problems")
    assert not texts["train"] & texts["held_out"]


def test_the_heuristic_is_a_value(batched, games):
    guess = batched.heuristic(*games.running())
    assert guess.dtype == jnp.float32
    assert guess.ndim == 1
    assert jnp.abs(guess).max() <= 1


def test_the_oracle_knows_every_legal_action_and_no_other(env, batched, games):
    problem, state = games.running()
    values = batched.oracle(problem, state)
    if values is None:
        pytest.skip("nobody knows the truth here")
    assert values.dtype == jnp.float32
    np.testing.assert_array_equal(np.isnan(values), ~batched.mask(problem, state))
    assert np.nanmin(values) >= env.return_range[0]
    assert np.nanmax(values) <= env.return_range[1]


def test_solved_positions_are_running_and_cover_the_legal_actions(env, batched):
    solved = env.solved_positions()
    if solved is None:
        pytest.skip("there are none")
    assert not (solved.state.terminated | solved.state.truncated).any()
    mask = batched.mask(solved.problem, solved.state)
    np.testing.assert_array_equal(np.isnan(solved.action_values), ~mask)
    assert solved.action_values.dtype == jnp.float32
    assert solved.bucket.dtype == jnp.int32
    assert set(np.unique(solved.bucket)) == set(range(len(solved.bucket_names)))


def test_positions_can_be_drawn(env, games):
    for step in (0, -1):
        at = jax.tree.map(lambda leaf: leaf[step, 0], games.states)  # noqa: B023
        text = env.render(jax.tree.map(lambda leaf: leaf[0], games.problem), at)
        assert isinstance(text, str)
        assert text.strip()


def test_pictures_show_what_the_moves_do(env, games):
    """A move's square is empty or the opponent's, then the mover's; its source was the mover's."""
    problem = jax.tree.map(lambda leaf: leaf[0], games.problem)
    states = [jax.tree.map(lambda leaf: leaf[t, 0], games.states) for t in range(env.max_steps + 1)]  # noqa: B023
    if env.picture(problem, states[0]) is None:
        pytest.skip("there is no board to draw")
    pictures = [env.picture(problem, state) for state in states]
    for t, state in enumerate(states[:-1]):
        now, after = pictures[t], pictures[t + 1]
        assert now.owners.shape == pictures[0].owners.shape
        assert len(now.targets) == env.num_actions
        assert not now.winning or state.ended
        if state.ended:
            continue
        legal = np.flatnonzero(games.masks[t, 0])
        assert len({now.targets[action] for action in legal}) == len(legal)
        target, mover = now.targets[games.actions[t, 0]], int(state.current_player)
        if target.square is not None:
            assert now.owners.flat[target.square] != mover
            assert after.owners.flat[target.square] == mover
        if target.source is not None:
            assert now.owners.flat[target.source] == mover
            assert after.owners.flat[target.source] != mover


def play(env, height, *actions):
    problem = jnp.int8(height)
    state = env.init(problem)
    for action in actions:
        state = env.step(problem, state, jnp.int32(action))
    return state


def test_the_step_limit_truncates():
    env = Stairs(max_steps=3)
    assert not play(env, 5, 0, 0).truncated
    state = play(env, 5, 0, 0, 0)
    assert state.truncated
    assert not state.terminated
    assert_same(play(env, 5, 0, 0, 0, 1), state)


def test_an_ending_at_the_step_limit_is_no_truncation():
    state = play(Stairs(max_steps=2), 2, 1, 1)
    assert state.terminated
    assert not state.truncated
    assert float(state.rewards[0]) == 1


def test_a_dead_end_is_an_ending():
    env = Stairs(trap=1)
    state = play(env, 5, 1)
    assert state.terminated
    assert not state.truncated
    assert float(state.rewards[0]) == 0
    assert env.legal_action_mask(jnp.int8(5), state).all()


def test_a_lone_players_illegal_move_earns_the_least():
    state = play(Stairs(), 5, 2)
    assert state.terminated
    np.testing.assert_array_equal(state.rewards, np.array([-3], np.float32))


def test_an_illegal_move_of_player_1_pays_player_0():
    state = play(Stairs(num_players=2), 5, 0, 2)
    assert state.terminated
    np.testing.assert_array_equal(state.rewards, np.array([1, -1], np.float32))
