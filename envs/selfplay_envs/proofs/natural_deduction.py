"""Proofs in natural deduction, line by line: how they are checked, and how a person reads them.

An assumption opens a block, in which it may be used; a later line of the block's surroundings
discharges it (F. B. Fitch, "Symbolic Logic", 1952; D. Prawitz, "Natural Deduction", 1965).
"""

import dataclasses
import enum
from collections.abc import Sequence

from selfplay_envs.proofs.formula import And, Falsum, Formula, Implies, Or
from selfplay_envs.proofs.syntax import show

NOWHERE = -1
"""The block of what stands under no assumption."""


class Rule(enum.Enum):
    """Why a line holds, as a person writes it."""

    ASSUMED = "assumed"
    REPEATED = "repeated"
    AND_MADE = "∧ introduced"
    LEFT_OF_AND = "∧ eliminated (left)"
    RIGHT_OF_AND = "∧ eliminated (right)"
    OR_BY_LEFT = "∨ introduced (left)"
    OR_BY_RIGHT = "∨ introduced (right)"
    CASES = "∨ eliminated"
    DISCHARGED = "→ introduced"
    APPLIED = "→ eliminated"
    ABSURD = "⊥ eliminated"


@dataclasses.dataclass(frozen=True)
class Line:
    """One line of a proof."""

    formula: Formula
    rule: Rule
    premises: tuple[int, ...]
    """Lines that it is drawn from. Of DISCHARGED: an assumption, and what was proved under it. Of
    CASES: a disjunction; its left part, assumed, and what was proved; the same for its right."""
    block: int
    """The assumption under which it stands, or NOWHERE. An assumption stands under the one around
    it, though it may be used in its own block only."""


def check(proof: Sequence[Line], formula: Formula) -> None:
    """Raises ValueError, naming the line, unless the last line of `proof` proves `formula`."""
    for number, line in enumerate(proof):
        try:
            sound = _is_sound(proof, number)
        except (AttributeError, IndexError, ValueError):  # a premise is of another form
            sound = False
        if not sound:
            raise ValueError(f"line {number + 1} does not follow by {line.rule.value}")
    if not proof or proof[-1].formula != formula or proof[-1].block != NOWHERE:
        raise ValueError("the last line is not what was to be proved")
    if proof[-1].rule is Rule.ASSUMED:
        raise ValueError("what was to be proved is assumed")


def _is_sound(proof: Sequence[Line], number: int) -> bool:
    """Whether the line follows from those before it that may be used there."""
    line = proof[number]
    formula, rule = line.formula, line.rule
    if line.block != NOWHERE and not _opens(proof, line.block, number):
        return False
    if rule is Rule.DISCHARGED:
        assumption, conclusion = line.premises
        return formula == Implies(*_discharged(proof, number, assumption, conclusion))
    if rule is Rule.CASES:
        disjunction, *cases = line.premises
        left, first = _discharged(proof, number, *cases[:2])
        right, second = _discharged(proof, number, *cases[2:])
        return (
            _is_visible(proof, disjunction, number, line.block)
            and proof[disjunction].formula == Or(left, right)
            and formula == first == second
        )
    if not all(_is_visible(proof, premise, number, line.block) for premise in line.premises):
        return False
    given = [proof[premise].formula for premise in line.premises]
    match rule, given:
        case Rule.ASSUMED, []:
            return True
        case Rule.REPEATED, [same]:
            return formula == same
        case Rule.AND_MADE, [left, right]:
            return formula == And(left, right)
        case Rule.LEFT_OF_AND, [And() as both]:
            return formula == both.left
        case Rule.RIGHT_OF_AND, [And() as both]:
            return formula == both.right
        case Rule.OR_BY_LEFT, [part]:
            return isinstance(formula, Or) and formula.left == part
        case Rule.OR_BY_RIGHT, [part]:
            return isinstance(formula, Or) and formula.right == part
        case Rule.APPLIED, [Implies() as implication, part]:
            return implication.left == part and implication.right == formula
        case Rule.ABSURD, [Falsum()]:
            return True
    return False


def _discharged(
    proof: Sequence[Line], number: int, assumption: int, conclusion: int
) -> tuple[Formula, Formula]:
    """An assumption that a line discharges, and what was proved under it.

    Raises ValueError if the one is none that stands where the line does, or the other is not there.
    """
    opened = _opens(proof, assumption, number) and proof[assumption].block == proof[number].block
    if not opened or not _is_visible(proof, conclusion, number, assumption):
        raise ValueError("no block can be discharged here")
    return proof[assumption].formula, proof[conclusion].formula


def _opens(proof: Sequence[Line], assumption: int, number: int) -> bool:
    """Whether it is an assumption before the line."""
    return 0 <= assumption < number and proof[assumption].rule is Rule.ASSUMED


def _is_visible(proof: Sequence[Line], premise: int, number: int, block: int) -> bool:
    """Whether a line before `number` may be used in a block."""
    if not 0 <= premise < number:
        return False
    is_assumption = proof[premise].rule is Rule.ASSUMED
    needed = premise if is_assumption else proof[premise].block
    while block not in (needed, NOWHERE):
        block = proof[block].block
    return block == needed


def prune(proof: Sequence[Line]) -> list[Line]:
    """The lines that the last one needs, numbered anew."""
    needed = {len(proof) - 1}
    for number in reversed(range(len(proof))):
        if number in needed:
            needed |= {*proof[number].premises}
    kept = sorted(needed)
    new = {old: number for number, old in enumerate(kept)} | {NOWHERE: NOWHERE}
    return [
        dataclasses.replace(
            proof[old],
            premises=tuple(new[premise] for premise in proof[old].premises),
            block=new[proof[old].block],
        )
        for old in kept
    ]


def as_text(proof: Sequence[Line]) -> str:
    """Numbered lines, with a bar for each assumption under which one stands."""
    rows = []
    for number, line in enumerate(proof):
        opens = line.rule is Rule.ASSUMED
        depth = 0
        block = number if opens else line.block
        while block != NOWHERE:
            depth, block = depth + 1, proof[block].block
        rows.append((f"{number + 1}.", "│ " * depth + show(line.formula), _reason(line)))
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return "\n".join(f"{n:>{widths[0]}} {text:<{widths[1]}}   {why}" for n, text, why in rows)


def _reason(line: Line) -> str:
    """The rule, and the lines that it is drawn from; a block by its first and its last one."""
    numbers = [str(premise + 1) for premise in line.premises]
    blocks = {Rule.DISCHARGED: 0, Rule.CASES: 1}
    if line.rule in blocks:
        start = blocks[line.rule]
        pairs = zip(numbers[start::2], numbers[start + 1 :: 2], strict=True)
        numbers[start:] = [f"{first}–{last}" for first, last in pairs]
    return " ".join([line.rule.value, ", ".join(numbers)]).strip()
