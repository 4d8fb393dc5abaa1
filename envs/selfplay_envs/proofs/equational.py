"""Equational reasoning in magmas: does one law imply another? Rewrite until both sides are equal.

A law such as x = (y ◇ x) ◇ y holds for all values of its variables. The goal is an equation whose
variables are constants. A move puts one side of an instance of the law in place of the other,
somewhere in either side of the goal; whoever makes both sides equal has proved it. By Birkhoff's
theorem (F. Baader, T. Nipkow, "Term Rewriting and All That", 1998, section 3.1) whatever follows
from a law can be proved so. That one law implies another is what the Equational Theories Project
(T. Tao et al., 2024) settled for all pairs of laws of at most four operations.

A law read in one direction may put variables in place that matching has not given a value: these
are picked, a step each, from the goal's variables and the products on the side that is rewritten,
or on the other one as it was in the beginning; see `equational_moves`. What changes nothing, or
does not fit, is not allowed.

An episode has `max_steps` steps, picks among them, and who has not won by then, or can do nothing,
has lost. Rewritings can be undone, so nothing else ever fails: were such an episode cut off with an
unknown outcome, no network would see a loss.
"""

import jax
import jax.numpy as jnp
import numpy as np

from selfplay.environment import Certifier, Ends, Environment, State, Tokens, TokenSpec, Verifier
from selfplay.environment.contract import Opposite, Split
from selfplay_envs.proofs import (
    bit_sets,
    equational_ends,
    equational_levels,
    equational_symmetry,
    equational_text,
    magma_refutation,
)
from selfplay_envs.proofs import equational_moves as moves
from selfplay_envs.proofs import equational_view as view
from selfplay_envs.proofs.equational_moves import Attempt
from selfplay_envs.proofs.equational_proof import EquationalCertifier
from selfplay_envs.proofs.equational_replay import ReplayVerifier
from selfplay_envs.proofs.term_arrays import MAX_VARIABLES, EquationalProblem, decode

SCALE = 16.0
"""Nodes, by which the heuristic falls to 1/e of its distance from -1."""

SIZES = (31, 63, 127)
"""Room for nodes of a side: as many as trees of depth 4, 5 and 6 have at most."""


class EquationalState(State):
    """What the goal has become."""

    codes: jax.Array
    """int8 [2, size]: both sides in preorder, as `term_arrays` has it."""
    sizes: jax.Array
    """int8 [2, size]: nodes of the subterm that begins at each place."""
    pending: jax.Array
    """int16 []: the rewriting that waits for picks, as an action; -1 if none does."""
    picks: jax.Array
    """int16 [MAX_PICKS]: places of what was picked for it, then -1."""
    choices: jax.Array
    """uint32 [words]: what the rules allow."""
    touched: jax.Array
    """bool [3]: whether the left side was rewritten, and the right one; and if anything was picked
    from the side that was not."""


class Equational(Environment[EquationalState]):
    """Proofs of equations whose sides never exceed `size` nodes.

    Args:
        size: 31, 63 or 127; a network plays with any of them.
        max_steps: steps of an episode, picks among them.
        step_cost: what each step but the last costs, at most 1 / max_steps. Solved problems return
            1 without it, and with it between 0 and 1, more the fewer steps it took; others -1.
    """

    version = "1"

    def __init__(self, *, size: int = 63, max_steps: int = 32, step_cost: float = 0.0):
        if size not in SIZES:
            raise ValueError(f"size must be one of {', '.join(map(str, SIZES))}, got {size}")
        if not 1 <= max_steps <= 10_000:
            raise ValueError(f"max_steps must be between 1 and 10,000, got {max_steps}")
        if not 0 <= step_cost * max_steps <= 1:
            raise ValueError(
                f"step_cost must be between 0 and 1 / max_steps = {1 / max_steps:g}, "
                f"got {step_cost}"
            )
        self.size, self.max_steps, self.step_cost = size, max_steps, step_cost
        self.num_actions = moves.num_actions(size)
        self.num_players = 1
        self.num_symmetries = equational_symmetry.NUM_SYMMETRIES
        self.num_levels = equational_levels.NUM_LEVELS
        self.observation_spec = TokenSpec(
            num_tokens=view.num_tokens(size),
            vocabulary_size=view.VOCABULARY,
            num_positions=view.NUM_POSITIONS,
            action_kinds=(0,) * 2 * size + (1,) * 2 * size + (2,) * (2 * size + MAX_VARIABLES),
            num_links=3,
        )

    # The rules -------------------------------------------------------------------------------

    def _start(self, problem: EquationalProblem) -> EquationalState:
        begun = moves.begin(problem.goal, problem.goal_sizes)
        return EquationalState.start(
            1,
            **begun._asdict(),
            choices=bit_sets.pack(moves.legal(problem.law, problem.num_variables, begun)),
            touched=jnp.zeros(3, jnp.bool_),
        )

    def _legal(self, problem: EquationalProblem, state: EquationalState) -> jax.Array:
        return bit_sets.unpack(state.choices, self.num_actions)

    def _play(
        self, problem: EquationalProblem, state: EquationalState, action: jax.Array
    ) -> EquationalState:
        acted = moves.act(problem.law, _seen(problem, state), action)
        other = self._other_side(state, action)
        acted = acted._replace(
            codes=jnp.where(other, state.codes, acted.codes),
            sizes=jnp.where(other, state.sizes, acted.sizes),
        )
        shown = moves.seen(acted, problem.goal, problem.goal_sizes)
        legal = moves.legal(problem.law, problem.num_variables, shown)
        solved = (acted.codes[0] == acted.codes[1]).all()
        late = state.step_count + jnp.int16(1) >= self.max_steps
        lost = late | ~legal.any()
        paid = -1.0 + self.step_cost * state.step_count.astype(jnp.float32)
        reward = jnp.where(solved, 1.0, jnp.where(lost, paid, -self.step_cost))
        return state.replace(
            **acted._asdict(),
            choices=bit_sets.pack(legal),
            touched=state.touched | self._touches(state, action),
            rewards=reward.astype(jnp.float32)[None],
            terminated=solved | lost,
        )

    def _other_side(self, state: EquationalState, action: jax.Array) -> jax.Array:
        """bool [2, 1]: the side on which an action does nothing."""
        rewriting = jnp.where(action < 4 * self.size, action.astype(jnp.int16), state.pending)
        start, _ = moves.read(rewriting, self.size)
        return (jnp.arange(2, dtype=jnp.int32) != start // self.size)[:, None]

    def _touches(self, state: EquationalState, action: jax.Array) -> jax.Array:
        """bool [3]: what an action does to `touched`."""
        picking = action >= 4 * self.size
        side = action % (2 * self.size) // self.size
        start, _ = moves.read(state.pending, self.size)
        borrows = picking & (action < 6 * self.size) & (side != start // self.size)
        return jnp.stack([~picking & (side == 0), ~picking & (side == 1), borrows])

    # What is seen ----------------------------------------------------------------------------

    def observe(self, problem: EquationalProblem, state: EquationalState) -> Tokens:
        """Nodes of the goal and of the law, variables, a clock; see `equational_view`."""
        left = 1.0 - state.step_count.astype(jnp.float32) / self.max_steps
        return view.tokens(problem, _seen(problem, state), self._legal(problem, state), left)

    def heuristic(self, problem: EquationalProblem, state: EquationalState) -> jax.Array:
        """By nodes: 1 where both sides are equal; (1 + value) / 2 falls to 1/e with SCALE more."""
        nodes = state.sizes[:, 0].sum(dtype=jnp.int32)
        equal = (state.codes[0] == state.codes[1]).all()
        return _small(jnp.where(equal, 0, nodes))

    def heuristic_after(self, problem: EquationalProblem, state: EquationalState) -> jax.Array:
        """Of what fits; while picks are to come, as if the smallest were picked."""
        nodes = state.sizes[:, 0].sum(dtype=jnp.int32)
        return _small(nodes + moves.growth(problem.law, _seen(problem, state)))

    def ends(self, problem: EquationalProblem, state: EquationalState) -> Ends:
        """The goal's sides."""
        return equational_ends.ends(problem.law, state.codes, _seen(problem, state))

    # Problems --------------------------------------------------------------------------------

    def sample_problem(self, key: jax.Array, split: Split = "train") -> EquationalProblem:
        """A problem of any level, each as likely as another."""
        level_key, key = jax.random.split(key)
        level = jax.random.randint(level_key, (), 0, self.num_levels, jnp.int32)
        return self.sample_problem_at(key, level, split)

    def sample_problem_at(
        self, key: jax.Array, level: jax.Array, split: Split = "train"
    ) -> EquationalProblem:
        """A walk of 1 + level rewritings; after those, pairs of laws; see `equational_levels`."""
        return equational_levels.draw(key, level, split, self.size)

    def parse_problem(self, text: str) -> EquationalProblem:
        """An implication such as "x = (y ◇ x) ◇ y ⊢ x = y ◇ (x ◇ y)", or "E387 ⊢ E43"."""
        return equational_text.parse(text, self.size)

    def format_problem(self, problem: EquationalProblem) -> str:
        """Hypothesis ⊢ conclusion, in x, y, z, w, u, v."""
        return equational_text.show(problem)

    def opposite(self, problem: EquationalProblem) -> Opposite | None:
        """A finite magma in which the hypothesis holds and the conclusion fails."""
        return magma_refutation.opposite(*decode(problem))

    def hindsight(
        self, problem: EquationalProblem, state: EquationalState
    ) -> tuple[EquationalProblem, jax.Array]:
        """That the side which was rewritten equals what became of it, if it was one side alone and
        nothing was picked from the other one, and where the problem's law is one to learn from.

        The same actions reach it, or reach it before they end; but for picks of a variable that the
        new goal lacks.
        """
        one = state.touched[0] ^ state.touched[1]
        side = jnp.where(state.touched[1], 1, 0)
        this = (jnp.arange(2, dtype=jnp.int32) == side)[:, None]
        goal = jnp.where(this, problem.goal, state.codes[side][None])
        found = equational_levels.with_goal(problem, goal)
        differs = (goal[0] != goal[1]).any()
        gapless = equational_levels.is_gapless(goal)
        known = one & ~state.touched[2] & differs & gapless & problem.trains
        return found, known

    def symmetry(
        self, problem: EquationalProblem, state: EquationalState, index: jax.Array
    ) -> tuple[EquationalProblem, EquationalState, jax.Array]:
        """Duality, sides of the goal exchanged, and those of the law: bits 0, 1, 2 of the index."""
        turned, attempt, permutation = equational_symmetry.turned(problem, _attempt(state), index)
        allowed = jnp.zeros(self.num_actions, jnp.bool_)
        allowed = allowed.at[permutation].set(self._legal(problem, state))
        exchanged = index // 2 % 2 == 1
        touched = jnp.where(exchanged, state.touched[np.array([1, 0, 2])], state.touched)
        state = state.replace(**attempt._asdict(), choices=bit_sets.pack(allowed), touched=touched)
        return turned, state, permutation

    def format_action(self, action: int) -> str:
        """ "L5>" rewrites node 5 of the left side from left to right; "R0" and "x" are picks."""
        return equational_text.action_name(action, self.size)

    def render(self, problem: EquationalProblem, state: EquationalState) -> str:
        """The law, the goal as it stands, and the rewriting that waits for picks."""
        return equational_text.describe(problem, _attempt(state))

    # Who judges ------------------------------------------------------------------------------

    def verifier(self) -> Verifier:
        """Replays the actions on terms, by rules of its own."""
        return ReplayVerifier()

    def certifier(self) -> Certifier:
        """Shows proofs to Lean, and to people."""
        return EquationalCertifier()


def _attempt(state: EquationalState) -> Attempt:
    """The part of a state that moves change."""
    return Attempt(state.codes, state.sizes, state.pending, state.picks)


def _seen(problem: EquationalProblem, state: EquationalState) -> Attempt:
    """The same, as picks see it."""
    return moves.seen(_attempt(state), problem.goal, problem.goal_sizes)


def _small(nodes: jax.Array) -> jax.Array:
    """float32: from 1 at no nodes towards -1."""
    return 2.0 * jnp.exp(-nodes.astype(jnp.float32) / SCALE) - 1.0
