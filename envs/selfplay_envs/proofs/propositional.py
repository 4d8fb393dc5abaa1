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
then, with A and B, what was); or, where A ∨ (B ∨ …) is to be proved, it chooses one of A, B, … for
that, row i. The last action, "go on", is the only one while there is more to do without choice, and
where a proof needs no choice at all.

An implication whose right part is held gives nothing; and what was to be proved before, from the
same hypotheses, leads round in circles. Neither is allowed, or, where it is found out late, it is
the end. So every line of play ends, with a proof (+1), or where nothing can be done (-1); and every
theorem has a line that proves it, unless it needs more goals at once than `max_goals`, or more
steps than `max_steps`.
"""

import functools
import re

import jax
import jax.numpy as jnp

from selfplay.environment import Certifier, Environment, State, Tokens, TokenSpec, Verifier
from selfplay.environment.contract import Split, select
from selfplay_envs.proofs import (
    bit_sets,
    formula_levels,
    formula_neighbours,
    formula_problems,
    kripke,
    propositional_text,
    sequents,
    syntax,
    tptp,
)
from selfplay_envs.proofs.formula_table import (
    NUM_POSITIONS,
    SIZES,
    FormulaTable,
    decode,
    encode,
)
from selfplay_envs.proofs.propositional_proof import PropositionalCertifier
from selfplay_envs.proofs.propositional_replay import ReplayVerifier
from selfplay_envs.proofs.sequents import Work

ROUNDS = 8
"""Of rules without choice in a step. All games of a batch take as many as the slowest."""

_TPTP = re.compile(r"(?:^|\*/)\s*(?:fof|cnf|tff|thf|include)\s*\(", re.MULTILINE)
"""How a statement begins in a TPTP file."""

NUM_FEATURES = 5
"""Of a subformula beside its kind, each true or false; see `observe`."""


class PropositionalState(State):
    """A proof attempt."""

    held: jax.Array
    """uint32 [words]: hypotheses of the goal that is worked on."""
    goal: jax.Array
    """int8 []: what is to be proved from them."""
    waiting_held: jax.Array
    """uint32 [max_goals, words]: hypotheses of the goals that wait, the next one last."""
    waiting_goal: jax.Array
    """int8 [max_goals]: what is to be proved from them."""
    num_goals: jax.Array
    """int8 []: open goals; all but one wait."""
    seen: jax.Array
    """uint32 [words]: what was to be proved since `held` last grew."""
    choices: jax.Array
    """uint32 [words]: what the agent may act on; none while there is more to do without choice."""


class Propositional(Environment[PropositionalState]):
    """Proofs of formulas with up to `subformulas` different subformulas: 16, 32, 64 or 128."""

    version = "1"

    def __init__(
        self, *, subformulas: int = 64, max_goals: int = 24, max_steps: int = 128, goals: int = 1
    ):
        if subformulas not in SIZES or not 4 <= max_goals <= 127:
            raise ValueError(
                f"subformulas must be one of {', '.join(map(str, SIZES))}, and max_goals between "
                f"4 and 127, got {subformulas} and {max_goals}"
            )
        if not 1 <= goals <= max_goals:
            raise ValueError(
                f"goals, those that are seen one by one, must be between 1 and max_goals, "
                f"{max_goals}, got {goals}"
            )
        self.subformulas, self.max_goals, self.goals = subformulas, max_goals, goals
        self.num_actions = subformulas + 1
        self.num_players = 1
        self.max_steps = max_steps
        self.num_levels = formula_problems.num_levels(subformulas)
        self._words = bit_sets.num_words(subformulas)
        self.observation_spec = TokenSpec(
            num_tokens=subformulas,
            vocabulary_size=5 * 2**NUM_FEATURES,
            num_positions=NUM_POSITIONS,
            action_kinds=(0,) * subformulas + (1,),
            num_links=2,
            num_goals=goals,
        )

    # The rules -------------------------------------------------------------------------------

    def _start(self, problem: FormulaTable) -> PropositionalState:
        """At the first choice; at the very beginning, if there is none."""
        nothing = jnp.zeros(self._words, jnp.uint32)
        begun = PropositionalState.start(
            1,
            held=nothing,
            goal=(problem.size - 1).astype(jnp.int8),
            waiting_held=jnp.zeros((self.max_goals, self._words), jnp.uint32),
            waiting_goal=jnp.zeros(self.max_goals, jnp.int8),
            num_goals=jnp.int8(1),
            seen=nothing,
            choices=nothing,
        )
        settled = self._settled(problem, begun, _begun(begun))
        return select(settled.terminated, begun, settled)

    def _legal(self, problem: FormulaTable, state: PropositionalState) -> jax.Array:
        chosen = bit_sets.unpack(state.choices, self.subformulas)
        return jnp.append(chosen, (state.choices == 0).all())

    def _play(
        self, problem: FormulaTable, state: PropositionalState, action: jax.Array
    ) -> PropositionalState:
        work = _begun(state)
        row = jnp.minimum(action, self.subformulas - 1)
        acted = sequents.act(problem, work, row)
        return self._settled(problem, state, select(action == self.subformulas, work, acted))

    def _settled(
        self, problem: FormulaTable, state: PropositionalState, work: Work
    ) -> PropositionalState:
        """`state` after what needs no choice."""
        problem = jax.tree.map(jnp.asarray, problem)  # NumPy's have no place in a loop
        work = sequents.settle(problem, work, ROUNDS)
        proved = work.num_goals == 0
        at_choice = ~work.busy & ~work.failed & ~proved
        choices = jnp.where(at_choice, sequents.choices(problem, work), jnp.uint32(0))
        failed = work.failed | (at_choice & (choices == 0).all())
        return state.replace(
            held=work.held,
            goal=work.goal,
            waiting_held=work.waiting_held,
            waiting_goal=work.waiting_goal,
            num_goals=work.num_goals,
            seen=work.seen,
            choices=choices,
            rewards=jnp.where(proved, 1.0, jnp.where(failed, -1.0, 0.0))[None],
            terminated=proved | failed,
        )

    # What is seen ----------------------------------------------------------------------------

    def observe(self, problem: FormulaTable, state: PropositionalState) -> Tokens:
        """One token a subformula, linked to its parts.

        Its id says its kind; whether it is held, whether it is to be proved, whether it may be
        acted on; whether it is held in a goal that waits, and whether it is to be proved there.
        Its position says how deep it lies in the formula, and if it is asserted or assumed there.

        With `goals` above 1 there are as many such rows, the goal at work in the first one, the
        next one in the second, and so on: each as if it were alone, but for the last, behind which
        all others wait. Those of which there is no goal are masked.
        """
        number = jnp.arange(self.goals, dtype=jnp.int8)
        place = state.num_goals - jnp.int8(1) - number  # among those that wait, the next one last
        first, last = number == 0, number == self.goals - 1
        index = jnp.arange(self.max_goals, dtype=jnp.int8)
        seen = jax.vmap(functools.partial(self._observe_goal, problem, state))(
            jnp.where(first[:, None], state.held[None], state.waiting_held[place]),
            jnp.where(first, state.goal, state.waiting_goal[place]),
            jnp.where(first[:, None], state.choices[None], jnp.uint32(0)),
            last[:, None] & (index[None] < place[:, None]),
            first | (place >= 0),
        )
        return seen if self.goals > 1 else jax.tree.map(lambda x: x[0], seen)

    def _observe_goal(
        self,
        problem: FormulaTable,
        state: PropositionalState,
        held: jax.Array,
        goal: jax.Array,
        choices: jax.Array,
        waits: jax.Array,
        is_open: jax.Array,
    ) -> Tokens:
        """One goal; `waits`, bool [max_goals]: those of the state's that wait behind it."""
        size = self.subformulas
        rows = jnp.arange(size, dtype=jnp.int8)
        (waiting_goals,) = bit_sets.collect(self._words, [(state.waiting_goal, waits)])
        features = (
            bit_sets.unpack(held, size),
            rows == goal,
            bit_sets.unpack(choices, size),
            bit_sets.unpack(bit_sets.union(state.waiting_held, waits), size),
            bit_sets.unpack(waiting_goals, size),
        )
        tokens = problem.kind.astype(jnp.int32)
        for feature in features:
            tokens = 2 * tokens + feature.astype(jnp.int32)
        return Tokens(
            tokens=tokens,
            positions=problem.position.astype(jnp.int32),
            mask=is_open & (rows.astype(jnp.int16) < problem.size),
            action_tokens=jnp.append(rows, goal).astype(jnp.int32),
            links=jnp.stack([problem.left, problem.right], axis=1).astype(jnp.int32),
        )

    # Problems --------------------------------------------------------------------------------

    def sample_problem(self, key: jax.Array, split: Split = "train") -> FormulaTable:
        """A generated formula of the split, its level as likely as any other."""
        level_key, key = jax.random.split(key)
        level = jax.random.randint(level_key, (), 0, self.num_levels, jnp.int32)
        return self.sample_problem_at(key, level, split)

    def sample_problem_at(
        self, key: jax.Array, level: jax.Array, split: Split = "train"
    ) -> FormulaTable:
        """A generated formula of a level (int32 []): three for each size, the easiest first."""
        return formula_levels.draw(self.subformulas, split, key, level)

    def parse_problem(self, text: str) -> FormulaTable:
        """A formula such as "(p → q) ∧ ~r", or the text of a TPTP file of `fof` statements.

        Raises:
            ValueError: it is neither; or it has more subformulas than there is room for.
        """
        formula = tptp.parse_tptp(text).formula if _TPTP.search(text) else syntax.parse(text)
        return jax.tree.map(jnp.asarray, encode(formula, self.subformulas))

    def format_problem(self, problem: FormulaTable) -> str:
        """The formula, as people write it."""
        return syntax.show(decode(problem))

    def neighbours(self, problem: FormulaTable, count: int, seed: int) -> list[FormulaTable]:
        """Formulas that became of this one by small changes; see `formula_neighbours`."""
        found = formula_neighbours.neighbours(decode(problem), count, self.subformulas, seed)
        return [encode(formula, self.subformulas) for formula in found]

    def format_action(self, action: int) -> str:
        """The number of a subformula, or "go on"."""
        return str(action) if action < self.subformulas else "go on"

    def render(self, problem: FormulaTable, state: PropositionalState) -> str:
        """What is to be proved, from what, and what may be acted on (*), by the rows' numbers."""
        hypotheses = bit_sets.unpack(state.held, self.subformulas)
        choices = bit_sets.unpack(state.choices, self.subformulas)
        waiting = state.waiting_goal[: max(int(state.num_goals) - 1, 0)]
        goals = [*waiting, state.goal][: int(state.num_goals)]
        return propositional_text.describe(problem, hypotheses, goals, choices)

    # Who judges -----------------------------------------------------------------------------

    def verifier(self) -> Verifier:
        """Replays the actions by rules of its own."""
        return ReplayVerifier()

    def certifier(self) -> Certifier:
        """Shows proofs to Lean, and to people."""
        return PropositionalCertifier()

    def refutation(self, problem: FormulaTable) -> str:
        """A Kripke model in which the formula fails, if a short search comes upon one."""
        model = kripke.refute(decode(problem))
        return "" if model is None else f"it fails in world 0 of\n{kripke.describe(model)}"


def _begun(state: PropositionalState) -> Work:
    """What a running attempt has to do."""
    return Work(
        held=state.held,
        goal=state.goal,
        waiting_held=state.waiting_held,
        waiting_goal=state.waiting_goal,
        num_goals=state.num_goals,
        seen=state.seen,
        busy=jnp.bool_(True),
        failed=jnp.bool_(False),
    )
