"""The explorer, fed with what a person would type."""

import io
import re

import numpy as np
import pytest
from rich.console import Console

from selfplay.display import explore, position
from selfplay.display.walk import Walk
from tests.test_analysis import agent_of
from tests.test_analysis import position as start_of


class Terminal(Console):
    """A console that is typed into by a script, and remembers what it said."""

    def __init__(self, *lines: str):
        super().__init__(file=io.StringIO(), width=120)
        self.lines = iter(lines)

    def input(self, prompt="", **_):
        self.print(prompt, end="", markup=False, highlight=False)
        try:
            return next(self.lines)
        except StopIteration:
            raise EOFError from None

    def said(self) -> str:
        """What was said since this was last asked."""
        text = self.file.getvalue()  # type: ignore[attr-defined]
        self.file.seek(0)
        self.file.truncate()
        return text


@pytest.fixture
def walk():
    walk = Walk("one@1", agent_of("tic_tac_toe", "gumbel", "selfplay"), (), 60)
    walk.search()
    return walk


def unseen(walk: Walk) -> str:
    """A legal move that no simulation took."""
    assert walk.view is not None
    children = walk.view.analysis.tree.children[walk.view.node]
    return walk.env.format_action(next(a for a in walk.legal() if children[a] < 0))


def test_a_table_is_shown_after_each_step(walk):
    root, terminal = walk.view, Terminal()
    best = root.analysis.tree.principal_line()[0]
    explore.obey(terminal, walk, walk.env.format_action(best.action))
    said = terminal.said()
    assert walk.env.render((), walk.here.state) in said
    assert "second player to move, 1 into the tree" in said
    assert f"by {best.visits} visits" in said
    rows = [line.split() for line in said.splitlines() if re.match(r" +\d +[\d.]+ % ", line)]
    visits = root.analysis.tree.visit_counts[best.node]
    shown = {walk.env.parse_action(row[0]): int(row[5]) for row in rows}
    assert shown == {a: visits[a] for a in walk.legal()}
    explore.obey(terminal, walk, "up")
    assert walk.view == root and "the root of the search" in terminal.said()


def test_where_no_simulation_went_it_asks(walk):
    walk.search(3)
    there = unseen(walk)
    for answer in ("n", None):
        terminal = Terminal(*[answer] if answer else [])
        explore.obey(terminal, walk, there)
        assert "Search from there?" in terminal.said() and walk.moves == []
    explore.obey(Terminal(""), walk, there)
    assert walk.moves == [walk.env.parse_action(there)]
    assert walk.view is not None and walk.view.node == 0


def test_positions_are_set_up_by_moves(walk):
    terminal = Terminal()
    explore.obey(terminal, walk, "position 5 1 9")
    assert walk.moves == [4, 0, 8] and walk.view.node == 0
    explore.obey(terminal, walk, "play 2 3")
    assert walk.moves == [4, 0, 8, 1, 2] and walk.view.node == 0
    explore.obey(terminal, walk, "position 5 1 9 2 3")
    terminal.said()
    explore.obey(terminal, walk, "up")  # never searched: searched now
    assert walk.moves == [4, 0, 8, 1] and "by 61 visits" in terminal.said()
    explore.obey(terminal, walk, "search 9")
    assert "by 10 visits" in terminal.said()
    explore.obey(terminal, walk, "root")
    assert "by 10 visits" in terminal.said()
    explore.obey(terminal, walk, "position")
    assert walk.moves == []


def test_several_moves_at_once_and_to_the_top(walk):
    line = walk.view.analysis.tree.principal_line()[:2]
    explore.obey(Terminal(), walk, position.moves_text(walk.env, [s.action for s in line]))
    assert walk.view.node == line[-1].node
    explore.obey(Terminal(), walk, "TOP")
    assert walk.view.node == 0 and walk.moves == []


def test_an_ended_game_is_shown_as_ended(walk):
    terminal = Terminal()
    explore.obey(terminal, walk, "position 1 4 2 5")
    terminal.said()
    explore.obey(terminal, walk, "3")
    assert "The game is over: the first player wins." in terminal.said()
    explore.obey(terminal, walk, "help")
    assert "none, the episode is over" in terminal.said()
    explore.obey(terminal, walk, "line")
    assert "No simulation went on from here." in terminal.said()
    with pytest.raises(ValueError, match="the episode is over"):
        explore.obey(terminal, walk, "3")


def test_line_and_help(walk):
    terminal = Terminal()
    explore.obey(terminal, walk, "line")
    said = terminal.said()
    for step in walk.view.analysis.tree.principal_line():
        assert re.search(rf"{walk.env.format_action(step.action)} +{step.visits} ", said)
    explore.obey(terminal, walk, "")
    said = terminal.said()
    assert all(command in said for command in explore.COMMANDS)
    assert "Moves: 1, 2, 3" in said


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hlep", "no action is called 'hlep'"),
        ("1 1", "1 is not allowed here"),
        ("search", "a number of simulations"),
        ("search -3", "a number of simulations"),
        ("search 70000", "1 to 65,534"),
        ("up", "this is the start"),
        ("versus", "versus takes a run"),
        ("versus nowhere", "is not a run"),
        ("versus nowhere@3", "nowhere is not a run"),
        ("position 1 x", "no action is called 'x'"),
    ],
)
def test_mistakes_are_told_and_move_nothing(walk, text, message):
    places = walk.places
    with pytest.raises(ValueError, match=message):
        explore.obey(Terminal(), walk, text)
    assert walk.places == places


def test_a_move_goes_before_a_command_of_its_name(walk, monkeypatch):
    names = ["up", "top", *"cdefghi"]
    monkeypatch.setattr(walk.env, "format_action", lambda a: names[a], raising=False)
    explore.obey(Terminal("y"), walk, "up")
    assert walk.moves == [0]
    explore.obey(Terminal(), walk, "up")  # taken: no move any more
    assert walk.moves == []


def test_a_lone_player_with_a_problem():
    env, problem, _ = start_of("spell")
    walk, terminal = Walk("one@1", agent_of("spell", "gumbel", "selfplay"), problem, 60), Terminal()
    explore.show(terminal, walk)
    assert "the root of the search" in terminal.said()
    for letter in env.format_problem(problem):
        explore.obey(terminal, walk, f"play {letter}")
    assert "The episode is over; the last move was rewarded with +0.25." in terminal.said()
    np.testing.assert_array_equal(walk.moves, np.asarray(problem))
