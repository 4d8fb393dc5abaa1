"""How often does a hash mislead? Subterms of random play, by hash and by what they are.

    python -m benchmarks.equational.collisions --games 1024 --steps 64

All places of a side of a goal are compared with each other, at each step of each game.
"""

import dataclasses
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import tyro


@dataclasses.dataclass(frozen=True)
class Arguments:
    """What is played."""

    size: int = 63
    """Room for nodes of a side."""
    games: int = 1024
    """At once."""
    steps: int = 64
    """Of each."""
    seed: int = 0


class Counts(NamedTuple):
    """Of pairs of places on a side."""

    compared: int
    misled: int
    """Equal hashes of different subterms."""


def count(codes: np.ndarray, sizes: np.ndarray, hashed: np.ndarray) -> Counts:
    """Of one goal, its sides apart: what stands on one is never asked to be equal on the other.

    Args:
        codes: int8 [2, size], as the environment's state has them.
        sizes: int8 [2, size].
        hashed: uint32 [2 * size].
    """
    sides = zip(codes, sizes, hashed.reshape(codes.shape), strict=True)
    return Counts(*map(sum, zip(*(_of_side(*side) for side in sides), strict=True)))


def _of_side(codes: np.ndarray, sizes: np.ndarray, hashed: np.ndarray) -> Counts:
    """By int8 [size] twice and uint32 [size]."""
    found: dict[int, list[bytes]] = {}
    for place in np.flatnonzero(sizes):
        term = codes[place : place + int(sizes[place])].tobytes()
        found.setdefault(int(hashed[place]), []).append(term)
    places = sum(map(len, found.values()))
    return Counts(places * (places - 1) // 2, sum(map(_different_pairs, found.values())))


def _different_pairs(terms: list[bytes]) -> int:
    """Pairs of unequal ones."""
    if len(set(terms)) == 1:
        return 0
    return sum(a != b for i, a in enumerate(terms) for b in terms[:i])


def play(arguments: Arguments) -> Iterable[tuple[Any, np.ndarray]]:
    """States [games] of random play, step by step, and hashes, uint32 [games, 2 * size]."""
    import jax
    import jax.numpy as jnp

    from selfplay_envs.proofs.equational import Equational
    from selfplay_envs.proofs.matching import hashes

    env = Equational(size=arguments.size)

    @jax.jit
    @jax.vmap
    def begin(key: jax.Array) -> Any:
        problem = env.sample_problem(key)
        return problem, env.init(problem)

    @jax.jit
    @jax.vmap
    def onward(problem: Any, state: Any, key: jax.Array) -> Any:
        lots = jax.random.uniform(key, (env.num_actions,))
        legal = env.legal_action_mask(problem, state)
        after = env.step(problem, state, jnp.where(legal, lots, -1.0).argmax().astype(jnp.int32))
        fresh = env.init(problem)
        after = jax.tree.map(lambda a, b: jnp.where(after.ended, a, b), fresh, after)
        return after, hashes(after.codes, after.sizes)

    key = jax.random.key(arguments.seed)
    problem, state = begin(jax.random.split(key, arguments.games))
    for step in range(arguments.steps):
        keys = jax.random.split(jax.random.fold_in(key, step), arguments.games)
        state, hashed = onward(problem, state, keys)
        yield jax.device_get(state), np.asarray(hashed)


def main() -> None:
    """Prints how many pairs were compared, and how many of them misled."""
    compared = misled = 0
    for state, hashed in play(tyro.cli(Arguments, description=__doc__)):
        for goal in zip(state.codes, state.sizes, hashed, strict=True):
            found = count(*goal)
            compared, misled = compared + found.compared, misled + found.misled
    print(f"{compared:,} pairs of subterms compared, {misled:,} misled")


if __name__ == "__main__":
    main()
