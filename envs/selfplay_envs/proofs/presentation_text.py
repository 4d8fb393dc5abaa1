"""Balanced presentations on two generators as people write them: "xyx = yxy, x^2 = y^3"."""

import re
from typing import NoReturn

Word = tuple[int, ...]
"""Letters: 1 = x, -1 = x⁻¹, 2 = y, -2 = y⁻¹."""

_LETTER = {"x": 1, "X": -1, "y": 2, "Y": -2}
_PIECE = re.compile(r"([xyXY])(?:\^(?:\((-?\d+)\)|(-?\d+)))?|(\S)")
_RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
_MOST = 1_000
"""Letters of a word before it is reduced: a power that large is a slip."""

FORM = (
    'two relators or relations with a comma between, such as "xyx = yxy, x^2Y^3": letters x and y, '
    "capitals, ^-1 or ⁻¹ for inverses, ^n for powers"
)


def parse(text: str) -> tuple[Word, Word]:
    """The two relators of a presentation, freely reduced; u = v is the relator u v⁻¹.

    Raises:
        ValueError: it is none; or its group is not trivial, since its abelianisation is not: the
            matrix of the relators' exponent sums has a determinant other than 1 and -1.
    """
    inside = text.strip()
    if inside.startswith(("⟨", "<")):
        inside = inside.strip("⟨⟩<> ").partition("|")[2]
    sides = [part.split("=") for part in inside.split(",")]
    if len(sides) != 2:
        _refuse(text, f"there must be 2 relators, as many as letters, got {len(sides)}")
    if any(len(part) > 2 for part in sides):
        _refuse(text, "a relation has one =")
    first, second = (_relator(text, part) for part in sides)
    if abs(found := determinant(first, second)) != 1:
        raise ValueError(
            f"{text!r} does not present the trivial group: the determinant of its relators' "
            f"exponent sums must be 1 or -1, got {found}"
        )
    return first, second


def determinant(first: Word, second: Word) -> int:
    """Of the relators' exponent sums; 1 or -1 where the group's abelianisation is trivial."""
    return _sum(first, 1) * _sum(second, 2) - _sum(first, 2) * _sum(second, 1)


def format_relators(first: Word, second: Word) -> str:
    """Text from which `parse` makes the same relators."""
    return ", ".join(_spell(word) for word in (first, second))


def _relator(text: str, sides: list[str]) -> Word:
    """One part of the text, as one reduced word."""
    words = [_word(text, side) for side in sides]
    letters = words[0] + [-letter for word in words[1:] for letter in reversed(word)]
    word: list[int] = []
    for letter in letters:
        if word and word[-1] == -letter:
            word.pop()
        else:
            word.append(letter)
    return tuple(word)


def _word(text: str, side: str) -> list[int]:
    """The letters of one side, not reduced; "1" is the empty word."""
    side = re.sub("⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda power: f"^({power[0].translate(_RAISED)})", side)
    if side.strip() == "1":
        return []
    letters: list[int] = []
    for name, bracketed, bare, other in _PIECE.findall(side):
        if other:
            _refuse(text, f"{other!r} is no letter")
        power = int(bracketed or bare or "1")
        if len(letters) + abs(power) > _MOST:
            _refuse(text, f"words have at most {_MOST} letters")
        letters += [_LETTER[name] if power > 0 else -_LETTER[name]] * abs(power)
    if not side.strip():
        _refuse(text, 'a word is empty; write "1" for the empty word')
    return letters


def _refuse(text: str, why: str) -> NoReturn:
    raise ValueError(f"a presentation is {FORM}; got {text!r}: {why}")


def _sum(word: Word, generator: int) -> int:
    """How often a generator occurs, its inverse counted as -1."""
    return word.count(generator) - word.count(-generator)


def _spell(word: Word) -> str:
    return "".join(name for letter in word for name, value in _LETTER.items() if value == letter)
