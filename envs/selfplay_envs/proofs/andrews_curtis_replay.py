"""Replays Andrews–Curtis moves in plain Python; shares no code with `andrews_curtis`.

Twelve moves, six on either relator; r is the relator moved, s the other one:

    0 r → r s    1 r → r s⁻¹    2 r → x r x⁻¹    3 r → x⁻¹ r x    4 r → y r y⁻¹    5 r → y⁻¹ r y

Moves 0 to 5 are of the first relator, 6 to 11 of the second. Words are freely reduced after each.
"""

from collections.abc import Sequence
from typing import Any

from selfplay.environment import Verdict, Verifier

Word = tuple[int, ...]
"""Letters: 1 = x, -1 = x⁻¹, 2 = y, -2 = y⁻¹."""

AC_SOLVER_MOVES = {
    1: 6, 2: 1, 3: 7, 4: 0, 5: 9, 6: 5, 7: 11, 8: 2, 9: 8, 10: 4, 11: 10, 12: 3
}  # fmt: skip
"""The numbers of the paths that Shehper et al. published (AC-Solver), and ours."""

MOST_LETTERS = 1_000
"""Of a word: they can double with every second move or so, and nobody needs such a path."""

_FORMS = ("{0} {1}", "{0} {1}⁻¹", "x {0} x⁻¹", "x⁻¹ {0} x", "y {0} y⁻¹", "y⁻¹ {0} y")
"""What each kind of move makes of its relator, beside the other one."""

_WIDTH = 13
"""Of a move as text."""

_LETTERS = "YX xy"
"""A letter's name, two places after itself."""


def reduced(letters: Sequence[int]) -> Word:
    """The word without letters beside their inverses."""
    word: list[int] = []
    for letter in letters:
        if word and word[-1] == -letter:
            word.pop()
        else:
            word.append(letter)
    return tuple(word)


def inverted(word: Word) -> Word:
    """The inverse of a word."""
    return tuple(-letter for letter in reversed(word))


def moved(relators: tuple[Word, Word], move: int) -> tuple[Word, Word]:
    """Both relators after one move. Raises ValueError where there is no such move."""
    if move not in range(12):
        raise ValueError(f"moves are 0 to 11, got {move}")
    which, kind = divmod(int(move), 6)
    mine, other = relators[which], relators[1 - which]
    if kind < 2:
        new = reduced(mine + (other if kind == 0 else inverted(other)))
    else:
        letter = (1, -1, 2, -2)[kind - 2]
        new = reduced((letter, *mine, -letter))
    return (new, other) if which == 0 else (other, new)


def replayed(relators: tuple[Word, Word], moves: Sequence[int]) -> list[tuple[Word, Word]]:
    """The presentation at the beginning and after each move.

    Raises ValueError as `moved`, and OverflowError for a word of more than MOST_LETTERS letters.
    """
    seen = [relators]
    for move in moves:
        seen.append(moved(seen[-1], move))
        if max(map(len, seen[-1])) > MOST_LETTERS:
            raise OverflowError(
                f"after {len(seen) - 1} moves a word has over {MOST_LETTERS} letters"
            )
    return seen


def is_trivial(relators: tuple[Word, Word]) -> bool:
    """Whether one relator is a single x, the other a single y, or their inverses."""
    letters = sorted(abs(letter) for word in relators for letter in word)
    return letters == [1, 2] and all(len(word) == 1 for word in relators)


def spelled(word: Word) -> str:
    """A word in letters x, y, X, Y (capitals are inverses), "1" if it is empty."""
    return "".join(_LETTERS[letter + 2] for letter in word) or "1"


class ReplayVerifier(Verifier):
    """Says whether moves lead from a presentation to the trivial one.

    UNDECIDED where words grow beyond MOST_LETTERS on the way.
    """

    def verify(self, problem: Any, actions: Sequence[int]) -> Verdict:
        """Whether the moves `actions` trivialise the presentation `problem`."""
        first, second = (
            tuple(int(letter) for letter in word if int(letter) != 0) for word in problem.words
        )
        try:
            reached = replayed((first, second), actions)[-1]
        except ValueError:
            return Verdict.REJECTED
        except OverflowError:
            return Verdict.UNDECIDED
        return Verdict.ACCEPTED if is_trivial(reached) else Verdict.REJECTED


def explained(relators: tuple[Word, Word], moves: Sequence[int]) -> str:
    """The moves as a person would read them, each with the presentation that it leads to."""
    steps = replayed(relators, moves)
    lines = [f"{'start':<{_WIDTH + 5}}{shown(steps[0])}"]
    lines += [
        f"{number:>3}  {_name(move):<{_WIDTH}}{shown(step)}"
        for number, (move, step) in enumerate(zip(moves, steps[1:], strict=True), 1)
    ]
    if is_trivial(steps[-1]):
        lines.append(f"Trivial after {len(moves)} moves.")
    return "\n".join(lines)


def shown(relators: tuple[Word, Word]) -> str:
    """A presentation in the usual brackets."""
    return f"⟨x, y | {spelled(relators[0])}, {spelled(relators[1])}⟩"


def _name(move: int) -> str:
    """A move as text: "r → r s⁻¹"."""
    which, kind = divmod(move, 6)
    mine, other = ("r", "s") if which == 0 else ("s", "r")
    return f"{mine} → {_FORMS[kind].format(mine, other)}"
