"""Implications of laws as text: what people type, and what they are shown."""

import numpy as np

from selfplay_envs.proofs import equational_levels as levels
from selfplay_envs.proofs import equational_moves, laws
from selfplay_envs.proofs.equational_moves import Attempt
from selfplay_envs.proofs.implication_text import parse_implication
from selfplay_envs.proofs.magma import Law, Term, name
from selfplay_envs.proofs.magma import show as show_term
from selfplay_envs.proofs.term_arrays import (
    EquationalProblem,
    decode,
    encode,
    term_of,
)


def parse(text: str, size: int) -> EquationalProblem:
    """A problem from a text such as "x = (y ◇ x) ◇ y ⊢ x = y ◇ (x ◇ y)", or "E387 ⊢ E43".

    Raises:
        ValueError: it is no implication of equations, or there is no room for it.
    """
    hypothesis, conclusion = parse_implication(text)
    if conclusion.left == conclusion.right:
        raise ValueError(f"both sides of {conclusion} are the same: any law implies it")
    return encode(hypothesis, conclusion, size, trains(hypothesis))


def trains(hypothesis: Law) -> bool:
    """Whether a law is one to learn from: none of the held-out ones, nor any without a number."""
    return laws.number(hypothesis) in levels.numbers("train")


def show(problem: EquationalProblem) -> str:
    """Hypothesis ⊢ conclusion."""
    hypothesis, conclusion = decode(problem)
    return f"{hypothesis} ⊢ {conclusion}"


def action_name(action: int, size: int) -> str:
    """Of an action, as `equational_moves` numbers them: "L5>", "R0<", "L5", "x"."""
    if action >= 6 * size:
        return name(action - 6 * size)
    place = action % (2 * size)
    kind = ("L" if place < size else "R") + str(place % size)
    return kind + (">", "<", "")[action // (2 * size)]


def describe(problem: EquationalProblem, attempt: Attempt) -> str:
    """The law, the goal as it stands, and the rewriting that waits, for a person."""
    hypothesis, _ = decode(problem)
    codes = np.asarray(attempt.codes)
    size = codes.shape[1]
    sides = " = ".join(show_term(term_of(side)) for side in codes)
    lines = [f"law  {hypothesis}", f"goal {sides}"]
    if attempt.pending >= 0:
        direction = int(equational_moves.read(attempt.pending, size)[1])
        lines.append(f"rewriting {action_name(int(attempt.pending), size)}")
        shown = np.array(problem.goal)  # where picks are from; see `equational_moves`
        own = int(attempt.pending) % (2 * size) // size
        shown[own] = codes[own]
        open_ = [int(v) for v in problem.law.open[direction] if v >= 0]
        for variable, pick in zip(open_, attempt.picks, strict=False):
            picked = show_term(_picked(shown, int(pick))) if pick >= 0 else "?"
            lines[-1] += f"  {name(variable)} := {picked}"
    return "\n".join(lines)


def _picked(codes: np.ndarray, pick: int) -> Term:
    """The term that a pick stands for."""
    size = codes.shape[1]
    if pick >= 2 * size:
        return pick - 2 * size
    return term_of(codes[pick // size, pick % size :])
