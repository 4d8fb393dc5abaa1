"""Magma models: find a finite magma in which one law holds and another fails.

Rules: a magma of n elements is an n×n table of products. A law H does not imply a law C if there is
a table in which H holds for all values of its variables, and C fails for some. First the values are
chosen at which C is to fail, a variable a step; then the table is filled, a cell a step: the one
with fewest values left, of those whose row and column were spoken of before. An action gives that
unknown its value. Of the elements that nothing has spoken of, which are all alike, only the least
may be used (the least number heuristic: J. Zhang and H. Zhang 1995, "SEM: a system for enumerating
models").

What follows is filled in by itself: of each instance of H, and of the one of C, all parts have sets
of values that are still possible, from which goes what cannot be, until nothing changes. Where all
is filled, C fails and H holds: +1. Where something has no value left: -1, and so it ends.
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from selfplay.environment import ArraySpec, Certifier, Environment, State, Verifier
from selfplay.environment.contract import Split
from selfplay_envs.proofs import magma_model_problems as problems
from selfplay_envs.proofs import magma_model_text as text_of
from selfplay_envs.proofs.law_table import MAX_OPERATIONS, VARIABLES, LawTable, decode, encode
from selfplay_envs.proofs.magma import name
from selfplay_envs.proofs.magma_model_certificate import ModelCertifier
from selfplay_envs.proofs.magma_model_replay import ModelVerifier
from selfplay_envs.proofs.magma_sets import allowed, different, is_single, narrowed, set_tables

MOST_ELEMENTS = 5
"""Sets of elements have a table for each pair of them, 1,024 entries."""

_IN_GRID = 3
"""Variables whose values are taken side by side; those of further ones one after the other."""


class ModelProblem(struct.PyTreeNode):
    """Two laws, and how large a magma is wanted."""

    hypothesis: LawTable
    conclusion: LawTable
    elements: jax.Array
    """int8 []: n."""


class MagmaModelState(State):
    """What is known of the magma."""

    domains: jax.Array
    """uint8 [VARIABLES + elements²]: values that are possible, element a being bit a, for the
    conclusion's variables and for the cells, row by row. What there is no need of has bit 0."""
    used: jax.Array
    """int8 []: elements below this were spoken of."""


class MagmaModel(Environment[MagmaModelState]):
    """Tables of up to `elements` elements, 2 to 5.

    Args:
        elements: the largest n.
        operations: room for different products in a law; those with a number have at most 4.
    """

    version = "1"

    def __init__(self, *, elements: int = 5, operations: int = 4):
        if not 2 <= elements <= MOST_ELEMENTS:
            raise ValueError(f"elements must be between 2 and {MOST_ELEMENTS}, got {elements}")
        if not 4 <= operations <= MAX_OPERATIONS:
            raise ValueError(f"operations must be between 4 and {MAX_OPERATIONS}, got {operations}")
        self.elements, self.operations = elements, operations
        self._unknowns = VARIABLES + elements**2
        self.num_actions = self._unknowns * elements
        self.num_players = 1
        self.max_steps = self._unknowns
        self.num_levels = problems.num_levels(elements)
        law = (2 * operations + 2) * (VARIABLES + operations)
        self.observation_spec = ArraySpec(
            shape=(self._unknowns * (elements + 1) + elements - 1 + 2 * law,)
        )
        cells = jnp.arange(elements**2, dtype=jnp.int8)
        self._rows, self._columns = cells // elements, cells % elements

    # The rules -------------------------------------------------------------------------------

    def _start(self, problem: ModelProblem) -> MagmaModelState:
        everything = (jnp.uint8(1) << problem.elements.astype(jnp.uint8)) - jnp.uint8(1)
        variables = jnp.arange(VARIABLES, dtype=jnp.int8) < problem.conclusion.num_variables
        cells = jnp.maximum(self._rows, self._columns) < problem.elements
        domains = jnp.where(jnp.concatenate([variables, cells]), everything, jnp.uint8(1))
        domains = self._propagated(problem, domains)
        return MagmaModelState.start(1, domains=domains, used=jnp.int8(0))

    def _legal(self, problem: ModelProblem, state: MagmaModelState) -> jax.Array:
        known = is_single(state.domains)
        unknown, values = self._next(state)
        here = jnp.arange(self._unknowns, dtype=jnp.int32) == unknown
        running = (state.domains != 0).all() & ~known.all()
        legal = here[:, None] & self._bits(values)[None]
        return legal.reshape(-1) & running

    def _play(
        self, problem: ModelProblem, state: MagmaModelState, action: jax.Array
    ) -> MagmaModelState:
        unknown, value = action // self.elements, action % self.elements
        here = jnp.arange(self._unknowns, dtype=jnp.int32) == unknown
        chosen = jnp.uint8(1) << value.astype(jnp.uint8)
        domains = self._propagated(problem, jnp.where(here, chosen, state.domains))
        used = jnp.maximum(self._spoken_of(state.used)[unknown], value.astype(jnp.int8) + 1)
        failed = (domains == 0).any()
        done = is_single(domains).all() | failed
        reward = jnp.where(failed, -1.0, jnp.where(done, 1.0, 0.0))
        return state.replace(
            domains=domains, used=used, rewards=reward.astype(jnp.float32)[None], terminated=done
        )

    def _next(self, state: MagmaModelState) -> tuple[jax.Array, jax.Array]:
        """What gets a value next (int32 []), and which ones it may have (uint8 [])."""
        spoken_of = self._spoken_of(state.used)
        new = jnp.uint8(2) << jnp.minimum(spoken_of, self.elements - 1).astype(jnp.uint8)
        values = state.domains & (new - jnp.uint8(1))
        counts = self._bits(values).sum(-1, dtype=jnp.int32)
        variables = jnp.arange(self._unknowns, dtype=jnp.int32)
        cost = 16 * spoken_of.astype(jnp.int32) + counts + VARIABLES
        cost = jnp.where(variables < VARIABLES, variables, cost)
        unknown = jnp.where(is_single(state.domains), 1 << 14, cost).argmin().astype(jnp.int32)
        return unknown, values[unknown]

    def _spoken_of(self, used: jax.Array) -> jax.Array:
        """int8 [unknowns]: what `used` would be when each was chosen, before its value."""
        cells = jnp.maximum(jnp.maximum(self._rows, self._columns) + jnp.int8(1), used)
        return jnp.concatenate([jnp.full(VARIABLES, used), cells])

    def _propagated(self, problem: ModelProblem, domains: jax.Array) -> jax.Array:
        """Domains less what cannot be; all empty where one is."""
        problem = jax.tree.map(jnp.asarray, problem)  # NumPy's have no place in a loop

        def again(carried: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
            domains, _ = carried
            less = self._revised(problem, domains)
            less = jnp.where((less == 0).any(), jnp.uint8(0), less)
            return less, (less != domains).any()

        return jax.lax.while_loop(lambda carried: carried[1], again, (domains, jnp.bool_(True)))[0]

    def _revised(self, problem: ModelProblem, domains: jax.Array) -> jax.Array:
        """One look at all instances."""
        n = self.elements
        variables, cells = domains[:VARIABLES], domains[VARIABLES:].reshape(n, n)
        tables = set_tables(cells)
        law, size = problem.hypothesis, problem.elements.astype(jnp.int32)

        def part(index: jax.Array, left: jax.Array) -> jax.Array:
            values, valid = self._instances(index, size)
            return left & allowed(law, narrowed(law, tables, values), valid, n)

        parts = size ** jnp.maximum(law.num_variables.astype(jnp.int32) - _IN_GRID, 0)
        cells = jax.lax.fori_loop(0, parts, part, cells)
        law = problem.conclusion
        sets = narrowed(law, tables, variables[:, None], different)
        cells &= allowed(law, sets, jnp.ones(1, jnp.bool_), n)
        return jnp.concatenate([sets[:VARIABLES, 0], cells.reshape(-1)])

    def _instances(self, index: jax.Array, size: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Part `index` of all values of a law's variables: uint8 [VARIABLES, I], as sets, and
        which of them count, bool [I]: elements below `size`."""
        n = self.elements
        places = jnp.arange(n**_IN_GRID, dtype=jnp.int32)
        grid = [places // n**i % n for i in range(_IN_GRID)]
        rest = [index // size**i % size for i in range(VARIABLES - _IN_GRID)]
        values = jnp.stack([*grid, *(jnp.broadcast_to(value, places.shape) for value in rest)])
        valid = (jnp.stack(grid) < size).all(0)
        return jnp.uint8(1) << values.astype(jnp.uint8), valid

    def _bits(self, sets: jax.Array) -> jax.Array:
        """bool [..., elements]: which elements are in sets [...]."""
        bits = [sets >> place & jnp.uint8(1) for place in range(self.elements)]
        return jnp.stack(bits, -1) != 0

    # What is seen ----------------------------------------------------------------------------

    def observe(self, problem: ModelProblem, state: MagmaModelState) -> jax.Array:
        """float32: which values each unknown may have, which unknown is next, n, and both laws.

        A law is shown as its table, each number as one of VARIABLES + operations.
        """
        numbers = jnp.arange(VARIABLES + self.operations, dtype=jnp.int8)
        laws = [
            jnp.concatenate([law.products.reshape(-1), law.sides])[:, None] == numbers[None]
            for law in (problem.hypothesis, problem.conclusion)
        ]
        unknown, _ = self._next(state)
        seen = (
            self._bits(state.domains),
            jnp.arange(self._unknowns, dtype=jnp.int32) == unknown,
            jnp.arange(2, self.elements + 1, dtype=jnp.int8) == problem.elements,
            *laws,
        )
        return jnp.concatenate([part.reshape(-1) for part in seen]).astype(jnp.float32)

    def heuristic(self, problem: ModelProblem, state: MagmaModelState) -> jax.Array:
        """How much is decided: 1 where all is, near -1 where nothing is, -1 where it has failed.

        By the logarithm of the number of ways in which what is possible could be chosen.
        """
        counts = self._bits(state.domains).sum(-1, dtype=jnp.int32).astype(jnp.float32)
        open_ways = jnp.log(jnp.maximum(counts, 1.0)).sum()
        size = problem.elements.astype(jnp.float32)
        unknowns = size**2 + problem.conclusion.num_variables.astype(jnp.float32)
        decided = 1.0 - 2.0 * open_ways / (unknowns * jnp.log(size))
        # Where nothing is decided, rounding may reach beyond -1: a GPU's logarithms do.
        return jnp.where((state.domains == 0).any(), -1.0, jnp.maximum(decided, -1.0))

    def heuristic_after(self, problem: ModelProblem, state: MagmaModelState) -> jax.Array:
        """float32 [num_actions]: the same after each value of the unknown that is next."""
        unknown, _ = self._next(state)
        actions = unknown * self.elements + jnp.arange(self.elements, dtype=jnp.int32)

        def after(action: jax.Array) -> jax.Array:
            return self.heuristic(problem, self.step(problem, state, action))

        hints = jnp.full(self.num_actions, -1.0, jnp.float32)
        return hints.at[actions].set(jax.vmap(after)(actions))

    # Problems --------------------------------------------------------------------------------

    def sample_problem(self, key: jax.Array, split: Split = "train") -> ModelProblem:
        """A pair of laws of any level, each as likely as another."""
        level_key, key = jax.random.split(key)
        level = jax.random.randint(level_key, (), 0, self.num_levels, jnp.int32)
        return self.sample_problem_at(key, level, split)

    def sample_problem_at(
        self, key: jax.Array, level: jax.Array, split: Split = "train"
    ) -> ModelProblem:
        """A pair with a model, of a level (int32 []): by its elements, then by how hard it is."""
        hypothesis, conclusion, elements = problems.draw(self.operations, split, key, level)
        return ModelProblem(hypothesis=hypothesis, conclusion=conclusion, elements=elements)

    def parse_problem(self, text: str) -> ModelProblem:
        """Such as "E168 ⊢ E387 with 4 elements"; without a number the most there are.

        Raises:
            ValueError: it is none, or larger than there is room for.
        """
        (hypothesis, conclusion), elements = text_of.parse(text)
        return self.problem(hypothesis, conclusion, elements or self.elements)

    def problem(self, hypothesis: Any, conclusion: Any, elements: int) -> ModelProblem:
        """Of two laws (`magma.Law`). Raises ValueError where there is no room for it."""
        if not 2 <= elements <= self.elements:
            raise ValueError(
                f"a magma has 2 to {self.elements} elements here, not {elements}"
                + f"; --env-args elements {elements} has room" * (2 < elements <= MOST_ELEMENTS)
            )
        laws = (encode(law, self.operations) for law in (hypothesis, conclusion))
        made = ModelProblem(*laws, elements=jnp.int8(elements))
        return jax.tree.map(jnp.asarray, made)

    def format_problem(self, problem: ModelProblem) -> str:
        """Both laws, and the number of elements."""
        laws = decode(problem.hypothesis), decode(problem.conclusion)
        return text_of.show(*laws, int(problem.elements))

    def verifier(self) -> Verifier:
        """Completes the table by a search of its own, and checks it by plain definitions."""
        return ModelVerifier(self.elements)

    def certifier(self) -> Certifier:
        """Shows small tables to Lean, by cases; see `magma_model_certificate`."""
        return ModelCertifier(self.elements)

    def format_action(self, action: int) -> str:
        """Such as "y=2", "1◇0=2"."""
        unknown, value = divmod(action, self.elements)
        if unknown < VARIABLES:
            return f"{name(unknown)}={value}"
        row, column = divmod(unknown - VARIABLES, self.elements)
        return f"{row}◇{column}={value}"

    def render(self, problem: ModelProblem, state: MagmaModelState) -> str:
        """The conclusion's variables, and the table: values, or how many are possible, as "·3"."""
        return text_of.describe(
            self._bits(state.domains), int(problem.conclusion.num_variables), int(problem.elements)
        )
