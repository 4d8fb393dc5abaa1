"""Addition against Python's integers."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from selfplay.environment import Verdict
from selfplay_envs.science import addition
from selfplay_envs.science.addition import NOT_YET, Addition


@functools.cache
def make(digits=4):
    return Addition(digits=digits)


@functools.cache
def compiled(digits=4):
    """Step, observation and oracle."""
    env = make(digits)
    return jax.jit(env.step), jax.jit(env.observe), jax.jit(env.oracle)


@functools.cache
def solved_positions(digits):
    return jax.device_get(make(digits).solved_positions())


def written_sum(first: int, second: int) -> list[int]:
    """The right digits, units first, as many as the longer summand has and one more."""
    columns = max(len(str(first)), len(str(second))) + 1
    return [(first + second) // 10**column % 10 for column in range(columns)]


def play(env, problem, actions):
    """Every state on the way."""
    states = [env.init(problem)]
    for action in actions:
        states.append(compiled(env.digits)[0](problem, states[-1], jnp.int32(action)))
    return states


numbers = st.integers(0, 4).flatmap(lambda length: st.integers(0, max(10**length - 1, 0)))


@given(numbers, numbers, st.lists(st.integers(0, 9), min_size=5, max_size=5), st.integers(0, 6))
@example(9999, 1, [0] * 5, 6)
@example(9999, 9999, [0] * 5, 6)
@example(0, 0, [0] * 5, 6)
@settings(max_examples=60)
def test_an_answer_pays_what_integers_say_of_it(first, second, digits, mistake):
    """The right answer with one digit replaced, or none."""
    env = make()
    problem = env.parse_problem(f"{first}+{second}")
    right = written_sum(first, second)
    actions = [digits[i] if i == mistake else digit for i, digit in enumerate(right)]
    states = play(env, problem, actions)
    assert [bool(state.ended) for state in states] == [False] * len(right) + [True]
    assert [float(state.rewards[0]) for state in states[:-1]] == [0.0] * len(right)
    assert float(states[-1].rewards[0]) == (1.0 if actions == right else -1.0)
    verdict = env.verifier().verify(np.asarray(problem), actions)
    assert (verdict is Verdict.ACCEPTED) == (actions == right)
    written = np.asarray(states[-1].written).tolist()
    assert written == actions + [NOT_YET] * (5 - len(actions))


@given(numbers, numbers, st.lists(st.integers(0, 9), max_size=4))
@settings(max_examples=40)
def test_the_oracle_knows_the_next_digit_until_a_mistake(first, second, beginning):
    env = make()
    right = written_sum(first, second)
    problem = env.parse_problem(f"{first}+{second}")
    for actions in (beginning[: len(right) - 1], right[: min(len(beginning), len(right) - 1)]):
        state = play(env, problem, actions)[-1]
        wanted = np.full(10, -1.0)
        if actions == right[: len(actions)]:
            wanted[right[len(actions)]] = 1.0
        np.testing.assert_array_equal(compiled()[2](problem, state), wanted)


def test_every_sum_of_two_digits_is_right():
    env, pairs = make(2), list(itertools.product(range(100), repeat=2))
    rows = [[[a % 10, a // 10], [b % 10, b // 10]] for a, b in pairs]
    answers = jax.jit(jax.vmap(addition.answer))(jnp.array(rows, jnp.int8))
    for (first, second), digits in zip(pairs, np.asarray(answers).tolist(), strict=True):
        right = written_sum(first, second)
        assert digits == right + [NOT_YET] * (3 - len(right))
        assert env.verifier().verify(rows[100 * first + second], right) is Verdict.ACCEPTED


@pytest.mark.parametrize("actions", [[], [8], [8, 6, 1], [8, 6, 1, 0, 0], [8, 6, 1, -1], [86, 1]])
def test_the_verifier_rejects_what_is_no_answer(actions):
    problem = np.asarray(make().parse_problem(" 123 + 045 "))
    assert make().verifier().verify(problem, [8, 6, 1, 0]) is Verdict.ACCEPTED
    assert make().verifier().verify(problem, actions) is Verdict.REJECTED


def mixed(bits: int) -> int:
    """MurmurHash3's finaliser."""
    bits = ((bits ^ bits >> 16) * 0x85EBCA6B) % 2**32
    bits = ((bits ^ bits >> 13) * 0xC2B2AE35) % 2**32
    return bits ^ bits >> 16


@pytest.mark.parametrize("digits", [1, 9])
def test_the_splits_share_no_pair_in_either_order(digits):
    env = make(digits)
    found = {}
    for split in ("train", "held_out"):
        keys = jax.random.split(jax.random.key(0), 2_000)
        problems = jax.jit(jax.vmap(functools.partial(env.sample_problem, split=split)))(keys)
        powers = 10 ** np.arange(digits)
        found[split] = np.asarray(problems).astype(np.int64) @ powers
        hashes = [mixed((mixed(a) + mixed(b)) % 2**32) % 8 for a, b in found[split].tolist()]
        assert all((h == 0) == (split == "held_out") for h in hashes)
        lengths = [max(len(str(a)), len(str(b))) for a, b in found[split].tolist()]
        assert set(lengths) == set(range(1, digits + 1))
    train, held_out = ({tuple(sorted(pair)) for pair in found[s].tolist()} for s in found)
    assert not train & held_out


def test_one_pair_in_eight_is_held_out_for_any_number_of_digits():
    keys = jax.random.split(jax.random.key(1), 20_000)
    draws = jax.jit(jax.vmap(lambda key: addition.any_problem(key, 4)))(keys)
    held_out = jax.jit(jax.vmap(addition.is_held_out))
    chosen = np.asarray(held_out(draws))
    longer = np.unique(np.asarray(draws[np.asarray(draws).any((1, 2))]), axis=0)
    share, n = np.mean(held_out(longer)), len(longer)
    assert abs(share - 1 / 8) < 5 * np.sqrt(7 / 64 / n)
    np.testing.assert_array_equal(held_out(draws[:, ::-1]), chosen)
    np.testing.assert_array_equal(held_out(jnp.pad(draws, ((0, 0), (0, 0), (0, 5)))), chosen)


def test_what_is_seen_begins_at_the_column_to_be_written():
    env = make()
    problem = env.parse_problem("987+45")
    seen = np.asarray(compiled()[1](problem, play(env, problem, [2, 3, 7])[-1]))
    assert seen.shape == (5, 3, 10)
    digits = np.where(seen.any(-1), seen.argmax(-1), -1).tolist()
    assert digits == [[0, 0, -1], [9, 0, 7], [8, 4, 3], [7, 5, 2], [0, 0, -1]]
    assert set(np.unique(seen)) == {0.0, 1.0}


def test_the_next_digit_follows_from_two_columns():
    """The first two rows of what is seen never go with two different right digits."""
    solved = solved_positions(4)
    seen = jax.jit(jax.vmap(make().observe))(solved.problem, solved.state)
    known = {}
    for view, digit in zip(np.asarray(seen[:, :2]), solved.action_values.argmax(-1), strict=True):
        assert known.setdefault(view.tobytes(), int(digit)) == int(digit)


@pytest.mark.parametrize("digits", [1, 4])
def test_solved_positions_are_held_out_and_in_the_bucket_of_their_carry(digits):
    env = make(digits)
    solved = solved_positions(digits)
    assert set(solved.bucket.tolist()) == set(range(len(solved.bucket_names)))
    for i in range(0, len(solved.bucket), 8):
        problem, column = solved.problem[i], int(solved.state.step_count[i])
        first, second = (int(x) for x in env.format_problem(problem).split("+"))
        wanted = written_sum(first, second)
        assert solved.state.written[i].tolist()[:column] == wanted[:column]
        assert (solved.state.written[i][column:] == NOT_YET).all()
        assert np.flatnonzero(solved.action_values[i] == 1).tolist() == [wanted[column]]
        assert mixed((mixed(first) + mixed(second)) % 2**32) % 8 == 0
        carry = first % 10**column + second % 10**column >= 10**column
        nines = column and sum(n // 10 ** (column - 1) % 10 for n in (first, second)) == 9
        bucket = ("carry passed on" if nines else "carry") if carry else "no carry"
        assert solved.bucket_names[solved.bucket[i]] == bucket


@pytest.mark.parametrize("text", ["0+0", "123+45", "9999+9999", "7+1000"])
def test_problems_are_written_as_sums(text):
    env = make()
    problem = env.parse_problem(text)
    assert problem.dtype == jnp.int8
    assert env.format_problem(problem) == text


@pytest.mark.parametrize("text", ["", "12", "1+2+3", "-1+2", "1 2+3", "10000+1", "1+²", "a+b"])
def test_what_is_no_sum_is_refused(text):
    with pytest.raises(ValueError, match=r"two numbers of at most 4 digits, such as 1\+2; got"):
        make().parse_problem(text)


@pytest.mark.parametrize("digits", [0, 10, True, 2.0, "4"])
def test_impossible_numbers_of_digits_are_refused(digits):
    with pytest.raises(ValueError, match=r"digits must be a whole number from 1 to 9, got .* try"):
        Addition(digits=digits)


def test_the_longest_numbers_fit():
    env = make(9)
    problem = env.parse_problem("999999999+999999999")
    assert float(play(env, problem, written_sum(10**9 - 1, 10**9 - 1))[-1].rewards[0]) == 1


def test_drawing():
    env = make()
    problem = env.parse_problem("987+45")
    states = play(env, problem, [2, 3, 0, 1])
    text = ["   987", "+   45", "------", "  ..32", "digit 3 of 4, from the right"]
    assert env.render(problem, states[2]).split("\n") == text
    assert env.render(problem, states[4]).endswith("  1032\nright")
    wrong = play(env, problem, [2, 3, 0, 0])[-1]
    assert env.render(problem, wrong).endswith("  0032\nwrong: the sum is 1032")
