"""Problems as the environment has them, of which the replay reads the codes."""

from types import SimpleNamespace

from selfplay_envs.proofs.magma import Term
from selfplay_envs.proofs.rewriting import Implication


def codes(term: Term) -> list[int]:
    """1 for ◇, before its parts; 2 + v for variable v."""
    return [2 + term] if isinstance(term, int) else [1, *codes(term[0]), *codes(term[1])]


def padded(symbols: list[int], length: int) -> list[int]:
    return symbols + [0] * (length - len(symbols))


def table(problem: Implication, size: int) -> SimpleNamespace:
    """Both laws as codes."""
    left, right = map(codes, problem.hypothesis.sides)
    law = SimpleNamespace(codes=padded(left + right, 18), num_left=len(left))
    goal = [padded(codes(side), size) for side in problem.conclusion.sides]
    return SimpleNamespace(law=law, goal=goal)
