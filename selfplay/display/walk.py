"""A walk through the positions of a game and the trees of searches; it asks and draws nothing."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from selfplay.agent import Agent, refuse_simulations
from selfplay.display.position import View
from selfplay.environment.contract import Environment, Problem, State


@dataclasses.dataclass(frozen=True)
class Place:
    """A position on the way, and where it is in the tree of each agent."""

    state: State
    action: int | None = None
    """That led here; None at the start."""
    views: tuple[View | None, ...] = ()
    """One an agent, None where its search never came; empty before any search."""


class Walk:
    """The way from the start of an episode to where one stands.

    A step stays in the tree of the search made last; `search` makes a new tree, whose root is
    where one stands. Going back leads through the trees that one came by.
    """

    def __init__(self, name: str, agent: Agent, problem: Problem, simulations: int | None = None):
        """A walk that begins at the start; the search has the run's simulations by default.

        Raises ValueError if there are fewer than 1 or more than a tree can hold.
        """
        self.agents = {name: agent}
        self.problem = problem
        self.simulations = _checked(simulations)
        self._init = jax.jit(agent.env.init)
        self._step = jax.jit(agent.env.step)
        self._legal = jax.jit(agent.env.legal_action_mask)
        self.places = [Place(self._init(problem))]
        """From the start to here; never changed in place, so that a copy is a reference."""

    @property
    def env(self) -> Environment:
        """The rules, of all agents."""
        return next(iter(self.agents.values())).env

    @property
    def here(self) -> Place:
        """Where one stands."""
        return self.places[-1]

    @property
    def ended(self) -> bool:
        """Whether the episode is over here."""
        return bool(self.here.state.ended)

    @property
    def view(self) -> View | None:
        """Where one stands in the first agent's tree, if its search came here."""
        return self.here.views[0] if self.here.views else None

    @property
    def views(self) -> dict[str, View | None]:
        """Where one stands in each agent's tree."""
        return dict(zip(self.agents, self.here.views, strict=True))

    @property
    def moves(self) -> list[int]:
        """The actions from the start to here."""
        return [place.action for place in self.places if place.action is not None]

    def legal(self) -> list[int]:
        """The moves that the rules allow here; none after the end."""
        if self.ended:
            return []
        return [int(a) for a in np.flatnonzero(self._legal(self.problem, self.here.state))]

    def step(self, actions: list[int]) -> None:
        """Takes moves from here, inside the trees as far as they reach.

        Raises ValueError, having moved nowhere, if one of them is not allowed.
        """
        before = self.places
        for action in actions:
            try:
                self._refuse_illegal(action)
            except ValueError:
                self.places = before
                raise
            state = self._step(self.problem, self.here.state, jnp.int32(action))
            views = tuple(_child(view, action) for view in self.here.views)
            self.places = [*self.places, Place(state, action, views)]

    def back(self) -> None:
        """Takes one move back. Raises ValueError at the start."""
        if len(self.places) == 1:
            raise ValueError("this is the start: there is no move to take back")
        self.places = self.places[:-1]

    def top(self) -> None:
        """Goes back to the root of the first agent's tree."""
        if self.view is not None:
            depth = int(self.view.analysis.tree.depth[self.view.node])
            self.places = self.places[: len(self.places) - depth]

    def restart(self, actions: list[int]) -> None:
        """Goes to the position after so many moves from the start.

        Raises ValueError, having moved nowhere, if one of them is not allowed.
        """
        before, self.places = self.places, [Place(self._init(self.problem))]
        try:
            self.step(actions)
        except ValueError:
            self.places = before
            raise

    def search(self, simulations: int | None = None) -> View:
        """Searches afresh from here by each agent, with so many simulations from now on.

        Returns the first agent's view. Raises ValueError if the episode is over here, or as
        `__init__` does.
        """
        if simulations is not None:
            self.simulations = _checked(simulations)
        state = self.here.state
        views = [
            View(agent.analyse(state, self.problem, self.simulations), 0)
            for agent in self.agents.values()
        ]
        self.places = [*self.places[:-1], dataclasses.replace(self.here, views=tuple(views))]
        return views[0]

    def compare(self, name: str, agent: Agent) -> None:
        """Sets another agent beside the first; all trees are forgotten.

        Raises ValueError if it plays another game.
        """
        first_name, first = next(iter(self.agents.items()))
        ours, theirs = (_rules(a) for a in (first, agent))
        if ours != theirs:
            raise ValueError(f"{name} plays {theirs}, {first_name} plays {ours}")
        if name == first_name:
            raise ValueError(f"{name} is the agent that you look into already")
        self.agents = {first_name: first, name: agent}
        self._forget()

    def compare_no_more(self) -> None:
        """Leaves the first agent alone; all trees are forgotten."""
        first_name, first = next(iter(self.agents.items()))
        self.agents = {first_name: first}
        self._forget()

    def _forget(self) -> None:
        self.places = [dataclasses.replace(place, views=()) for place in self.places]

    def _refuse_illegal(self, action: int) -> None:
        name = self.env.format_action(action)
        if self.ended:
            raise ValueError(f"there is no move {name}: the episode is over")
        legal = self.legal()
        if action not in legal:
            moves = ", ".join(map(self.env.format_action, legal))
            raise ValueError(f"{name} is not allowed here; moves: {moves}")


def _child(view: View | None, action: int) -> View | None:
    """Where an action leads in a tree, if a simulation went there."""
    if view is None:
        return None
    child = view.analysis.tree.child(view.node, action)
    return None if child is None else View(view.analysis, child)


def _rules(agent: Agent) -> str:
    arguments = "".join(f" {key} {value}" for key, value in sorted(agent.config.env_args.items()))
    return agent.config.env + arguments


def _checked(simulations: int | None) -> int | None:
    if simulations is not None:
        refuse_simulations(simulations)
    return simulations
