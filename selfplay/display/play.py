"""A person against the agent, in the terminal."""

from pathlib import Path
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console
from rich.table import Table

from selfplay.agent import Agent, Decision, refuse_simulations
from selfplay.environment.contract import Environment, State

HELP = "a move, or: undo, hint (what the agent would do), help, quit"

_QUIT = ("quit", "exit", "q")


def play_in_terminal(
    run: Path,
    *,
    side: Literal["first", "second"],
    simulations: int | None,
    iteration: int | None,
    console: Console | None = None,
) -> None:
    """Plays two-player games until the person quits or the input ends.

    Raises ValueError if the run's environment has no two players, or a search cannot have so many
    simulations.
    """
    console = console or Console()
    if simulations is not None:
        refuse_simulations(simulations)
    agent = Agent.load(run, iteration)
    if agent.env.num_players != 2:
        raise ValueError("play needs a game of two players")
    person = 0 if side == "first" else 1
    history = _begin(console, agent, person)
    while _play_on(console, agent, history, person, simulations):
        console.print(agent.env.render((), history[-1]), "\n", highlight=False, markup=False)
        console.print(_verdict(history[-1], person))
        wish = _ask_at_the_end(console)
        if wish is None:
            break
        if wish == "undo":
            if not _undo(history, person):
                console.print("There is no move of yours to take back.")
        else:
            person = 1 - person
            history = _begin(console, agent, person)
    console.print("Until next time.")


def _begin(console: Console, agent: Agent, person: int) -> list[State]:
    """The history of a new game, in which the person has the side told."""
    side = ("first", "second")[person]
    console.print(f"You are the {side} player. Type {HELP}.\n", highlight=False)
    return [jax.jit(agent.env.init)()]


def _play_on(
    console: Console, agent: Agent, history: list[State], person: int, simulations: int | None
) -> bool:
    """Plays to the end of the game; False if the person quits before."""
    step = jax.jit(agent.env.step)
    while not bool(history[-1].ended):
        state = history[-1]
        console.print(agent.env.render((), state), "\n", highlight=False, markup=False)
        if int(state.current_player) == person:
            action = _ask(console, agent, history, person, simulations)
            if action is None:
                return False
            if action == UNDONE:
                continue
        else:
            with console.status("thinking"):
                decision = agent.act(state, num_simulations=simulations)
            action = decision.action
            console.print(thoughts(agent.env, state, decision))
            name = agent.env.format_action(action)
            console.print(f"The agent plays [bold]{name}[/].\n", highlight=False)
        history.append(step((), state, jnp.int32(action)))
    return True


def _ask_at_the_end(console: Console) -> Literal["undo", "again"] | None:
    """What the person wants after the end of a game; None to quit."""
    while True:
        try:
            word = console.input("undo, again (sides swapped), or quit: ").strip().lower()
        except EOFError:
            return None
        if word in ("undo", "again"):
            return word
        if word in _QUIT:
            return None


UNDONE = -1


def _ask(
    console: Console, agent: Agent, history: list[State], person: int, simulations: int | None
) -> int | None:
    """The person's move; UNDONE after an undo, None to quit."""
    env, state = agent.env, history[-1]
    legal = np.asarray(env.legal_action_mask((), state))
    while True:
        try:
            text = console.input("Your move: ").strip()
        except EOFError:
            return None
        word = text.lower()
        if word in _QUIT:
            return None
        if word == "undo":
            if _undo(history, person):
                return UNDONE
            console.print("There is no move of yours to take back.")
        elif word == "hint":
            console.print(thoughts(env, state, agent.act(state, num_simulations=simulations)))
        elif word in ("", "help", "?"):
            moves = ", ".join(env.format_action(int(a)) for a in np.flatnonzero(legal))
            console.print(f"Type {HELP}. Moves: {moves}.", highlight=False)
        else:
            action = _parse(console, env, text, legal)
            if action is not None:
                return action


def _parse(console: Console, env: Environment, text: str, legal: np.ndarray) -> int | None:
    """The action that `text` names, or None after saying what would do."""
    try:
        action = env.parse_action(text)
    except ValueError as error:
        console.print(f"{error}; or: undo, hint, help, quit.", highlight=False, markup=False)
        return None
    if not legal[action]:
        moves = ", ".join(env.format_action(int(a)) for a in np.flatnonzero(legal))
        message = f"{text} is not allowed here; moves: {moves}."
        console.print(message, highlight=False, markup=False)
        return None
    return action


def _undo(history: list[State], person: int) -> bool:
    """Takes back to the person's last decision; False if there was none."""
    earlier = [i for i, state in enumerate(history[:-1]) if int(state.current_player) == person]
    if not earlier:
        return False
    del history[earlier[-1] + 1 :]
    return True


def thoughts(env: Environment, state: State, decision: Decision, most: int = 8) -> Table:
    """What the agent makes of a position: policy, value and visits of its best moves."""
    table = Table(
        title=f"value {decision.value:+.2f}, network alone {decision.raw_value:+.2f}",
        title_justify="left",
    )
    for column in ("move", "network", "search", "visits", "value"):
        table.add_column(column, justify="right")
    legal = np.flatnonzero(np.asarray(env.legal_action_mask((), state)))
    best = sorted(legal, key=lambda a: -decision.action_weights[a])
    for action in best[:most]:
        visits = int(decision.visit_counts[action])
        table.add_row(
            env.format_action(int(action)),
            f"{100 * decision.prior[action]:.1f} %",
            f"{100 * decision.action_weights[action]:.1f} %",
            str(visits),
            f"{decision.qvalues[action]:+.2f}" if visits else "–",
            style="bold" if action == decision.action else None,
        )
    return table


def _verdict(state: State, person: int) -> str:
    reward = float(state.rewards[person])
    if reward > 0:
        return "[green]You win.[/]"
    return "[red]The agent wins.[/]" if reward < 0 else "A draw."
