"""Intuitionistic propositional logic: prove a formula, backwards from what is to be proved.

A goal Γ ⊢ C asks for a proof of C from the hypotheses Γ. An attempt has a stack of goals; the first
is worked on, and all must be proved. The calculus is G3ip (A. S. Troelstra and H. Schwichtenberg,
"Basic Proof Theory", section 3.5): hypotheses are a set that only grows, and all that ever occurs
is a subformula of what was to be proved. What was proved on the way may be used (a cut).

What needs no choice is done by itself, `ROUNDS` rounds a step, in this order:

1. Γ gains what is at hand: A and B from A ∧ B; B from A → B and A; and of the formula's own
   subformulas A ∧ B from A and B, A ∨ B from either, A → B from B. When C or ⊥ is in Γ, the goal is
   proved. To prove A → B, A is assumed.
2. If nothing is at hand: to prove A ∧ B its parts are proved, the left one first, or the right one
   if only the left one is itself of the form A ∧ B; the other may use it.
3. Of the first A ∨ B in Γ, by its row, with neither A nor B in Γ, both cases are proved, A first.

What is left is the agent's: action i uses hypothesis i, an implication A → B (A is to be proved,
then, with A and B, what was), or it proves part i of a disjunction. The last action, "go on", is
the only one while there is more to do without choice, and where a proof needs no choice at all.

An implication whose right part is held gives nothing; and what was to be proved before, from the
same hypotheses, leads round in circles. Neither is allowed, or, where it is found out late, it is
the end. So every line of play ends, with a proof (+1), or where nothing can be done (-1); and every
theorem has a line that proves it, unless it needs more goals at once than `max_goals`, or more
steps than `max_steps`.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from selfplay.environment import Certifier, Environment, State, Tokens, TokenSpec, Verifier
from selfplay.environment.contract import select
from selfplay_envs.proofs import bit_sets
from selfplay_envs.proofs.formula_table import (
    AND,
    FALSUM,
    IMPLIES,
    NUM_POSITIONS,
    OR,
    SIZES,
    FormulaTable,
)
from selfplay_envs.proofs.propositional_proof import PropositionalCertifier
from selfplay_envs.proofs.propositional_replay import ReplayVerifier

ROUNDS = 8
"""Of rules without choice in a step. All games of a batch take as many as the slowest."""

LOOKAHEAD = 2
"""Assumptions of A → (B → …) that are looked through for circles; later ones are found out late."""

NUM_FEATURES = 5
"""Of a subformula beside its kind, each true or false; see `observe`."""


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
    """What the rules change."""

    held: jax.Array
    goal: jax.Array
    num_goals: jax.Array
    seen: jax.Array
    busy: jax.Array
    """bool []: there may be more to do without choice."""
    failed: jax.Array
    """bool []: it led round in circles, or there is no room for another goal."""

    @classmethod
    def of(cls, state: PropositionalState) -> "_Work":
        """What a running attempt has to do."""
        return cls(
            held=state.held,
            goal=state.goal,
            num_goals=state.num_goals,
            seen=state.seen,
            busy=jnp.bool_(True),
            failed=jnp.bool_(False),
        )


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
        self._words = bit_sets.num_words(subformulas)
        self.observation_spec = TokenSpec(
            num_tokens=subformulas,
            vocabulary_size=5 * 2**NUM_FEATURES,
            num_positions=NUM_POSITIONS,
            action_kinds=(0,) * subformulas + (1,),
            num_links=2,
        )

    # The rules -------------------------------------------------------------------------------

    def _start(self, problem: FormulaTable) -> PropositionalState:
        """At the first choice; at the very beginning, if there is none."""
        nothing = jnp.zeros(self._words, jnp.uint32)
        begun = PropositionalState.start(
            1,
            held=jnp.zeros((self.max_goals, self._words), jnp.uint32),
            goal=jnp.broadcast_to((problem.size - 1).astype(jnp.int8), self.max_goals),
            num_goals=jnp.int8(1),
            seen=nothing,
            choices=nothing,
        )
        settled = self._settled(problem, begun, _Work.of(begun))
        return select(settled.terminated, begun, settled)

    def _legal(self, problem: FormulaTable, state: PropositionalState) -> jax.Array:
        chosen = bit_sets.unpack(state.choices, self.subformulas)
        return jnp.append(chosen, (state.choices == 0).all())

    def _play(
        self, problem: FormulaTable, state: PropositionalState, action: jax.Array
    ) -> PropositionalState:
        return self._settled(problem, state, self._act(problem, state, action))

    def _act(self, problem: FormulaTable, state: PropositionalState, action: jax.Array) -> _Work:
        """What the agent chose, done."""
        work = _Work.of(state)
        held, goal = state.held[0], state.goal[0]
        row = jnp.minimum(action, self.subformulas - 1)
        left, right = problem.left[row], problem.right[row]
        uses = bit_sets.has(held, row)
        acted = self._push(
            work._replace(seen=state.seen | self._single(goal)),
            uses & (right != goal),  # else there is nothing left to do with A and B
            first=(held, jnp.where(uses, left, row.astype(jnp.int8))),
            second=(held | self._single(left) | self._single(right), goal),
        )
        return select(action == self.subformulas, work, acted)

    def _settled(
        self, problem: FormulaTable, state: PropositionalState, work: _Work
    ) -> PropositionalState:
        """`state` after up to ROUNDS rounds of what needs no choice."""

        def unfinished(carry: tuple[jax.Array, _Work]) -> jax.Array:
            return (carry[0] < ROUNDS) & carry[1].busy

        def body(carry: tuple[jax.Array, _Work]) -> tuple[jax.Array, _Work]:
            return carry[0] + 1, self._round(problem, carry[1])

        work = jax.lax.while_loop(unfinished, body, (jnp.int32(0), work))[1]
        proved = work.num_goals == 0
        at_choice = ~work.busy & ~work.failed & ~proved
        choices = jnp.where(at_choice, self._choices(problem, work), jnp.uint32(0))
        failed = work.failed | (at_choice & (choices == 0).all())
        return state.replace(
            held=work.held,
            goal=work.goal,
            num_goals=work.num_goals,
            seen=work.seen,
            choices=choices,
            rewards=jnp.where(proved, 1.0, jnp.where(failed, -1.0, 0.0))[None],
            terminated=proved | failed,
        )

    def _round(self, problem: FormulaTable, work: _Work) -> _Work:
        """One round: what is at hand, and only if that is nothing, one goal made two."""
        held, goal = work.held[0], work.goal[0]
        kind, left, right = problem.kind[goal], problem.left[goal], problem.right[goal]
        now, disjunctions, absurd = self._at_hand(problem, held)
        assumes = kind == IMPLIES
        now = jnp.where(assumes, now | self._single(left), now)
        asked = jnp.where(assumes, right, goal)
        grew = (now != held).any()
        proved = absurd | bit_sets.has(now, asked)
        quiet = ~grew & ~assumes & ~proved

        splits_goal = quiet & (kind == AND)
        lacks_left, lacks_right = ~bit_sets.has(held, left), ~bit_sets.has(held, right)
        right_first = ~lacks_left | (
            lacks_right & (problem.kind[left] == AND) & (problem.kind[right] != AND)
        )
        part = jnp.where(right_first, right, left)
        asked = jnp.where(splits_goal, part, asked)

        splits_held = quiet & ~splits_goal & (disjunctions != 0).any()
        case = bit_sets.first(disjunctions)
        first = jnp.where(splits_held, now | self._single(problem.left[case]), now)
        second = now | self._single(jnp.where(splits_held, problem.right[case], part))

        moved = assumes | splits_goal
        circles = moved & ~grew & ~proved & bit_sets.has(work.seen, asked)
        seen = jnp.where(moved, work.seen | self._single(goal), work.seen)
        fresh = grew | splits_held | proved
        work = work._replace(seen=jnp.where(fresh, jnp.uint32(0), seen))
        splits_both = splits_goal & lacks_left & lacks_right & (left != right)
        split = self._push(work, splits_both | splits_held, (first, asked), (second, goal))
        work = select(proved, self._pop(work), split._replace(failed=split.failed | circles))
        more = ~quiet | splits_goal | splits_held
        return work._replace(busy=more & ~work.failed & (work.num_goals > 0))

    def _at_hand(self, problem: FormulaTable, held: jax.Array) -> tuple[jax.Array, ...]:
        """`held` with what it gives at once; its disjunctions of which neither part is held; and
        whether it has falsum."""
        kind = problem.kind
        here, left, right = self._members(problem, held)
        conjunction, disjunction, implication = kind == AND, kind == OR, kind == IMPLIES
        made = jnp.where(conjunction, left & right, implication & right)
        made = made | (disjunction & (left | right))
        gives_right = here & (conjunction | (implication & left))
        now = (
            held
            | bit_sets.pack(made)
            | bit_sets.collect(problem.left, here & conjunction, self._words)
            | bit_sets.collect(problem.right, gives_right, self._words)
        )
        undecided = bit_sets.pack(disjunction & here & ~left & ~right)
        return now, undecided, (here & (kind == FALSUM)).any()

    def _members(self, problem: FormulaTable, held: jax.Array) -> tuple[jax.Array, ...]:
        """bool [S] thrice: whether each row is in the set, its left part, its right part."""
        here = bit_sets.unpack(held, self.subformulas)
        return here, bit_sets.has(held, problem.left), bit_sets.has(held, problem.right)

    def _choices(self, problem: FormulaTable, work: _Work) -> jax.Array:
        """uint32 [words]: what may be acted on, where nothing is left to do without choice."""
        held, goal = work.held[0], work.goal[0]
        here, left, right = self._members(problem, held)
        implication = problem.kind == IMPLIES
        circles = work.seen | self._single(goal)
        for _ in range(LOOKAHEAD):
            leads_there = implication & left & bit_sets.has(circles, problem.right)
            circles = circles | bit_sets.pack(leads_there)
        uses = implication & here & ~right & ~bit_sets.has(circles, problem.left)
        parts = self._single(problem.left[goal]) | self._single(problem.right[goal])
        parts = jnp.where(problem.kind[goal] == OR, parts & ~circles, jnp.uint32(0))
        return bit_sets.pack(uses) | parts

    def _push(
        self,
        work: _Work,
        condition: jax.Array,
        first: tuple[jax.Array, jax.Array],
        second: tuple[jax.Array, jax.Array],
    ) -> _Work:
        """`first` in place of the first goal; under `condition` `second` waits behind it.

        Each is hypotheses and what is to be proved. Where there is no room, it has failed.
        """

        def placed(goals: jax.Array, first: jax.Array, second: jax.Array) -> jax.Array:
            two = jnp.concatenate([first[None], second[None], goals[1:-1]])
            return jnp.where(condition, two, jnp.concatenate([first[None], goals[1:]]))

        return work._replace(
            held=placed(work.held, first[0], second[0]),
            goal=placed(work.goal, first[1], second[1]),
            num_goals=work.num_goals + condition.astype(jnp.int8),
            failed=work.failed | (condition & (work.num_goals == self.max_goals)),
        )

    def _pop(self, work: _Work) -> _Work:
        """Without the first goal; what is left behind the last one says nothing."""
        held, goal = jnp.roll(work.held, -1, axis=0), jnp.roll(work.goal, -1)
        return work._replace(held=held, goal=goal, num_goals=work.num_goals - jnp.int8(1))

    def _single(self, row: jax.Array) -> jax.Array:
        """uint32 [words]: the set of one row."""
        return bit_sets.single(row, self._words)

    # What is seen ----------------------------------------------------------------------------

    def observe(self, problem: FormulaTable, state: PropositionalState) -> Tokens:
        """One token a subformula, linked to its parts.

        Its id says its kind; whether it is held, whether it is to be proved, whether it may be
        acted on; whether it is held in a goal that waits, and whether it is to be proved there.
        Its position says how deep it lies in the formula, and if it is asserted or assumed there.
        """
        size = self.subformulas
        rows = jnp.arange(size, dtype=jnp.int8)
        index = jnp.arange(self.max_goals, dtype=jnp.int8)
        waits = (index > 0) & (index < state.num_goals)
        features = (
            bit_sets.unpack(state.held[0], size),
            rows == state.goal[0],
            bit_sets.unpack(state.choices, size),
            bit_sets.unpack(bit_sets.union(state.held, waits), size),
            bit_sets.unpack(bit_sets.collect(state.goal, waits, self._words), size),
        )
        tokens = problem.kind.astype(jnp.int32)
        for feature in features:
            tokens = 2 * tokens + feature.astype(jnp.int32)
        return Tokens(
            tokens=tokens,
            positions=problem.position.astype(jnp.int32),
            mask=rows < problem.size,
            action_tokens=jnp.append(rows, state.goal[0]).astype(jnp.int32),
            links=jnp.stack([problem.left, problem.right], axis=1).astype(jnp.int32),
        )

    # Who judges -----------------------------------------------------------------------------

    def verifier(self) -> Verifier:
        """Replays the actions by rules of its own."""
        return ReplayVerifier()

    def certifier(self) -> Certifier:
        """Shows proofs to Lean, and to people."""
        return PropositionalCertifier()
