"""Self-play with cheap operators, its rows against the same games replayed in plain Python."""

import collections
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay import sharding
from selfplay.config import RolloutConfig
from selfplay.environment import ArraySpec, Environment, State, make
from selfplay.operators.contract import Improved, ImprovementOperator
from selfplay.operators.rollout import Rollout
from selfplay.operators.targets import Provenance, Targets
from tests import worlds

NUM_GAMES = 16


def make_targets(problem, state, action_weights, value, weight, generation, simulations):
    rows = value.shape
    provenance = Provenance.of(rows, 0, generation=generation, simulations=simulations)
    return Targets(problem, state, action_weights, value, weight, provenance)


# A world of which each game can be told from all others, and replayed from its number ----------


class LedgerState(State):
    mix: jax.Array
    """int32 []: all that happened, stirred."""


class Ledger(Environment[LedgerState]):
    """Games that differ by a number drawn for each; every rule is arithmetic on `mix`.

    A step pays its mover (mix % 5 - 2) / 8, ends the game where 6 divides `mix`, keeps the turn
    where 3 does, and the sixth step is the last. `mix % 3` names the one illegal action.
    """

    num_actions = 3
    max_steps = 6
    observation_spec = ArraySpec((1,))

    def __init__(self, num_players):
        self.num_players = num_players
        self.return_range = (-1.5, 1.5) if num_players == 2 else (-2.0, 3.0)

    def sample_problem(self, key, split="train"):
        return jax.random.randint(key, (), 0, 2**30, jnp.int32)

    def _start(self, problem):
        return LedgerState.start(self.num_players, mix=problem % 1009)

    def _legal(self, problem, state):
        return jnp.arange(3, dtype=jnp.int32) != state.mix % 3

    def _play(self, problem, state, action):
        mix = (state.mix * 5 + 7 * action + problem % 97 + 1) % 1009
        reward = ((mix % 5) - 2).astype(jnp.float32) / 8
        mover = state.current_player.astype(jnp.int32)
        if self.num_players == 1:
            rewards, player = reward[None], mover
        else:
            rewards = jnp.where(jnp.arange(2, dtype=jnp.int32) == mover, reward, -reward)
            player = jnp.where(mix % 3 == 0, mover, 1 - mover)
        return state.replace(
            mix=mix,
            rewards=rewards,
            terminated=mix % 6 == 0,
            current_player=player.astype(jnp.int8),
        )

    def observe(self, problem, state):
        return state.mix.astype(jnp.float32)[None]


class Clerk(ImprovementOperator):
    """Decides by arithmetic on `mix`, and rejects a row where 11 divides it."""

    def improve(self, params, keys, problem, state, generation):
        mix = state.mix
        action = (mix + 1 + mix // 7 % 2) % 3
        value = ((mix % 7) - 3).astype(jnp.float32) / 4
        weight = jnp.where(mix % 11 == 0, 0.0, 1.0)
        action_weights = jax.nn.one_hot(action, 3, dtype=jnp.float32)
        rows = make_targets(problem, state, action_weights, value, weight, generation, mix)
        return Improved(action, rows)


def replay_ledger(problem, num_players, return_range, fraction):
    """{step: (mix, mover, value target)} of all rows a game must give, and its length.

    Replayed from the game's number alone, in Python integers and floats.
    """
    low, high = return_range
    mix, mover, steps = problem % 1009, 0, []
    while True:
        action = (mix + 1 + mix // 7 % 2) % 3
        guess = ((mix % 7) - 3) / 4
        before = (mix, mover, guess)
        mix = (mix * 5 + 7 * action + problem % 97 + 1) % 1009
        steps.append((*before, ((mix % 5) - 2) / 8))
        if num_players == 2 and mix % 3 != 0:
            mover = 1 - mover
        ended = mix % 6 == 0
        if ended or len(steps) == 6:
            break
    if not ended:  # cut short: the last guess stands for what was to come
        last_mix, last_mover, guess, _ = steps[-1]
        steps[-1] = (last_mix, last_mover, guess, low + (guess + 1) / 2 * (high - low))
    rows = {}
    for step, (mix, mover, guess, _) in enumerate(steps):
        outcome = sum(r if m == mover else -r for _, m, _, r in steps[step:])
        if mix % 11 == 0:
            continue
        value = 2 * (outcome - low) / (high - low) - 1
        value = (1 - fraction) * value + fraction * guess
        rows[step] = (mix, mover, min(1.0, max(-1.0, value)))
    return rows, len(steps), not ended


@functools.cache
def ledger_rollout(num_players, steps, fraction):
    config = RolloutConfig(
        num_games=NUM_GAMES, steps_per_iteration=steps, search_value_fraction=fraction
    )
    rollout = Rollout(Ledger(num_players), Clerk(), config)
    return rollout, jax.jit(rollout.init), jax.jit(rollout.play)


@pytest.mark.parametrize(
    ("num_players", "steps", "fraction"),
    [(2, 1, 0.0), (2, 3, 0.25), (2, 6, 0.0), (1, 11, 0.0), (1, 4, 1.0)],
)
def test_each_decision_is_emitted_once_with_the_outcome_of_its_game(num_players, steps, fraction):
    rollout, init, play = ledger_rollout(num_players, steps, fraction)
    games = init((), jax.random.key(0), jnp.arange(NUM_GAMES, dtype=jnp.int32))
    emitted, sums = collections.defaultdict(list), collections.Counter()
    num_iterations = 48 // steps + 2
    for iteration in range(num_iterations):
        key = jax.random.fold_in(jax.random.key(1), iteration)
        games, rows, played, *_ = jax.device_get(play((), key, games, jnp.int32(iteration)))
        assert rows.weight.shape == ((6 + steps) * NUM_GAMES,)
        sums.update({name: int(value) for name, value in played.items()})
        for row in np.nonzero(rows.weight > 0)[0]:
            state, made_in = rows.state, int(rows.provenance.generation[row])
            assert iteration - made_in <= -(-6 // steps)
            assert not (state.terminated[row] or state.truncated[row])
            assert rows.provenance.simulations[row] == state.mix[row]
            step, mover = int(state.step_count[row]), int(state.current_player[row])
            seen = (step, int(state.mix[row]), mover, float(rows.value[row]))
            emitted[int(rows.problem[row])].append(seen)
    expected_sums = collections.Counter()
    for problem, rows in emitted.items():
        expected, length, cut = replay_ledger(
            problem, num_players, rollout.env.return_range, fraction
        )
        expected_sums.update({"games": 1, "plies": length, "truncated": int(cut)})
        assert sorted(row[0] for row in rows) == sorted(expected)  # none lost, none twice
        for step, mix, mover, value in rows:
            assert (mix, mover) == expected[step][:2]
            assert value == pytest.approx(expected[step][2], abs=1e-5)
    # Games whose only rows were all rejected leave no trace; there are few.
    silent = sums["games"] - expected_sums["games"]
    assert 0 <= silent <= 0.05 * sums["games"]
    assert sums["truncated"] > 10
    assert sums["truncated"] - expected_sums["truncated"] <= silent
    # Every decision either belonged to a finished game, or its game goes on.
    decisions = NUM_GAMES * steps * num_iterations
    assert sums["plies"] + int(games.state.step_count.sum(dtype=np.int64)) == decisions
    assert sums["plies"] - expected_sums["plies"] <= 6 * silent


def test_equal_games_are_counted():
    """Nim by one fixed rule: 7 steps a game, all the same; other openings make others."""
    games = jnp.arange(12, dtype=jnp.int32)
    for plies, same in ((0, True), (3, False)):
        config = RolloutConfig(
            steps_per_iteration=9, max_opening_plies=plies, opening_fraction=1.0, num_games=12
        )
        rollout = Rollout(worlds.Nim(stones=7), TakeOne(), config)
        start = rollout.init((), jax.random.key(0), games)
        _, rows, sums, *_ = jax.jit(rollout.play)((), jax.random.key(1), start, jnp.int32(0))
        ended, pairs = int(sums["games"]), float(sums["game_pairs"])
        assert pairs == ended * (ended - 1) / 2 > 0
        if same:
            assert sums["equal_game_pairs"] == pairs
        else:
            assert 0 < sums["equal_game_pairs"] < pairs / 2
        assert "changed" not in sums  # this operator has no network to differ from


def test_rows_wait_for_the_outcome_across_iterations():
    """Nim of 7 stones, one taken a step, 3 steps an iteration: all rows come in the third."""
    env = worlds.Nim(stones=7)
    rollout = Rollout(env, TakeOne(), RolloutConfig(steps_per_iteration=3))
    games = rollout.init((), jax.random.key(0), jnp.arange(2, dtype=jnp.int32))
    play = jax.jit(rollout.play)
    counts = []
    for iteration in range(5):
        games, rows, *_ = jax.device_get(play((), jax.random.key(1), games, jnp.int32(iteration)))
        counts.append(int((rows.weight > 0).sum()))
        if iteration == 2:
            kept = rows.weight > 0
            heap = rows.state.heap[kept]
            assert sorted(heap) == sorted([*range(1, 8)] * 2)
            np.testing.assert_array_equal(rows.value[kept], np.where(heap % 2 == 1, 1.0, -1.0))
            generation = rows.provenance.generation[kept]
            np.testing.assert_array_equal(generation, (7 - heap) // 3)
    assert counts == [0, 0, 14, 0, 14]


class TakeOne(ImprovementOperator):
    """Always the first action."""

    def improve(self, params, keys, problem, state, generation):
        rows = state.step_count.shape
        action = jnp.zeros(rows, jnp.int32)
        weights = jax.nn.one_hot(action, 3, dtype=jnp.float32)
        ones = jnp.ones(rows, jnp.float32)
        return Improved(
            action, make_targets(problem, state, weights, 0.5 * ones, ones, generation, action)
        )


def test_rows_hold_the_opponents_replies_where_asked():
    """Nim, always the first action: each move is answered by it but the last of the game."""
    config = RolloutConfig(steps_per_iteration=4)
    rollout = Rollout(worlds.Nim(stones=4), TakeOne(), config, replies=True)
    games = rollout.init((), jax.random.key(0), jnp.arange(2, dtype=jnp.int32))
    _, rows, *_ = jax.jit(rollout.play)((), jax.random.key(1), games, jnp.int32(0))
    kept = np.asarray(rows.weight) > 0
    assert kept.sum() == 2 * 4
    answered = np.asarray(rows.state.heap)[kept] > 1
    expected = np.where(answered[:, None], [1.0, 0.0, 0.0], 0.0)
    np.testing.assert_array_equal(np.asarray(rows.reply)[kept], expected)
    row = rollout.row(games)
    assert jax.tree.map(lambda x: (x.shape[1:], x.dtype), rows) == jax.tree.map(
        lambda x: (x.shape, x.dtype), row
    )


class Startled(TakeOne):
    """As surprised as there are stones."""

    def improve(self, params, keys, problem, state, generation):
        improved = super().improve(params, keys, problem, state, generation)
        return improved._replace(surprise=state.heap.astype(jnp.float32))


def test_rows_weigh_by_surprise_once_their_game_is_over():
    """Nim of 4 stones, one taken a step: surprises 4, 3, 2, 1 have the mean 2.5."""
    config = RolloutConfig(steps_per_iteration=3, surprise_fraction=0.5)
    rollout = Rollout(worlds.Nim(stones=4), Startled(), config)
    games = rollout.init((), jax.random.key(0), jnp.arange(2, dtype=jnp.int32))
    play, seen = jax.jit(rollout.play), []
    for iteration in range(4):
        games, rows, *_ = jax.device_get(play((), jax.random.key(1), games, jnp.int32(iteration)))
        kept = rows.weight > 0
        seen += zip(rows.state.heap[kept].tolist(), rows.weight[kept].tolist(), strict=True)
    assert len(seen) == 2 * 12
    for heap, weight in seen:
        assert weight == pytest.approx(0.5 + 0.5 * heap / 2.5)


def test_surprise_needs_an_operator_that_tells_it():
    rollout = Rollout(worlds.Nim(stones=4), TakeOne(), RolloutConfig(surprise_fraction=0.5))
    with pytest.raises(ValueError, match=r"rollout\.surprise_fraction .*TakeOne does not"):
        rollout.init((), jax.random.key(0), jnp.arange(2, dtype=jnp.int32))


class Babble(ImprovementOperator):
    """Each legal action as likely as any other."""

    def __init__(self, env):
        self.env = env

    def improve(self, params, keys, problem, state, generation):
        legal = jax.vmap(self.env.legal_action_mask)(problem, state).astype(jnp.float32)
        weights = legal / legal.sum(-1, keepdims=True)
        action = jax.vmap(jax.random.categorical)(keys, jnp.log(weights)).astype(jnp.int32)
        ones = jnp.ones(len(keys), jnp.float32)
        return Improved(
            action, make_targets(problem, state, weights, ones, ones, generation, action)
        )


def test_a_lone_players_returns_grow_by_how_unlikely_its_moves_were():
    """Spell has three letters to begin with, then two, as none may come twice in a row."""
    env, alpha = worlds.Spell(length=4), 0.1

    def rows(entropy_weight):
        config = RolloutConfig(steps_per_iteration=4, entropy_weight=entropy_weight)
        rollout = Rollout(env, Babble(env), config)
        games = rollout.init((), jax.random.key(0), jnp.arange(32, dtype=jnp.int32))
        found = jax.jit(rollout.play)((), jax.random.key(1), games, jnp.int32(0))[1]
        return jax.device_get(found)

    plain, entropic = rows(0.0), rows(alpha)
    known = plain.weight > 0
    assert known.sum() == 4 * 32
    written = plain.state.step_count[known]
    nats = np.log(2) * (4 - written) + np.where(written == 0, np.log(3 / 2), 0.0)
    expected = np.minimum(plain.value[known] + alpha * nats, 1.0)
    np.testing.assert_allclose(entropic.value[known], expected, rtol=1e-6)
    assert (expected < 1.0).mean() > 0.5
    np.testing.assert_array_equal(entropic.weight, plain.weight)


def test_two_players_have_no_entropy_in_their_returns():
    with pytest.raises(ValueError, match=r"rollout\.entropy_weight is for .* one player"):
        Rollout(worlds.Nim(stones=4), TakeOne(), RolloutConfig(entropy_weight=0.1))


# Perfect play: the outcome is what the oracle says ------------------------------------------------


class Oracle(ImprovementOperator):
    """Plays a random one of the best moves; its own value is wrong on purpose."""

    def __init__(self, env):
        self.env = env

    def improve(self, params, keys, problem, state, generation):
        exact = jax.vmap(self.env.oracle)(problem, state)
        best = exact == jnp.nanmax(exact, -1, keepdims=True)
        weights = best.astype(jnp.float32) / best.sum(-1, keepdims=True, dtype=jnp.float32)
        action = jax.vmap(jax.random.categorical)(keys, jnp.log(weights)).astype(jnp.int32)
        rows = action.shape
        ones = jnp.ones(rows, jnp.float32)
        return Improved(
            action, make_targets(problem, state, weights, 0.123 * ones, ones, generation, action)
        )


@pytest.mark.parametrize(
    ("make_env", "max_opening_plies"),
    [
        (lambda: worlds.Nim(stones=9), 2),
        (lambda: worlds.Spell(length=4), 2),
        (lambda: make("tic_tac_toe"), 6),
    ],
    ids=["nim", "spell", "tic_tac_toe"],
)
def test_perfect_play_gives_exact_values(make_env, max_opening_plies):
    env = make_env()
    config = RolloutConfig(steps_per_iteration=4, max_opening_plies=max_opening_plies)
    rollout = Rollout(env, Oracle(env), config)
    init, play = jax.jit(rollout.init), jax.jit(rollout.play)
    exact_of = jax.jit(jax.vmap(env.oracle))
    games = init((), jax.random.key(0), jnp.arange(32, dtype=jnp.int32))
    values = collections.Counter()
    for iteration in range(6):
        key = jax.random.key(10 + iteration)
        games, rows, *_ = jax.device_get(play((), key, games, jnp.int32(iteration)))
        kept = rows.weight > 0
        exact = np.nanmax(np.asarray(exact_of(rows.problem, rows.state)), -1, initial=-9)
        np.testing.assert_allclose(rows.value[kept], exact[kept], atol=1e-6)
        values.update(np.round(rows.value[kept], 3).tolist())
    assert len(values) >= 2
    assert sum(values.values()) > 300


# Openings ----------------------------------------------------------------------------------------


def fresh_games(env, count, **settings):
    rollout = Rollout(env, TakeOne(), RolloutConfig(**settings))
    index = jnp.arange(count, dtype=jnp.int32)
    return jax.device_get(jax.jit(rollout.init)((), jax.random.key(3), index))


def test_opening_lengths_are_uniform_in_their_share_of_games():
    count, fraction = 4096, 0.6
    games = fresh_games(
        worlds.Nim(stones=20), count, opening_fraction=fraction, max_opening_plies=3
    )
    lengths = np.bincount(games.state.step_count, minlength=4)
    expected = np.array([1 - fraction + fraction / 4] + [fraction / 4] * 3)
    assert len(lengths) == 4
    sigma = np.sqrt(count * expected * (1 - expected))
    assert (np.abs(lengths - count * expected) < 5 * sigma).all()
    # Every opening move is uniform among the three.
    one_ply = 20 - games.state.heap[games.state.step_count == 1]
    taken = np.bincount(one_ply, minlength=4)[1:]
    assert (np.abs(taken - len(one_ply) / 3) < 5 * np.sqrt(len(one_ply) * 2 / 9)).all()


def test_openings_never_end_the_game():
    """Nim of 4 stones: a random opening of 3 plies would often take the last one."""
    games = fresh_games(worlds.Nim(stones=4), 512, opening_fraction=1.0, max_opening_plies=3)
    state = games.state
    assert not (state.terminated | state.truncated).any()
    assert state.heap.min() == 1
    assert set(zip(state.step_count.tolist(), state.heap.tolist(), strict=True)) == {
        (0, 4), (1, 3), (1, 2), (1, 1), (2, 2), (2, 1), (3, 1)
    }  # fmt: skip


def test_openings_are_never_trained_on():
    env = worlds.Nim(stones=12)
    settings = RolloutConfig(steps_per_iteration=12, opening_fraction=1.0, max_opening_plies=5)
    rollout = Rollout(env, TakeOne(), settings)
    games = jax.jit(rollout.init)((), jax.random.key(3), jnp.arange(64, dtype=jnp.int32))
    starts = np.asarray(games.state.step_count)
    heaps = np.asarray(games.state.heap)
    assert starts.max() == 5
    _, rows, *_ = jax.device_get(jax.jit(rollout.play)((), jax.random.key(4), games, jnp.int32(0)))
    weight = rows.weight.reshape(24, 64)  # time first
    generation_of_first_game = np.arange(24)[:, None] < 12 + heaps[None]
    first_games = np.where(generation_of_first_game, weight, 0)
    np.testing.assert_array_equal(first_games.sum(0), np.minimum(heaps, 12))
    first_rows = rows.state.step_count.reshape(24, 64)[12]
    np.testing.assert_array_equal(first_rows, starts)


# Temperature -------------------------------------------------------------------------------------


class Fixed(ImprovementOperator):
    """Plays the first action, recommends all three unequally."""

    WEIGHTS = (0.1, 0.3, 0.6)

    def improve(self, params, keys, problem, state, generation):
        rows = state.step_count.shape
        action = jnp.zeros(rows, jnp.int32)
        weights = jnp.broadcast_to(params[None], (*rows, 3))
        ones = jnp.ones(rows, jnp.float32)
        return Improved(
            action, make_targets(problem, state, weights, ones, ones, generation, action)
        )


def test_first_plies_are_sampled_from_the_sharpened_policy():
    count = 4096
    config = RolloutConfig(steps_per_iteration=4, temperature_plies=2, temperature=0.5)
    rollout = Rollout(worlds.Nim(stones=30), Fixed(), config)
    init, play = jax.jit(rollout.init), jax.jit(rollout.play)
    for weights in ((0.1, 0.3, 0.6), (0.0, 0.5, 0.5)):
        params = jnp.array(weights, jnp.float32)
        games = init(params, jax.random.key(0), jnp.arange(count, dtype=jnp.int32))
        games, *_ = jax.device_get(play(params, jax.random.key(1), games, jnp.int32(0)))
        heaps = np.concatenate([games.pending.targets.state.heap[-4:], games.state.heap[None]])
        actions = -np.diff(heaps, axis=0) - 1
        expected = np.array(weights) ** 2 / (np.array(weights) ** 2).sum()
        for ply in (0, 1):
            counts = np.bincount(actions[ply], minlength=3)
            sigma = np.sqrt(count * expected * (1 - expected))
            assert (np.abs(counts - count * expected) <= 5 * sigma).all()
        assert (actions[2:] == 0).all()
    joint = np.corrcoef(actions[0], actions[1])[0, 1]
    assert abs(joint) < 5 / np.sqrt(count)  # plies have keys of their own


class Sampler(ImprovementOperator):
    """Notes what it would itself draw from the policy that it recommends."""

    def improve(self, params, keys, problem, state, generation):
        rows = state.step_count.shape
        weights = jnp.full((*rows, 3), 1 / 3, jnp.float32)
        drawn = jax.vmap(jax.random.categorical)(keys, jnp.log(weights)).astype(jnp.int32)
        ones = jnp.ones(rows, jnp.float32)
        return Improved(drawn, make_targets(problem, state, weights, ones, ones, generation, drawn))


def test_the_operator_and_the_temperature_draw_from_keys_of_their_own():
    count = 4096
    config = RolloutConfig(steps_per_iteration=2, temperature_plies=2)
    rollout = Rollout(worlds.Nim(stones=30), Sampler(), config)
    games = jax.jit(rollout.init)((), jax.random.key(0), jnp.arange(count, dtype=jnp.int32))
    games, *_ = jax.device_get(jax.jit(rollout.play)((), jax.random.key(1), games, jnp.int32(0)))
    heaps = np.concatenate([games.pending.targets.state.heap[-2:], games.state.heap[None]])
    actions, drawn = -np.diff(heaps, axis=0) - 1, games.pending.targets.provenance.simulations[-2:]
    agreement = (actions == drawn).mean(1)
    assert (np.abs(agreement - 1 / 3) < 5 * np.sqrt(2 / 9 / count)).all()


# Devices -----------------------------------------------------------------------------------------


def test_eight_devices_play_the_games_of_one():
    env = worlds.Nim(stones=9)
    config = RolloutConfig(
        steps_per_iteration=5, max_opening_plies=3, temperature_plies=4, opening_fraction=0.5
    )
    rollout = Rollout(env, Oracle(env), config)
    index = jnp.arange(16, dtype=jnp.int32)

    def share(key, index):
        games = rollout.init((), key, index)
        games, rows, sums, *_ = rollout.play((), jax.random.key(8), games, jnp.int32(0))
        rows = jax.tree.map(lambda x: x.reshape(14, -1, *x.shape[1:]), rows)  # time first
        sums = {key: value for key, value in sums.items() if "pairs" not in key}
        return games.state, games.pending, rows, sharding.total(sums)  # pairs are a device's own

    time_first = sharding.SPLIT_SECOND
    specs = (sharding.SPLIT, time_first, time_first, sharding.REPLICATED)
    outcomes = []
    for size in (1, 8):
        spread = sharding.over_devices(
            sharding.make_mesh(size), share, (sharding.REPLICATED, sharding.SPLIT), specs
        )
        outcomes.append(jax.device_get(jax.jit(spread)(jax.random.key(6), index)))
    one, eight = (jax.tree.leaves(outcome) for outcome in outcomes)
    for a, b in zip(one, eight, strict=True):
        np.testing.assert_array_equal(a, b)
    history = outcomes[0][1].targets.state.heap[-5:]
    assert len(np.unique(history, axis=1).T) > 8  # and the games differ from each other
    assert (outcomes[0][2].weight > 0).any()
