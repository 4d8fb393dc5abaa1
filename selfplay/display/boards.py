"""A position as a picture for a page: its board as SVG, or its text where it has none."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from markupsafe import Markup

from selfplay.environment.contract import Environment, Problem, State
from selfplay.environment.picture import BoardPicture

_DOT = "h0"
_CROSS = "m-.25-.25l.5 .5m0-.5l-.5 .5"
_CORNER = 0.57735
"""From the centre of a hexagon to its corners, its width being 1."""
_HEX_ROW = 1.5 * _CORNER
_HEXAGON = "m0-.57735l.5 .28868v.57735l-.5 .28868l-.5-.28868v-.57735z"
_ABOVE, _BELOW = "m-.5-.28868l.5-.28868l.5 .28868", "m-.5 .28868l.5 .28868l.5-.28868"
_LEFT, _RIGHT = "m-.5-.28868v.57735l.5 .28868", "m0-.57735l.5 .28868v.57735"


def draw(
    env: Environment[Any],
    problem: Problem,
    state: State,
    *,
    played: int | None = None,
    best: tuple[int, ...] = (),
) -> Markup:
    """The position, with the squares of an action that was played and of those that were best."""
    picture = env.picture(problem, state)
    if picture is None:
        return Markup('<pre class="position">{}</pre>').format(env.render(problem, state))
    return board(picture, played, best)


def board(picture: BoardPicture, played: int | None, best: tuple[int, ...]) -> Markup:
    """The board as SVG, a square being one unit wide.

    Stones are lines without length and with round ends, all of a colour in one path, so that a
    game of hundreds of moves stays small.
    """
    width, height = _size(picture)
    kind = f"{picture.look} {picture.stones}"
    parts = _ground(picture)
    for player in (0, 1):
        here = np.flatnonzero(picture.owners == player)
        if here.size:
            crossed = (picture.stones, player) == ("crosses", 0)
            shape = _path(picture, here, _CROSS if crossed else _DOT)
            parts.append(f'<path class="stone p{player}" d="{shape}"/>')
            if (picture.stones, player) == ("crosses", 1):
                parts.append(f'<path class="inside" d="{shape}"/>')
    if picture.winning:
        won = _path(picture, picture.winning, _DOT)
        parts.append(f'<path class="won" d="{won}"/>')
    for action in best:
        parts.append(_mark(picture, action, "best"))
    if played is not None:
        parts.append(_mark(picture, played, "played"))
    svg = f'<svg class="board {kind}" viewBox="-.1 -.1 {width + 0.2:g} {height + 0.2:g}" role="img"'
    size = f' style="--columns:{width:g}"'
    return Markup(svg + size + ' aria-label="board">' + "".join(parts) + "</svg>")


def _size(picture: BoardPicture) -> tuple[float, float]:
    """Width and height."""
    rows, columns = picture.owners.shape
    if picture.look == "hexagons":
        return columns + (rows - 1) / 2, _HEX_ROW * (rows - 1) + 2 * _CORNER
    return columns, rows


def _ground(picture: BoardPicture) -> list[str]:
    """What is under the stones."""
    (width, height), (rows, columns) = _size(picture), picture.owners.shape
    every = np.arange(picture.owners.size)
    if picture.look == "hexagons":
        board = every.reshape(rows, columns)
        sides = ((0, board[0], _ABOVE), (0, board[-1], _BELOW))
        sides += ((1, board[:, 0], _LEFT), (1, board[:, -1], _RIGHT))
        edges = [f'<path class="edge p{p}" d="{_path(picture, at, d)}"/>' for p, at, d in sides]
        return [*edges, f'<path class="cells" d="{_path(picture, every, _HEXAGON)}"/>']
    wood = f'<rect class="wood" width="{width}" height="{height}" rx=".18"/>'
    if picture.look == "rack":
        return [wood, f'<path class="hole" d="{_path(picture, every, _DOT)}"/>']
    lines = [f"M{x} 0V{rows}" for x in range(1, columns)]
    lines += [f"M0 {y}H{columns}" for y in range(1, rows)]
    return [wood, f'<path class="lines" d="{"".join(lines)}"/>']


def _mark(picture: BoardPicture, action: int, style: str) -> str:
    """A ring on an action's square; nothing for an action without one."""
    square = picture.targets[action].square
    if square is None:
        return ""
    x, y = _centre(picture, square)
    return f'<circle class="{style}" cx="{x:g}" cy="{y:g}" r=".33"/>'


def _path(picture: BoardPicture, squares: Iterable[int], strokes: str) -> str:
    """The same strokes from the centre of each square."""
    centres = (_centre(picture, int(square)) for square in squares)
    return "".join(f"M{x:g} {y:.5g}{strokes}" for x, y in centres)


def _centre(picture: BoardPicture, square: int) -> tuple[float, float]:
    row, column = divmod(square, picture.owners.shape[1])
    if picture.look == "hexagons":
        return column + row / 2 + 0.5, _HEX_ROW * row + _CORNER
    return column + 0.5, row + 0.5
