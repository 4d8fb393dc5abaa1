"""Equational reasoning in magmas: does one law imply another? Rewrite until both sides are equal.

A law such as x = (y ◇ x) ◇ y holds for all values of its variables. The goal is an equation whose
variables are constants. A move puts one side of an instance of the law in place of the other,
somewhere in either side of the goal; whoever makes both sides equal has proved it. By Birkhoff's
theorem (F. Baader, T. Nipkow, "Term Rewriting and All That", 1998, section 3.1) whatever follows
from a law can be proved so. Which law implies which is what the Equational Theories Project
(T. Tao et al., 2024) settled for all pairs of laws of at most four operations.

What a rewriting leaves open is a hole, which stands for any term; later rewritings fill it, all
over its side, as far as they have to. So each is as general as can be: nothing has to be guessed
(see `equational_moves`). Both sides are equal where their holes can be filled so that they are.

An episode has `max_steps` steps, and who has not won by then, or can do nothing, has lost.
Rewritings can be undone, so nothing else ever fails: were such an episode cut off with an unknown
outcome, no network would see a loss.
"""

import jax
import jax.numpy as jnp
import numpy as np

from selfplay.environment import (
    Certifier,
    Encounter,
    Ends,
    Environment,
    State,
    Tokens,
    TokenSpec,
    Verifier,
)
from selfplay.environment.contract import Opposite, Split
from selfplay_envs.proofs import (
    equational_levels,
    equational_neighbours,
    equational_symmetry,
    equational_text,
    magma_refutation,
    step_limits,
    unification,
)
from selfplay_envs.proofs import equational_moves as moves
from selfplay_envs.proofs import equational_view as view
from selfplay_envs.proofs.equational_meeting import SidesMeet
from selfplay_envs.proofs.equational_moves import NOT_ALLOWED
from selfplay_envs.proofs.equational_proof import EquationalCertifier
from selfplay_envs.proofs.equational_replay import ReplayVerifier
from selfplay_envs.proofs.rewriting import Implication
from selfplay_envs.proofs.term_arrays import (
    HOLES,
    SIZES,
    VARIABLES,
    EquationalProblem,
    decode,
    encode,
    subterm_sizes,
)

SCALE = 16.0
"""Nodes, by which the heuristic falls to 1/e of its distance from -1."""


class EquationalState(State):
    """What the goal has become."""

    codes: jax.Array
    """int8 [2, size]: both sides in preorder, as `term_arrays` has it."""
    sizes: jax.Array
    """int8 [2, size]: nodes of the subterm that begins at each place."""
    growth: jax.Array
    """int8 [4 * size]: by how many nodes each action lets its side grow; NOT_ALLOWED where it is
    not."""
    touched: jax.Array
    """bool [2]: whether each side was rewritten."""


class Equational(Environment[EquationalState]):
    """Proofs of equations whose sides never exceed `size` nodes.

    Args:
        size: 31, 63 or 127; a network plays with any of them.
        max_steps: steps of an episode.
        step_cost: what each step but the last costs, at most 1 / max_steps. Solved problems return
            1 without it, and with it between 0 and 1, more the fewer steps it took; others -1.
    """

    version = "2"

    def __init__(self, *, size: int = 63, max_steps: int = 32, step_cost: float = 0.0):
        if size not in SIZES:
            raise ValueError(f"size must be one of {', '.join(map(str, SIZES))}, got {size}")
        step_limits.refuse_unfit(max_steps, step_cost)
        self.size, self.max_steps, self.step_cost = size, max_steps, step_cost
        self.num_actions = moves.num_actions(size)
        self.num_players = 1
        self.num_symmetries = equational_symmetry.NUM_SYMMETRIES
        self.num_levels = equational_levels.NUM_LEVELS
        self.observation_spec = TokenSpec(
            num_tokens=view.num_tokens(size),
            vocabulary_size=view.VOCABULARY,
            num_positions=view.NUM_POSITIONS,
            action_kinds=view.action_kinds(size),
            num_links=3,
        )

    # The rules -------------------------------------------------------------------------------

    def _start(self, problem: EquationalProblem) -> EquationalState:
        codes, sizes = jnp.asarray(problem.goal), jnp.asarray(problem.goal_sizes)
        return EquationalState.start(
            1,
            codes=codes,
            sizes=sizes,
            growth=moves.growth(problem.law, codes, sizes),
            touched=jnp.zeros(2, jnp.bool_),
        )

    def _legal(self, problem: EquationalProblem, state: EquationalState) -> jax.Array:
        return state.growth != NOT_ALLOWED

    def _play(
        self, problem: EquationalProblem, state: EquationalState, action: jax.Array
    ) -> EquationalState:
        direction, place = action // (2 * self.size), action % (2 * self.size)
        side, here = place // self.size, place % self.size
        codes = moves.rewritten(problem.law, state.codes[side], state.sizes[side], direction, here)
        sizes = subterm_sizes(codes)
        ways = moves.ways(problem.law, codes, sizes)
        growth = state.growth.reshape(2, 2, self.size).at[:, side].set(ways).reshape(-1)
        after = state.replace(
            codes=state.codes.at[side].set(codes),
            sizes=state.sizes.at[side].set(sizes),
            growth=growth,
            touched=state.touched.at[side].set(True),
        )
        solved = unification.unifiable(after.codes, after.sizes)
        late = state.step_count + jnp.int16(1) >= self.max_steps
        lost = late | ~(growth != NOT_ALLOWED).any()
        paid = -1.0 + self.step_cost * state.step_count.astype(jnp.float32)
        reward = jnp.where(solved, 1.0, jnp.where(lost, paid, -self.step_cost))
        return after.replace(rewards=reward.astype(jnp.float32)[None], terminated=solved | lost)

    # What is seen ----------------------------------------------------------------------------

    def observe(self, problem: EquationalProblem, state: EquationalState) -> Tokens:
        """Nodes of the goal and of the law, variables, a clock; see `equational_view`."""
        left = 1.0 - state.step_count.astype(jnp.float32) / self.max_steps
        return view.tokens(problem, state.codes, state.sizes, state.growth, left)

    def heuristic(self, problem: EquationalProblem, state: EquationalState) -> jax.Array:
        """By nodes: (1 + value) / 2 falls to 1/e with SCALE more of them; 1 where it is solved."""
        nodes = state.sizes[:, 0].sum(dtype=jnp.int32)
        solved = unification.unifiable(state.codes, state.sizes)
        return _small(jnp.where(solved, 0, nodes))

    def heuristic_after(self, problem: EquationalProblem, state: EquationalState) -> jax.Array:
        """Of the nodes that there are after each action."""
        return _small(state.sizes[:, 0].sum(dtype=jnp.int32) + state.growth.astype(jnp.int32))

    def ends(self, problem: EquationalProblem, state: EquationalState) -> Ends:
        """The goal's sides."""
        action = jnp.arange(self.num_actions, dtype=jnp.int32)
        side, place = action % (2 * self.size) // self.size, action % self.size

        def after(direction: jax.Array, side: jax.Array, place: jax.Array) -> jax.Array:
            return moves.rewritten(
                problem.law, state.codes[side], state.sizes[side], direction, place
            )

        return Ends(
            now=state.codes,
            end=side.astype(jnp.int8),
            after=jax.vmap(after)(action // (2 * self.size), side, place),
        )

    def encounter(self) -> Encounter:
        """Where two sides can be unified."""
        return SidesMeet()

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

    def neighbours(
        self, problem: EquationalProblem, count: int, seed: int
    ) -> list[EquationalProblem]:
        """What follows from the same law, and the like; see `equational_neighbours`."""
        hard = Implication(*decode(problem))
        found = equational_neighbours.neighbours(hard, count, self.size, seed)
        pairs = [(one.hypothesis, one.conclusion) for one in found]
        return [encode(*pair, self.size, equational_text.trains(pair[0])) for pair in pairs]

    def hindsight(
        self, problem: EquationalProblem, state: EquationalState
    ) -> tuple[EquationalProblem, jax.Array]:
        """That the side which was rewritten equals what became of it, if it was one side alone and
        where the problem's law is one to learn from; what is open is the first variable.

        The same actions reach it, or reach it before they end.
        """
        side = jnp.where(state.touched[1], 1, 0)
        this = (jnp.arange(2, dtype=jnp.int32) == side)[:, None]
        became = state.codes[side]
        became = jnp.where(became >= HOLES, jnp.int8(VARIABLES), became)
        goal = jnp.where(this, problem.goal, became[None])
        found = equational_levels.with_goal(problem, goal)
        differs = (goal[0] != goal[1]).any()
        known = (state.touched[0] ^ state.touched[1]) & differs & problem.trains
        return found, known & equational_levels.is_gapless(goal)

    def symmetry(
        self, problem: EquationalProblem, state: EquationalState, index: jax.Array
    ) -> tuple[EquationalProblem, EquationalState, jax.Array]:
        """Duality, sides of the goal exchanged, and those of the law: bits 0, 1, 2 of the index."""
        turned, codes, sizes, growth, permutation = equational_symmetry.turned(
            problem, state.codes, state.sizes, state.growth, index
        )
        exchanged = index // 2 % 2 == 1
        touched = jnp.where(exchanged, state.touched[::-1], state.touched)
        state = state.replace(codes=codes, sizes=sizes, growth=growth, touched=touched)
        return turned, state, permutation

    def format_action(self, action: int) -> str:
        """ "L5>" rewrites node 5 of the left side from left to right, "R0<" the right side."""
        return equational_text.action_name(action, self.size)

    def render(self, problem: EquationalProblem, state: EquationalState) -> str:
        """The law, and the goal as it stands."""
        return equational_text.describe(problem, np.asarray(state.codes))

    # Who judges ------------------------------------------------------------------------------

    def verifier(self) -> Verifier:
        """Replays the actions on terms, by rules of its own."""
        return ReplayVerifier()

    def certifier(self) -> Certifier:
        """Shows proofs to Lean, and to people."""
        return EquationalCertifier()


def _small(nodes: jax.Array) -> jax.Array:
    """float32: from 1 at no nodes towards -1."""
    return 2.0 * jnp.exp(-nodes.astype(jnp.float32) / SCALE) - 1.0
