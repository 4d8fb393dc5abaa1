"""Moves typed or pasted by a person, read kindly: what is wrong, where, and what would do."""

import re
from collections.abc import Iterator
from typing import Any

from selfplay.display.web.moves import Positions
from selfplay.environment.contract import Problem

_SEPARATED = re.compile(r"[^\s,;]+")


def read_moves(positions: Positions, problem: Problem, text: str) -> dict[str, Any]:
    """The moves that `text` names from the beginning of an episode.

    Names are those of `Environment.parse_action`, parted by spaces, commas or semicolons; where
    every name is a single character, they may stand close together.

    Returns:
        `moves`: the actions, up to the first that cannot be; `error`: None, or its `message`
        with `start` and `end` of the word in the text.
    """
    moves: list[int] = []
    state = positions.start(problem)
    for start, word in _words(positions, text):
        legal = positions.legal(problem, state)
        try:
            action = positions.env.parse_action(word)
        except ValueError:
            action = None
        if action not in legal:
            message = positions.refusal(len(moves) + 1, f"“{word}”", legal)
            if action is None and _may_be_several(positions, word):
                message += "; put spaces between moves"
            error = {"message": message, "start": start, "end": start + len(word)}
            return {"moves": moves, "error": error}
        moves.append(action)
        state = positions.after(problem, state, action)
    return {"moves": moves, "error": None}


def _words(positions: Positions, text: str) -> Iterator[tuple[int, str]]:
    """Where each word begins, and the word."""
    single = all(len(name) == 1 for name in positions.names)
    for match in _SEPARATED.finditer(text):
        if single:
            yield from enumerate(match.group(), match.start())
        else:
            yield match.start(), match.group()


def _may_be_several(positions: Positions, word: str) -> bool:
    """Whether a word that is no name begins with one."""
    return any(word.startswith(name) for name in positions.names)
