"""Untrained agents in small games, for what a page is told and shows."""

import contextlib
import threading
import time
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from selfplay.agent import Agent
from selfplay.config import Config, EvaluationConfig, NetworkConfig
from selfplay.display.web.server import listen, make_server
from selfplay.display.web.table import Table
from selfplay.environment import BoardPicture, Game, State, Target, registry, zero_sum
from selfplay.environment.observation import ArraySpec
from selfplay.networks.build import build
from selfplay.search.model import network_evaluator

SIMULATIONS = 4


class MarchState(State):
    place: jax.Array
    """int8 [2]: where the stone of each player is."""


class March(Game[MarchState]):
    """Two stones in lanes of three squares: step on or wait; the first at the end wins."""

    num_actions, num_players, max_steps = 3, 2, 8
    observation_spec = ArraySpec(shape=(2,))
    names = ("up", "down", "wait")
    """Who goes first has the upper lane; `wait` has no square."""

    def start(self):
        return MarchState.start(2, place=jnp.zeros(2, jnp.int8))

    def legal(self, state):
        return jnp.stack([state.current_player == 0, state.current_player == 1, jnp.bool_(True)])

    def play(self, state, action):
        mover = state.current_player
        lanes = jnp.arange(2, dtype=jnp.int32)
        place = state.place + (lanes == action).astype(jnp.int8)
        won = place[mover] == 2
        return state.replace(
            place=place,
            current_player=jnp.int8(1) - mover,
            terminated=won,
            rewards=jnp.where(won, zero_sum(mover, jnp.float32(1)), 0.0),
        )

    def view(self, state):
        return state.place.astype(jnp.float32)

    def board(self, state):
        up, down = (int(place) for place in state.place)
        owners = jnp.full((2, 3), -1, jnp.int8).at[0, up].set(0).at[1, down].set(1)
        steps = (Target(min(up + 1, 2), source=up), Target(3 + min(down + 1, 2), source=3 + down))
        return BoardPicture(owners=jax.device_get(owners), targets=(*steps, Target(None)))

    def format_action(self, action):
        return self.names[action]


def make_agent(env: str, seed: int = 0, kind: Any = "mlp", **arguments: int) -> Agent:
    """An untrained agent of `env`, with so few simulations that tests are fast."""
    config = Config(
        env=env,
        env_args=arguments,
        network=NetworkConfig(kind=kind, width=8, depth=1),
        evaluation=EvaluationConfig(num_simulations=SIMULATIONS),
    )
    game = registry.make(env, **arguments)
    network = build(config.network, game)
    params = network.init(jax.random.key(seed))
    return Agent(game, network_evaluator(game, network.apply), params, config)


@pytest.fixture(scope="session")
def agents():
    """Two untrained agents of a small Connect Four, by name."""
    size = {"rows": 4, "columns": 4, "in_a_row": 3}
    return {
        "one": make_agent("connect_four", 0, **size),
        "two": make_agent("connect_four", 1, **size),
    }


@pytest.fixture(scope="session")
def speller():
    """An untrained agent for a lone player, with a problem."""
    return make_agent("tests.worlds:Spell", kind="transformer")


@pytest.fixture(scope="session")
def marcher():
    """An untrained agent of a game in which stones move."""
    return make_agent(f"{__name__}:March")


@contextlib.contextmanager
def serving(agents, **options):
    """The address of a page for these agents, while it is served."""
    with contextlib.closing(Table(agents, "first", **options)) as table, listen(0) as listener:
        port = listener.getsockname()[1]
        server = make_server(table, port)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield f"127.0.0.1:{port}"
        finally:
            table.close()
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="package")
def address(agents):
    """Of a page for two agents of a small Connect Four."""
    with serving(agents) as address:
        yield address
