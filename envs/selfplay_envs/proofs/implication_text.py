"""Implications between laws as people write them: two laws, or their numbers, with ⊢ between."""

import re

from selfplay_envs.proofs.laws import laws
from selfplay_envs.proofs.magma import Law, excerpt, parse_law

_TURNSTILE = re.compile(r"⊢|\|-|[-=]>|→|⇒|\bimplies\b", re.IGNORECASE)
_QUANTIFIER = re.compile(r"∀|\bfor ?all\b", re.IGNORECASE)
_SEVERAL = re.compile(r"[,;&∧]")
_NUMBER = re.compile(r"\s*(?:E|Equation)?\s*([0-9]+)\s*", re.IGNORECASE)


def parse_implication(text: str) -> tuple[Law, Law]:
    """Hypothesis and conclusion, their variables numbered as they occur.

    Such as "x = (y ◇ x) ◇ y |- x = y ◇ (x ◇ y)", or "E387 ⊢ E43" by numbers of the Equational
    Theories Project, which may be written Equation387, too. For ⊢ there may be |-, ->, →, =>, ⇒ or
    implies.

    Raises:
        ValueError: it is no implication of equations; says where.
    """
    sides = _TURNSTILE.split(text)
    if len(sides) != 2:
        raise ValueError(
            "an implication is two laws with ⊢ between them: a hypothesis, ⊢ (or |-, ->, implies), "
            "and a conclusion, such as x = (y ◇ x) ◇ y ⊢ x = y ◇ (x ◇ y), or E387 ⊢ E43; "
            f"got {excerpt(text.strip())!r}"
        )
    # Dropped in silence it might be misread: "∀ x, P → Q" is also a way to write ∀ x, (P → Q).
    if found := _QUANTIFIER.search(text):
        raise ValueError(
            "a law holds for all values of its variables and is written without a quantifier, such "
            f"as x * y = y * x ⊢ x = y; leave {found[0]} and its variables out, got "
            f"{excerpt(text.strip())!r}"
        )
    if _SEVERAL.search(text):
        raise ValueError(
            "an implication has one law before ⊢ and one behind it; what follows from several laws "
            f"together cannot be asked, what one implies can, each by itself; got "
            f"{excerpt(text.strip())!r}"
        )
    return _law(sides[0]), _law(sides[1])


def _law(text: str) -> Law:
    """By its number, or written out."""
    number = _NUMBER.fullmatch(text)
    if number is None:
        return parse_law(text)[0]
    digits = number[1].lstrip("0")
    if not digits or len(digits) > len(str(len(laws()))) or int(digits) > len(laws()):
        raise ValueError(
            f"the laws run from E1 to E{len(laws())}, in the order of the Equational Theories "
            f"Project, got {excerpt(text.strip())!r}"
        )
    return laws()[int(digits) - 1]
