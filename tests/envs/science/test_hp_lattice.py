"""HP folding against known folds, the scorer, and a plain Python reading of what is seen."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfplay.environment import make
from selfplay_envs.science.hp_lattice import SIGHT, WINDOW, HPLattice
from selfplay_envs.science.hp_lattice_scorer import count_contacts, parity_bound

LENGTH = 36


@functools.cache
def folder(length=LENGTH):
    """The environment, and the states [T] after each of int32 [T] actions."""
    env = HPLattice(length=length, min_length=12)

    def play(problem, actions):
        def advance(state, action):
            state = env.step(problem, state, action)
            return state, (state, env.observe(problem, state))

        return jax.lax.scan(advance, env.init(problem), actions)[1]

    return env, jax.jit(play)


def fold(chain, turns, length=LENGTH):
    env, play = folder(length)
    padded = np.zeros(env.max_steps, np.int32)
    padded[: len(turns)] = turns
    return jax.device_get(play(env.parse_problem(chain), padded))


def assert_scored(chain, contacts, turns, length=LENGTH):
    states, _ = fold(chain, turns, length)
    last = len(turns) - 1
    assert states.contacts[last] == contacts
    assert states.terminated.tolist()[:last] == [False] * last
    assert states.terminated[last]
    assert states.rewards[last, 0] == np.float32(contacts) / np.float32(max(parity_bound(chain), 1))
    assert not np.delete(states.rewards, last, 0).any()


def test_standard_folds_earn_their_contacts(standard):
    for chain, contacts, turns in standard:
        assert_scored(chain, contacts, turns)
        assert_scored(chain, contacts, [2 - turn for turn in turns])


def test_every_certificate_and_ground_state_of_the_shared_data(shared):
    for chain, contacts, turns in shared:
        assert_scored(chain, contacts, turns, length=100)


def lay(turns):
    """Places of a walk until it meets itself, and whether it was stuck: plain Python."""
    places, heading = [(-1, 0), (0, 0)], (1, 0)
    for turn in turns:
        (x, y), (dx, dy) = places[-1], heading
        around = [(-dy, dx), (dx, dy), (dy, -dx)]
        free = [(x + a, y + b) not in places for a, b in around]
        if not free[turn]:
            return places, not any(free)
        heading = around[turn]
        places.append((x + heading[0], y + heading[1]))
    (x, y), (dx, dy) = places[-1], heading
    return places, all((x + a, y + b) in places for a, b in [(-dy, dx), (dx, dy), (dy, -dx)])


turn_lists = st.lists(st.integers(0, 2), min_size=10, max_size=LENGTH - 2)


@given(turn_lists, st.text("HP", min_size=LENGTH, max_size=LENGTH))
@settings(max_examples=200)
def test_random_folds(turns, letters):
    chain = letters[: len(turns) + 2]
    states, observations = fold(chain, turns)
    places, stuck = lay(turns)
    if len(places) == len(chain):  # stuck or not, it is whole
        assert_scored(chain, count_contacts(chain, turns), turns)
    else:
        last = len(places) - 2 - stuck  # the move that met the chain, or left no way out
        assert states.terminated.argmax() == last
        assert states.rewards[last, 0] == -1
        assert not states.rewards[:last].any()
    running = len(places) - 3
    if not states.terminated[running]:
        assert_seen(chain, places, observations[running], int(states.contacts[running]))


def assert_seen(chain, places, observation, contacts):
    """Every residue is where the head sees it, turned so that the last bond points ahead."""
    (x, y), (u, v) = places[-1], places[-2]
    dx, dy = x - u, y - v
    half = WINDOW**2 + LENGTH - 2
    seen = np.zeros((2, half), np.float32)
    for residue, letter in enumerate(chain):
        if residue >= len(places):
            seen["HP".index(letter), WINDOW**2 + residue - len(places)] = 1
            continue
        a, b = places[residue][0] - x, places[residue][1] - y
        ahead, left = a * dx + b * dy, b * dx - a * dy
        if max(abs(ahead), abs(left)) <= SIGHT:
            square = (ahead + SIGHT) * WINDOW + left + SIGHT
            seen["HP".index(letter), square] = 1
    np.testing.assert_array_equal(observation[:-4].reshape(2, half), seen)
    bound = parity_bound(chain)
    numbers = [contacts, bound, len(chain) - len(places), 32 * contacts / max(bound, 1)]
    np.testing.assert_allclose(observation[-4:] * 32, numbers, rtol=1e-6)


def test_a_chain_that_is_stuck_loses():
    """The shortest way into a corner: it ends inside its own hook."""
    turns = next(turns for turns in itertools.product(range(3), repeat=6) if lay(turns)[1])
    states, _ = fold("H" * 20, turns)
    assert states.terminated.tolist()[:6] == [False] * 5 + [True]
    assert states.rewards[:, 0].tolist()[:6] == [0] * 5 + [-1]


def test_problems_come_from_their_split():
    env = HPLattice(length=12, min_length=10)
    keys = jax.random.split(jax.random.key(0), 256)
    draw = jax.jit(jax.vmap(env.sample_problem, (0, None)), static_argnums=1)
    drawn = {}
    for split in ("train", "held_out"):
        table = draw(keys, split)
        texts = {
            env.format_problem(jax.tree.map(lambda leaf, i=i: leaf[i], table)) for i in range(256)
        }
        drawn[split] = texts | {text[::-1] for text in texts}
    assert not drawn["train"] & drawn["held_out"]
    assert {len(text) for text in drawn["held_out"]} == {10, 11, 12}


def test_designed_problems_are_designed():
    env = make("hp_lattice", length=14, min_length=14, chains="designed")
    keys = jax.random.split(jax.random.key(0), 64)
    table = jax.jit(jax.vmap(env.sample_problem))(keys)
    assert len(np.unique(np.asarray(table.hydrophobic), axis=0)) > 32
    native = np.asarray(table.most_contacts)
    assert (native > 0).all()


def test_a_fold_as_text():
    env = HPLattice(length=12)
    problem = env.parse_problem("hpphph ")
    state = env.init(problem)
    for turn in "RSRR":
        state = env.step(problem, state, jnp.int32(env.parse_action(turn)))
    assert env.render(problem, state).splitlines() == [
        "H-P",
        "  |",
        "h P",
        "| |",
        "P-H",
        "HPPHPH: 6 of 6 residues laid, contacts 1 (at most 3)",
    ]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"length": 9}, "length must be between 10 and 100"),
        ({"length": 20, "min_length": 21}, "min_length between 4 and length"),
        ({"chains": "natural"}, "chains must be random or designed, got 'natural'"),
    ],
)
def test_arguments_that_do_not_fit(arguments, says):
    with pytest.raises(ValueError, match=says):
        HPLattice(**arguments)
