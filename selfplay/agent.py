"""An agent: what a user, a notebook or another library holds of a trained run.

agent = Agent.load("runs/connect_four")
state = agent.env.init()
decision = agent.act(state)
state = agent.env.step((), state, decision.action)
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from selfplay.analysis import Analysis, SearchTree
from selfplay.analysis import Decision as Decision
from selfplay.config import Config, SearchConfig
from selfplay.environment import registry
from selfplay.environment.contract import NO_PROBLEM, Environment, Problem, State
from selfplay.evaluation.players import without_noise
from selfplay.networks.build import build
from selfplay.networks.contract import Params
from selfplay.run import checkpoint
from selfplay.run.directory import RunDirectory
from selfplay.run.names import locate
from selfplay.run.session import read_params
from selfplay.search.model import Evaluator, network_evaluator
from selfplay.search.policy import search, search_with_tree
from selfplay.search.simulation import jit_search
from selfplay.search.tree import MAX_NODES

_LEAST_ROOM = 64
"""Simulations that every search has room for."""


class Agent:
    """A network and a search, in an environment."""

    def __init__(
        self,
        env: Environment[Any],
        evaluator: Evaluator,
        params: Params,
        config: Config,
        iteration: int = 0,
    ):
        """An agent from its parts, after so many iterations; `load` has them from a run."""
        self.iteration = iteration
        self.env = env
        self.evaluator = evaluator
        self.params = params
        self.config = config
        self._search = jit_search(self._one(search), static_argnames="config")
        self._search_with_tree = jit_search(self._one(search_with_tree), static_argnames="config")

    @classmethod
    def load(
        cls,
        run: Path | str,
        iteration: int | None = None,
        env_args: Mapping[str, bool | int | float | str] | None = None,
    ) -> "Agent":
        """The agent of a run, or the one that comes with an environment, by its name; from the
        newest sound checkpoint, or the one or the milestone of an iteration.

        `env_args` take the place of the run's own where they have the same names: a network over
        tokens plays at other sizes than it was trained at.

        Raises ValueError if there is no such run or checkpoint, or if its network does not fit the
        environment that the arguments make.
        """
        folder = RunDirectory(locate(run))
        config = folder.read_config()
        if env_args:
            config = dataclasses.replace(config, env_args=config.env_args | dict(env_args))
        env = registry.make(config.env, **config.env_args)
        network = build(config.network, env)
        path = checkpoint.find(folder.checkpoints, iteration, folder.milestones)
        try:
            params = read_params(path, env, network)
        except ValueError as error:
            if not env_args:
                raise
            raise ValueError(
                f"the network of {run} does not play at other env_args: {error}"
            ) from error
        evaluator = network_evaluator(env, network.apply)
        return cls(env, evaluator, params, config, int(path.name))

    def act(
        self, state: State, problem: Problem = NO_PROBLEM, num_simulations: int | None = None
    ) -> Decision:
        """Decides in one state, exploration noise off.

        Args:
            state: State [], not ended.
            problem: what the episode is about; games have none.
            num_simulations: by default as many as the run's evaluation used; at least 1.

        Raises:
            ValueError: the episode has ended; the problem was left out where there are some; or
                `refuse_simulations` does.
        """
        return Decision.of(self._run(self._search, state, problem, num_simulations))

    def analyse(
        self, state: State, problem: Problem = NO_PROBLEM, num_simulations: int | None = None
    ) -> Analysis:
        """Decides as `act` does, with its arguments and errors, and keeps the search's tree."""
        result, record = self._run(self._search_with_tree, state, problem, num_simulations)
        decision = Decision.of(result)
        return Analysis(state=state, decision=decision, tree=SearchTree.of(record, decision.action))

    def _run(
        self, searching: Any, state: State, problem: Problem, num_simulations: int | None
    ) -> Any:
        """What a jitted search of one state returns, on the host. Raises as `act` does."""
        if bool(state.ended):
            raise ValueError("there is nothing to decide: the episode has ended")
        self.env.refuse_missing(problem)
        if num_simulations is None:
            num_simulations = self.config.evaluation.num_simulations
        refuse_simulations(num_simulations)
        config = without_noise(self.config.search, num_simulations)
        if config.engine == "selfplay":  # one compilation serves all budgets that fit
            config = without_noise(config, _room(num_simulations))
        budget = jnp.int32(num_simulations)
        return jax.device_get(searching(self.params, problem, state, budget, config))

    def _one(self, searching: Any) -> Any:
        """`search` or `search_with_tree`, of one state."""

        def run(
            params: Params,
            problem: Problem,
            state: State,
            budget: jax.Array,
            config: SearchConfig,
        ) -> Any:
            keys = jax.random.split(jax.random.key(0), 1)
            problem, state = jax.tree.map(lambda x: jnp.asarray(x)[None], (problem, state))
            budgets = budget if config.engine == "selfplay" else None
            found = searching(
                self.env, self.evaluator, params, keys, problem, state, config, budgets
            )
            return jax.tree.map(lambda x: x[0], found)

        return run


def refuse_simulations(count: int) -> None:
    """Raises ValueError if a search cannot have so many simulations."""
    if not 1 <= count < MAX_NODES:
        raise ValueError(
            f"a search has 1 to {MAX_NODES - 1:,} simulations, {count:,} were asked for"
        )


def _room(num_simulations: int) -> int:
    """Simulations to make room for: a power of two, so that few programs are compiled."""
    return min(max(_LEAST_ROOM, 1 << (num_simulations - 1).bit_length()), MAX_NODES - 1)
