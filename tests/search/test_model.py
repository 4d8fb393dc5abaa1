"""Masks and signs of the search's model, against returns worked out by hand in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.environment import ArraySpec, Environment, State, zero_sum
from selfplay.search import model
from tests import worlds


class WideSpell(worlds.Spell):
    """Spell, its returns measured on a scale that is not symmetric."""

    def __init__(self, return_range):
        super().__init__(length=3)
        self.return_range = return_range


class TurnsState(State):
    stairs: jax.Array
    """int8 []"""


class Turns(Environment[TurnsState]):
    """Action 0 passes the turn, 1 keeps it, 2 keeps it too but only every other step.

    Each step pays the mover 0.5 (2 if it kept the turn); it ends by truncation alone.
    """

    num_actions = 3
    max_steps = 3
    observation_spec = ArraySpec((2,))

    def __init__(self, num_players):
        self.num_players = num_players
        self.return_range = (-8.0, 8.0) if num_players == 2 else (-1.0, 7.0)

    def _start(self, problem):
        return TurnsState.start(self.num_players, stairs=jnp.int8(0))

    def _legal(self, problem, state):
        return (jnp.arange(3, dtype=jnp.int32) != 2) | (state.step_count % 2 == 0)

    def _play(self, problem, state, action):
        reward = jnp.where(action == 0, 0.5, 2.0).astype(jnp.float32)
        if self.num_players == 1:
            rewards, player = reward[None], state.current_player
        else:
            rewards = zero_sum(state.current_player, reward)
            player = jnp.where(action == 0, 1 - state.current_player, state.current_player)
        return state.replace(
            rewards=rewards,
            current_player=player.astype(jnp.int8),
            stairs=state.stairs + action.astype(jnp.int8),
        )

    def observe(self, problem, state):
        return jnp.stack([state.stairs, state.current_player]).astype(jnp.float32)


def guess(params, keys, problem, state):
    """Logits with no order to them, and a value that depends on the position and its mover."""
    mix = jax.tree.map(
        lambda x: x.astype(jnp.float32),
        {f: v for f, v in vars(state).items() if f not in ("rewards", "terminated", "truncated")},
    )
    sum_ = sum((i + 1.3) * x for i, (_, x) in enumerate(sorted(mix.items())))
    actions = jnp.arange(3, dtype=jnp.float32)
    logits = 40.0 * jnp.sin(3.7 * sum_[:, None] + 1.9 * actions[None])
    return logits, 0.9 * jnp.cos(5.1 * sum_)


WORLDS = {
    "spell": lambda: WideSpell((-1.0, 1.0)),
    "spell, wide": lambda: WideSpell((-1.0, 3.0)),
    "spell, low": lambda: WideSpell((-5.0, 1.5)),
    "nim": lambda: worlds.Nim(stones=6),
    "turns for two": lambda: Turns(2),
    "turns alone": lambda: Turns(1),
}


@pytest.fixture(scope="module", params=list(WORLDS))
def walked(request, random_games):
    """Every action, legal or not, from the positions of random games: what mctx is told."""
    env = WORLDS[request.param]()
    problem, state = random_games(env, 16).running(48)
    repeat = lambda x: np.repeat(x, env.num_actions, axis=0)  # noqa: E731
    problem, state = jax.tree.map(repeat, (problem, state))
    action = np.tile(np.arange(env.num_actions, dtype=np.int32), 48)
    recurrent_fn = model.make_recurrent_fn(env, guess)

    @jax.jit
    def walk(problem, state, action):
        params, keys = ((), problem), jax.random.split(jax.random.key(0), action.shape[0])
        legal = jax.vmap(env.legal_action_mask)(problem, state)
        step, after = recurrent_fn(params, keys, action, state)
        again, _ = recurrent_fn(params, keys, action, after)
        guessed = guess((), keys, problem, after)
        after_legal = jax.vmap(env.legal_action_mask)(problem, after)
        root = model.root(env, guess, (), keys, problem, state)
        return (
            legal,
            step,
            after,
            again,
            guessed,
            after_legal,
            root,
            guess((), keys, problem, state),
        )

    return env, state, action, *jax.device_get(walk(problem, state, action))


def test_one_step_obeys_the_bellman_identity(walked):
    """u(r + G') = reward + discount * u(G'), where G' is what the guess says, 0 at the end."""
    env, state, action, legal, step, after, _, (_, value), *_ = walked
    low, high = env.return_range
    seen = set()
    for row in range(len(action)):
        if not legal[row, action[row]]:
            continue
        mover, next_mover = int(state.current_player[row]), int(after.current_player[row])
        later = low + (float(value[row]) + 1.0) / 2.0 * (high - low)  # for the next mover
        later = 0.0 if after.terminated[row] else later if mover == next_mover else -later
        whole = float(after.rewards[row, mover]) + later
        expected = 2.0 * (whole - low) / (high - low) - 1.0
        got = step.reward[row] + step.discount[row] * step.value[row]
        np.testing.assert_allclose(got, expected, atol=1e-5)
        seen.add(float(step.discount[row]))
    expected_discounts = {"WideSpell": {0.0, 1.0}, "Nim": {0.0, -1.0}, "Turns": {1.0, -1.0}}
    if env.num_players == 1 and isinstance(env, Turns):
        assert seen == {1.0}
    else:
        assert seen == expected_discounts[type(env).__name__]


def test_discount_is_what_the_law_says(walked):
    env, state, action, legal, step, after, *_ = walked
    same = after.current_player == state.current_player
    expected = np.where(after.terminated, 0.0, np.where(same, 1.0, -1.0))
    np.testing.assert_array_equal(step.discount, expected)
    illegal = ~legal[np.arange(len(action)), action]
    assert illegal.any()
    np.testing.assert_array_equal(step.discount[illegal], 0.0)
    np.testing.assert_array_equal(step.value[after.terminated], 0.0)


def test_an_illegal_move_costs_the_least(walked):
    env, _, action, legal, step, *_ = walked
    illegal = ~legal[np.arange(len(action)), action]
    low, high = env.return_range
    lost = env.min_return if env.num_players == 1 else -high
    expected = 2.0 * (lost - low) / (high - low) - 1.0
    np.testing.assert_allclose(step.reward[illegal], expected, atol=1e-6)


def test_beyond_the_end_nothing_is_gained(walked):
    env, _, _, _, _, after, again, *_ = walked
    np.testing.assert_array_equal(again.reward[after.terminated], 0.0)
    np.testing.assert_array_equal(again.discount[after.terminated], 0.0)
    np.testing.assert_array_equal(again.value[after.terminated], 0.0)
    assert after.terminated.any()


def test_truncated_nodes_keep_the_network_value(walked):
    """At the step limit the outcome is unknown: the guess stands, there and further down."""
    env, _, _, _, step, after, again, (_, value), *_ = walked
    cut = after.truncated
    assert cut.any() == isinstance(env, Turns)
    np.testing.assert_allclose(step.value[cut], value[cut], atol=1e-4)
    assert np.abs(value[cut]).min(initial=1.0) > 0
    np.testing.assert_array_equal(again.reward[cut], 0.0)
    np.testing.assert_array_equal(again.discount[cut], 1.0)
    np.testing.assert_allclose(again.value[cut], value[cut], atol=1e-4)


def test_illegal_logits_are_finite_and_get_no_probability(walked):
    env, state, _, legal, step, _, _, (logits, _), after_legal, root, (root_logits, _) = walked
    for masked, raw, mask in (
        (step.prior_logits, logits, after_legal),
        (root.prior_logits, root_logits, legal),
    ):
        assert np.isfinite(masked).all()
        np.testing.assert_allclose(masked[mask], raw[mask], atol=2e-3)
        np.testing.assert_array_equal(masked[~mask], model.ILLEGAL_LOGIT)
        assert (~mask).any()
        probabilities = np.asarray(jax.nn.softmax(masked))
        assert (probabilities[~mask] == 0).all()
        np.testing.assert_allclose(probabilities.sum(-1), 1.0, rtol=1e-5)


def test_the_root_is_the_state_and_the_guess(walked):
    env, state, *_, root, (_, root_value) = walked
    np.testing.assert_allclose(root.value, root_value, atol=1e-4)
    for got, expected in zip(jax.tree.leaves(root.embedding), jax.tree.leaves(state), strict=True):
        np.testing.assert_array_equal(got, expected)


def test_network_evaluator_shows_each_state_to_its_mover():
    env = worlds.Nim(stones=6)
    positions = env.solved_positions()

    def apply(params, observation):
        return params * observation[:, 1:4], observation @ jnp.arange(7, dtype=jnp.float32)

    evaluate = model.network_evaluator(env, apply)
    keys = jax.random.split(jax.random.key(0), 6)
    logits, value = evaluate(jnp.float32(2), keys, (), positions.state)
    np.testing.assert_array_equal(value, np.arange(1, 7))
    np.testing.assert_array_equal(logits, 2.0 * np.eye(6)[:, :3])


def test_each_state_is_guessed_with_its_own_key():
    env = worlds.Nim(stones=6)
    state = env.solved_positions().state
    keys = jax.random.split(jax.random.key(0), 6)

    def evaluate(params, keys, problem, state):
        value = jax.vmap(lambda key: jax.random.uniform(key, (), jnp.float32))(keys)
        return jnp.zeros((*value.shape, 3), jnp.float32), value

    expected = evaluate((), keys, (), state)[1]
    np.testing.assert_array_equal(model.root(env, evaluate, (), keys, (), state).value, expected)
    action = jnp.zeros(6, jnp.int32)
    step, after = model.make_recurrent_fn(env, evaluate)(((), ()), keys, action, state)
    np.testing.assert_array_equal(step.value, np.where(after.terminated, 0.0, expected))


def test_the_constant_evaluator_knows_nothing():
    nim = worlds.Nim(7)
    state = nim.solved_positions().state
    keys = jax.random.split(jax.random.key(0), state.heap.shape[0])
    logits, value = model.constant_evaluator(nim)((), keys, (), state)
    assert logits.shape == (7, 3) and value.shape == (7,)
    assert not logits.any() and not value.any()


def test_noise_is_on_values_alone_each_its_own_and_cut():
    nim = worlds.Nim(7)

    def sure(params, keys, problem, state):
        return jnp.ones((keys.shape[0], 3)), jnp.full(keys.shape[0], 0.5)

    keys = jax.random.split(jax.random.key(0), 20_000)
    state = jax.tree.map(lambda x: jnp.repeat(x[:1], 20_000, axis=0), nim.solved_positions().state)
    logits, value = model.noisy_evaluator(sure, 0.1)((), keys, (), state)
    assert (logits == 1.0).all()
    assert np.mean(value) == pytest.approx(0.5, abs=0.004)
    assert np.std(value) == pytest.approx(0.1, rel=0.03)
    assert abs(np.corrcoef(value[1:], value[:-1])[0, 1]) < 0.03
    _, value = model.noisy_evaluator(sure, 2.0)((), keys, (), state)
    assert value.min() == -1.0 and value.max() == 1.0
