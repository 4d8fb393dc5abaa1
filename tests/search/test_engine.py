"""Both policies against mctx, simulation by simulation, and against a float64 search of our own.

Two searches of one tree differ only where the best two scores of some choice are equal but for
rounding: then an edge more here or there follows. A float64 replay says how near to a tie each
simulation came, so every tree that differs must show such a tie, no later than the difference.
"""

import functools
from typing import Any, NamedTuple

import hypothesis
import jax
import jax.numpy as jnp
import mctx
import numpy as np
import pytest
from hypothesis import strategies as st

from selfplay.search import engine
from tests.reference import random_trees, search
from tests.reference.random_trees import World

NEAR_TIE = 2e-6
"""Scores are of order 1: a few units in the last place, and the noise by which PUCT breaks ties."""

OPTIONS = {"value_scale": 0.3, "maxvisit_init": 10.0, "use_mixed_value": False}
TRANSFORMS = {
    "mix": (mctx.qtransform_completed_by_mix_value, search.completed_by_mix_value),
    "mix with options": (
        functools.partial(mctx.qtransform_completed_by_mix_value, **OPTIONS),
        functools.partial(search.completed_by_mix_value, **OPTIONS),
    ),
    "mix as it is": (
        functools.partial(mctx.qtransform_completed_by_mix_value, rescale_values=False),
        functools.partial(search.completed_by_mix_value, rescale_values=False),
    ),
    "parent and siblings": (
        mctx.qtransform_by_parent_and_siblings,
        search.by_parent_and_siblings,
    ),
    "min max": (
        functools.partial(mctx.qtransform_by_min_max, min_value=-4.0, max_value=4.0),
        search.by_min_max,
    ),
}


class Shape(NamedTuple):
    """What is compiled."""

    policy: str
    transform: str
    max_depth: int | None
    batch_size: int
    num_actions: int
    num_simulations: int


class Found(NamedTuple):
    """What a search found for each of B games."""

    action: Any
    action_weights: Any
    visit_counts: Any
    value: Any
    qvalues: Any
    edges: Any
    """int32 [B, N, 2]: of each simulation the last inner node and the action; mctx has -1, -1 for
    one that stopped at the greatest depth."""


BIG = Shape("gumbel", "mix", None, 16, 7, 128)
BIG_PUCT = Shape("puct", "parent and siblings", None, 16, 7, 128)
SHAPES = [
    BIG,
    Shape("gumbel", "mix", 1, 3, 7, 32),
    Shape("gumbel", "min max", 2, 16, 2, 32),
    Shape("gumbel", "mix", 4, 3, 30, 128),
    Shape("gumbel", "mix with options", None, 1, 30, 1),
    BIG_PUCT,
    Shape("puct", "parent and siblings", 1, 3, 30, 8),
    Shape("puct", "mix with options", 2, 1, 2, 32),
    Shape("puct", "parent and siblings", 4, 3, 30, 128),
    Shape("puct", "min max", None, 3, 7, 32),
    Shape("puct", "mix as it is", None, 16, 2, 1),
]
POLICIES = {"gumbel": BIG, "puct": BIG_PUCT}


def policy_of(library: Any, shape: Shape) -> Any:
    """The library's policy with all that is static but the number of simulations."""
    transform = TRANSFORMS[shape.transform][0]
    static = {"max_depth": shape.max_depth, "qtransform": transform}
    if shape.policy == "gumbel":
        return functools.partial(library.gumbel_muzero_policy, **static)
    quiet: Any = {"dirichlet_fraction": 0.0, "temperature": 0.0}
    return functools.partial(library.muzero_policy, **static, **quiet)


@functools.cache
def by_mctx(shape: Shape) -> Any:
    """`(world, key, invalid [B, A]) -> Found`."""
    recurrent_fn = random_trees.make_recurrent_fn(shape.num_actions)

    @jax.jit
    def run(world, key, invalid):
        root = random_trees.root(world, shape.batch_size, shape.num_actions)
        output = policy_of(mctx, shape)(
            world, key, root, recurrent_fn, shape.num_simulations, invalid_actions=invalid
        )
        tree = output.search_tree
        summary = tree.summary()
        edges = jnp.stack([tree.parents, tree.action_from_parent], -1)[:, 1:]
        found = (summary.visit_counts, summary.value, summary.qvalues, edges)
        return Found(output.action, output.action_weights, *found)

    def loosely(*arguments):
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            return jax.device_get(run(*arguments))

    return loosely


@functools.cache
def jitted(shape: Shape) -> Any:
    """`(world, keys, invalid [B, A], budget [B] or None) -> Found` of the engine, jitted."""
    recurrent_fn = random_trees.make_recurrent_fn(shape.num_actions)

    @engine.jit_search
    def run(world, keys, invalid, budget):
        root = random_trees.root(world, shape.batch_size, shape.num_actions)
        if budget is None:
            budgets = {"num_simulations": shape.num_simulations}
        else:
            budgets = {"num_simulations": budget, "max_num_simulations": shape.num_simulations}
        output = policy_of(engine, shape)(
            world, keys, root, recurrent_fn, invalid_actions=invalid, **budgets
        )
        rows = shape.batch_size * jnp.arange(1, shape.num_simulations + 1, dtype=jnp.int32)[None]
        rows = rows + jnp.arange(shape.batch_size, dtype=jnp.int32)[:, None]
        edge, _, _ = output.search_tree.tree.arrival(rows.reshape(-1))
        row, action = edge // shape.num_actions, edge % shape.num_actions
        edges = jnp.stack([row // shape.batch_size, action], -1).reshape(*rows.shape, 2)
        summary = output.search_tree.summary()
        found = (summary.visit_counts, summary.value, summary.qvalues, edges)
        return Found(output.action, output.action_weights, *found)

    return run


def by_engine(shape: Shape, world: World, keys: Any, invalid: Any, budget: Any = None) -> Found:
    return jax.device_get(jitted(shape)(world, keys, invalid, budget))


def some_invalid(shape: Shape, seed: int, share: float) -> np.ndarray:
    """bool [B, A]: about `share` of the actions, never all of them."""
    rng = np.random.default_rng(seed)
    invalid = rng.random((shape.batch_size, shape.num_actions)) < share
    allowed = rng.integers(shape.num_actions, size=shape.batch_size)
    invalid[np.arange(shape.batch_size), allowed] = False
    return invalid


def search_key(shape: Shape, key: jax.Array) -> tuple[jax.Array, np.ndarray]:
    """The key that the simulations use, and the Gumbel variables [B, A] (zero for PUCT)."""
    shape_of_noise = (shape.batch_size, shape.num_actions)
    if shape.policy == "puct":
        return jax.random.split(key, 3)[2], np.zeros(shape_of_noise)
    key, gumbel_key = jax.random.split(key)
    return key, np.asarray(jax.random.gumbel(gumbel_key, shape_of_noise), np.float64)


@functools.cache
def bits_of(length: int) -> Any:
    """`key -> uint32 [length]`: what stochastic guesses make of the keys of the simulations."""

    def next_key(key, _):
        key, _, expand_key = jax.random.split(key, 3)
        return key, random_trees.key_bits(expand_key)

    return jax.jit(lambda key: jax.lax.scan(next_key, key, length=length)[1])


def replay(shape: Shape, world: World, key: jax.Array, invalid: np.ndarray, game: int):
    """The search of one game in float64."""
    key, noise = search_key(shape, key)
    run = search.Search(
        policy=shape.policy,
        world=world,
        num_simulations=shape.num_simulations,
        qtransform=TRANSFORMS[shape.transform][1],
        noise=noise[game],
        invalid=invalid[game],
        max_depth=shape.max_depth,
        key_bits=np.asarray(bits_of(shape.num_simulations)(key)),
    )
    return run(int(random_trees.roots(np, world, shape.batch_size)[game]))


def first_difference(ours: Found, theirs: Found, game: int) -> int | None:
    """The first simulation that ended elsewhere, as far as the trees tell; None if none did."""
    known = (theirs.edges[game] >= 0).all(-1)
    differs = known & (ours.edges[game] != theirs.edges[game]).any(-1)
    if differs.any():
        return int(differs.argmax())
    if (ours.visit_counts[game] != theirs.visit_counts[game]).any():
        return len(known) - 1
    return None


def assert_alike(shape: Shape, world: World, key: jax.Array, invalid: np.ndarray) -> int:
    """Our search is mctx's, near ties apart. Returns how many games differ by those."""
    ours = by_engine(shape, world, key, invalid)
    theirs = by_mctx(shape)(world, key, invalid)
    same = []
    for game in range(shape.batch_size):
        first = first_difference(ours, theirs, game)
        if first is None:
            same.append(game)
        else:
            gaps = replay(shape, world, key, invalid, game).gaps
            assert min(gaps[: first + 1]) < NEAR_TIE, (game, first, min(gaps[: first + 1]))
    np.testing.assert_array_equal(ours.action[same], theirs.action[same])
    np.testing.assert_array_equal(ours.visit_counts[same], theirs.visit_counts[same])
    np.testing.assert_allclose(ours.value[same], theirs.value[same], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(ours.qvalues[same], theirs.qvalues[same], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(ours.action_weights[same], theirs.action_weights[same], atol=5e-5)
    return shape.batch_size - len(same)


def differing_by_near_ties(shape: Shape, num_batches: int) -> int:
    """How many trees of some batches differ from mctx's, each by a near tie."""
    world = World(discounts=random_trees.ENDINGS, rewards=np.float32(0.5), masked=np.float32(0.3))
    differ = 0
    for seed in range(num_batches):
        invalid = some_invalid(shape, seed, 0.3)
        differ += assert_alike(
            shape, world._replace(seed=np.uint32(seed)), jax.random.key(seed), invalid
        )
    return differ


@st.composite
def worlds_of(draw, shape: Shape) -> World:
    # An illegal action has no value of its own: under PUCT with completed values, those of a node
    # tie exactly and may be played. Guesses at a node evaluated twice depend on the time.
    may_mask = shape.policy == "gumbel" or not shape.transform.startswith("mix")
    kinds = [random_trees.ONE_PLAYER, random_trees.TWO_PLAYERS, random_trees.ENDINGS]
    return World(
        seed=np.uint32(draw(st.integers(0, 2**32 - 1))),
        discounts=draw(st.sampled_from(kinds)),
        rewards=np.float32(draw(st.sampled_from([0.0, 0.25, 1.0]))),
        masked=np.float32(draw(st.sampled_from([0.0, 0.3, 0.9]))) * np.float32(may_mask),
        stochastic=np.uint32(draw(st.booleans()) and shape.max_depth is None),
    )


# mctx ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: "-".join(map(str, s)))
@hypothesis.settings(max_examples=8)
@hypothesis.given(data=st.data())
def test_equals_mctx(shape, data):
    world = data.draw(worlds_of(shape))
    seed = data.draw(st.integers(0, 2**31 - 1))
    invalid = some_invalid(shape, seed, data.draw(st.sampled_from([0.0, 0.4, 0.9])))
    assert_alike(shape, world, jax.random.key(seed), invalid)


@pytest.mark.parametrize("shape", [BIG, BIG_PUCT], ids=["gumbel", "puct"])
def test_few_trees_come_to_a_near_tie(shape):
    """At most 2% of 208 trees of 128 simulations."""
    assert differing_by_near_ties(shape, num_batches=13) <= 4


# Our own search in float64 ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "shape", [BIG, BIG_PUCT, SHAPES[3], SHAPES[8]], ids=lambda s: "-".join(map(str, s))
)
def test_equals_the_reference(shape):
    world = World(
        seed=np.uint32(11),
        discounts=random_trees.ENDINGS,
        rewards=np.float32(0.5),
        masked=np.float32(0.3),
        stochastic=np.uint32(shape.max_depth is None),
    )
    invalid, key = some_invalid(shape, 2, 0.3), jax.random.key(2)
    found = by_engine(shape, world, key, invalid)
    differ = 0
    for game in range(shape.batch_size):
        expected = replay(shape, world, key, invalid, game)
        differs = (found.edges[game] != np.array(expected.edges)).any(-1)
        if differs.any():
            assert min(expected.gaps[: differs.argmax() + 1]) < NEAR_TIE
            differ += 1
            continue
        np.testing.assert_array_equal(found.visit_counts[game], expected.root.visits)
        np.testing.assert_allclose(found.value[game], expected.root.value, atol=1e-5)
        np.testing.assert_allclose(found.qvalues[game], expected.root.qvalues, atol=1e-5)
    assert differ <= 1


# Budgets ---------------------------------------------------------------------------------------

BUDGETS = np.array([0, 1, 2, 3, 7, 16, 31, 32, 33, 50, 64, 90, 100, 127, 128, 128], np.int32)


@pytest.mark.parametrize(("kind", "own_keys"), [("gumbel", True), ("puct", False)])
def test_each_game_has_its_own_budget(kind, own_keys):
    shape = POLICIES[kind]
    world = World(discounts=random_trees.ENDINGS, rewards=np.float32(0.5))
    invalid, keys = some_invalid(shape, 3, 0.3), jax.random.key(3)
    keys = jax.random.split(keys, shape.batch_size) if own_keys else keys
    found = by_engine(shape, world, keys, invalid, jnp.asarray(BUDGETS))
    np.testing.assert_array_equal(found.visit_counts.sum(1), BUDGETS)
    sizes = jitted(shape)._cache_size()
    for game, budget in enumerate(BUDGETS):
        alike = by_engine(shape, world, keys, invalid, jnp.full_like(BUDGETS, budget))
        for got, expected in zip(found, alike, strict=True):
            got, expected = got[game], expected[game]
            if got.shape == found.edges.shape[1:]:
                got, expected = got[:budget], expected[:budget]
            np.testing.assert_array_equal(got, expected)
    assert jitted(shape)._cache_size() == sizes  # changing budgets compiled nothing
    assert np.isfinite(found.action_weights).all()
    np.testing.assert_allclose(found.action_weights.sum(1), 1.0, rtol=1e-5)
    assert not invalid[np.arange(shape.batch_size), found.action].any()
    assert (np.asarray(found.action_weights)[np.asarray(invalid)] == 0).all()


@pytest.mark.parametrize("kind", POLICIES)
def test_a_traced_budget_is_a_static_one(kind):
    shape = POLICIES[kind]
    world, invalid, key = World(), some_invalid(shape, 4, 0.3), jax.random.key(4)
    budget = jnp.full(shape.batch_size, shape.num_simulations, jnp.int32)
    traced = by_engine(shape, world, key, invalid, budget)
    for got, expected in zip(traced, by_engine(shape, world, key, invalid), strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("kind", POLICIES)
def test_a_game_does_not_depend_on_its_batch(kind):
    """Alone (or with other games) it has the same result for the same key, and budget."""
    shape = POLICIES[kind]
    world = World(stochastic=np.uint32(1), rewards=np.float32(0.25))
    invalid = some_invalid(shape, 5, 0.3)
    keys = jax.random.split(jax.random.key(5), shape.batch_size)
    found = by_engine(shape, world, keys, invalid, jnp.asarray(BUDGETS))
    # The first games of a batch of three have the same roots as those of a larger batch.
    small = shape._replace(batch_size=3)
    chosen = by_engine(small, world, keys[:3], invalid[:3], jnp.full(3, 128, jnp.int32))
    whole = by_engine(shape, world, keys, invalid, jnp.full(16, 128, jnp.int32))
    for got, expected in zip(chosen, whole, strict=True):
        if np.issubdtype(expected.dtype, np.integer):
            np.testing.assert_array_equal(got, expected[:3])
        else:
            np.testing.assert_allclose(got, expected[:3], atol=1e-5)
    assert not np.array_equal(found.visit_counts, whole.visit_counts)


# Ties and nonsense -----------------------------------------------------------------------------


def constant(num_actions: int) -> Any:
    def recurrent_fn(params, keys, action, embedding):
        nothing = jnp.zeros(action.shape, jnp.float32)
        output: Any = mctx.RecurrentFnOutput
        logits = jnp.zeros((*action.shape, num_actions), jnp.float32)
        step = output(reward=nothing, discount=-1 - nothing, prior_logits=logits, value=nothing)
        return step, embedding

    return recurrent_fn


def root_of(logits: Any, value: Any = None) -> Any:
    output: Any = mctx.RootFnOutput
    nothing = jnp.zeros(logits.shape[0], jnp.float32)
    value = nothing if value is None else value
    return output(prior_logits=logits, value=value, embedding=nothing)


@pytest.mark.parametrize("own_keys", [False, True], ids=["one key", "own keys"])
def test_puct_breaks_ties_by_chance(own_keys):
    """All 7 actions come first in some games, all 5 where 2 are invalid.

    Not equally often: the noise is but a few units in the last place, here as in mctx.
    """
    games = 1400
    keys = jax.random.key(0)
    keys = jax.random.split(keys, games) if own_keys else keys
    invalid = jnp.zeros((games, 7), jnp.bool_).at[: games // 2, jnp.array([0, 4])].set(True)

    @engine.jit_search
    def first_visits(keys):
        root = root_of(jnp.zeros((games, 7), jnp.float32))
        quiet: Any = {"dirichlet_fraction": 0.0, "temperature": 0.0}
        search = engine.muzero_policy((), keys, root, constant(7), 1, invalid, **quiet)
        return search.action, search.search_tree.summary().visit_counts

    action, visits = jax.device_get(first_visits(keys))
    np.testing.assert_array_equal(visits, np.eye(7)[action])
    for rows, allowed in ((slice(0, 700), [1, 2, 3, 5, 6]), (slice(700, 1400), list(range(7)))):
        counts = visits[rows].sum(0)
        np.testing.assert_array_equal(np.delete(counts, allowed), 0)
        assert counts[allowed].min() >= 30


@pytest.mark.parametrize("kind", POLICIES)
def test_guesses_that_are_no_numbers_hurt_nobody_else(kind):
    """One game's NaNs stay with it, and lead to actions that exist."""
    shape = POLICIES[kind]._replace(batch_size=3, num_simulations=32)
    plain = random_trees.make_recurrent_fn(shape.num_actions)

    def recurrent_fn(params, keys, action, embedding):
        world, ill_values, ill_logits = params
        step, after = plain(world, keys, action, embedding["hash"])
        wrong = embedding["wrong"] | (action < 0) | (action >= shape.num_actions)
        step = step.replace(
            value=jnp.where(ill_values, jnp.nan, step.value),
            prior_logits=jnp.where(ill_logits[:, None], jnp.nan, step.prior_logits),
        )
        return step, {"hash": after, "wrong": wrong}

    @engine.jit_search
    def run(world, ill_values, ill_logits):
        root = random_trees.root(world, 3, shape.num_actions)
        embedding = {"hash": root.embedding, "wrong": jnp.zeros(3, jnp.bool_)}
        params = (world, ill_values, ill_logits)
        keys = jax.random.split(jax.random.key(0), 3)
        root = root.replace(embedding=embedding)
        output = policy_of(engine, shape)(params, keys, root, recurrent_fn, shape.num_simulations)
        rows = jnp.arange(3 * (shape.num_simulations + 1), dtype=jnp.int32)
        wrong = output.search_tree.tree.embedding(rows, embedding)["wrong"]
        return output.action, output.search_tree.summary().visit_counts, wrong

    ill, well = jnp.array([False, True, False]), jnp.zeros(3, jnp.bool_)
    expected_action, expected, _ = jax.device_get(run(World(), well, well))
    for ills in ((ill, well), (well, ill), (ill, ill)):
        action, visit_counts, wrong = jax.device_get(run(World(), *ills))
        assert not wrong.any()
        assert ((action >= 0) & (action < shape.num_actions)).all()
        np.testing.assert_array_equal(action[[0, 2]], expected_action[[0, 2]])
        np.testing.assert_array_equal(visit_counts[[0, 2]], expected[[0, 2]])
        np.testing.assert_array_equal(visit_counts.sum(1), shape.num_simulations)


# Errors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", [engine.gumbel_muzero_policy, engine.muzero_policy])
def test_array_budgets_need_a_bound(policy):
    root = root_of(jnp.zeros((3, 7), jnp.float32))
    budget = jnp.array([1, 2, 3], jnp.int32)
    with pytest.raises(ValueError, match="max_num_simulations must be given"):
        policy((), jax.random.key(0), root, constant(7), budget)


def shapes_of(batch_size: int, num_actions: int, num_simulations: int) -> Any:
    """The shapes of a search, which is traced but not run."""
    logits = jax.ShapeDtypeStruct((batch_size, num_actions), jnp.float32)

    def run(logits, key):
        recurrent_fn = constant(num_actions)
        return engine.muzero_policy((), key, root_of(logits), recurrent_fn, num_simulations)

    return jax.eval_shape(run, logits, jax.random.key(0))


@pytest.mark.parametrize(("simulations", "depth"), [(0, None), (4, 0)])
def test_a_search_needs_room(simulations, depth):
    root = root_of(jnp.zeros((3, 7), jnp.float32))
    with pytest.raises(ValueError, match="must be at least 1"):
        engine.muzero_policy((), jax.random.key(0), root, constant(7), simulations, None, depth)


@pytest.mark.parametrize("policy", [engine.gumbel_muzero_policy, engine.muzero_policy])
def test_keys_of_the_old_kind_are_keys(policy):
    root = root_of(jnp.zeros((3, 7), jnp.float32))
    run = jax.jit(lambda key: policy((), key, root, constant(7), 4).action)
    np.testing.assert_array_equal(run(jax.random.PRNGKey(5)), run(jax.random.key(5)))


def test_sixteen_bits_number_the_nodes():
    assert shapes_of(1, 2, 65534).action.shape == (1,)
    with pytest.raises(ValueError, match="at most 65534 simulations, got 65535"):
        shapes_of(1, 2, 65535)


def test_thirty_two_bits_number_the_edges():
    assert shapes_of(1023, 2**10, 2**11 - 1).action.shape == (1023,)
    with pytest.raises(ValueError, match="search fewer games at once"):
        shapes_of(1024, 2**10, 2**11 - 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"reward": jnp.zeros(4, jnp.float32)}, "reward as float32"),
        ({"value": jnp.zeros((3, 1), jnp.float32)}, "value as float32"),
        ({"discount": jnp.zeros(3, jnp.int32)}, "discount as float32"),
        ({"prior_logits": jnp.zeros((3, 7), jnp.bfloat16)}, "prior_logits as float32"),
        ({"prior_logits": jnp.zeros((3, 6), jnp.float32)}, "prior_logits as float32"),
        ({"embedding": jnp.zeros(3, jnp.int32)}, "an embedding like the root's"),
        ({"embedding": jnp.zeros((3, 1), jnp.float32)}, "an embedding like the root's"),
        ({"embedding": (jnp.zeros(3, jnp.float32),)}, "an embedding like the root's"),
    ],
    ids=lambda x: "-".join(x) if isinstance(x, dict) else "",
)
def test_refuses_what_does_not_fit_the_root(change, message):
    def recurrent_fn(params, keys, action, embedding):
        step, embedding = constant(7)(params, keys, action, embedding)
        rest = {name: value for name, value in change.items() if name != "embedding"}
        return step.replace(**rest), change.get("embedding", embedding)

    root = root_of(jnp.zeros((3, 7), jnp.float32))
    with pytest.raises(ValueError, match=message):
        engine.muzero_policy((), jax.random.key(0), root, recurrent_fn, 4)
