"""Two patterns of digits, changed until they match: a problem with two ends.

What is open in a pattern matches any digit, so which ends meet is no matter of being equal. How
short a way may be is told by brute force.
"""

import itertools

import jax
import jax.numpy as jnp

from selfplay.environment import ArraySpec, Encounter, Ends, Environment, State

LENGTH, DIGITS = 4, 5
OPEN = DIGITS
"""As it is written in an array; in text a question mark."""


class PatternState(State):
    patterns: jax.Array
    """int8 [2, LENGTH]."""


class Patterns(Environment[PatternState]):
    """Moves 0 and 1 turn the first pattern by a place or count its first digit up, 2 and 3 the
    second; whoever makes them match has won.
    """

    num_actions = 4
    num_players = 1
    observation_spec = ArraySpec((2, LENGTH))

    def __init__(self, max_steps: int = 40):
        self.max_steps = max_steps

    def sample_problem(self, key, split="train"):
        """No two patterns match; those held out have an open place at the end of the first."""
        patterns = jax.random.randint(key, (2, LENGTH), 0, DIGITS, jnp.int8)
        patterns = patterns.at[1, 0].set((patterns[0, 0] + 1) % DIGITS)
        return patterns.at[0, -1].set(jnp.where(split == "held_out", OPEN, patterns[0, -1]))

    def parse_problem(self, text):
        digits = [["01234?".find(letter) for letter in word] for word in text.split("~")]
        if [len(word) for word in digits] != 2 * [LENGTH] or any(-1 in word for word in digits):
            raise ValueError(f"a problem is like 01?2~3400, got {text!r}")
        return jnp.array(digits, jnp.int8)

    def format_problem(self, problem):
        return "~".join("".join("01234?"[digit] for digit in word) for word in problem.tolist())

    def _start(self, problem):
        return PatternState.start(1, patterns=jnp.asarray(problem))

    def _legal(self, problem, state):
        return jnp.ones(4, jnp.bool_)

    def _play(self, problem, state, action):
        patterns = state.patterns.at[action // 2].set(moved(state.patterns)[action])
        left, right = patterns
        met = ((left == right) | (left == OPEN) | (right == OPEN)).all()
        return state.replace(
            patterns=patterns, terminated=met, rewards=jnp.where(met, 1.0, 0.0)[None]
        )

    def observe(self, problem, state):
        return state.patterns.astype(jnp.float32)


class TwoEnds(Patterns):
    """It says so."""

    def ends(self, problem, state):
        return Ends(
            now=state.patterns,
            end=jnp.array([0, 0, 1, 1], jnp.int8),
            after=moved(state.patterns),
        )

    def encounter(self) -> Encounter | None:
        return Matching()


class Matching(Encounter):
    """By the digits of each place; how often it was asked is counted."""

    def __init__(self):
        self.asked: list[tuple[bytes, bytes]] = []

    def features(self, end):
        return tuple(-1 + (1 << DIGITS) if digit == OPEN else 1 << digit for digit in end)

    def meets(self, left, right):
        self.asked.append((left, right))
        return match(left, right)


def moved(patterns):
    """int8 [4, LENGTH]: what each move makes of its pattern."""

    def both(pattern):
        first = jnp.where(pattern[0] == OPEN, OPEN, (pattern[0] + 1) % DIGITS)
        return jnp.stack([jnp.roll(pattern, -1), pattern.at[0].set(first.astype(jnp.int8))])

    return jax.vmap(both)(patterns).reshape(4, LENGTH)


def match(left: bytes, right: bytes) -> bool:
    """Whether each digit is the other one, or either is open."""
    return all(a == b or OPEN in (a, b) for a, b in zip(left, right, strict=True))


def distance(problem: str) -> int:
    """Moves of the shortest way, by hand: what is reached from either end in so many moves."""
    left, right = (bytes(map("01234?".index, word)) for word in problem.split("~"))
    reached = [[{left}], [{right}]]
    for steps in itertools.count():
        for before in range(steps + 1):
            pairs = itertools.product(reached[0][before], reached[1][steps - before])
            if any(match(*pair) for pair in pairs):
                return steps
        for known in reached:
            turned = {word[1:] + word[:1] for word in known[-1]}
            counted = {bytes([(w[0] + 1) % DIGITS]) + w[1:] for w in known[-1] if w[0] != OPEN}
            known.append((turned | counted) - set().union(*known))
    raise AssertionError
