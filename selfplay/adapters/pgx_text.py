"""pgx's positions and actions as text.

Boards are drawn as the mover sees them, from the first planes of pgx's observation; columns are
lettered from the left and rows numbered from the bottom, and the names of actions mean these
squares.
"""

import dataclasses
import importlib
import string
from collections.abc import Mapping
from typing import Any

import numpy as np

from selfplay.environment.contract import State


@dataclasses.dataclass(frozen=True)
class _Look:
    """Where an observation shows pieces."""

    pieces: tuple[str, ...]
    """One a plane, from plane 0 on, for the mover's."""
    opponents: int
    """The first plane of the opponent's, in the same order."""
    hand: tuple[str, ...] = ()
    """Pieces that may be held, in the order of the field `hand` [2, pieces], the mover's first."""


_STONES = _Look(("X",), 1)
_CHESS = _Look(tuple("PNBRQK"), 6)
_SHOGI = (*"PLNSBRGK", *(f"+{piece}" for piece in "PLNSBR"))
_LOOKS = {
    "animal_shogi": _Look(tuple("CEGLH"), 5, tuple("CEG")),
    "chess": _CHESS,
    "connect_four": _STONES,
    "gardner_chess": _CHESS,
    "go_19x19": _STONES,
    "go_9x9": _STONES,
    "hex": _STONES,
    "othello": _STONES,
    "shogi": _Look(_SHOGI, 31, _SHOGI[:7]),
    "tic_tac_toe": _STONES,
}
"""Animal shogi: chick, elephant, giraffe, lion, hen. Shogi: + is a promoted piece."""

_LAST = {"go_19x19": "pass", "go_9x9": "pass", "hex": "swap", "othello": "pass"}
"""The action after those that are the squares, row by row."""


def draw(game: str, observation: np.ndarray, kept: Mapping[str, Any], state: State) -> str:
    """The position as its mover sees it, what is held in hand, and who is to move."""
    mover = int(state.current_player)
    look = _LOOKS.get(game)
    lines = ["no picture of this observation"]
    if look is not None:
        lines = _grid(_pieces(look, observation, mover)) + _hands(look, kept, mover)
    elif observation.ndim == 3:
        lines = [*_grid(_first_planes(observation)), "letters: the first plane set on a square"]
    return "\n".join([*lines, _caption(state, look)])


def action_names(game: str, shape: tuple[int, ...], num_actions: int) -> list[str]:
    """A name for each action, as the mover sees the board: `c3` where actions are squares, `e2e4`
    or `e7e8n` in chess, and otherwise pgx's number.
    """
    if game in _LAST or game == "tic_tac_toe":
        rows, columns = shape[:2]
        squares = [_square(rows, row, column) for row in range(rows) for column in range(columns)]
        return [*squares, *([_LAST[game]] if game in _LAST else [])]
    if game == "connect_four":
        return list(string.ascii_lowercase[:num_actions])
    if game == "chess":
        module = importlib.import_module("pgx._src.games.chess")
        return _chess_names(8, np.asarray(module.FROM_PLANE))
    if game == "gardner_chess":
        module = importlib.import_module("pgx._src.gardner_chess_utils")
        return _chess_names(5, np.asarray(module.TO_MAP))
    return [str(action) for action in range(num_actions)]


def _square(rows: int, row: int, column: int) -> str:
    """The name of a square, in a row counted from the top."""
    return f"{string.ascii_lowercase[column]}{rows - row}"


def _chess_names(size: int, destination: np.ndarray) -> list[str]:
    """Names of AlphaZero's labels, from `destination` int [squares, planes], -1 off the board.

    pgx numbers squares column by column from a1. The first nine planes promote to rook, bishop and
    knight, three directions each; a pawn that arrives otherwise becomes a queen.
    """
    names = []
    for start, ends in enumerate(destination):
        for plane, end in enumerate(ends):
            both = "".join(
                f"{string.ascii_lowercase[s // size]}{s % size + 1}" for s in (start, end)
            )
            promotion = "rbn"[plane // 3] if plane < 9 else ""
            names.append(both + promotion if end >= 0 else str(len(names)))
    return names


def _pieces(look: _Look, observation: np.ndarray, mover: int) -> np.ndarray:
    """str [rows, columns]: player 0's are X or capitals, player 1's O or small letters."""
    board = np.full(observation.shape[:2], ".", dtype="<U2")
    for player, first in ((mover, 0), (1 - mover, look.opponents)):
        for plane, piece in enumerate(look.pieces):
            board[observation[..., first + plane] > 0] = _letter(look, piece, player)
    return board


def _letter(look: _Look, piece: str, player: int) -> str:
    if look is _STONES:
        return "XO"[player]
    return piece if player == 0 else piece.lower()


def _first_planes(observation: np.ndarray) -> np.ndarray:
    """str [rows, columns]: a letter for the first plane that is set on each square."""
    planes = observation[..., : len(string.ascii_lowercase)] > 0
    letters = np.array(list(string.ascii_lowercase))[planes.argmax(axis=-1)]
    return np.where(planes.any(axis=-1), letters, ".")


def _grid(board: np.ndarray) -> list[str]:
    rows, columns = board.shape
    wide, margin = max(len(piece) for piece in board.flat), len(str(rows))
    lines = [
        " ".join([f"{rows - row:{margin}}", *(f"{piece:>{wide}}" for piece in line)])
        for row, line in enumerate(board)
    ]
    letters = (f"{letter:>{wide}}" for letter in string.ascii_lowercase[:columns])
    return [*lines, " ".join([" " * margin, *letters])]


def _hands(look: _Look, kept: Mapping[str, Any], mover: int) -> list[str]:
    """Who holds what, in games with captured pieces in hand."""
    if not look.hand:
        return []
    field = next(name for name in kept if name.rpartition(".")[2].lstrip("_") == "hand")
    held = np.asarray(kept[field])[[mover, 1 - mover]]
    lines = []
    for player, counts in enumerate(held):
        pieces = [
            f"{_letter(look, piece, player)}{count if count > 1 else ''}"
            for piece, count in zip(look.hand, counts.tolist(), strict=True)
            if count
        ]
        lines.append(f"in hand, player {player}: {' '.join(pieces) or 'nothing'}")
    return lines


def _caption(state: State, look: _Look | None) -> str:
    """Who is to move, or how the game ended."""
    players = [f"player {number}" for number in range(len(state.rewards))]
    if look is not None:
        signs = ("X", "O") if look is _STONES else ("capitals", "small letters")
        players = [f"{player} ({sign})" for player, sign in zip(players, signs, strict=True)]
    if not bool(state.ended):
        return f"{players[int(state.current_player)]} to move"
    if bool(state.truncated):
        return "stopped at the step limit"
    rewards = np.asarray(state.rewards)
    if not rewards.any():
        return "a draw"
    return f"{players[int(rewards.argmax())]} has won"
