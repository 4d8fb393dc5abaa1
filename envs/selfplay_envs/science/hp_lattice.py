"""HP folding: lay a chain of residues on a square lattice so that hydrophobic ones touch.

Rules: the first two residues lie side by side; each further one is laid left of, straight ahead
of, or right of the last bond, on a free square. Two hydrophobic residues that lie side by side
and are not bonded are a contact. A complete fold earns its contacts, as a share of a bound that
no fold of its chain exceeds; a chain that is stuck before its end earns -1 (K. F. Lau and
K. A. Dill 1989; an energy in the literature is minus the number of contacts).

Encoding: squares are seen from the residue laid last, the head: the last bond points ahead.
Laying a residue moves the head, so all others move instead; no heading is kept.
"""

from typing import Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np

from selfplay.environment import ArraySpec, Environment, State, Verifier
from selfplay_envs.science import hp_designed
from selfplay_envs.science.hp_chain import Chain, format_chain, parse_chain, random_chain
from selfplay_envs.science.hp_lattice_scorer import FoldVerifier

LEFT, STRAIGHT, RIGHT = range(3)

_TARGETS = ((0, 1), (1, 0), (0, -1))
"""Where each action lays the next residue: steps ahead of the head, and to its left."""

MAX_LENGTH = 100
"""Squares and contacts are counted in bytes."""

SIGHT = 6
"""Squares that a network sees from the head, each way."""

WINDOW = 2 * SIGHT + 1
"""Squares in a row of what is seen."""

ChainSource = Literal["random", "designed"]


class HPLatticeState(State):
    """A chain partly laid."""

    squares: jax.Array
    """int8 [2, length]: where each residue lies, steps ahead of the head and to its left; 0 for
    those still to come."""
    contacts: jax.Array
    """int8 []: made so far."""


class HPLattice(Environment[HPLatticeState]):
    """The HP model on the square lattice, for chains of up to `length` residues.

    `sample_problem` draws chains of `min_length` to `length` residues: `random` ones, or `designed`
    ones, which have exactly one fold of most contacts. Either way one chain in eight, by a hash
    that takes a chain and its reversal for the same, is `held_out` and never in `train`.
    """

    version = "1"

    def __init__(self, *, length: int = 40, min_length: int = 12, chains: ChainSource = "random"):
        if not 10 <= length <= MAX_LENGTH or not 4 <= min_length <= length:
            raise ValueError(
                f"length must be between 10 and {MAX_LENGTH} and min_length between 4 and length, "
                f"got length {length} and min_length {min_length}"
            )
        if chains not in get_args(ChainSource):
            raise ValueError(f"chains must be random or designed, got {chains!r}")
        self.length, self.min_length, self.chains = length, min_length, chains
        self.num_actions = 3
        self.num_players = 1
        self.max_steps = length - 2
        self.num_symmetries = 2
        self._num_places = WINDOW**2 + length - 2
        self.observation_spec = ArraySpec(shape=(2 * self._num_places + 4,))
        self._designed = None
        if chains == "designed":
            self._designed = hp_designed.splits(length, min_length)

    # The rules -------------------------------------------------------------------------------

    def _start(self, problem: Chain) -> HPLatticeState:
        squares = jnp.zeros((2, self.length), jnp.int8).at[0, 0].set(-1)
        return HPLatticeState.start(1, squares=squares, contacts=jnp.int8(0))

    def _play(self, problem: Chain, state: HPLatticeState, action: jax.Array) -> HPLatticeState:
        placed = _placed(state)
        ahead, left = state.squares
        turned_ahead = jnp.select([action == LEFT, action == STRAIGHT], [left, ahead], -left)
        turned_left = jnp.select([action == LEFT, action == STRAIGHT], [-ahead, left], ahead)
        squares = jnp.stack([turned_ahead - jnp.int8(1), turned_left])
        squares = jnp.where(self._index() < placed, squares, jnp.int8(0))
        near = self._near(squares, placed + jnp.int8(1))
        touched = (near & problem.hydrophobic[None]).sum(dtype=jnp.int8)
        contacts = state.contacts + jnp.where(problem.hydrophobic[placed], touched, jnp.int8(0))
        complete = placed + jnp.int8(1) >= problem.size
        stuck = near.any(1).all() & ~complete
        share = _share(problem, contacts)
        reward = jnp.where(complete, share, jnp.where(stuck, -1.0, 0.0))
        return state.replace(
            squares=squares,
            contacts=contacts,
            rewards=reward[None],
            terminated=complete | stuck,
        )

    def _legal(self, problem: Chain, state: HPLatticeState) -> jax.Array:
        return ~self._near(state.squares, _placed(state)).any(1)

    def _index(self) -> jax.Array:
        """int8 [1, length]: the residues' numbers."""
        return jnp.arange(self.length, dtype=jnp.int8)[None]

    def _near(self, squares: jax.Array, placed: jax.Array) -> jax.Array:
        """bool [3, length]: whether a residue lies where an action would lay the next one.

        The same three squares hold all that the head can touch, its bond apart.
        """
        targets = jnp.array(_TARGETS, jnp.int8)
        there = (squares[None] == targets[:, :, None]).all(1)
        return there & (self._index() < placed)

    # What is seen ----------------------------------------------------------------------------

    def observe(self, problem: Chain, state: HPLatticeState) -> jax.Array:
        """float32 [N]: hydrophobic residues, polar residues, four numbers.

        Residues of either kind fill `WINDOW**2 + length - 2` places: the squares around the head,
        row by row from SIGHT behind it to SIGHT ahead, each row from SIGHT to the right to SIGHT to
        the left; then the residues to come, in order. The numbers: contacts so far, their bound,
        and residues to come, each over 32; contacts over bound.
        """
        placed = _placed(state).astype(jnp.int32)
        size = problem.size.astype(jnp.int32)
        row, column = state.squares.astype(jnp.int32) + SIGHT
        seen = (row >= 0) & (row < WINDOW) & (column >= 0) & (column < WINDOW)
        index = jnp.arange(self.length, dtype=jnp.int32)
        to_come = WINDOW**2 + index - placed
        is_placed = index < placed
        place = jnp.where(is_placed, row * WINDOW + column, to_come)
        kind = jnp.where(problem.hydrophobic, 0, self._num_places)
        shown = jnp.where(is_placed, seen, index < size)
        nowhere = 2 * self._num_places
        place = jnp.where(shown, kind + place, nowhere)
        residues = jnp.zeros(nowhere, jnp.float32).at[place].set(1.0, mode="drop")
        numbers = jnp.stack(
            [state.contacts, problem.most_contacts, (size - placed).astype(jnp.int8)]
        )
        share = _share(problem, state.contacts)[None]
        return jnp.concatenate([residues, numbers.astype(jnp.float32) / 32.0, share])

    # Problems --------------------------------------------------------------------------------

    def sample_problem(self, key: jax.Array, split: str = "train") -> Chain:
        """A chain of the split; of the designed ones each as likely as any other."""
        if self._designed is not None:
            table = self._designed[split]
            index = jax.random.randint(key, (), 0, table.size.shape[0])
            return jax.tree.map(lambda leaf: leaf[index], table)
        return random_chain(key, self.length, self.min_length, split == "held_out")

    def parse_problem(self, text: str) -> Chain:
        """A chain such as "HPPHPH", of 3 to `length` letters, in upper or lower case."""
        return parse_chain(text.strip().upper(), self.length)

    def format_problem(self, problem: Chain) -> str:
        """The chain's letters."""
        return format_chain(problem)

    def verifier(self) -> Verifier:
        """Counts contacts anew; see `FoldVerifier` for what it accepts."""
        return FoldVerifier()

    # Optional --------------------------------------------------------------------------------

    def symmetry(
        self, problem: Chain, state: HPLatticeState, index: jax.Array
    ) -> tuple[Chain, HPLatticeState, jax.Array]:
        """Symmetry 1 is the mirror image: left and right change places."""
        signs = jnp.stack([jnp.int8(1), jnp.where(index == 1, jnp.int8(-1), jnp.int8(1))])
        actions = jnp.arange(3, dtype=jnp.int32)
        permutation = jnp.where(index == 1, actions[::-1], actions)
        return problem, state.replace(squares=state.squares * signs[:, None]), permutation

    def heuristic(self, problem: Chain, state: HPLatticeState) -> jax.Array:
        """The contacts made so far, as a share of the bound."""
        return _share(problem, state.contacts)

    def format_action(self, action: int) -> str:
        """L, S or R: left, straight, right."""
        return "LSR"[action]

    def render(self, problem: Chain, state: HPLatticeState) -> str:
        """The fold with its bonds, the first one to the right, the head in lower case."""
        placed = int(_placed(state))
        letters = format_chain(problem)[: placed - 1]
        letters += format_chain(problem)[placed - 1 : placed].lower()
        ahead, left = np.asarray(state.squares, np.int64)[:, :placed]
        places = ahead + 1j * left
        places = (places - places[0]) / (places[1] - places[0])
        drawn = _draw(letters, np.rint(places.real).astype(int), np.rint(places.imag).astype(int))
        return (
            f"{drawn}\n{format_chain(problem)}: {placed} of {int(problem.size)} residues laid, "
            f"contacts {int(state.contacts)} (at most {int(problem.most_contacts)})"
        )


def _placed(state: HPLatticeState) -> jax.Array:
    """int8 []: residues laid so far."""
    return state.step_count.astype(jnp.int8) + jnp.int8(2)


def _share(problem: Chain, contacts: jax.Array) -> jax.Array:
    """float32 []: contacts as a share of the chain's bound, 0 where that is 0."""
    bound = jnp.maximum(problem.most_contacts, jnp.int8(1))
    return contacts.astype(jnp.float32) / bound.astype(jnp.float32)


def _draw(letters: str, x: np.ndarray, y: np.ndarray) -> str:
    """Letters at points of the lattice, with a line between each and the next."""
    column, row = 2 * (x - x.min()), 2 * (y.max() - y)
    grid = np.full((row.max() + 1, column.max() + 1), " ")
    grid[row, column] = list(letters)
    between = (row[1:] + row[:-1]) // 2, (column[1:] + column[:-1]) // 2
    grid[between] = np.where(row[1:] == row[:-1], "-", "|")
    return "\n".join("".join(line).rstrip() for line in grid)
