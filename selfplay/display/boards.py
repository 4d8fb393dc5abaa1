"""A position as a picture for a page: its board as SVG, or its text where it has none."""

from typing import Any

import numpy as np
from markupsafe import Markup

from selfplay.environment.contract import Environment, Problem, State
from selfplay.environment.picture import BoardPicture


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
    """The board as SVG, a square being one unit.

    Stones are lines without length and with round ends, all of a colour in one path, so that a
    game of hundreds of moves stays small.
    """
    rows, columns = picture.owners.shape
    kind = f"{picture.look} {picture.stones}"
    parts = [f'<rect class="wood" width="{columns}" height="{rows}" rx=".18"/>']
    if picture.look == "rack":
        holes = _dots(np.ones_like(picture.owners, np.bool_))
        parts.append(f'<path class="hole" d="{holes}"/>')
    else:
        lines = [f"M{x} 0V{rows}" for x in range(1, columns)]
        lines += [f"M0 {y}H{columns}" for y in range(1, rows)]
        parts.append(f'<path class="lines" d="{"".join(lines)}"/>')
    for player in (0, 1):
        here = picture.owners == player
        if here.any():
            shape = _crosses(here) if (picture.stones, player) == ("crosses", 0) else _dots(here)
            parts.append(f'<path class="stone p{player}" d="{shape}"/>')
            if (picture.stones, player) == ("crosses", 1):
                parts.append(f'<path class="inside" d="{shape}"/>')
    won = np.zeros(picture.owners.size, np.bool_)
    won[list(picture.winning)] = True
    if won.any():
        parts.append(f'<path class="won" d="{_dots(won.reshape(rows, columns))}"/>')
    for action in best:
        parts.append(_mark(picture, action, "best"))
    if played is not None:
        parts.append(_mark(picture, played, "played"))
    svg = f'<svg class="board {kind}" viewBox="-.1 -.1 {columns + 0.2:g} {rows + 0.2:g}" role="img"'
    size = f' style="--columns:{columns}"'
    return Markup(svg + size + ' aria-label="board">' + "".join(parts) + "</svg>")


def _mark(picture: BoardPicture, action: int, style: str) -> str:
    """A ring on an action's square; nothing for an action without one."""
    square = picture.targets[action].square
    if square is None:
        return ""
    row, column = divmod(square, picture.owners.shape[1])
    return f'<circle class="{style}" cx="{column + 0.5}" cy="{row + 0.5}" r=".33"/>'


def _dots(here: np.ndarray) -> str:
    return "".join(f"M{x}.5 {y}.5h0" for y, x in np.argwhere(here))


def _crosses(here: np.ndarray) -> str:
    return "".join(f"M{x}.25 {y}.25l.5 .5m0-.5l-.5 .5" for y, x in np.argwhere(here))
