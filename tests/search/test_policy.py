"""Both searches, by both engines: against exact answers, each other, and node by node."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import mctx
import numpy as np
import pytest

from selfplay import sharding
from selfplay.config import SearchConfig
from selfplay.environment import make
from selfplay.search import engine as search_engine
from selfplay.search import model, policy
from selfplay.search.engine import jit_search
from tests import worlds

NUM_SIMULATIONS = 512
MAX_DEPTH = 4
QUIET = {"gumbel_scale": 0.0, "dirichlet_fraction": 0.0, "max_depth": MAX_DEPTH}
POLICIES = ("gumbel", "puct")
ENGINES = ("selfplay", "mctx")

NEUTRAL = {"prior": 0.0, "value": 0.0, "illegal": 0.0}
ROUGH = {"prior": 0.7, "value": 0.0, "illegal": 0.0}
"""Priors with no order to them, each its own, so that nothing ties."""
OPINIONATED = {"prior": 1.5, "value": 0.8, "illegal": 0.0}
PERVERSE = {"prior": 2.0, "value": 0.9, "illegal": 60.0}
"""Loves whatever is illegal."""


def make_evaluator(env):
    """Guesses that depend on the position alone, as strong as `params` say, without matmuls."""

    def numbers(tree):
        leaves = [x.reshape(x.shape[0], -1).astype(jnp.float32) for x in jax.tree.leaves(tree)]
        return jnp.concatenate(leaves, 1)

    def evaluate(params, keys, problem, state):
        position = numbers((problem, state.replace(rewards=state.current_player)))
        primes = jnp.arange(1, position.shape[1] + 1, dtype=jnp.float32)[None] ** 1.5
        mix = (position * primes).sum(1)
        actions = jnp.arange(env.num_actions, dtype=jnp.float32)
        wave = jnp.sin(1.7 * mix[:, None] + 2.3 * actions[None])
        legal = jax.vmap(env.legal_action_mask)(problem, state)
        love = jnp.where(legal, 0.0, params["illegal"])
        return params["prior"] * wave + love, params["value"] * jnp.cos(0.9 * mix)

    return evaluate


def spell_positions():
    """Each held position of a few words: what is left to write, and what was just written."""
    env = worlds.Spell(length=4)
    rows = []
    for word in ("abca", "baba", "cabc", "acbc"):
        problem = env.parse_problem(word)
        state = env.init(problem)
        rows.append((problem, state))
        for letter in ("abc".index(word[0]), (worlds.LETTERS.index(word[1]) + 1) % 3):
            later = env.step(problem, state, jnp.int32(letter))
            rows.append((problem, later))
            second = (letter + 1) % 3
            rows.append((problem, env.step(problem, later, jnp.int32(second))))
    return env, *jax.tree.map(lambda *x: jnp.stack(x), *rows)


def tic_tac_toe_positions():
    env = make("tic_tac_toe")
    solved = env.solved_positions()
    late = np.asarray(solved.state.step_count)
    chosen = np.random.default_rng(0).choice(np.nonzero(late >= 3)[0], 24, replace=False)
    return env, (), jax.tree.map(lambda x: x[chosen], solved.state)


@pytest.fixture(scope="module")
def positions():
    nim = worlds.Nim(stones=8)
    return {
        "nim": (nim, (), nim.solved_positions().state),
        "spell": spell_positions(),
        "tic_tac_toe": tic_tac_toe_positions(),
    }


def exact_values(env, problem, state):
    """float [B, A], NaN where illegal."""
    axes = (None if problem == () else 0, 0) if isinstance(problem, tuple) else (0, 0)
    return np.asarray(jax.vmap(env.oracle, axes)(problem, state))


@functools.cache
def searcher(env, config):
    evaluate = make_evaluator(env)

    @jit_search
    def run(params, keys, problem, state, num_simulations=None):
        return policy.search(env, evaluate, params, keys, problem, state, config, num_simulations)

    return run


@pytest.fixture(scope="module")
def run_search(positions):
    """`run_search(world, policy, params, engine)`: a quiet search."""

    def run(world, kind, params, engine="selfplay"):
        env, problem, state = positions[world]
        config = SearchConfig(engine=engine, policy=kind, num_simulations=NUM_SIMULATIONS, **QUIET)
        keys = jax.random.split(jax.random.key(1), state.step_count.shape[0])
        return jax.device_get(searcher(env, config)(params, keys, problem, state))

    return run


# Exact answers ---------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", POLICIES)
@pytest.mark.parametrize("world", ["nim", "spell"])
@pytest.mark.parametrize("params", [NEUTRAL, ROUGH], ids=["neutral", "rough"])
def test_finds_the_best_move_and_its_value(positions, run_search, world, kind, params, engine):
    env, problem, state = positions[world]
    exact = exact_values(env, problem, state)
    result = run_search(world, kind, params, engine)
    best = np.nanmax(exact, 1)
    rows = np.arange(len(best))
    np.testing.assert_allclose(exact[rows, result.action], best)
    found = result.qvalues[rows, result.action]
    # Heap 8 is lost in four moves, the deepest line here: its value settles last.
    big = np.asarray(state.heap >= 8) if world == "nim" else np.zeros(len(best), bool)
    assert np.abs(found - best)[~big].max() < 0.3
    assert (np.sign(found) == np.sign(best))[~big & (np.abs(best) > 0.2)].all()
    assert np.abs(result.value - best)[~big].max() < 0.4


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", POLICIES)
def test_improves_the_policy(positions, run_search, kind, engine):
    """Under the exact values of Nim, the improved policy is worth no less than the prior."""
    env, problem, state = positions["nim"]
    exact = np.nan_to_num(exact_values(env, problem, state))
    result = run_search("nim", kind, ROUGH, engine)
    before, after = (result.prior * exact).sum(1), (result.action_weights * exact).sum(1)
    assert (after >= before - 1e-6).all()
    undecided = np.isin(np.arange(1, 9), [2, 3, 5, 6, 7])  # some moves win and some lose
    assert (after > before + 0.1)[undecided].all()


@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_equally_good_actions_stay_as_likely_under_a_prior_temperature(temperature):
    """A table learns its search's policy, again and again, where all actions are worth as much.

    Its log-odds follow softmax(logits / T): they fall by T each time, and stay at T = 1.
    """
    env = make("tic_tac_toe")
    config = SearchConfig(
        num_simulations=4, gumbel_scale=0.0, rescale_values=False, prior_temperature=temperature
    )

    @jit_search
    def improved(table):
        def evaluate(params, keys, problem, state):
            return jnp.broadcast_to(params, (keys.shape[0], 9)), jnp.zeros(keys.shape[0])

        start = jax.tree.map(lambda x: x[None], env.init())
        keys = jax.random.split(jax.random.key(0), 1)
        return policy.search(env, evaluate, table, keys, (), start, config).action_weights[0]

    table = jnp.array([2.0, 1.0, *[0.0] * 7])
    for turn in range(1, 4):
        table = jnp.log(improved(table))
        odds = np.asarray(table[:3] - table[8])
        np.testing.assert_allclose(odds, np.array([2.0, 1.0, 0.0]) / temperature**turn, atol=1e-4)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", POLICIES)
@pytest.mark.parametrize("world", ["nim", "spell"])
def test_result_is_consistent(positions, run_search, world, kind, engine):
    env, problem, state = positions[world]
    result = run_search(world, kind, ROUGH, engine)
    legal = ~np.isnan(exact_values(env, problem, state))
    assert (~legal).any()
    rows = np.arange(len(legal))
    assert result.action.dtype == np.int32
    assert legal[rows, result.action].all()
    assert (result.action_weights[~legal] == 0).all()
    assert (result.prior[~legal] == 0).all()
    assert (result.visit_counts[~legal] == 0).all()
    np.testing.assert_allclose(result.action_weights.sum(1), 1.0, rtol=1e-5)
    np.testing.assert_allclose(result.prior.sum(1), 1.0, rtol=1e-5)
    np.testing.assert_array_equal(result.visit_counts.sum(1), NUM_SIMULATIONS)
    np.testing.assert_array_equal(result.qvalues[result.visit_counts == 0], 0.0)
    np.testing.assert_array_equal(result.raw_value, 0.0)
    visited = result.visit_counts > 0
    for row in rows:  # the value is the policy's, as far as its moves were tried
        tried = visited[row]
        mean = np.average(result.qvalues[row, tried], weights=result.action_weights[row, tried])
        assert result.value[row] == pytest.approx(mean, abs=2e-5)


# mctx itself -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", POLICIES)
def test_equals_mctx_called_with_a_batch(positions, run_search, kind):
    """`model` gives mctx what mctx wants; its games of Nim then come to the same."""
    env, problem, state = positions["nim"]
    evaluate = make_evaluator(env)

    @jax.jit
    def direct(params, problem, state):
        keys = jax.random.split(jax.random.key(7), 8)
        root = model.root(env, evaluate, params, keys, problem, state)
        illegal = ~jax.vmap(env.legal_action_mask)(problem, state)
        arguments = ((params, problem), jax.random.key(8), root)
        recurrent_fn = model.make_recurrent_fn(env, evaluate)
        arguments = (*arguments, recurrent_fn, NUM_SIMULATIONS, illegal, MAX_DEPTH)
        quiet: Any = {"dirichlet_fraction": 0.0, "temperature": 0.0}
        with jax.numpy_dtype_promotion("standard"):
            if kind == "gumbel":
                output = mctx.gumbel_muzero_policy(*arguments, gumbel_scale=0.0)
            else:
                output = mctx.muzero_policy(*arguments, **quiet)
        return output.action, output.action_weights, output.search_tree.summary()

    for params in (ROUGH, OPINIONATED):
        action, action_weights, summary = jax.device_get(direct(params, problem, state))
        result = run_search("nim", kind, params, "mctx")
        np.testing.assert_array_equal(result.action, action)
        np.testing.assert_array_equal(result.visit_counts, summary.visit_counts)
        np.testing.assert_allclose(result.action_weights, action_weights, atol=1e-4)
        np.testing.assert_allclose(result.qvalues, summary.qvalues, atol=1e-5)


@pytest.mark.parametrize("params", [ROUGH, OPINIONATED], ids=["rough", "opinionated"])
@pytest.mark.parametrize("kind", POLICIES)
@pytest.mark.parametrize("world", ["nim", "spell"])
def test_both_engines_agree(run_search, world, kind, params):
    """On what to play; on all else too, in six of ten positions or more.

    Values of 1, -1 and 0 tie exactly in one engine and nearly so in the other.
    """
    ours, theirs = (run_search(world, kind, params, engine) for engine in ENGINES)
    np.testing.assert_array_equal(ours.action, theirs.action)
    assert np.abs(ours.visit_counts - theirs.visit_counts).max() <= NUM_SIMULATIONS // 16
    same = (ours.visit_counts == theirs.visit_counts).all(1)
    same &= np.isclose(ours.qvalues, theirs.qvalues, atol=1e-5).all(1)
    assert same.mean() >= 0.6
    for name in ("action_weights", "value", "qvalues", "prior", "raw_value"):
        got, expected = getattr(ours, name)[same], getattr(theirs, name)[same]
        np.testing.assert_allclose(got, expected, atol=5e-4, err_msg=name)


@pytest.mark.parametrize("kind", POLICIES)
def test_both_engines_draw_the_same_noise(positions, kind):
    env, problem, state = positions["nim"]
    keys = jax.random.split(jax.random.key(2), 8)
    configs = [SearchConfig(engine=e, policy=kind, num_simulations=32) for e in ENGINES]
    run = [jax.device_get(searcher(env, c)(ROUGH, keys, problem, state)) for c in configs]
    same = (run[0].visit_counts == run[1].visit_counts).all(1)
    assert (~same).sum() <= 1
    np.testing.assert_array_equal(run[0].action[same], run[1].action[same])


# Node by node ----------------------------------------------------------------------------------


def rules(world, problem, state):
    """bool [B, N, A]: what is legal at each node, worked out in NumPy."""
    if world == "nim":
        return np.arange(1, 4) <= state.heap[..., None]
    if world == "spell":
        return np.arange(3) != state.last[..., None]
    stones = state.stones[..., 0, :] | state.stones[..., 1, :]
    return (((stones[..., None] >> np.arange(3)) & 1) == 0).reshape(*stones.shape[:-1], 9)


NUM_NODES = 129


def all_nodes(engine, output, state):
    """State [B, N], visits [B, N, A], values [B, N] and Q-values [B, N, A] of a search's nodes,
    and which [B, N] are in use."""
    tree = output.search_tree
    if engine == "mctx":
        values = tree.children_rewards + tree.children_discounts * tree.children_values
        return tree.embeddings, tree.children_visits, tree.node_values, values, tree.node_visits > 0
    batch_size = tree.batch_size
    rows = jnp.arange(NUM_NODES * batch_size, dtype=jnp.int32)
    nodes = tree.tree.nodes(rows)
    fields = (tree.tree.embedding(rows, state), nodes.visits, nodes.node_value, nodes.qvalues)
    by_game = lambda x: jnp.swapaxes(x.reshape(NUM_NODES, batch_size, *x.shape[1:]), 0, 1)  # noqa: E731
    states, visits, values, qvalues = jax.tree.map(by_game, fields)
    return states, visits, values, qvalues, jnp.ones(values.shape, jnp.bool_)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("world", "kind"),
    [("nim", "gumbel"), ("spell", "puct"), ("tic_tac_toe", "gumbel"), ("tic_tac_toe", "puct")],
)
def test_no_illegal_action_is_ever_visited(positions, world, kind, engine):
    env, problem, state = positions[world]
    evaluate = make_evaluator(env)
    library = {"mctx": mctx, "selfplay": search_engine}[engine]
    run = {"gumbel": library.gumbel_muzero_policy, "puct": library.muzero_policy}[kind]

    @jit_search
    def search_tree(params, problem, state):
        keys = jax.random.split(jax.random.key(3), state.step_count.shape[0])
        root = model.root(env, evaluate, params, keys, problem, state)
        illegal = ~jax.vmap(env.legal_action_mask)(problem, state)
        recurrent_fn = model.make_recurrent_fn(env, evaluate)
        arguments = ((params, problem), jax.random.key(4), root, recurrent_fn)
        with jax.numpy_dtype_promotion("standard"):
            output = run(*arguments, NUM_NODES - 1, illegal)
        return all_nodes(engine, output, state), output.action_weights

    for params in (PERVERSE, NEUTRAL):
        found, action_weights = jax.device_get(search_tree(params, problem, state))
        nodes, visits, values, qvalues, used = found
        ended = nodes.terminated | nodes.truncated
        running = used & ~ended
        illegal = running[..., None] & ~rules(world, problem, nodes)
        interior = illegal.copy()
        interior[:, 0] = False
        inner_visits = visits.sum(-1) * interior.any(-1)
        assert inner_visits[:, 1:].sum() > 100  # the search did stand at such nodes
        assert (visits[illegal] == 0).all()
        assert (action_weights[illegal[:, 0]] == 0).all()
        assert np.isfinite(values).all() and np.isfinite(qvalues).all()
        assert np.abs(values).max() <= 1.0 + 1e-5


# Batches and devices ---------------------------------------------------------------------------

NOISY = SearchConfig(policy="gumbel", num_simulations=16)


@pytest.fixture(scope="module")
def together(positions):
    """A noisy search of 8 games at once."""
    env, _, state = positions["nim"]
    keys = jax.random.split(jax.random.key(5), 8)
    return env, keys, state, jax.device_get(searcher(env, NOISY)(OPINIONATED, keys, (), state))


def assert_same(got, expected):
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(expected), strict=True):
        if np.issubdtype(np.asarray(b).dtype, np.integer):
            np.testing.assert_array_equal(a, b)
        else:
            np.testing.assert_allclose(a, b, atol=1e-5)


def test_a_game_does_not_depend_on_its_batch(together):
    env, keys, state, expected = together
    for game in range(8):
        one = jax.tree.map(lambda x: x[game : game + 1], (keys, state))  # noqa: B023
        alone = searcher(env, NOISY)(OPINIONATED, one[0], (), one[1])
        assert_same(alone, jax.tree.map(lambda x: x[game : game + 1], expected))  # noqa: B023


def test_noise_follows_the_key(together):
    env, keys, state, expected = together
    other = searcher(env, NOISY)(OPINIONATED, keys[::-1], (), state)
    assert (np.asarray(other.visit_counts) != expected.visit_counts).any()


def test_dirichlet_noise_follows_the_key_and_its_fraction(positions):
    env, _, state = positions["nim"]
    keys = jax.random.split(jax.random.key(6), (2, 8))

    def visits(fraction, key):
        config = SearchConfig(policy="puct", num_simulations=32, dirichlet_fraction=fraction)
        return np.asarray(searcher(env, config)(ROUGH, keys[key], (), state).visit_counts)

    np.testing.assert_array_equal(visits(0.0, 0), visits(0.0, 1))
    assert (visits(0.25, 0) != visits(0.25, 1)).any()
    illegal = np.arange(1, 4) > np.asarray(state.heap)[:, None]
    assert (visits(0.25, 0)[illegal] == 0).all()


@pytest.mark.parametrize("lanes", [1, 3, 8, 50])
def test_lanes_change_nothing(together, lanes):
    env, keys, state, expected = together
    config = dataclasses.replace(NOISY, lanes=lanes)
    assert_same(searcher(env, config)(OPINIONATED, keys, (), state), expected)


@pytest.mark.parametrize(("kind", "lanes"), [("gumbel", None), ("puct", 3)])
def test_each_game_has_its_own_budget(positions, kind, lanes):
    """Of 40 games, more than are searched at once: each has what its budget gives to all."""
    env, _, state = positions["nim"]
    state = jax.tree.map(lambda x: jnp.concatenate([x] * 5), state)
    keys = jax.random.split(jax.random.key(9), 40)
    config = SearchConfig(policy=kind, num_simulations=16, lanes=lanes)
    budget = np.resize([16, 0, 1, 5, 16, 9, 2], 40).astype(np.int32)
    run = functools.partial(searcher(env, config), OPINIONATED, keys, (), state)
    mixed = jax.device_get(run(jnp.asarray(budget)))
    np.testing.assert_array_equal(mixed.visit_counts.sum(1), budget)
    for own in np.unique(budget):
        games = budget == own
        all_alike = jax.device_get(run(jnp.full(40, own, jnp.int32)))
        one_number = jax.device_get(run(jnp.int32(own)))
        for alike in (all_alike, one_number):
            chosen = [jax.tree.map(lambda x: x[games], r) for r in (mixed, alike)]  # noqa: B023
            assert_same(*chosen)
    assert_same(run(), run(jnp.int32(16)))
    nothing = budget == 0
    np.testing.assert_allclose(mixed.value[nothing], mixed.raw_value[nothing], atol=1e-6)


def test_mctx_has_one_budget(positions):
    env, problem, state = positions["nim"]
    config = SearchConfig(engine="mctx", num_simulations=4)
    keys = jax.random.split(jax.random.key(0), 8)
    with pytest.raises(ValueError, match="one budget"):
        searcher(env, config)(ROUGH, keys, problem, state, jnp.full(8, 2, jnp.int32))


def test_eight_devices_agree_with_one(together):
    env, keys, state, expected = together
    evaluate = make_evaluator(env)

    def share(params, keys, state):
        return policy.search(env, evaluate, params, keys, (), state, NOISY)

    specs = (sharding.REPLICATED, sharding.SPLIT, sharding.SPLIT)
    mesh = sharding.make_mesh(8)
    spread = jax.jit(sharding.over_devices(mesh, share, specs, sharding.SPLIT))
    result = spread(OPINIONATED, keys, state)
    assert len(result.value.sharding.device_set) == 8
    assert_same(result, expected)
