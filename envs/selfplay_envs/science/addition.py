"""Addition: the sum of two numbers, written one digit a step.

Rules: a problem is two summands of up to `digits` digits. The answer is written as on paper, from
the units up, one digit a step, one column more than the longer summand has; a zero leads where
nothing is carried into the last. A wrong digit ends nothing: the whole answer pays 1 if every
digit of it is right, and -1 otherwise.

Units come first because a carry moves that way: each digit then depends on its own column and the
one before it alone, where the other order would ask for a carry from columns yet to come. Short
sums have short answers, which chance finds now and then; one of five digits it finds once in
100,000 attempts, and nothing would ever be learnt from those alone.

Splits: one unordered pair of summands in eight is held out, by a fixed hash of the two numbers.
"""

import functools
import re
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from selfplay.environment import (
    ArraySpec,
    Environment,
    SolvedPositions,
    State,
    Verdict,
    Verifier,
)

MAX_DIGITS = 9
"""Sums of longer numbers do not fit in an int32."""

NOT_YET = -1
"""In a column that is not written."""

_HELD_OUT_ONE_IN = 8
_SOLVED_POSITIONS = 1_024

_BUCKETS = ("no carry", "carry", "carry passed on")
"""Of solved positions: whether the column receives a carry, and whether through one that adds up to
nine, from further back."""


class AdditionState(State):
    """What is written of an answer."""

    written: jax.Array
    """int8 [digits + 1]: its digits, units first; `NOT_YET` where there is none (yet)."""


class Addition(Environment[AdditionState]):
    """Two summands of at most `digits` digits, 1 to 9; the action is the next digit.

    A problem is int8 [2, digits]: the digits of the summands, units first.
    """

    version = "1"

    def __init__(self, *, digits: int = 4):
        if isinstance(digits, bool) or not isinstance(digits, int) or not 1 <= digits <= MAX_DIGITS:
            raise ValueError(
                f"digits must be a whole number from 1 to {MAX_DIGITS}, got {digits!r}; "
                "try digits=4"
            )
        self.digits = digits
        self.num_actions = 10
        self.num_players = 1
        self.max_steps = digits + 1
        self.observation_spec = ArraySpec(shape=(digits + 1, 3, 10))
        self.num_symmetries = 2

    def sample_problem(self, key: jax.Array, split: str = "train") -> jax.Array:
        """int8 [2, digits]: two numbers of up to so many digits, 1 to `digits` equally likely.

        Draws until a problem lies in the split: no problem is ever in both.
        """

        return random_problem(key, self.digits, split == "held_out")

    def parse_problem(self, text: str) -> jax.Array:
        """The problem written as `123+45`."""
        found = re.fullmatch(r"\s*([0-9]+)\s*\+\s*([0-9]+)\s*", text)
        if found is None or max(len(found[1]), len(found[2])) > self.digits:
            raise ValueError(
                f"a problem is two numbers of at most {self.digits} digits, such as 1+2; "
                f"got {text!r}"
            )
        rows = [
            [int(digit) for digit in reversed(row.zfill(self.digits))] for row in found.groups()
        ]
        return jnp.array(rows, jnp.int8)

    def format_problem(self, problem: jax.Array) -> str:
        """The summands without leading zeros: `123+45`."""
        return "{}+{}".format(*_as_integers(problem))

    def _start(self, problem: jax.Array) -> AdditionState:
        return AdditionState.start(1, written=jnp.full(self.digits + 1, NOT_YET, jnp.int8))

    def _legal(self, problem: jax.Array, state: AdditionState) -> jax.Array:
        return jnp.ones(10, jnp.bool_)

    def _play(self, problem: jax.Array, state: AdditionState, action: jax.Array) -> AdditionState:
        here = jnp.arange(self.digits + 1, dtype=jnp.int16) == state.step_count
        written = jnp.where(here, action.astype(jnp.int8), state.written)
        right = (written == answer(problem)).all()
        last = state.step_count.astype(jnp.int32) + 1 == num_columns(problem)
        reward = jnp.where(last, jnp.where(right, 1.0, -1.0), 0.0)
        return state.replace(written=written, rewards=reward[None], terminated=last)

    def observe(self, problem: jax.Array, state: AdditionState) -> jax.Array:
        """float32 [digits + 1, 3, 10]: columns, seen from the one to be written next.

        Row r is the column r to the right, and beyond the units the columns to the left, from
        the highest down: so the next digit always depends on the first two rows. In each the
        digits of both summands and of the answer, one-hot; all zero where nothing is written.
        """
        columns = jnp.arange(self.digits + 1, dtype=jnp.int32)
        seen = (state.step_count.astype(jnp.int32) - columns) % (self.digits + 1)
        summands = jnp.pad(problem, ((0, 0), (0, 1)))
        digits = jnp.concatenate([summands, state.written[None]])
        return jax.nn.one_hot(digits[:, seen].T, 10, dtype=jnp.float32)

    def symmetry(
        self, problem: jax.Array, state: AdditionState, index: jax.Array
    ) -> tuple[jax.Array, AdditionState, jax.Array]:
        """Index 1 exchanges the summands."""
        exchanged = jnp.where(index == 1, problem[::-1], problem)
        return exchanged, state, jnp.arange(10, dtype=jnp.int32)

    def render(self, problem: jax.Array, state: AdditionState) -> str:
        """The sum as on paper, a dot for each digit to come."""
        first, second = (str(number) for number in _as_integers(problem))
        columns = np.asarray(state.written)[: int(num_columns(problem))]
        digits = [str(digit) if digit != NOT_YET else "." for digit in columns]
        width = len(digits) + 2
        lines = [first.rjust(width), "+" + second.rjust(width - 1), "-" * width]
        return "\n".join([*lines, "".join(reversed(digits)).rjust(width), _caption(problem, state)])

    def oracle(self, problem: jax.Array, state: AdditionState) -> jax.Array:
        """float32 [10]: 1 for the right digit if all before it are right, else -1; 0 at the end."""
        wanted = answer(problem)
        right = ((state.written == wanted) | (state.written == NOT_YET)).all()
        wanted_next = wanted[jnp.minimum(state.step_count, self.digits)]
        values = jnp.where(right & (jnp.arange(10, dtype=jnp.int8) == wanted_next), 1.0, -1.0)
        return jnp.where(state.ended, 0.0, values)

    def verifier(self) -> Verifier:
        """Adds Python's integers."""
        return AdditionVerifier()

    def hindsight(self, problem: jax.Array, state: AdditionState) -> tuple[jax.Array, jax.Array]:
        """The sum that was written, as that of one of the summands and what it lacks."""
        place = jnp.arange(self.digits + 1, dtype=jnp.int32)
        powers = _powers_of_ten(self.digits + 1)
        digits = jnp.where(place < num_columns(problem), state.written, 0).astype(jnp.int32)
        total = digits @ powers
        summands = _numbers(problem)
        kept = jnp.where(summands <= total, summands, 0).max()
        lacking = total - kept
        fits = lacking < 10**self.digits
        pair = jnp.stack([kept, jnp.where(fits, lacking, 0)])
        asked = (pair[:, None] // powers[None, : self.digits] % 10).astype(jnp.int8)
        solved = fits & ~is_held_out(asked) & (num_columns(asked) == num_columns(problem))
        return asked, solved

    def solved_positions(self) -> SolvedPositions:
        """A step in each of 1,024 held-out problems, nothing wrong so far, by what is carried."""
        keys = jax.random.split(jax.random.key(0), _SOLVED_POSITIONS)
        problem, state, values, bucket = jax.jit(jax.vmap(self._solved_position))(keys)
        return SolvedPositions(
            problem=problem,
            state=state,
            action_values=values,
            bucket=bucket,
            bucket_names=_BUCKETS[: self.digits + 1],  # one column has nothing to pass on
        )

    def _solved_position(
        self, key: jax.Array
    ) -> tuple[jax.Array, AdditionState, jax.Array, jax.Array]:
        """A problem, the right beginning of its answer, its action values and its bucket."""
        problem_key, column_key = jax.random.split(key)
        problem = self.sample_problem(problem_key, "held_out")
        column = jax.random.randint(column_key, (), 0, num_columns(problem), jnp.int32)
        wanted = answer(problem)
        earlier = jnp.arange(self.digits + 1, dtype=jnp.int32) < column
        state = self._start(problem).replace(
            written=jnp.where(earlier, wanted, jnp.int8(NOT_YET)),
            step_count=column.astype(jnp.int16),
        )
        added = jnp.pad(problem.sum(0, dtype=jnp.int8), (1, 1))
        carried = (wanted[column] - added[column + 1]) % 10
        passed_on = carried * (added[column] == 9).astype(jnp.int8)
        bucket = (carried + passed_on).astype(jnp.int32)
        return problem, state, self.oracle(problem, state), bucket


class AdditionVerifier(Verifier):
    """Adds the summands as Python's integers; shares nothing with the rules."""

    def verify(self, problem: Any, actions: Sequence[int]) -> Verdict:
        """Accepts exactly the digits of the sum, units first, as many as the rules ask for."""
        first, second = (sum(int(d) * 10**i for i, d in enumerate(row)) for row in problem)
        columns = len(str(max(first, second))) + 1
        wanted = str(first + second).zfill(columns)[::-1]
        written = "".join(str(int(action)) for action in actions)
        return Verdict.ACCEPTED if written == wanted else Verdict.REJECTED


@functools.partial(jax.jit, static_argnums=(1, 2))  # a loop is compiled anew without it
def random_problem(key: jax.Array, digits: int, held_out: bool) -> jax.Array:
    """int8 [2, digits]: a problem of one side of the split."""

    def draw(carry: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        key, problem_key = jax.random.split(carry[0])
        return key, any_problem(problem_key, digits)

    def in_other_split(carry: tuple[jax.Array, jax.Array]) -> jax.Array:
        return is_held_out(carry[1]) != held_out

    nothing = jnp.zeros((2, digits), jnp.int8)
    return jax.lax.while_loop(in_other_split, draw, draw((key, nothing)))[1]


def any_problem(key: jax.Array, digits: int) -> jax.Array:
    """int8 [2, digits]: a problem of either split."""
    length_key, digit_key = jax.random.split(key)
    length = jax.random.randint(length_key, (), 1, digits + 1, jnp.int32)
    drawn = jax.random.randint(digit_key, (2, digits), 0, 10, jnp.int8)
    return jnp.where(jnp.arange(digits, dtype=jnp.int32)[None] < length, drawn, 0)


def num_columns(problem: jax.Array) -> jax.Array:
    """int32 []: digits of an answer, one more than those of the longer summand."""
    place = jnp.arange(2, problem.shape[1] + 2, dtype=jnp.int32)
    return jnp.where((problem > 0).any(0), place, 2).max()


def answer(problem: jax.Array) -> jax.Array:
    """int8 [digits + 1]: the digits of the sum, units first; `NOT_YET` beyond its columns."""
    place = jnp.arange(problem.shape[1] + 1, dtype=jnp.int32)
    digits = _numbers(problem).sum(dtype=jnp.int32) // _powers_of_ten(len(place)) % 10
    return jnp.where(place < num_columns(problem), digits, NOT_YET).astype(jnp.int8)


def is_held_out(problem: jax.Array) -> jax.Array:
    """bool []: the split of a problem, whichever summand comes first, and for any `digits`."""
    pair = _mixed(_numbers(problem).astype(jnp.uint32)).sum(dtype=jnp.uint32)
    return _mixed(pair) % _HELD_OUT_ONE_IN == 0


def _numbers(problem: jax.Array) -> jax.Array:
    """int32 [2]: the summands."""
    return problem.astype(jnp.int32) @ _powers_of_ten(problem.shape[1])


def _powers_of_ten(count: int) -> jax.Array:
    """int32 [count]: 1, 10, 100, …"""
    return jnp.asarray(10 ** np.arange(count), jnp.int32)


def _mixed(bits: jax.Array) -> jax.Array:
    """uint32 [...]: a bijection that scatters neighbours; MurmurHash3's finaliser (Appleby)."""
    bits = (bits ^ (bits >> 16)) * jnp.uint32(0x85EBCA6B)
    bits = (bits ^ (bits >> 13)) * jnp.uint32(0xC2B2AE35)
    return bits ^ (bits >> 16)


def _as_integers(problem: jax.Array) -> tuple[int, int]:
    """The summands, on the host."""
    first, second = ("".join(map(str, row[::-1])) for row in np.asarray(problem).tolist())
    return int(first), int(second)


def _caption(problem: jax.Array, state: AdditionState) -> str:
    if not state.ended:
        return f"digit {int(state.step_count) + 1} of {num_columns(problem)}, from the right"
    wanted = sum(_as_integers(problem))
    right = np.array_equal(state.written, answer(jnp.asarray(problem)))
    return "right" if right else f"wrong: the sum is {wanted}"
