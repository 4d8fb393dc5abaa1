"""The same game in OpenSpiel, and agents as its bots.

Lanctot et al. 2019, "OpenSpiel: A Framework for Reinforcement Learning in Games". An environment
names its game there in `Environment.open_spiel`; `pip install 'selfplay[open_spiel]'` installs it.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from selfplay.agent import Agent
from selfplay.environment.contract import NO_PROBLEM, Environment, State


def library() -> Any:
    """The module `pyspiel`. Raises ValueError naming the extra if it is not installed."""
    try:
        import pyspiel
    except ModuleNotFoundError as error:
        raise ValueError(
            "OpenSpiel is not installed; pip install 'selfplay[open_spiel]'"
        ) from error
    return pyspiel


def load(env: Environment[Any]) -> Any:
    """The `pyspiel.Game` that an environment names.

    Raises ValueError if it names none, OpenSpiel does not take it, or has none of these facts.
    """
    name = type(env).__name__
    if env.open_spiel is None:
        raise ValueError(
            f"{name} names no game of OpenSpiel; an environment does so by its attribute "
            'open_spiel, such as "connect_four" or "hex(board_size=5)"'
        )
    pyspiel = library()
    try:
        game = pyspiel.load_game(env.open_spiel)
    except pyspiel.SpielError as error:
        raise ValueError(f"OpenSpiel does not take {env.open_spiel!r}: {error}") from None
    if game.num_players() != env.num_players:
        raise ValueError(
            f"{name} has {env.num_players} players, OpenSpiel's {game} {game.num_players()}"
        )
    return game


def legal_actions(env: Environment[Any], theirs: Any) -> dict[int, int]:
    """Our number of each legal action of a `pyspiel.State` to OpenSpiel's."""
    mover = theirs.current_player()
    return {
        env.from_open_spiel(action, theirs.action_to_string(mover, action)): action
        for action in theirs.legal_actions()
    }


def replay(env: Environment[Any], game: Any, actions: Sequence[int]) -> Any:
    """The `pyspiel.State` after our actions. Raises ValueError naming one that it forbids."""
    theirs = game.new_initial_state()
    for action in actions:
        legal = legal_actions(env, theirs)
        if action not in legal:
            raise ValueError(
                f"OpenSpiel does not allow {env.format_action(action)} here:\n{theirs}"
            )
        theirs.apply_action(legal[action])
    return theirs


def bot(agent: Agent, num_simulations: int | None = None) -> Any:
    """The agent as a `pyspiel.Bot`, for OpenSpiel's own tools, with either colour.

    It reads the history of each state that it is asked about, so it serves several games at once
    and needs no `inform_action`.

    Args:
        agent: of an environment that names its game in OpenSpiel.
        num_simulations: of each search, by default the agent's own setting.

    Raises:
        ValueError: as `load` does; later, where a state is of another game.
    """
    pyspiel, env, game = library(), agent.env, load(agent.env)
    step, start = jax.jit(env.step), jax.jit(env.init)(NO_PROBLEM)

    def mirrored(theirs: Any) -> State:
        """Our state after the history of a `pyspiel.State`."""
        if str(theirs.get_game()) != str(game):
            raise ValueError(f"this agent plays {game}, but was asked about {theirs.get_game()}")
        past, state = game.new_initial_state(), start
        for action in theirs.history():
            name = past.action_to_string(past.current_player(), action)
            state = step(NO_PROBLEM, state, jnp.int32(env.from_open_spiel(action, name)))
            past.apply_action(action)
        return state

    class AgentBot(pyspiel.Bot):
        """A trained agent."""

        def __init__(self) -> None:
            pyspiel.Bot.__init__(self)

        def restart_at(self, state: Any) -> None:
            """Does nothing: a state brings its history."""

        def inform_action(self, state: Any, player_id: int, action: int) -> None:
            """Does nothing, as above."""

        def provides_policy(self) -> bool:
            return True

        def step_with_policy(self, state: Any) -> tuple[list[tuple[int, float]], int]:
            """The search's improved policy over the legal actions, and the action it chooses."""
            decision = agent.act(mirrored(state), num_simulations=num_simulations)
            legal = legal_actions(env, state)
            policy = [(legal[a], float(decision.action_weights[a])) for a in sorted(legal)]
            return policy, legal[decision.action]

        def step(self, state: Any) -> int:
            """The action that the agent's search chooses."""
            return self.step_with_policy(state)[1]

    return AgentBot()
