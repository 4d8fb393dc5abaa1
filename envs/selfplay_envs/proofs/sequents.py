"""Intuitionistic sequents over a table of subformulas: the rules of `propositional`."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from selfplay.environment.contract import select
from selfplay_envs.proofs import bit_sets
from selfplay_envs.proofs.formula_table import AND, FALSUM, IMPLIES, OR, FormulaTable

LOOKAHEAD = 2
"""Assumptions of A → (B → …) that are looked through for circles; later ones are found out late."""


class Work(NamedTuple):
    """An attempt, while the rules change it; its fields are those of `PropositionalState`."""

    held: jax.Array
    goal: jax.Array
    waiting_held: jax.Array
    waiting_goal: jax.Array
    num_goals: jax.Array
    seen: jax.Array
    busy: jax.Array
    """bool []: there may be more to do without choice."""
    failed: jax.Array
    """bool []: it led round in circles, or there is no room for another goal."""


def act(problem: FormulaTable, work: Work, row: jax.Array) -> Work:
    """Uses a hypothesis, A → B, or chooses a part of a disjunction that is to be proved."""
    held, goal = work.held, work.goal
    left, right = problem.left[row], problem.right[row]
    uses = bit_sets.has(held, row)
    return _push(
        work._replace(seen=work.seen | _single(work, goal)),
        uses & (right != goal),  # else there is nothing left to do with A and B
        first=(held, jnp.where(uses, left, row.astype(jnp.int8))),
        second=(held | _single(work, left) | _single(work, right), goal),
    )


def settle(problem: FormulaTable, work: Work, rounds: int) -> Work:
    """Up to so many rounds of what needs no choice."""
    falsum = bit_sets.pack(problem.kind == FALSUM)

    def unfinished(carry: tuple[jax.Array, Work]) -> jax.Array:
        return (carry[0] < rounds) & carry[1].busy

    def body(carry: tuple[jax.Array, Work]) -> tuple[jax.Array, Work]:
        return carry[0] + 1, _round(problem, falsum, carry[1])

    return jax.lax.while_loop(unfinished, body, (jnp.int32(0), work))[1]


def _round(problem: FormulaTable, falsum: jax.Array, work: Work) -> Work:
    """One round: what is at hand, and only if that is nothing, one goal made two.

    `falsum` is the set of its row, if there is one.
    """
    held, goal = work.held, work.goal
    kind, left, right = problem.kind[goal], problem.left[goal], problem.right[goal]
    now, disjunctions = _at_hand(problem, held)
    absurd = ((held & falsum) != 0).any()
    assumes = kind == IMPLIES
    now = jnp.where(assumes, now | _single(work, left), now)
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
    first = jnp.where(splits_held, now | _single(work, problem.left[case]), now)
    second = now | _single(work, jnp.where(splits_held, problem.right[case], part))

    moved = assumes | splits_goal
    circles = moved & ~grew & ~proved & bit_sets.has(work.seen, asked)
    seen = jnp.where(moved, work.seen | _single(work, goal), work.seen)
    fresh = grew | splits_held | proved
    work = work._replace(seen=jnp.where(fresh, jnp.uint32(0), seen))
    splits_both = splits_goal & lacks_left & lacks_right & (left != right)
    split = _push(work, splits_both | splits_held, (first, asked), (second, goal))
    work = select(proved, _pop(work), split._replace(failed=split.failed | circles))
    more = ~quiet | splits_goal | splits_held
    return work._replace(busy=more & ~work.failed & (work.num_goals > 0))


def _at_hand(problem: FormulaTable, held: jax.Array) -> tuple[jax.Array, ...]:
    """`held` with what it gives at once, and its disjunctions of which neither part is held."""
    kind = problem.kind
    here, left, right = _members(problem, held)
    conjunction, disjunction, implication = kind == AND, kind == OR, kind == IMPLIES
    made = jnp.where(conjunction, left & right, implication & right)
    made = made | (disjunction & (left | right))
    gives_right = here & (conjunction | (implication & left))
    rows = jnp.arange(problem.kind.shape[0], dtype=jnp.int8)
    gained, undecided = bit_sets.collect(
        held.shape[0],
        [(rows, made), (problem.left, here & conjunction), (problem.right, gives_right)],
        [(rows, disjunction & here & ~left & ~right)],
    )
    return held | gained, undecided


def _members(problem: FormulaTable, held: jax.Array) -> tuple[jax.Array, ...]:
    """bool [S] thrice: whether each row is in the set, its left part, its right part."""
    here = bit_sets.unpack(held, problem.kind.shape[0])
    return here, bit_sets.has(held, problem.left), bit_sets.has(held, problem.right)


def choices(problem: FormulaTable, work: Work) -> jax.Array:
    """uint32 [words]: what may be acted on, where nothing is left to do without choice."""
    held, goal = work.held, work.goal
    here, left, right = _members(problem, held)
    implication = problem.kind == IMPLIES
    circles = work.seen | _single(work, goal)
    for _ in range(LOOKAHEAD):
        leads_there = implication & left & bit_sets.has(circles, problem.right)
        circles = circles | bit_sets.pack(leads_there)
    uses = implication & here & ~right & ~bit_sets.has(circles, problem.left)
    parts = _disjuncts(problem, _single(work, goal)) & ~circles
    return bit_sets.pack(uses) | parts


def _disjuncts(problem: FormulaTable, start: jax.Array) -> jax.Array:
    """uint32 [words]: of A ∨ (B ∨ …), a set of one, A, B and so on that are no disjunctions."""
    disjunction = problem.kind == OR

    def unfinished(carry: tuple[jax.Array, jax.Array]) -> jax.Array:
        return (carry[0] != carry[1]).any()

    def body(carry: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        _, parts = carry
        split = disjunction & bit_sets.unpack(parts, problem.kind.shape[0])
        pairs = [(problem.left, split), (problem.right, split)]
        return parts, parts | bit_sets.collect(start.shape[0], pairs)[0]

    parts = jax.lax.while_loop(unfinished, body, (jnp.zeros_like(start), start))[1]
    return parts & ~bit_sets.pack(disjunction) & ~start


def _push(
    work: Work,
    condition: jax.Array,
    first: tuple[jax.Array, jax.Array],
    second: tuple[jax.Array, jax.Array],
) -> Work:
    """`first` in place of the goal at work; under `condition` `second` waits.

    Each is hypotheses and what is to be proved. Where there is no room, it has failed.
    """
    last = jnp.arange(work.waiting_goal.shape[0], dtype=jnp.int8) == work.num_goals - jnp.int8(1)
    here = condition & last
    return work._replace(
        held=first[0],
        goal=first[1],
        waiting_held=jnp.where(here[:, None], second[0][None], work.waiting_held),
        waiting_goal=jnp.where(here, second[1], work.waiting_goal),
        num_goals=work.num_goals + condition.astype(jnp.int8),
        failed=work.failed | (condition & (work.num_goals == work.waiting_goal.shape[0])),
    )


def _pop(work: Work) -> Work:
    """The goal that waits last becomes the one at work; where none waits, it stays."""
    next_one = jnp.arange(work.waiting_goal.shape[0], dtype=jnp.int8) == work.num_goals - jnp.int8(
        2
    )
    held = bit_sets.union(work.waiting_held, next_one)
    goal = jnp.where(next_one, work.waiting_goal, jnp.int8(0)).sum(dtype=jnp.int8)
    return work._replace(held=held, goal=goal, num_goals=work.num_goals - jnp.int8(1))


def _single(work: Work, row: jax.Array) -> jax.Array:
    """uint32 [words]: the set of one row."""
    return bit_sets.single(row, work.held.shape[0])
