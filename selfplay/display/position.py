"""One position as a search sees it: tables for a person, from analyses and nothing else."""

import re
import string
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from rich import box
from rich.markup import escape
from rich.table import Table

from selfplay.agent import Analysis
from selfplay.analysis import Step
from selfplay.environment.contract import Environment, Problem, State

MOST_MOVES = 12
"""Rows of a table: what is worth a look fits on a screen."""

_PLIES = 6
"""Of the line beside a move."""

_EIGHTHS = " ▏▎▍▌▋▊▉"
_BAR = 8


class View(NamedTuple):
    """A node of an agent's search."""

    analysis: Analysis
    node: int

    @property
    def value(self) -> float:
        """After the search, for the mover: at the root that of the improved policy."""
        tree = self.analysis.tree
        return self.analysis.decision.value if self.node == 0 else float(tree.values[self.node])

    @property
    def action_weights(self) -> np.ndarray:
        """float [A]: the improved policy at the root, shares of the visits below it."""
        if self.node == 0:
            return self.analysis.decision.action_weights
        visits = self.analysis.tree.visit_counts[self.node]
        return visits / max(1, visits.sum())

    def guess(self, action: int) -> float | None:
        """What the network made of the node that an action leads to, for this node's mover.

        The exact value where the rules end the episode there; None if no simulation went there.
        """
        tree = self.analysis.tree
        child = tree.child(self.node, action)
        if child is None:
            return None
        return float(tree.rewards[child] + tree.discounts[child] * tree.raw_values[child])

    @property
    def favourite(self) -> int | None:
        """The first action of the principal line, if any was tried."""
        best = self.analysis.tree.best_replies(self.node, 1)
        return best[0].action if best else None

    def line(self, action: int) -> list[Step]:
        """The principal line after an action."""
        child = self.analysis.tree.child(self.node, action)
        return [] if child is None else self.analysis.tree.principal_line(child)


def mover(env: Environment, state: State) -> str:
    """Who is to move, in words; empty for a lone player."""
    return "" if env.num_players == 1 else f"{_player(int(state.current_player))} to move"


def outcome(env: Environment, state: State) -> str:
    """How an ended episode ended, in words."""
    if bool(state.truncated):
        return f"Cut off after {int(state.step_count)} moves: the outcome is unknown."
    reward = float(state.rewards[0])
    if env.num_players == 1:
        return f"The episode is over; the last move was rewarded with {reward:+.2f}."
    if reward == 0:
        return "The game is over: a draw."
    return f"The game is over: the {_player(int(reward < 0))} wins."


def _player(player: int) -> str:
    return ("first player", "second player")[player]


def moves_text(env: Environment, actions: Sequence[int]) -> str:
    """Names of moves, with spaces between."""
    return " ".join(env.format_action(int(action)) for action in actions)


def parse_moves(env: Environment, text: str) -> list[int]:
    """Moves with spaces, commas or semicolons between; names of one character may stand close.

    One with a space in its name may stand alone. Raises ValueError for what is no move.
    """
    try:
        return [env.parse_action(text)]
    except ValueError:
        words = re.split(r"[\s,;]+", text.strip(" ,;"))
    names = {env.format_action(action) for action in range(env.num_actions)}
    return [
        env.parse_action(name)
        for word in words
        for name in (word if word not in names and set(word) <= names else (word,))
    ]


def moves_table(
    env: Environment, problem: Problem, state: State, view: View, most: int = MOST_MOVES
) -> Table:
    """The legal moves of a running episode, best first: all that the search knows of them."""
    table = _table(_title(view))
    columns = ("move", "network", "search", "visits", "share", "value", "guess")
    for column in columns:
        table.add_column(column, justify="left" if column == "share" else "right", no_wrap=True)
    table.add_column("then", no_wrap=True, overflow="ellipsis", ratio=1)
    tree, weights = view.analysis.tree, view.action_weights
    best, left_out = _best(env, problem, state, [view], most)
    share = tree.visit_counts[view.node] / max(1, tree.visit_counts[view.node].sum())
    for action in best:
        child, guess = tree.child(view.node, action), view.guess(action)
        if child is not None and tree.ended[child]:
            then = "ends"
        else:
            then = line_text(env, view, view.line(action), _PLIES)
        table.add_row(
            escape(env.format_action(action)),
            _percent(tree.prior[view.node, action]),
            _percent(weights[action]),
            str(tree.visit_counts[view.node, action]),
            bar(float(share[action])),
            _value(None if child is None else tree.qvalues[view.node, action]),
            _value(guess),
            escape(then),
            style=_style(view, action),
        )
    table.caption = left_out
    return table


def comparison_table(
    env: Environment,
    problem: Problem,
    state: State,
    views: dict[str, View | None],
    most: int = MOST_MOVES,
) -> Table:
    """The legal moves as several agents see them, side by side; None where one never looked.

    Above their columns agents are A and B: a name may be longer than all four.
    """
    letters = dict(zip(views, string.ascii_uppercase, strict=False))
    titles = [
        f"{letter}: {name}, {_title(view) if view else 'never looked here'}"
        for (name, view), letter in zip(views.items(), letters.values(), strict=True)
    ]
    table = _table(escape("\n".join(titles)))
    table.padding = (0, 1, 0, 0)  # two agents fit on 80 columns
    longest = max(len(env.format_action(action)) for action in range(env.num_actions))
    table.add_column("\nmove", justify="right", no_wrap=True, min_width=longest)
    for letter in letters.values():
        for column in ("network", "search", "visits", "value"):
            above = letter if column == "network" else ""
            table.add_column(f"{above}\n{column}", justify="right", no_wrap=True)
    best, left_out = _best(env, problem, state, [v for v in views.values() if v], most)
    for action in best:
        cells = [escape(env.format_action(action))]
        for view in views.values():
            cells += ["–"] * 4 if view is None else _cells(view, action)
        table.add_row(*cells)
    table.caption = left_out
    return table


def _cells(view: View, action: int) -> list[str]:
    """Network, search, visits and value of a move; bold where it is the search's favourite."""
    tree, node = view.analysis.tree, view.node
    visits = int(tree.visit_counts[node, action])
    cells = [
        _percent(tree.prior[node, action]),
        _percent(view.action_weights[action]),
        str(visits),
        _value(tree.qvalues[node, action] if visits else None),
    ]
    return [f"[bold]{cell}[/]" for cell in cells] if action == view.favourite else cells


def line_table(env: Environment, view: View) -> Table:
    """The principal line from a node on, move by move."""
    table = _table("the line that the search thinks most of")
    for column in ("ply", "move", "visits", "value", "network"):
        table.add_column(column, justify="right")
    tree, node = view.analysis.tree, view.node
    for ply, step in enumerate(tree.principal_line(node), 1):
        prior = _percent(tree.prior[node, step.action])
        name, ended = escape(env.format_action(step.action)), tree.ended[step.node]
        value = _value(step.qvalue) + (" end" if ended else "")
        table.add_row(str(ply), name, str(step.visits), value, prior)
        node = step.node
    table.caption = "each value is for the player who moves"
    return table


def line_text(env: Environment, view: View, line: list[Step], most: int) -> str:
    """The first moves of a line, and whether it goes on or the episode ends there."""
    text = moves_text(env, [step.action for step in line[:most]])
    if len(line) > most:
        return f"{text} …"
    ends = line and view.analysis.tree.ended[line[-1].node]
    return f"{text} end" if ends else text


def bar(share: float, width: int = _BAR) -> str:
    """A share in [0, 1] as a bar of at most `width` characters."""
    eighths = round(share * width * 8)
    return "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")


def _best(
    env: Environment, problem: Problem, state: State, views: list[View], most: int
) -> tuple[list[int], str | None]:
    """The `most` legal moves that the searches, then the networks, think best of; and a note on
    those left out."""
    legal = np.flatnonzero(np.asarray(env.legal_action_mask(problem, state)))

    def rank(action: int) -> tuple[float, float]:
        priors = [v.analysis.tree.prior[v.node, action] for v in views]
        return max(float(v.action_weights[action]) for v in views), float(max(priors))

    best = sorted((int(a) for a in legal), key=rank, reverse=True)
    left_out = len(best) - most
    return best[:most], f"and {left_out} more moves" if left_out > 0 else None


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", caption_justify="left", box=box.SIMPLE_HEAD)


def _title(view: View) -> str:
    tree, node = view.analysis.tree, view.node
    visits, raw = int(tree.node_visits[node]), float(tree.raw_values[node])
    times = "visit" if visits == 1 else "visits"
    return f"value {view.value:+.2f} by {visits} {times}, network alone {raw:+.2f}"


def _style(view: View, action: int) -> str | None:
    if action == view.favourite:
        return "bold"
    return "dim" if view.analysis.tree.child(view.node, action) is None else None


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _value(value: float | None) -> str:
    return "–" if value is None else f"{value:+.2f}"
