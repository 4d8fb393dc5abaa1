"""Implications of laws as text: what people type, and what they are shown."""

import numpy as np

from selfplay_envs.proofs import equational_levels as levels
from selfplay_envs.proofs import laws, magma_model_text
from selfplay_envs.proofs.magma import Law, excerpt, name
from selfplay_envs.proofs.magma import show as show_term
from selfplay_envs.proofs.narrowing import holes
from selfplay_envs.proofs.term_arrays import EquationalProblem, decode, encode, term_of


def parse(text: str, size: int) -> EquationalProblem:
    """A problem from a text such as "x = (y ◇ x) ◇ y ⊢ x = y ◇ (x ◇ y)", or "E387 ⊢ E43".

    Raises:
        ValueError: it is no implication of equations, or there is no room for it.
    """
    (hypothesis, conclusion), elements = magma_model_text.parse(text)
    if elements is not None:
        raise ValueError(
            f"an implication is to be proved here, of all magmas; 'with {elements} elements' asks "
            "magma_model for one of that size that refutes it: leave it out, selfplay solve looks "
            "for small ones by itself"
        )
    if conclusion.left == conclusion.right:
        raise ValueError(
            f"both sides of {excerpt(str(conclusion))} are the same: any law implies it"
        )
    return encode(hypothesis, conclusion, size, trains(hypothesis))


def trains(hypothesis: Law) -> bool:
    """Whether a law is one to learn from: none of the held-out ones, nor any without a number."""
    return laws.number(hypothesis) in levels.numbers("train")


def show(problem: EquationalProblem) -> str:
    """Hypothesis ⊢ conclusion."""
    hypothesis, conclusion = decode(problem)
    return f"{hypothesis} ⊢ {conclusion}"


def action_name(action: int, size: int) -> str:
    """Of an action, as `equational_moves` numbers them: "L5>", "R0<".

    Raises:
        ValueError: there is no such action.
    """
    if not 0 <= action < 4 * size:
        raise ValueError(
            f"there are {4 * size} actions at size {size}, numbered from 0 to {4 * size - 1}, got "
            f"{action}"
        )
    direction, place = divmod(action, 2 * size)
    side, place = divmod(place, size)
    return f"{'LR'[side]}{place}{'><'[direction]}"


def describe(problem: EquationalProblem, codes: np.ndarray) -> str:
    """The law, and the goal as it stands, int8 [2, size], for a person.

    Both have variables of the same names, so it is said what they are; holes are ?1, ?2, …
    """
    hypothesis, conclusion = decode(problem)
    sides = [term_of(np.asarray(side)) for side in codes]
    goal = " = ".join(map(show_term, sides))
    lines = [
        f"law  {hypothesis}   (whatever {_names(hypothesis)} may be)",
        f"goal {goal}   ({_names(conclusion)} being fixed, and none of the law's)",
    ]
    marks = sorted(set.union(*map(holes, sides)), reverse=True)
    if marks:
        lines.append(f"open {', '.join(map(name, marks))}   (any term, on either side another)")
    return "\n".join(lines)


def _names(law: Law) -> str:
    return ", ".join(map(name, range(law.num_variables)))
