"""The explorer in the terminal: a walk through games and through the searches of their positions.

What a search saw is walked with the names of moves; `position.py` draws it, `walk.py` knows where
one stands. Here commands are read and obeyed.
"""

from pathlib import Path

import jax
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from selfplay.agent import Agent
from selfplay.display import position
from selfplay.display.walk import Walk
from selfplay.environment.contract import Environment, Problem
from selfplay.run import names

COMMANDS = {
    "MOVE …": "step into a move, or into several",
    "up, back": "step out again",
    "top": "back to the root of this search",
    "line": "the principal line from here, move by move",
    "root": "search afresh from here",
    "search N": "the same, with N simulations from now on",
    "play MOVE …": "make moves from here, then search afresh",
    "position MOVE …": "go to the position after these moves from the start, and search",
    "versus RUN[@ITERATION]": "set another agent beside this one; versus alone: no more",
    "help": "this, and the moves allowed here",
    "quit": "leave",
}
"""What may be typed, and what it does."""

LEGEND = (
    "network, guess: the network's policy, and its value of the position after the move; "
    "search: the improved policy (below the root: share of visits); "
    "value: the search's. Values are for who is to move, from -1 to 1."
)


def explore_in_terminal(
    run: Path,
    *,
    versus: str | None,
    moves: str,
    simulations: int | None,
    iteration: int | None,
    problem: str | None,
    console: Console | None = None,
) -> None:
    """Walks through searches until the person quits or the input ends.

    Raises ValueError if there is no such run, or a move or the problem makes no sense.
    """
    console = console or Console()
    with console.status("loading"):
        agent = Agent.load(run, iteration)
        walk = Walk(_name(run, agent), agent, _problem(agent.env, problem), simulations)
        walk.restart(position.parse_moves(agent.env, moves))
        if versus is not None:
            _set_beside(walk, versus)
    about = agent.env.format_problem(walk.problem)
    _say(
        console,
        f"{_name(run, agent)} plays {agent.config.env}{about and f': {about}'}. "
        "Type a move to step into it, help for the rest.",
    )
    show(console, walk)
    while (text := _read(console, walk)) is not None:
        try:
            obey(console, walk, text)
        except ValueError as error:
            _say(console, f"{error}; or: help.")


def _say(console: Console, text: str) -> None:
    """Prints text as it is: a board or a move may hold what rich would take for markup."""
    console.print(text, highlight=False, markup=False)


def _read(console: Console, walk: Walk) -> str | None:
    """What was typed; None to leave."""
    prompt = f"[{position.moves_text(walk.env, walk.moves) or 'start'}] "
    try:
        text = console.input(prompt, markup=False).strip()
    except (EOFError, KeyboardInterrupt):
        console.print("\nUntil next time.")
        return None
    if text.lower() in ("quit", "exit", "q"):
        console.print("Until next time.")
        return None
    return text


def obey(console: Console, walk: Walk, text: str) -> None:
    """Does what one line of input says, and shows where that leads.

    A move allowed here goes before a command of the same name. Raises ValueError for what makes
    no sense.
    """
    word, _, rest = text.partition(" ")
    word, rest = word.lower(), rest.strip()
    if _is_move(walk, text):
        _step(console, walk, text)
    elif word in ("up", "back"):
        walk.back()
        show(console, walk)
    elif word == "top":
        walk.top()
        show(console, walk)
    elif word == "line":
        _show_line(console, walk)
    elif word in ("root", "search"):
        _search(console, walk, _number(rest) if word == "search" else None)
        show(console, walk)
    elif word in ("play", "position"):
        actions = position.parse_moves(walk.env, rest)
        walk.step(actions) if word == "play" else walk.restart(actions)
        if not walk.ended:
            _search(console, walk)
        show(console, walk)
    elif word == "versus":
        with console.status("loading"):
            _set_beside(walk, rest)
        show(console, walk)
    elif word in ("", "help", "?"):
        _help(console, walk)
    else:
        _step(console, walk, text)


def show(console: Console, walk: Walk) -> None:
    """Draws the position, and what the search knows of it: searches first if none came here."""
    env, state = walk.env, walk.here.state
    _say(console, f"\n{env.render(walk.problem, state)}\n")
    if walk.ended:
        _say(console, position.outcome(env, state))
        return
    view = walk.view or _search(console, walk)
    depth = int(view.analysis.tree.depth[view.node])
    place = f"{depth} into the tree" if depth else "the root of the search"
    _say(console, ", ".join(filter(None, (position.mover(env, state), place))))
    if len(walk.agents) == 1:
        console.print(position.moves_table(env, walk.problem, state, view))
    else:
        console.print(position.comparison_table(env, walk.problem, state, walk.views))


def _show_line(console: Console, walk: Walk) -> None:
    for name, view in walk.views.items() if walk.here.views else ():
        if len(walk.agents) > 1:
            _say(console, name)
        if view is None or view.favourite is None:
            _say(console, "No simulation went on from here.")
        else:
            console.print(position.line_table(walk.env, view))


def _step(console: Console, walk: Walk, text: str) -> None:
    """Steps into moves; where no simulation went, into a fresh search if that is wanted."""
    before = walk.places
    walk.step(position.parse_moves(walk.env, text))
    if walk.view is None and not walk.ended:
        question = "No simulation went there. Search from there? [Y/n] "
        try:
            answer = console.input(question, markup=False).strip().lower()
        except (EOFError, KeyboardInterrupt):
            answer = "n"
        if answer not in ("", "y", "yes"):
            walk.places = before
            return
    show(console, walk)


def _search(console: Console, walk: Walk, simulations: int | None = None) -> position.View:
    with console.status("searching"):
        return walk.search(simulations)


def _set_beside(walk: Walk, name: str) -> None:
    """Sets the agent `RUN[@ITERATION]` beside the first, or none for the empty name."""
    if not name and len(walk.agents) == 1:
        raise ValueError("versus takes a run, as in: versus runs/other, or runs/other@100")
    if not name:
        walk.compare_no_more()
        return
    run, iteration = names.split(name)
    agent = Agent.load(run, iteration)
    walk.compare(_name(Path(run), agent), agent)


def _help(console: Console, walk: Walk) -> None:
    table = Table.grid(padding=(0, 3))
    for command, meaning in COMMANDS.items():
        table.add_row(escape(command), meaning)
    console.print(table)
    moves = ", ".join(map(walk.env.format_action, walk.legal())) or "none, the episode is over"
    console.print(f"\n{LEGEND}\nMoves: {moves}.")


def _is_move(walk: Walk, text: str) -> bool:
    try:
        return walk.env.parse_action(text) in walk.legal()
    except ValueError:
        return False


def _number(text: str) -> int:
    if not text.isdecimal():
        raise ValueError(f"search takes a number of simulations, as in: search 400; got {text!r}")
    return int(text)


def _name(run: Path, agent: Agent) -> str:
    return f"{names.shown(run)}@{agent.iteration}"


def _problem(env: Environment, text: str | None) -> Problem:
    """The problem described, or any: one that no agent was trained on."""
    if text is not None:
        return env.parse_problem(text)
    return env.sample_problem(jax.random.key(0), "held_out")
