"""Implications between laws as people write them: two laws, or their numbers, with ⊢ between."""

import re

from selfplay_envs.proofs.laws import laws
from selfplay_envs.proofs.magma import Law, parse_law

_TURNSTILE = re.compile(r"⊢|\|-")
_SEVERAL = re.compile(r"[,;&∧]")
_NUMBER = re.compile(r"\s*E?\s*([0-9]{1,9})\s*", re.IGNORECASE)


def parse_implication(text: str) -> tuple[Law, Law]:
    """Hypothesis and conclusion, their variables numbered as they occur.

    Such as "x = (y ◇ x) ◇ y |- x = y ◇ (x ◇ y)", or "E387 ⊢ E43" by numbers of the Equational
    Theories Project.

    Raises:
        ValueError: it is no implication of equations; says where.
    """
    sides = _TURNSTILE.split(text)
    if len(sides) != 2:
        raise ValueError(
            "an implication is two laws with ⊢ between them: a hypothesis, ⊢ or |-, and a "
            f"conclusion, such as x = (y ◇ x) ◇ y ⊢ x = y ◇ (x ◇ y), or E387 ⊢ E43; got {text!r}"
        )
    if _SEVERAL.search(text):
        raise ValueError(
            "an implication has one law before ⊢ and one behind it; what follows from several laws "
            f"together cannot be asked, what one implies can, each by itself; got {text.strip()!r}"
        )
    return _law(sides[0]), _law(sides[1])


def _law(text: str) -> Law:
    """By its number, or written out."""
    number = _NUMBER.fullmatch(text)
    if number is None:
        return parse_law(text)[0]
    if not 1 <= int(number[1]) <= len(laws()):
        raise ValueError(
            f"laws have numbers from 1 to {len(laws())}, in the order of the Equational Theories "
            f"Project, got {text.strip()!r}"
        )
    return laws()[int(number[1]) - 1]
