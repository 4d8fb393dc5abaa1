"""Intuitionistic propositional logic: prove a formula, backwards from what is to be proved.

A goal Γ ⊢ C asks for a proof of C from the hypotheses Γ. An attempt has a stack of goals; the first
is worked on, and all must be proved. The calculus is G3ip (A. S. Troelstra and H. Schwichtenberg,
"Basic Proof Theory", section 3.5; S. C. Kleene 1952, section 80): hypotheses are a set that only
grows, and all that occurs is a subformula of what was to be proved.

What needs no choice is done by itself, `ROUNDS` rounds a step, in this order:

1. Γ gains what it has at hand: the parts of its conjunctions, B from A → B and A; and of the
   formula's own subformulas A ∧ B from A and B, A ∨ B from either, A → B from B. Falsum gives all.
   If C is in Γ the goal is proved.
2. To prove A → B, A is assumed.
3. To prove A ∧ B, its parts are proved, the least row first; those proved may then be used.
4. Of A ∨ B in Γ, the least row first, both cases are proved, A first.

What is left is the agent's: action i either uses hypothesis i, an implication A → B (A is to be
proved; then, with A and B, what was), or proves part i of a disjunction. `GO_ON`, the last action,
is the only one while there is more to do without choice, and at the beginning.

An implication whose right part is held gives nothing; and a goal that was there before, with the
same hypotheses, leads round in circles. Neither is allowed. So every line of play ends, with a
proof (+1), or where nothing can be done (-1); and every theorem has a line that proves it, unless
it needs more goals at once than there is room for (`max_goals`) or more steps than `max_steps`.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from selfplay.environment import Environment, State, Tokens, TokenSpec
from selfplay_envs.proofs import bit_sets
from selfplay_envs.proofs.formula_table import (
    AND,
    FALSUM,
    IMPLIES,
    NUM_POSITIONS,
    OR,
    SIZES,
    FormulaTable,
    num_words,
)

ROUNDS = 8
"""Of rules without choice in a step. All games of a batch take as many as the slowest."""


class PropositionalState(State):
    """A proof attempt."""

    held: jax.Array
    """uint32 [max_goals, words]: hypotheses of the open goals, the one that is worked on first."""
    goal: jax.Array
    """int8 [max_goals]: what each is to prove."""
    num_goals: jax.Array
    """int8 []: open goals."""
    seen: jax.Array
    """uint32 [words]: what was to be proved since the first goal's hypotheses last grew."""
    choices: jax.Array
    """uint32 [words]: what the agent may act on; none while there is more to do without choice."""


class _Work(NamedTuple):
    """What the rules change. `busy`: they may have more to do; `failed`: it led nowhere."""

    held: jax.Array
    goal: jax.Array
    num_goals: jax.Array
    seen: jax.Array
    busy: jax.Array
    failed: jax.Array


class Propositional(Environment[PropositionalState]):
    """Proofs of formulas with up to `subformulas` different subformulas: 16, 32, 64 or 128."""

    version = "1"

    def __init__(self, *, subformulas: int = 64, max_goals: int = 16, max_steps: int | None = None):
        if subformulas not in SIZES or not 4 <= max_goals <= 127:
            raise ValueError(
                f"subformulas must be one of {', '.join(map(str, SIZES))}, and max_goals between "
                f"4 and 127, got {subformulas} and {max_goals}"
            )
        self.subformulas, self.max_goals = subformulas, max_goals
        self.num_actions = subformulas + 1
        self.num_players = 1
        self.max_steps = 2 * subformulas if max_steps is None else max_steps
        self._words = num_words(subformulas)
        self.observation_spec = TokenSpec(
            num_tokens=subformulas, vocabulary_size=5 * 2**5, num_positions=NUM_POSITIONS
        )

    # The rules -------------------------------------------------------------------------------

    def _start(self, problem: FormulaTable) -> PropositionalState:
        root = (problem.size - 1).astype(jnp.int8)
        nothing = jnp.zeros(self._words, jnp.uint32)
        return PropositionalState.start(
            1,
            held=jnp.zeros((self.max_goals, self._words), jnp.uint32),
            goal=jnp.zeros(self.max_goals, jnp.int8).at[0].set(root),
            num_goals=jnp.int8(1),
            seen=nothing,
            choices=nothing,
        )

    def _legal(self, problem: FormulaTable, state: PropositionalState) -> jax.Array:
        chosen = bit_sets.unpack(state.choices, self.subformulas)
        return jnp.append(chosen, (state.choices == 0).all() & (state.num_goals > 0))

    def _play(
        self, problem: FormulaTable, state: PropositionalState, action: jax.Array
    ) -> PropositionalState:
        work = self._settle(problem, self._act(problem, state, action))
        proved = work.num_goals == 0
        choices = jnp.where(work.busy | proved, jnp.uint32(0), self._choices(problem, work))
        failed = work.failed | (~work.busy & ~proved & (choices == 0).all())
        return state.replace(
            held=work.held,
            goal=work.goal,
            num_goals=work.num_goals,
            seen=work.seen,
            choices=choices,
            rewards=jnp.where(proved, 1.0, jnp.where(failed, -1.0, 0.0))[None],
            terminated=proved | failed,
        )

    def _act(self, problem: FormulaTable, state: PropositionalState, action: jax.Array) -> _Work:
        """What the agent chose, done; with `GO_ON`, nothing."""
        work = _Work(
            state.held, state.goal, state.num_goals, state.seen, jnp.bool_(True), jnp.bool_(False)
        )
        held, goal = state.held[0], state.goal[0]
        row = jnp.minimum(action, self.subformulas - 1)
        left, right = problem.left[row], problem.right[row]
        uses = bit_sets.has(held, row)
        after = held | self._single(left) | self._single(right)
        acted = self._push(
            work._replace(seen=state.seen | self._single(goal)),
            uses & (right != goal),
            (after, goal),
            (held, jnp.where(uses, left, row.astype(jnp.int8))),
        )
        goes_on = action == self.subformulas
        return jax.tree.map(lambda a, b: jnp.where(goes_on, a, b), work, acted)

    def _settle(self, problem: FormulaTable, work: _Work) -> _Work:
        """Up to ROUNDS rounds of what needs no choice."""

        def unfinished(carry: tuple[jax.Array, _Work]) -> jax.Array:
            return (carry[0] < ROUNDS) & carry[1].busy

        def body(carry: tuple[jax.Array, _Work]) -> tuple[jax.Array, _Work]:
            return carry[0] + 1, self._round(problem, carry[1])

        return jax.lax.while_loop(unfinished, body, (jnp.int32(0), work))[1]

    def _round(self, problem: FormulaTable, work: _Work) -> _Work:
        """One round: what Γ gains, a goal proved, and only where nothing else is to do a split."""
        held, goal = work.held[0], work.goal[0]
        kind, left, right = problem.kind[goal], problem.left[goal], problem.right[goal]
        now, splits = self._at_hand(problem, held)
        # An implication: its left part is assumed.
        assumes = kind == IMPLIES
        now = jnp.where(assumes, now | self._single(left), now)
        asked = jnp.where(assumes, right, goal)
        grew = (now != held).any()
        proved = bit_sets.has(now, asked)
        quiet = ~grew & ~assumes & ~proved
        # A conjunction: its parts, the second one in its place.
        lacks_left, lacks_right = ~bit_sets.has(held, left), ~bit_sets.has(held, right)
        parts = quiet & (kind == AND)
        several = parts & lacks_left & lacks_right & (left != right)
        right_first = lacks_right & (~lacks_left | (problem.kind[left] == AND))
        part = jnp.where(right_first, right, left)
        asked = jnp.where(parts, part, asked)
        # A disjunction among the hypotheses: both cases.
        splitting = quiet & ~parts & (splits != 0).any()
        case = bit_sets.first(splits)
        first = jnp.where(splitting, now | self._single(problem.left[case]), now)
        second = now | self._single(jnp.where(splitting, problem.right[case], part))
        moved = assumes | parts
        again = moved & ~grew & bit_sets.has(work.seen, asked)
        seen = jnp.where(moved, work.seen | self._single(goal), work.seen)
        seen = jnp.where(grew | splitting | proved, jnp.uint32(0), seen)
        work = work._replace(seen=seen, failed=again & ~proved, busy=~(quiet & ~parts & ~splitting))
        pushed = self._push(work, several | splitting, (second, goal), (first, asked))
        popped = work._replace(
            held=jnp.concatenate([work.held[1:], jnp.zeros_like(work.held[:1])]),
            goal=jnp.concatenate([work.goal[1:], jnp.zeros_like(work.goal[:1])]),
            num_goals=work.num_goals - jnp.int8(1),
        )
        work = jax.tree.map(lambda a, b: jnp.where(proved, a, b), popped, pushed)
        return work._replace(busy=work.busy & ~work.failed & (work.num_goals > 0))

    def _at_hand(self, problem: FormulaTable, held: jax.Array) -> tuple[jax.Array, jax.Array]:
        """`held` with what it gives at once, and the disjunctions in it with neither part."""
        here, left, right, kind = self._members(problem, held)
        made = jnp.where(kind == AND, left & right, (kind == IMPLIES) & right)
        disjunction = kind == OR
        made = made | disjunction & (left | right)
        conjunction = here & (kind == AND)
        gives_right = conjunction | (here & left & (kind == IMPLIES))
        now = (
            held
            | bit_sets.pack(made)
            | bit_sets.collect(problem.left, conjunction, self._words)
            | bit_sets.collect(problem.right, gives_right, self._words)
        )
        splits = disjunction & here & ~left & ~right
        return now, bit_sets.pack(splits)

    def _members(self, problem: FormulaTable, held: jax.Array) -> tuple[jax.Array, ...]:
        """bool [S] thrice: which rows are in the set, which left parts, which right parts; kinds."""
        here = bit_sets.unpack(held, self.subformulas)
        left, right = bit_sets.has(held, problem.left), bit_sets.has(held, problem.right)
        return here, left, right, problem.kind

    def _choices(self, problem: FormulaTable, work: _Work) -> jax.Array:
        """uint32 [words]: what may be acted on where the first goal has nothing else to do."""
        held, goal = work.held[0], work.goal[0]
        here, _, right, kind = self._members(problem, held)
        before = work.seen | self._single(goal)
        circles = bit_sets.has(before, problem.left)
        uses = (kind == IMPLIES) & here & ~right & ~circles
        parts = self._single(problem.left[goal]) | self._single(problem.right[goal])
        parts = jnp.where(kind[goal] == OR, parts & ~work.seen, jnp.uint32(0))
        return bit_sets.pack(uses) | parts

    def _push(
        self,
        work: _Work,
        condition: jax.Array,
        second: tuple[jax.Array, jax.Array],
        first: tuple[jax.Array, jax.Array],
    ) -> _Work:
        """The first goal replaced by `first`, and under `condition` by `first` before `second`.

        Both are hypotheses and what is to be proved. Without room for one more it has failed.
        """

        def stack(old: jax.Array, first: jax.Array, second: jax.Array) -> jax.Array:
            grown = jnp.concatenate([first[None], second[None], old[1:-1]])
            return jnp.where(condition, grown, jnp.concatenate([first[None], old[1:]]))

        return work._replace(
            held=stack(work.held, first[0], second[0]),
            goal=stack(work.goal, first[1], second[1]),
            num_goals=work.num_goals + condition.astype(jnp.int8),
            failed=work.failed | (condition & (work.num_goals >= self.max_goals)),
        )

    def _single(self, row: jax.Array) -> jax.Array:
        """uint32 [words]: the set of one row."""
        return bit_sets.single(row, self._words)

    # What is seen ----------------------------------------------------------------------------

    def observe(self, problem: FormulaTable, state: PropositionalState) -> Tokens:
        """One token a subformula.

        Its id says what kind it is, whether it is held, is to be proved, may be acted on, and
        whether it is held, or to be proved, in a goal that waits. Its position says how deep it
        lies in the formula, and whether it is asserted or assumed there.
        """
        size = self.subformulas
        index = jnp.arange(self.max_goals, dtype=jnp.int8)
        waits = (index > 0) & (index < state.num_goals)
        rows = jnp.arange(size, dtype=jnp.int8)
        goals = jnp.where(waits, state.goal, jnp.int8(-1))
        features = [
            bit_sets.unpack(state.held[0], size),
            rows == state.goal[0],
            bit_sets.unpack(state.choices, size),
            bit_sets.unpack(bit_sets.union(state.held, waits), size),
            (goals[:, None] == rows[None]).any(0),
        ]
        tokens = problem.kind.astype(jnp.int32)
        for feature in features:
            tokens = 2 * tokens + feature.astype(jnp.int32)
        goal = state.goal[0].astype(jnp.int32)
        return Tokens(
            tokens=tokens,
            positions=problem.position.astype(jnp.int32),
            mask=rows < problem.size,
            action_tokens=jnp.append(rows.astype(jnp.int32), goal),
        )
